//! Opening a store's database: settings, identity, migrations. A database that is not ours is left as it is.

use base::Fault;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::engine::PgEngine;
use super::errors::words;
use super::link::Link;
use super::proof::Proof;
use super::read::PgReadSide;
use super::url::PostgresUrl;
use crate::engine::{Engine, EngineError, ReadSide};
use crate::readers::Readers;
use crate::schema::Schema;

/// Read connections of one process: more of them were slower than fewer.
const READERS_MOST: usize = 12;
/// The oldest version that has everything used here.
const OLDEST: i64 = 150_000;
/// How often the first tables are tried when several processes make them at once.
const TRIES: u32 = 5;

const OWN: &str = "CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, version BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (committer TEXT NOT NULL, number BIGINT NOT NULL, kept BIGINT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (committer, number))";

pub(crate) struct Postgres {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) readers: Readers,
    pub(crate) proof: Proof,
}

/// Connects, migrates, and answers both sides. Blocks; must not be called from a task.
pub(crate) fn open(url: &PostgresUrl, schema: &Schema, identity: &str, strict: bool) -> Result<Postgres, Fault> {
    let fault = |error| Fault::because("starting a runtime", error);
    let mut runtime = Background(Some(Builder::new_current_thread().enable_all().build().map_err(fault)?));
    let name = format!("{}/{identity}", schema.kind);
    let opened = std::thread::scope(|scope| {
        // On a thread of its own: the caller's may belong to a runtime, which does not let itself be blocked.
        scope.spawn(|| runtime.get()?.block_on(prepare(url, schema, &name, strict))).join()
    });
    let opened = opened.unwrap_or_else(|_| Err(Fault::new("opening a database panicked")));
    let (link, committer) =
        opened.map_err(|fault| Fault::because(format!("opening the store {}", url.shown()), fault))?;
    let reading = Builder::new_multi_thread().worker_threads(1).thread_name("store-read").enable_all().build();
    let reading = Background(Some(reading.map_err(fault)?));
    let (address, proof) = (url.clone(), Proof::of(committer));
    let proven = proof.clone();
    let open = move || {
        let runtime = reading.get().map_err(|fault| EngineError::Unreachable(fault.chain()))?;
        let side = PgReadSide::open(&address, runtime.handle(), &proven)?;
        Ok(Box::new(side) as Box<dyn ReadSide>)
    };
    let readers = Readers::new(READERS_MOST, READERS_MOST, Box::new(open));
    let runtime = runtime.0.take().ok_or_else(closed)?;
    let engine = Box::new(PgEngine::new(runtime, url.clone(), link, proof.clone()));
    Ok(Postgres { engine, readers, proof })
}

/// A runtime that may be dropped anywhere, in a task too, as when a store is refused.
struct Background(Option<Runtime>);

impl Background {
    fn get(&self) -> Result<&Runtime, Fault> {
        self.0.as_ref().ok_or_else(closed)
    }
}

