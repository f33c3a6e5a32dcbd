//! The committer's connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, ErrorCode, Statement};

use super::bind::{SqliteBind, SqliteTake};
use super::checkpoint::Checkpointer;
use super::open::Writer;
use super::text;
use crate::engine::{Engine, EngineError, Found, Write};
use crate::row::Spec;

pub(crate) struct SqliteEngine {
    connection: Connection,
    log_pages: Arc<AtomicU32>,
    checkpointer: Checkpointer,
    page_bytes: u64,
    calls: u64,
}

impl SqliteEngine {
    pub(crate) fn new(writer: Writer, checkpointer: Checkpointer) -> SqliteEngine {
        let Writer { connection, log_pages } = writer;
        let page_bytes = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap_or(4096);
        SqliteEngine { connection, log_pages, checkpointer, page_bytes: page_bytes.unsigned_abs(), calls: 0 }
    }

    /// One prepared statement, run once a row.
    fn each(
        &mut self,
        sql: &str,
        spec: &'static Spec,
        rows: usize,
        row: Write<'_>,
        sum: bool,
    ) -> Result<(), EngineError> {
        self.calls += 1;
        let mut statement = self.connection.prepare_cached(sql)?;
        for at in 0..rows {
            let mut bind = SqliteBind::new(&mut statement, spec);
            row(at, &mut bind);
            if sum {
                bind.done_with_sum()?
            } else {
                bind.done()?
            }
            let changed = statement.raw_execute().map_err(|error| named(error, spec))?;
            if changed != 1 {
                return Err(EngineError::Broken(format!("a write to `{}` changed {changed} rows", spec.name)));
            }
        }
        Ok(())
    }
}

impl Engine for SqliteEngine {
    fn begin(&mut self) -> Result<(), EngineError> {
        self.calls += 1;
        Ok(self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute().map(|_| ())?)
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        self.calls += 1;
        let mut statement = self.connection.prepare_cached(&text::select_one(spec))?;
        for at in 0..keys {
            let mut bind = SqliteBind::new(&mut statement, spec);
            key(at, &mut bind);
            bind.done()?;
            drain(&mut statement, spec, found)?;
        }
        Ok(())
    }

    fn range(
        &mut self,
        spec: &'static Spec,
        ends: Write<'_>,
        limit: usize,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        self.calls += 1;
        let mut statement = self.connection.prepare_cached(&text::select_range(spec, false))?;
        let mut bind = SqliteBind::new(&mut statement, spec);
        ends(0, &mut bind);
        bind.again(spec);
        ends(1, &mut bind);
        bind.limit(limit);
        bind.done()?;
        drain(&mut statement, spec, found)
    }

    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.each(&text::insert(spec), spec, rows, row, true)
    }

    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.each(&text::update(spec), spec, rows, row, true)
    }

    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError> {
        self.each(&text::delete(spec), spec, keys, key, false)
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.calls += 1;
        Ok(self.connection.prepare_cached("COMMIT")?.raw_execute().map(|_| ())?)
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn rest(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        self.checkpointer.rest(&self.connection, u64::from(pages));
    }

    fn calls(&self) -> u64 {
        self.calls
    }

    fn log_bytes(&self) -> u64 {
        u64::from(self.log_pages.load(Ordering::Relaxed)) * self.page_bytes
    }
}

/// Steps a bound statement to its end, giving each row to `found`.
pub(crate) fn drain(statement: &mut Statement<'_>, spec: &'static Spec, found: Found<'_>) -> Result<(), EngineError> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        found(&mut SqliteTake::checked(row, spec)?)?;
    }
    Ok(())
}

fn named(error: rusqlite::Error, spec: &Spec) -> EngineError {
    match EngineError::from(error) {
        EngineError::Constraint(text) => EngineError::Constraint(format!("{} ({text})", spec.name)),
        other => other,
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> EngineError {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => EngineError::Constraint(error.to_string()),
            Some(ErrorCode::DiskFull) => EngineError::Full,
            _ => EngineError::Broken(error.to_string()),
        }
    }
}
