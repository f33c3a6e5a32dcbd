//! Reads beside the committer: what is committed, in one snapshot a call. A read that starts after an answer was sent
//! sees what that answer reported.

use base::Fault;

use crate::engine::EngineError;
use crate::row::Row;
use crate::sqlite::ReadSide;

/// The order of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A read-only view of the store: one state of it, however many rows are read and whatever is committed meanwhile.
pub struct Reader<'c> {
    pub(crate) side: &'c ReadSide,
}

impl Reader<'_> {
    /// The row with this key.
    pub fn get<R: Row>(&self, key: &R::Key) -> Result<Option<R>, Fault> {
        self.side.one(key).map_err(reading::<R>)
    }

    /// Rows with `from <= key < to` in order, at most `limit`.
    pub fn walk<R: Row>(&self, from: &R::Key, to: &R::Key, order: Direction, limit: usize) -> Result<Vec<R>, Fault> {
        self.side.range(from, to, order == Direction::Descending, limit).map_err(reading::<R>)
    }

    /// For each range, rows with `from <= key < to`, ascending, at most its limit; one round trip for all of them.
    pub fn walks<R: Row>(&self, ranges: &[(R::Key, R::Key, usize)]) -> Result<Vec<Vec<R>>, Fault> {
        ranges.iter().map(|(from, to, limit)| self.walk(from, to, Direction::Ascending, *limit)).collect()
    }

    /// How many rows a table has. Reads all of its keys: for figures, not for callers.
    pub fn count<R: Row>(&self) -> Result<u64, Fault> {
        self.side.count(const { &R::SPEC }).map_err(reading::<R>)
    }

    /// Rows of a table by a condition that both engines understand, such as `open = 1 ORDER BY …`; the text is fixed.
    pub fn select<R: Row>(&self, condition: &'static str) -> Result<Vec<R>, Fault> {
        self.side.select(condition).map_err(reading::<R>)
    }
}

fn reading<R: Row>(error: EngineError) -> Fault {
    Fault::because(format!("reading `{}`", R::SPEC.name), error)
}
