//! Compares a configuration with the defaults: every value is there, none is unknown, each has the right type.

use toml::{Table, Value};

use super::{Problems, ranges};

pub(super) fn compare(found: &Table, wanted: &Table, problems: &mut Problems) {
    table("", found, wanted, problems);
}

fn table(path: &str, found: &Table, wanted: &Table, problems: &mut Problems) {
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for key in found.keys().filter(|key| !wanted.contains_key(*key)) {
        let known: Vec<&str> = wanted.keys().map(String::as_str).collect();
        problems.add(&inner(key), format!("is unknown: remove it; known here are {}", known.join(", ")));
    }
    for (key, wanted) in wanted {
        match found.get(key) {
            Some(found) => value(&inner(key), found, wanted, problems),
            None => problems.add(&inner(key), missing(wanted)),
        }
    }
}

fn value(path: &str, found: &Value, wanted: &Value, problems: &mut Problems) {
    match (found, wanted) {
        (Value::Table(found), Value::Table(wanted)) => table(path, found, wanted, problems),
        (Value::Integer(number), Value::Integer(_)) => ranges::check(path, *number, problems),
        (Value::Array(found), Value::Array(wanted)) => {
            let like = wanted.first().cloned().unwrap_or_else(|| Value::String("10.0.0.0/8".to_owned()));
            for (at, found) in found.iter().enumerate() {
                value(&format!("{path}[{at}]"), found, &like, problems);
            }
        }
        (found, wanted) if found.type_str() == wanted.type_str() => {}
        (found, wanted) => {
            problems.add(path, format!("is {}: give {}{}", noun(found), noun(wanted), example(wanted)));
        }
    }
}

fn missing(wanted: &Value) -> String {
    match wanted {
        Value::Table(_) => "is missing: add the section; `counterfoil config print` shows it".to_owned(),
        Value::Array(items) if items.first().is_some_and(Value::is_table) => {
            "is missing: add at least one; `counterfoil config print` shows the standard ones".to_owned()
        }
        wanted => format!("is missing: add it; the default is {wanted}"),
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "a truth value",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn example(wanted: &Value) -> String {
    match wanted {
        Value::Table(_) => String::new(),
        wanted => format!(", such as {wanted}"),
    }
}
