//! The readers' half of the engine.

use rusqlite::Connection;

use super::bind::SqliteBind;
use super::engine::drain;
use super::text;
use crate::engine::EngineError;
use crate::row::Row;

pub(crate) fn one<R: Row>(connection: &Connection, key: &R::Key) -> Result<Option<R>, EngineError> {
    let spec = const { &R::SPEC };
    let mut statement = connection.prepare_cached(&text::select_one(spec))?;
    let mut bind = SqliteBind::new(&mut statement, spec);
    R::write_key(key, &mut bind);
    bind.done()?;
    let mut found = None;
    drain(&mut statement, spec, &mut |take| {
        found = Some(R::read(take)?);
        Ok(())
    })?;
    Ok(found)
}

pub(crate) fn range<R: Row>(
    connection: &Connection,
    from: &R::Key,
    to: &R::Key,
    descending: bool,
    limit: usize,
) -> Result<Vec<R>, EngineError> {
    let spec = const { &R::SPEC };
    let mut statement = connection.prepare_cached(&text::select_range(spec, descending))?;
    let mut bind = SqliteBind::new(&mut statement, spec);
    R::write_key(from, &mut bind);
    bind.again(spec);
    R::write_key(to, &mut bind);
    bind.limit(limit);
    bind.done()?;
    let mut found = Vec::new();
    drain(&mut statement, spec, &mut |take| {
        found.push(R::read(take)?);
        Ok(())
    })?;
    Ok(found)
}

pub(crate) fn select<R: Row>(connection: &Connection, condition: &'static str) -> Result<Vec<R>, EngineError> {
    let spec = const { &R::SPEC };
    let sql = format!("SELECT {} FROM {} WHERE {condition}", text::select_columns(spec), spec.name);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    drain(&mut statement, spec, &mut |take| {
        found.push(R::read(take)?);
        Ok(())
    })?;
    Ok(found)
}
