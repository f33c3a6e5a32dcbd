//! The cluster that is measured: its settings, and databases of our own in it. A database that this run did not make is
//! neither changed nor dropped.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use base::Chance as _;

use super::programs::Programs;

/// Without these a commit is not durable, and its rate says nothing.
const DURABLE: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];
/// What else decides the rate and belongs into the report.
const TELLING: [&str; 6] = [
    "server_version",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
    "synchronous_standby_names",
];

/// Settings as the server tells them, by name.
pub type Settings = BTreeMap<String, String>;

/// A cluster, reached through a database that exists.
pub struct Cluster {
    pub programs: Programs,
    url: String,
    /// Begins the name of every database that this run makes.
    prefix: String,
}

/// A database that this run made, and every one whose name begins with its name.
pub struct Database {
    name: String,
    pub url: String,
}

impl Cluster {
    /// Takes a prefix that no database in the cluster has.
    pub async fn reach(programs: Programs, url: &str) -> anyhow::Result<Cluster> {
        ensure!(
            url.starts_with("postgres://") || url.starts_with("postgresql://"),
            "--store: the address of a PostgreSQL cluster begins with postgres://"
        );
        let prefix = format!("counterfoil_bench_{:08x}", base::OsChance.below(1 << 32));
        let cluster = Cluster { programs, url: url.to_owned(), prefix };
        let taken = cluster.names(&cluster.prefix).await.context("--store: reaching the cluster")?;
        ensure!(taken.is_empty(), "a database beginning with {} is there already; run again", cluster.prefix);
        Ok(cluster)
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The settings that decide what a commit means and costs, as a session of this user has them.
    pub async fn settings(&self) -> anyhow::Result<Settings> {
        let names: Vec<String> = DURABLE.iter().chain(&TELLING).map(|name| format!("'{name}'")).collect();
        let ask = format!("SELECT name, current_setting(name) FROM pg_settings WHERE name IN ({})", names.join(", "));
        let told = self.programs.psql(&self.url, &["--command", &ask]).await?;
        let pairs = told.lines().filter_map(|line| line.split_once('|'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A new, empty database.
    pub async fn fresh(&self, number: u64) -> anyhow::Result<Database> {
        let name = format!("{}_{number:06}", self.prefix);
        self.programs.psql(&self.url, &["--command", &format!("CREATE DATABASE {name}")]).await?;
        Ok(Database { url: with_database(&self.url, &name), name })
    }

    /// Writes out what earlier rounds left dirty, so that it does not slow the next one. Who may not ask for it does without.
    pub async fn settle(&self) {
        if let Err(error) = self.programs.psql(&self.url, &["--command", "CHECKPOINT"]).await {
            eprintln!("  no checkpoint before this round: {error:#}");
        }
    }

    /// Drops it and what a server made beside it: the databases of its environments, whose names begin with its own.
    pub async fn drop(&self, database: Database) -> anyhow::Result<()> {
        for name in self.names(&database.name).await? {
            let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            self.programs.psql(&self.url, &["--command", &sql]).await?;
        }
        Ok(())
    }

    async fn names(&self, beginning: &str) -> anyhow::Result<Vec<String>> {
        let ask = format!("SELECT datname FROM pg_database WHERE starts_with(datname::text, '{beginning}')");
        Ok(self.programs.psql(&self.url, &["--command", &ask]).await?.lines().map(str::to_owned).collect())
    }
}

/// The durable settings that are off, in words. Figures from such a server are not judged.
pub fn weakness(settings: &Settings) -> Option<String> {
    let off: Vec<String> = DURABLE
        .iter()
        .filter(|name| settings.get(**name).is_none_or(|value| value == "off"))
        .map(|name| format!("{name}={}", settings.get(*name).map_or("unknown", String::as_str)))
        .collect();
    (!off.is_empty()).then(|| off.join(", "))
}

/// `url` with another database: the path between the host and the options.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, String::new()), |(at, rest)| (at, format!("?{rest}")));
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    format!("{}/{name}{options}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_an_address_changes() {
        assert_eq!(with_database("postgres://a@h:1/postgres", "t"), "postgres://a@h:1/t");
        assert_eq!(with_database("postgresql://a:b@h", "t"), "postgresql://a:b@h/t");
        assert_eq!(with_database("postgres://h:1,i:2/x?sslmode=disable", "t"), "postgres://h:1,i:2/t?sslmode=disable");
    }

    #[test]
    fn a_server_that_does_not_sync_is_named_weak() {
        let with = |change: Option<(&str, &str)>| {
            let mut settings: Settings = DURABLE.iter().map(|name| ((*name).to_owned(), "on".to_owned())).collect();
            settings.extend(change.map(|(name, value)| (name.to_owned(), value.to_owned())));
            settings
        };
        assert_eq!(weakness(&with(None)), None);
        assert_eq!(weakness(&with(Some(("synchronous_commit", "remote_apply")))), None);
        for name in DURABLE {
            assert_eq!(weakness(&with(Some((name, "off")))), Some(format!("{name}=off")));
        }
        assert_eq!(
            weakness(&Settings::new()).unwrap().matches("unknown").count(),
            3,
            "what is not told is not trusted"
        );
    }
}
