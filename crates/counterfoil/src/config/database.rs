//! Addresses of databases. They may hold a password, so no complaint repeats one and none is shown whole.

use store::PostgresUrl;
use toml::{Table, Value};

use super::check::Check;
use super::{Config, Role};

impl Check<'_> {
    /// The database that `<role>.store` names; the variable `COUNTERFOIL_SECRET_<ROLE>_STORE` wins.
    pub(super) fn database(&mut self, role: &str, text: &str) -> Option<PostgresUrl> {
        let variables = &self.sources.variables;
        let text = variables.secret(&format!("{}_STORE", role.to_uppercase())).unwrap_or(text).trim();
        if text.is_empty() {
            return None;
        }
        match PostgresUrl::parse(text) {
            Ok(url) => Some(url),
            Err(fault) => {
                // Only what is wrong in our own words: what lies beneath may quote the address.
                let remedy = format!("is not the address of a database ({fault}): give postgres://user@host/database");
                self.problems.add(&format!("{role}.store"), remedy);
                None
            }
        }
    }

    /// Two roles in one database would be one store.
    pub(super) fn databases_of_their_own(&mut self, config: &Config) {
        let databases = [
            (Role::Control, &config.control.database),
            (Role::Sandbox, &config.sandbox.plane.database),
            (Role::Live, &config.live.plane.database),
        ];
        for (at, (role, database)) in databases.iter().enumerate() {
            for (earlier, other) in &databases[..at] {
                if let (Some(database), Some(other)) = (database, other)
                    && database.may_be_the_same(other)
                {
                    let remedy = format!("is the database of `{}.store` too: give each its own", earlier.word());
                    self.problems.add(&format!("{}.store", role.word()), remedy);
                }
            }
        }
    }
}

/// Leaves of each database's address what may be shown: hosts and name.
pub fn veil(tree: &mut Table) {
    for role in Role::ALL {
        let store = tree.get_mut(role.word()).and_then(|section| section.get_mut("store"));
        if let Some(Value::String(text)) = store
            && !text.is_empty()
        {
            *text = match PostgresUrl::parse(text) {
                Ok(url) => format!("postgres://{}", url.shown()),
                Err(_) => "postgres://".to_owned(),
            };
        }
    }
}
