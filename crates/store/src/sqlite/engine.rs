//! The committer's connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base::Time;
use rusqlite::{Connection, ErrorCode, Statement};

use super::bind::SqliteBind;
use super::checkpoint::Checkpointer;
use super::open::{Writer, stamp_sum};
use super::take::SqliteTake;
use super::text::Texts;
use crate::engine::{Engine, EngineError, Found, Write};
use crate::row::{Corrupt, Spec, Take, TenantNo};

pub(crate) struct SqliteEngine {
    connection: Connection,
    texts: Texts,
    log_pages: Arc<AtomicU32>,
    checkpointer: Checkpointer,
    page_bytes: u64,
    calls: u64,
}

impl SqliteEngine {
    pub(crate) fn new(writer: Writer, checkpointer: Checkpointer) -> SqliteEngine {
        let Writer { connection, log_pages } = writer;
        let page_bytes = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap_or(4096);
        let page_bytes = page_bytes.unsigned_abs();
        SqliteEngine { connection, texts: Texts::default(), log_pages, checkpointer, page_bytes, calls: 0 }
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Engine for SqliteEngine {
    fn shared(&self) -> bool {
        false
    }

    fn begin(&mut self, _tenants: &[TenantNo]) -> Result<Option<Time>, EngineError> {
        self.calls += 1;
        match self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute() {
            Ok(_) => Ok(None),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(EngineError::Locked),
            Err(error) => Err(error.into()),
        }
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        self.calls += 1;
        let statement = self.connection.prepare_cached(&self.texts.of(spec).select_one)?;
        by_keys(statement, spec, keys, key, found)
    }

    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        self.calls += 1;
        let statement = self.connection.prepare_cached(&self.texts.of(spec).select_range)?;
        by_ranges(statement, spec, limits, ends, found)
    }

    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.calls += 1;
        each(self.connection.prepare_cached(&self.texts.of(spec).insert)?, spec, rows, row, Ending::Sum)
    }

    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.calls += 1;
        each(self.connection.prepare_cached(&self.texts.of(spec).update)?, spec, rows, row, Ending::Sum)
    }

    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError> {
        self.calls += 1;
        each(self.connection.prepare_cached(&self.texts.of(spec).delete)?, spec, keys, key, Ending::Key)
    }

    fn commit(&mut self, stamp: Option<Time>) -> Result<(), EngineError> {
        if let Some(at) = stamp {
            self.calls += 1;
            self.connection.prepare_cached("UPDATE identity SET at = ?1, sum = ?2")?.execute((at.0, stamp_sum(at)))?;
        }
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

/// What follows a row's values: its checksum, or nothing behind a bare key.
#[derive(Clone, Copy)]
enum Ending {
    Sum,
    Key,
}

/// One prepared statement, run once a row.
fn each(
    mut statement: rusqlite::CachedStatement<'_>,
    spec: &'static Spec,
    rows: usize,
    row: Write<'_>,
    ending: Ending,
) -> Result<(), EngineError> {
    for at in 0..rows {
        let mut bind = SqliteBind::new(&mut statement, spec);
        row(at, &mut bind);
        match ending {
            Ending::Sum => bind.done_with_sum()?,
            Ending::Key => bind.done()?,
        }
        let changed = statement.raw_execute().map_err(|error| named(error, spec))?;
        match (changed, ending) {
            (1, _) => {}
            (0, Ending::Key) => {
                return Err(EngineError::Constraint(format!("{} (a row to remove is not there)", spec.name)));
            }
            _ => return Err(EngineError::Broken(format!("a write to `{}` changed {changed} rows", spec.name))),
        }
    }
    Ok(())
}

/// One prepared statement, run once a key, for the committer and for readers.
pub(super) fn by_keys(
    mut statement: rusqlite::CachedStatement<'_>,
    spec: &'static Spec,
    keys: usize,
    key: Write<'_>,
    found: Found<'_>,
) -> Result<(), EngineError> {
    for at in 0..keys {
        let mut bind = SqliteBind::new(&mut statement, spec);
        key(at, &mut bind);
        bind.done()?;
        drain(&mut statement, spec, &mut |take| found(at, take))?;
    }
    Ok(())
}

/// One prepared statement, run once a range, for the committer and for readers.
pub(super) fn by_ranges(
    mut statement: rusqlite::CachedStatement<'_>,
    spec: &'static Spec,
    limits: &[usize],
    ends: Write<'_>,
    found: Found<'_>,
) -> Result<(), EngineError> {
    for (at, limit) in limits.iter().enumerate() {
        let mut bind = SqliteBind::range(&mut statement, spec);
        ends(at, &mut bind);
        bind.limit(*limit);
        bind.done()?;
        drain(&mut statement, spec, &mut |take| found(at, take))?;
    }
    Ok(())
}

/// Steps a bound statement to its end, giving each row, or why it cannot be read, to `found`.
pub(super) fn drain(
    statement: &mut Statement<'_>,
    spec: &'static Spec,
    found: &mut dyn FnMut(Result<&mut dyn Take, Corrupt>),
) -> Result<(), EngineError> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        match SqliteTake::checked(row, spec) {
            Ok(mut take) => found(Ok(&mut take)),
            Err(corrupt) => found(Err(corrupt)),
        }
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
