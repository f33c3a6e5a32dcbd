//! Overrides from the environment: `COUNTERFOIL_SANDBOX__LIMITS__BURST=500` is `sandbox.limits.burst`. A variable without
//! a double underscore is not an override.

use toml::{Table, Value};

use super::Problems;

/// The process's variables that start with `COUNTERFOIL_`.
#[derive(Clone, Default)]
pub struct Variables(Vec<(String, String)>);

const PREFIX: &str = "COUNTERFOIL_";
/// These hold secrets and are no overrides: see `secrets`.
pub(super) const SECRET_PREFIX: &str = "COUNTERFOIL_SECRET_";

impl Variables {
    pub fn of_the_process() -> Variables {
        Variables::from_pairs(std::env::vars())
    }

    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Variables {
        Variables(pairs.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    /// Whether anything is overridden.
    pub fn override_something(&self) -> bool {
        self.overrides().next().is_some()
    }

    /// The secret called `name`, which is kept apart from what may be shown.
    pub(super) fn secret(&self, name: &str) -> Option<&str> {
        let wanted = format!("{SECRET_PREFIX}{name}");
        self.0.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    }

    pub(super) fn apply(&self, tree: &mut Table, defaults: &Table, problems: &mut Problems) {
        for (name, path, text) in self.overrides() {
            let Some(like) = find(defaults, &path) else {
                problems.0.push(format!("environment variable {name} names no value of the configuration: remove it"));
                continue;
            };
            match parse(text, like) {
                Ok(value) => put(tree, &path, value),
                Err(remedy) => problems.0.push(format!("environment variable {name} {remedy}")),
            }
        }
    }

    fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().filter(|(name, _)| !name.starts_with(SECRET_PREFIX)).filter_map(|(name, text)| {
            let path: Vec<String> = name.strip_prefix(PREFIX)?.split("__").map(str::to_lowercase).collect();
            (path.len() > 1).then_some((name.as_str(), path, text.as_str()))
        })
    }
}

/// The default at `path`, unless that is a table.
fn find<'t>(table: &'t Table, path: &[String]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    match (table.get(first)?, rest.is_empty()) {
        (Value::Table(inner), false) => find(inner, rest),
        (Value::Table(_), true) | (_, false) => None,
        (value, true) => Some(value),
    }
}

fn parse(text: &str, like: &Value) -> Result<Value, String> {
    match like {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| "is not a whole number".to_owned()),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn put(table: &mut Table, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
    } else if let Value::Table(inner) = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())) {
        put(inner, rest, value);
    }
}
