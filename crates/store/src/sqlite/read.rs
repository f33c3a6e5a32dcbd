//! The readers' half of the engine.

use rusqlite::Connection;

use super::engine::{by_keys, by_ranges, drain};
use super::text::{self, Texts};
use crate::engine::{EngineError, Found, ReadSide, Write};
use crate::row::Spec;

/// A connection that reads what is committed.
pub(crate) struct SqliteReadSide {
    connection: Connection,
    texts: Texts,
}

impl SqliteReadSide {
    pub(super) fn new(connection: Connection) -> SqliteReadSide {
        SqliteReadSide { connection, texts: Texts::default() }
    }
}

impl ReadSide for SqliteReadSide {
    fn begin(&mut self) -> Result<(), EngineError> {
        Ok(self.connection.prepare_cached("BEGIN")?.raw_execute().map(|_| ())?)
    }

    fn end(&mut self) -> Result<(), EngineError> {
        Ok(self.connection.prepare_cached("COMMIT")?.raw_execute().map(|_| ())?)
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        let statement = self.connection.prepare_cached(&self.texts.of(spec).select_one)?;
        by_keys(statement, spec, keys, key, found)
    }

    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        descending: bool,
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        let text = self.texts.of(spec);
        let sql = if descending { &text.select_range_descending } else { &text.select_range };
        by_ranges(self.connection.prepare_cached(sql)?, spec, limits, ends, found)
    }

    fn matching(
        &mut self,
        spec: &'static Spec,
        column: &'static str,
        text: &str,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        let sql = format!("SELECT {} FROM {} WHERE {column} = ?1", text::select_columns(spec), spec.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.raw_bind_parameter(1, text)?;
        drain(&mut statement, spec, &mut |take| found(0, take))
    }

    fn select(&mut self, spec: &'static Spec, condition: &'static str, found: Found<'_>) -> Result<(), EngineError> {
        let sql = format!("SELECT {} FROM {} WHERE {condition}", text::select_columns(spec), spec.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        drain(&mut statement, spec, &mut |take| found(0, take))
    }

    fn count(&mut self, spec: &'static Spec) -> Result<u64, EngineError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT count(*) FROM {}", spec.name))?;
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}