fn closed() -> Fault {
    Fault::new("the store is closed")
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn prepare(url: &PostgresUrl, schema: &Schema, name: &str, strict: bool) -> Result<(Link, String), Fault> {
    let link = Link::to(url).await.map_err(|error| Fault::because("connecting", error))?;
    check_version(&link.client).await?;
    if strict {
        check_durable(&link.client).await?;
    }
    make_own_tables(&link.client).await?;
    migrate(&link.client, schema, name).await?;
    let fault = |error: tokio_postgres::Error| Fault::new(words(&error));
    link.client
        .batch_execute("DELETE FROM batch WHERE at < ((extract(epoch FROM now()) - 86400) * 1000000)::bigint")
        .await
        .map_err(fault)?;
    let committer = link.client.query_one("SELECT gen_random_uuid()::text", &[]).await.map_err(fault)?.get(0);
    Ok((link, committer))
}

async fn check_version(client: &Client) -> Result<(), Fault> {
    let number = text(client, "SELECT current_setting('server_version_num')").await?;
    let number: i64 = number.parse().map_err(|error| Fault::because("reading the server's version", error))?;
    // Others that speak the wire count their versions otherwise.
    let own = text(client, "SELECT version()").await?.starts_with("PostgreSQL");
    if own && number < OLDEST {
        return Err(Fault::new(format!(
            "the server's version is {}: PostgreSQL 15 or later is needed",
            number / 10_000
        )));
    }
    Ok(())
}

/// Refuses a server that would answer before a transaction is safe.
async fn check_durable(client: &Client) -> Result<(), Fault> {
    let synchronous = text(client, "SELECT current_setting('synchronous_commit')").await?;
    let standbys = text(client, "SELECT current_setting('synchronous_standby_names')").await?;
    let weak = |name: &str, value: &str| {
        Fault::new(format!(
            "the server's setting {name} is `{value}`: an answered payment could be lost; set it to `on`"
        ))
    };
    if synchronous == "off" || (synchronous == "local" && !standbys.is_empty()) {
        return Err(weak("synchronous_commit", &synchronous));
    }
    for name in ["fsync", "full_page_writes"] {
        let value = text(client, &format!("SELECT current_setting('{name}', true)")).await?;
        if value == "off" {
            return Err(weak(name, &value));
        }
    }
    Ok(())
}

async fn text(client: &Client, sql: &str) -> Result<String, Fault> {
    let row = client.query_one(sql, &[]).await.map_err(|error| Fault::new(words(&error)))?;
    Ok(row.try_get::<_, Option<String>>(0).ok().flatten().unwrap_or_default())
}

/// Two processes may be first at the same time: the loser of that race finds the tables at its next try.
async fn make_own_tables(client: &Client) -> Result<(), Fault> {
    const FOREIGN: &str = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    const OURS: &str = "SELECT count(*) FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name = 'identity'";
    let count = async |sql| {
        let row = client.query_one(sql, &[]).await.map_err(|error| Fault::new(words(&error)))?;
        row.try_get::<_, i64>(0).map_err(|error| Fault::new(words(&error)))
    };
    if count(OURS).await? == 0 && count(FOREIGN).await? > 0 {
        let again = count(OURS).await? == 1;
        if !again {
            return Err(Fault::new("the database has tables of another program: give the store one of its own"));
        }
    }
    let mut tries = 0;
    loop {
        match client.batch_execute(OWN).await {
            Ok(()) => return Ok(()),
            Err(error) if raced(&error) && tries < TRIES => tries += 1,
            Err(error) => return Err(Fault::new(format!("making the first tables: {}", words(&error)))),
        }
    }
}

fn raced(error: &tokio_postgres::Error) -> bool {
    let raced = [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT];
    error.code().is_some_and(|code| raced.contains(code))
}

/// The identity's row is the lock: a second process waits for the first one's steps.
async fn migrate(client: &Client, schema: &Schema, name: &str) -> Result<(), Fault> {
    let fault = |error: tokio_postgres::Error| Fault::new(format!("migrating the store: {}", words(&error)));
    client.batch_execute("BEGIN").await.map_err(fault)?;
    let claim = "INSERT INTO identity (name, version) SELECT $1, 0 WHERE NOT EXISTS (SELECT 1 FROM identity) \
                 ON CONFLICT DO NOTHING";
    client.execute(claim, &[&name]).await.map_err(fault)?;
    let rows = client.query("SELECT name, version FROM identity ORDER BY name FOR UPDATE", &[]).await.map_err(fault)?;
    let has = match rows.as_slice() {
        [row] if row.get::<_, &str>(0) == name => row.get::<_, i64>(1),
        rows => {
            let found: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
            let found = found.join("` and `");
            return Err(Fault::new(format!(
                "the database is the store of `{found}`, not of `{name}`: check its address"
            )));
        }
    };
    if has > i64::from(schema.version()) {
        let known = schema.version();
        return Err(Fault::new(format!(
            "the store has version {has} and this program knows {known}: use a newer program"
        )));
    }
    for step in schema.migrations.iter().filter(|step| i64::from(step.version) > has) {
        client.batch_execute(step.postgres).await.map_err(fault)?;
        client.execute("UPDATE identity SET version = $1", &[&i64::from(step.version)]).await.map_err(fault)?;
    }
    client.batch_execute("COMMIT").await.map_err(fault)
}
