//! The readers' half of the engine. Their connections live on a runtime of the store's own; a caller waits for its rows on
//! its own thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use hashbrown::HashMap;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row as SqlRow, Statement};

use super::columns::Columns;
use super::errors::before_commit;
use super::link::{Link, patiently};
use super::proof::Proof;
use super::take::{PgTake, give};
use super::text::{Purpose, listed};
use super::url::PostgresUrl;
use crate::engine::{EngineError, Found, ReadSide, Write};
use crate::row::Spec;

pub(super) struct PgReadSide {
    link: Arc<Mutex<Reading>>,
    runtime: Handle,
    proof: Proof,
    /// Of the committer, when this was opened.
    losses: u64,
}

struct Reading {
    link: Link,
    texts: HashMap<String, Statement>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, EngineError>> + Send + 'a>>;

impl PgReadSide {
    /// Connects to a server that has everything that this process has committed.
    pub(super) fn open(url: &PostgresUrl, runtime: &Handle, proof: &Proof) -> Result<PgReadSide, EngineError> {
        let (url, losses, proven) = (url.clone(), proof.losses(), proof.clone());
        let connected = async move {
            let link = Link::to(&url).await?;
            proven.check(&link).await.map(|()| link)
        };
        let reading = Reading { link: wait(runtime, connected)?, texts: HashMap::new() };
        Ok(PgReadSide { link: Arc::new(Mutex::new(reading)), runtime: runtime.clone(), proof: proof.clone(), losses })
    }

    fn call<T: Send + 'static>(
        &self,
        call: impl for<'a> FnOnce(&'a mut Reading) -> Answer<'a, T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let link = Arc::clone(&self.link);
        wait(&self.runtime, async move { call(&mut *link.lock().await).await })
    }

    /// Rows by a text, and what stands for `$1` in it.
    fn texts(
        &self,
        spec: &'static Spec,
        sql: String,
        with: Option<String>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        for row in self.call(move |reading| Box::pin(async move { reading.text(sql, with).await }))? {
            match PgTake::checked(&row, spec, 0) {
                Ok(mut take) => found(0, Ok(&mut take)),
                Err(corrupt) => found(0, Err(corrupt)),
            }
        }
        Ok(())
    }

    fn query(&self, spec: &'static Spec, purpose: Purpose, columns: Columns) -> Result<Vec<SqlRow>, EngineError> {
        self.call(move |reading| Box::pin(async move { reading.link.query(spec, purpose, &columns).await }))
    }
}

impl Reading {
    async fn text(&mut self, sql: String, with: Option<String>) -> Result<Vec<SqlRow>, EngineError> {
        if !self.texts.contains_key(&sql) {
            let prepared = patiently(self.link.client.prepare(&sql)).await?.map_err(|error| before_commit(&error))?;
            self.texts.insert(sql.clone(), prepared);
        }
        let with: Vec<&(dyn ToSql + Sync)> = with.iter().map(|text| text as _).collect();
        let rows = patiently(self.link.client.query(&self.texts[&sql], &with)).await?;
        rows.map_err(|error| before_commit(&error))
    }

    async fn run(&self, sql: &str) -> Result<(), EngineError> {
        patiently(self.link.client.batch_execute(sql)).await?.map_err(|error| before_commit(&error))
    }
}

impl ReadSide for PgReadSide {
    fn begin(&mut self) -> Result<(), EngineError> {
        if self.losses != self.proof.losses() {
            return Err(EngineError::Conflict("the committer moved to another server, or proved this one".to_owned()));
        }
        self.call(|reading| {
            Box::pin(async move { reading.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await })
        })
    }

    /// Nobody waits for it: the connection's next begin comes behind it, and fails if this failed.
    fn end(&mut self) -> Result<(), EngineError> {
        // Taken here: a begin that came before the task had it would still be inside this read's transaction.
        let Ok(reading) = Arc::clone(&self.link).try_lock_owned() else {
            return Err(EngineError::Unreachable("a call of the read is still under way".to_owned()));
        };
        self.runtime.spawn(async move { reading.run("COMMIT").await });
        Ok(())
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        let columns = match Columns::keys(spec, keys, key) {
            // A key that cannot be kept is not there.
            Err(EngineError::Constraint(_)) => return Ok(()),
            columns => columns?,
        };
        give(&self.query(spec, Purpose::Load, columns)?, spec, found)
    }

    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        descending: bool,
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        let columns = Columns::ranges(spec, limits, ends)?;
        let purpose = if descending { Purpose::RangesDescending } else { Purpose::Ranges };
        give(&self.query(spec, purpose, columns)?, spec, found)
    }

    fn matching(
        &mut self,
        spec: &'static Spec,
        column: &'static str,
        text: &str,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        let sql = format!("SELECT {} FROM {} WHERE {column} = $1", listed(spec, ""), spec.name);
        self.texts(spec, sql, Some(text.to_owned()), found)
    }

    fn select(&mut self, spec: &'static Spec, condition: &'static str, found: Found<'_>) -> Result<(), EngineError> {
        let sql = format!("SELECT {} FROM {} WHERE {condition}", listed(spec, ""), spec.name);
        self.texts(spec, sql, None, found)
    }

    fn count(&mut self, spec: &'static Spec) -> Result<u64, EngineError> {
        let sql = format!("SELECT count(*) FROM {}", spec.name);
        let rows = self.call(move |reading| Box::pin(async move { reading.text(sql, None).await }))?;
        let count: i64 = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        Ok(count.unsigned_abs())
    }
}

/// Runs a call on the store's runtime and waits on this thread, whatever runtime the thread belongs to.
fn wait<T: Send + 'static>(
    runtime: &Handle,
    call: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    let (reply, answer) = sync_channel(1);
    runtime.spawn(async move { reply.send(call.await) });
    answer.recv().unwrap_or_else(|_| Err(EngineError::Unreachable("the store is closed".to_owned())))
}
