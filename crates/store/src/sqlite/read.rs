//! The readers' half of the engine.

use std::cell::RefCell;

use rusqlite::Connection;

use super::bind::SqliteBind;
use super::engine::drain;
use super::text::{self, Texts};
use crate::engine::EngineError;
use crate::row::{Corrupt, Row, Spec, Take};

/// A connection that reads what is committed.
pub(crate) struct ReadSide {
    connection: Connection,
    texts: RefCell<Texts>,
}

impl ReadSide {
    pub(super) fn new(connection: Connection) -> ReadSide {
        ReadSide { connection, texts: RefCell::default() }
    }

    /// All reads until [`ReadSide::end`] see the same state of the store.
    pub(crate) fn begin(&self) -> Result<(), EngineError> {
        Ok(self.connection.prepare_cached("BEGIN")?.raw_execute().map(|_| ())?)
    }

    pub(crate) fn end(&self) -> Result<(), EngineError> {
        Ok(self.connection.prepare_cached("COMMIT")?.raw_execute().map(|_| ())?)
    }

    pub(crate) fn one<R: Row>(&self, key: &R::Key) -> Result<Option<R>, EngineError> {
        let spec = const { &R::SPEC };
        let mut statement = self.connection.prepare_cached(&self.texts.borrow_mut().of(spec).select_one)?;
        let mut bind = SqliteBind::new(&mut statement, spec);
        R::write_key(key, &mut bind);
        bind.done()?;
        Ok(rows::<R>(&mut statement)?.pop())
    }

    pub(crate) fn range<R: Row>(
        &self,
        from: &R::Key,
        to: &R::Key,
        descending: bool,
        limit: usize,
    ) -> Result<Vec<R>, EngineError> {
        let spec = const { &R::SPEC };
        let mut texts = self.texts.borrow_mut();
        let text = texts.of(spec);
        let sql = if descending { &text.select_range_descending } else { &text.select_range };
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut bind = SqliteBind::range(&mut statement, spec);
        R::write_key(from, &mut bind);
        R::write_key(to, &mut bind);
        bind.limit(limit);
        bind.done()?;
        rows(&mut statement)
    }

    pub(crate) fn count(&self, spec: &'static Spec) -> Result<u64, EngineError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT count(*) FROM {}", spec.name))?;
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    pub(crate) fn select<R: Row>(&self, condition: &'static str) -> Result<Vec<R>, EngineError> {
        let spec = const { &R::SPEC };
        let sql = format!("SELECT {} FROM {} WHERE {condition}", text::select_columns(spec), spec.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        rows(&mut statement)
    }
}

/// All rows of a bound statement, or the first one's complaint that cannot be read.
fn rows<R: Row>(statement: &mut rusqlite::Statement<'_>) -> Result<Vec<R>, EngineError> {
    let mut rows: Result<Vec<R>, Corrupt> = Ok(Vec::new());
    drain(statement, const { &R::SPEC }, &mut |take: Result<&mut dyn Take, Corrupt>| match (
        take.and_then(|take| R::read(take)),
        &mut rows,
    ) {
        (Ok(row), Ok(rows)) => rows.push(row),
        (Err(corrupt), Ok(_)) => rows = Err(corrupt),
        (_, Err(_)) => {}
    })?;
    Ok(rows?)
}
