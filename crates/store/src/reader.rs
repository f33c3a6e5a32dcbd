//! Reads beside the committer: what is committed, in one snapshot a call. A read that starts after an answer was sent
//! sees what that answer reported.

use std::cell::RefCell;

use base::Fault;

use crate::engine::{EngineError, Found, ReadSide};
use crate::row::{Corrupt, Row, Take, same_key};

/// The order of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A read-only view of the store: one state of it, however many rows are read and whatever is committed meanwhile.
pub struct Reader<'c> {
    side: RefCell<&'c mut dyn ReadSide>,
}

impl<'c> Reader<'c> {
    pub(crate) fn new(side: &'c mut dyn ReadSide) -> Reader<'c> {
        Reader { side: RefCell::new(side) }
    }

    /// The row with this key.
    pub fn get<R: Row>(&self, key: &R::Key) -> Result<Option<R>, Fault> {
        let load = |found: Found<'_>| {
            self.side.borrow_mut().load(const { &R::SPEC }, 1, &|_, out| R::write_key(key, out), found)
        };
        let row = fill::<R>(1, load)?.pop().and_then(|mut rows| rows.pop());
        row.map(|row| same_key(row, key)).transpose().map_err(|corrupt| reading::<R>(corrupt.into()))
    }

    /// The rows with these keys, each in its key's place; one round trip for all of them.
    pub fn gets<R: Row>(&self, keys: &[R::Key]) -> Result<Vec<Option<R>>, Fault> {
        let load = |found: Found<'_>| {
            let key = |at: usize, out: &mut dyn crate::row::Bind| R::write_key(&keys[at], out);
            self.side.borrow_mut().load(const { &R::SPEC }, keys.len(), &key, found)
        };
        let rows = fill::<R>(keys.len(), load)?.into_iter().zip(keys);
        let row = |(mut rows, key): (Vec<R>, &R::Key)| rows.pop().map(|row| same_key(row, key)).transpose();
        rows.map(row).collect::<Result<_, Corrupt>>().map_err(|corrupt| reading::<R>(corrupt.into()))
    }

    /// Rows whose column is this text, in no order, for a column that has an index.
    pub fn matching<R: Row>(&self, column: &'static str, text: &str) -> Result<Vec<R>, Fault> {
        let load = |found: Found<'_>| self.side.borrow_mut().matching(const { &R::SPEC }, column, text, found);
        Ok(fill::<R>(1, load)?.pop().unwrap_or_default())
    }

    /// Rows with `from <= key < to` in order, at most `limit`.
    pub fn walk<R: Row>(&self, from: &R::Key, to: &R::Key, order: Direction, limit: usize) -> Result<Vec<R>, Fault> {
        let load = |found: Found<'_>| {
            let ends = |_, out: &mut dyn crate::row::Bind| {
                R::write_key(from, out);
                R::write_key(to, out);
            };
            let descending = order == Direction::Descending;
            self.side.borrow_mut().ranges(const { &R::SPEC }, &[limit], descending, &ends, found)
        };
        Ok(fill::<R>(1, load)?.pop().unwrap_or_default())
    }

    /// For each range, rows with `from <= key < to`, ascending, at most its limit; one round trip for all of them.
    pub fn walks<R: Row>(&self, ranges: &[(R::Key, R::Key, usize)]) -> Result<Vec<Vec<R>>, Fault> {
        let limits: Vec<usize> = ranges.iter().map(|range| range.2).collect();
        let load = |found: Found<'_>| {
            let ends = |at: usize, out: &mut dyn crate::row::Bind| {
                R::write_key(&ranges[at].0, out);
                R::write_key(&ranges[at].1, out);
            };
            self.side.borrow_mut().ranges(const { &R::SPEC }, &limits, false, &ends, found)
        };
        fill::<R>(ranges.len(), load)
    }

    /// How many rows a table has. Reads all of its keys: for figures, not for callers.
    pub fn count<R: Row>(&self) -> Result<u64, Fault> {
        self.side.borrow_mut().count(const { &R::SPEC }).map_err(reading::<R>)
    }

    /// Rows of a table by a condition that both engines understand, such as `retired = 1 ORDER BY …`; the text is fixed.
    pub fn select<R: Row>(&self, condition: &'static str) -> Result<Vec<R>, Fault> {
        let load = |found: Found<'_>| self.side.borrow_mut().select(const { &R::SPEC }, condition, found);
        Ok(fill::<R>(1, load)?.pop().unwrap_or_default())
    }
}

/// Rows by the number of the key or range that they answer, of `places`: all of them, or the first complaint.
fn fill<R: Row>(places: usize, load: impl FnOnce(Found<'_>) -> Result<(), EngineError>) -> Result<Vec<Vec<R>>, Fault> {
    let mut rows: Result<Vec<Vec<R>>, Corrupt> = Ok(std::iter::repeat_with(Vec::new).take(places).collect());
    load(&mut |at, take: Result<&mut dyn Take, Corrupt>| match (take.and_then(|take| R::read(take)), &mut rows) {
        (Ok(row), Ok(rows)) => rows[at].push(row),
        (Err(corrupt), Ok(_)) => rows = Err(corrupt),
        (_, Err(_)) => {}
    })
    .map_err(reading::<R>)?;
    rows.map_err(|corrupt| reading::<R>(corrupt.into()))
}

fn reading<R: Row>(error: EngineError) -> Fault {
    error.of_read(R::SPEC.name)
}
