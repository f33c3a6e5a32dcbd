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

#[cfg(test)]
mod tests {
    use super::super::tests::{problems, start};
    use super::super::{DEFAULT, Role, Sources, Variables, veil};

    #[test]
    fn each_role_may_have_a_database_of_its_own_and_none_is_shown_whole() {
        let address = "postgres://me:hush@db.example:6432/pay?application_name=x";
        let config =
            start(DEFAULT, &[("COUNTERFOIL_LIVE__STORE", address)], &Role::ALL).map_err(|said| said.0).unwrap();
        assert_eq!(config.live.plane.database.as_ref().map(|url| url.database()), Some("pay"));
        assert!(config.sandbox.plane.database.is_none() && config.control.database.is_none());
        // A secret's variable wins over what may be shown.
        let secret = ("COUNTERFOIL_SECRET_CONTROL_STORE", "postgres://me@db.example/other");
        let config = start(DEFAULT, &[("COUNTERFOIL_CONTROL__STORE", address), secret], &Role::ALL);
        let config = config.map_err(|said| said.0).unwrap();
        assert_eq!(config.control.database.as_ref().map(|url| url.database()), Some("other"));

        for (store, said) in [
            ("mysql://me:hush@db.example/pay", "begins with postgres://"),
            ("postgres://me:hush@db.example", "names a database"),
            ("postgres:///pay", "names a host"),
            ("postgres://me:hush@db.example:port/pay", "`live.store` is not the address of a database"),
        ] {
            let found = problems(DEFAULT, &[("COUNTERFOIL_LIVE__STORE", store)]);
            assert!(
                found.contains("`live.store`") && found.contains(said) && !found.contains("hush"),
                "{store}: {found}"
            );
        }
        let same = [
            ("COUNTERFOIL_LIVE__STORE", address),
            ("COUNTERFOIL_SANDBOX__STORE", "postgres://you@db.example:6432/pay"),
        ];
        let found = problems(DEFAULT, &same);
        assert!(found.contains("`live.store` is the database of `sandbox.store` too"), "{found}");
        let other_port =
            [("COUNTERFOIL_LIVE__STORE", address), ("COUNTERFOIL_SANDBOX__STORE", "postgres://db.example/pay")];
        assert!(start(DEFAULT, &other_port, &Role::ALL).is_ok());

        let variables = Variables::from_pairs([("COUNTERFOIL_LIVE__STORE".to_owned(), address.to_owned())]);
        let mut tree = Sources { file: None, variables, needed: &[] }.tree().map_err(|said| said.0).unwrap();
        veil(&mut tree);
        assert_eq!(tree["live"]["store"].as_str(), Some("postgres://db.example/pay"));
        assert_eq!(tree["sandbox"]["store"].as_str(), Some(""));
    }
}
