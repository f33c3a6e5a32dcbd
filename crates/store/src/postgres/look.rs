//! What a database is, before a store is made of it.

use std::collections::{BTreeMap, BTreeSet};

use base::Fault;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, IsolationLevel, Row as SqlRow};

use super::columns::key_columns;
use super::errors::{before_commit, words};
use super::link::{Link, patiently};
use super::take::PgTake;
use super::text::listed;
use super::url::PostgresUrl;
use crate::engine::EngineError;
use crate::inspect::Look;
use crate::row::{Corrupt, Spec, Take};

/// Rows that are fetched at once.
const PAGE: i32 = 2_000;
/// Tables of the engine's own, which hold no rows of the schema.
const OWN: [&str; 2] = ["identity", "batch"];

/// A connection for looking at a database.
struct PgLook {
    runtime: Runtime,
    link: Link,
}

/// A database that may be used elsewhere. Blocks; must not be called from a task.
pub(crate) fn look_at(url: &PostgresUrl) -> Result<impl Look + use<>, Fault> {
    connect(url)
}

fn connect(url: &PostgresUrl) -> Result<PgLook, Fault> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::because("starting a runtime", error))?;
    let link = runtime.block_on(Link::to(url));
    let link = link.map_err(|error| Fault::because(format!("looking at the store {}", url.shown()), error))?;
    Ok(PgLook { runtime, link })
}

/// Gives the store another identity.
pub(crate) fn rename(url: &PostgresUrl, from: &str, to: &str) -> Result<(), Fault> {
    let PgLook { runtime, link } = connect(url)?;
    let fault = |error: &Error| Fault::new(format!("renaming the store: {}", words(error)));
    let sql = "UPDATE identity SET name = $2 WHERE name = $1";
    let renamed = runtime.block_on(patiently(link.client.execute(sql, &[&from, &to])));
    match renamed.map_err(|error| Fault::because("renaming the store", error))?.map_err(|error| fault(&error))? {
        1 => Ok(()),
        _ => Err(Fault::new(format!("the store is not `{from}`: it was left as it is"))),
    }
}

/// Removes every table of the store, in one transaction.
pub(crate) fn remove(url: &PostgresUrl) -> Result<(), Fault> {
    let look = connect(url)?;
    let tables: Vec<String> =
        look.columns_of_all()?.into_keys().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let sql = format!("DROP TABLE {}", tables.join(", "));
    let dropped = look.runtime.block_on(patiently(look.link.client.batch_execute(&sql)));
    let dropped = dropped.map_err(|error| Fault::because("removing an unfinished copy", error))?;
    dropped.map_err(|error| Fault::new(format!("removing an unfinished copy: {}", words(&error))))
}

impl PgLook {
    fn query(&self, sql: &str) -> Result<Vec<SqlRow>, Fault> {
        let rows = self.runtime.block_on(patiently(self.link.client.query(sql, &[])));
        let reading = "reading what the database is";
        rows.map_err(|error| Fault::because(reading, error))?
            .map_err(|error| Fault::new(format!("{reading}: {}", words(&error))))
    }

    /// `None` when the database is empty.
    fn own(&self) -> Result<Option<(String, i64)>, Fault> {
        let tables = self.columns_of_all()?;
        if !tables.contains_key("identity") {
            return match tables.is_empty() {
                true => Ok(None),
                false => Err(Fault::new("the database has tables of another program")),
            };
        }
        let rows = self.query("SELECT name, version FROM identity ORDER BY name")?;
        let Some(row) = rows.first() else { return Ok(None) };
        let read = || Ok((row.try_get(0)?, row.try_get(1)?));
        read().map(Some).map_err(|error: Error| Fault::new(format!("reading the store's identity: {}", words(&error))))
    }

    fn columns_of_all(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Fault> {
        let rows = self.query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema()",
        )?;
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows {
            let pair = || Ok((row.try_get(0)?, row.try_get(1)?));
            let (table, column) =
                pair().map_err(|error: Error| Fault::new(format!("reading the store's tables: {}", words(&error))))?;
            tables.entry(table).or_default().insert(column);
        }
        Ok(tables)
    }
}

impl Look for PgLook {
    fn identity(&mut self) -> Result<Option<String>, Fault> {
        Ok(self.own()?.map(|(name, _)| name))
    }

    fn version(&mut self) -> Result<u32, Fault> {
        let version = self.own()?.map_or(0, |(_, version)| version);
        u32::try_from(version).map_err(|error| Fault::because("reading the store's version", error))
    }

    fn columns(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, Fault> {
        let mut tables = self.columns_of_all()?;
        tables.retain(|name, _| !OWN.contains(&name.as_str()));
        Ok(tables)
    }

    fn expected(&self, spec: &Spec) -> BTreeSet<String> {
        spec.columns.iter().map(|column| column.name).chain(["sum"]).map(str::to_owned).collect()
    }

    fn scan(
        &mut self,
        spec: &'static Spec,
        found: &mut dyn FnMut(Result<&mut dyn Take, Corrupt>),
    ) -> Result<(), EngineError> {
        let keys: Vec<&str> = spec.columns[..key_columns(spec)].iter().map(|column| column.name).collect();
        let sql = format!("SELECT {} FROM {} ORDER BY {}", listed(spec, ""), spec.name, keys.join(", "));
        self.runtime.block_on(async {
            let begin = self.link.client.build_transaction();
            let begin = begin.isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let transaction = patiently(begin.start()).await?.map_err(|error| before_commit(&error))?;
            let none: [&(dyn ToSql + Sync); 0] = [];
            let portal = transaction.bind(&sql, &none).await.map_err(|error| before_commit(&error))?;
            loop {
                let rows = transaction.query_portal(&portal, PAGE).await.map_err(|error| before_commit(&error))?;
                for row in &rows {
                    match PgTake::checked(row, spec, 0) {
                        Ok(mut take) => found(Ok(&mut take)),
                        Err(corrupt) => found(Err(corrupt)),
                    }
                }
                if rows.is_empty() {
                    return transaction.commit().await.map_err(|error| before_commit(&error));
                }
            }
        })
    }

    fn others(&mut self) -> Result<u64, Fault> {
        let rows = self.query(
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'counterfoil' AND pid <> pg_backend_pid()",
        )?;
        let count: i64 = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        Ok(count.unsigned_abs())
    }

    /// The server has no check that a client may run without an extension.
    fn damage(&mut self) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
}
