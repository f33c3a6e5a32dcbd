//! Ranges that a batch has loaded, merged with what is pending when an operation walks them.

use crate::engine::{Engine, EngineError};
use crate::map::{KeyMap, Slot};
use crate::row::Row;

/// The first keys of `from..to` as they are stored; fewer than `limit` when there are no more.
struct Range<R: Row> {
    from: R::Key,
    to: R::Key,
    limit: usize,
    keys: Vec<R::Key>,
    /// Why a row of it cannot be read.
    unreadable: Option<String>,
}

impl<R: Row> Range<R> {
    fn is(&self, from: &R::Key, to: &R::Key) -> bool {
        self.from == *from && self.to == *to
    }
}

pub(crate) struct Ranges<R: Row> {
    loaded: Vec<Range<R>>,
    missed: Vec<Range<R>>,
}

impl<R: Row> Default for Ranges<R> {
    fn default() -> Ranges<R> {
        Ranges { loaded: Vec::new(), missed: Vec::new() }
    }
}

impl<R: Row> Ranges<R> {
    /// Rows in `from..to`, ascending, at most `limit`: stored and `pending` keys, with their rows as they are now. The
    /// error is the limit that must be loaded first.
    pub(crate) fn walk<'a>(
        &'a self,
        from: &R::Key,
        to: &R::Key,
        limit: usize,
        pending: impl Iterator<Item = &'a R::Key>,
        current: impl Fn(&R::Key) -> Option<&'a R>,
    ) -> Result<Vec<R>, usize> {
        let range = self.loaded.iter().find(|range| range.is(from, to));
        let Some(range) = range.filter(|range| range.limit >= limit && range.unreadable.is_none()) else {
            return Err(limit);
        };
        let whole = range.keys.len() < range.limit;
        // Behind the last loaded key there may be stored rows that are not loaded: pending ones there must wait.
        let end = if whole { None } else { range.keys.last() };
        let inside = |key: &&R::Key| *key >= from && *key < to && end.is_none_or(|end| *key <= end);
        let mut keys: Vec<&R::Key> = range.keys.iter().chain(pending.filter(inside)).collect();
        keys.sort_unstable();
        keys.dedup();
        let rows: Vec<R> = keys.into_iter().filter_map(current).take(limit).cloned().collect();
        if rows.len() < limit && !whole {
            // Pending deletions used up the loaded part: load a longer one.
            return Err(range.limit.saturating_mul(2));
        }
        Ok(rows)
    }

    /// Why this range cannot be read, if it cannot.
    pub(crate) fn unreadable(&self, from: &R::Key, to: &R::Key) -> Option<String> {
        self.loaded.iter().find(|range| range.is(from, to)).and_then(|range| range.unreadable.clone())
    }

    /// Loads what was missed, in one call however many ranges there are.
    pub(crate) fn load(
        &mut self,
        engine: &mut dyn Engine,
        slots: &mut KeyMap<R::Key, Slot<R>>,
    ) -> Result<(), EngineError> {
        if self.missed.is_empty() {
            return Ok(());
        }
        let mut missed = std::mem::take(&mut self.missed);
        let asked: Vec<(R::Key, R::Key, usize)> =
            missed.iter().map(|range| (range.from.clone(), range.to.clone(), range.limit)).collect();
        engine.ranges(
            const { &R::SPEC },
            &asked.iter().map(|range| range.2).collect::<Vec<_>>(),
            &|at, out| {
                R::write_key(&asked[at].0, out);
                R::write_key(&asked[at].1, out);
            },
            &mut |at, take| match take.and_then(|take| R::read(take)) {
                Ok(row) => {
                    missed[at].keys.push(row.key());
                    slots.entry(row.key()).or_insert_with(|| Slot::loaded(Some(row)));
                }
                Err(corrupt) => missed[at].unreadable = Some(corrupt.to_string()),
            },
        )?;
        self.loaded.retain(|range| !missed.iter().any(|longer| longer.is(&range.from, &range.to)));
        self.loaded.append(&mut missed);
        Ok(())
    }

    /// First keys of the ranges that are missed.
    pub(crate) fn missed_from(&self) -> impl Iterator<Item = &R::Key> {
        self.missed.iter().map(|range| &range.from)
    }

    pub(crate) fn clear(&mut self) {
        self.loaded.clear();
        self.missed.clear();
    }

    /// Asks for the first `limit` rows of a range.
    pub(crate) fn miss(&mut self, from: &R::Key, to: &R::Key, limit: usize) {
        match self.missed.iter_mut().find(|range| range.is(from, to)) {
            Some(range) => range.limit = range.limit.max(limit),
            None => {
                let (from, to) = (from.clone(), to.clone());
                self.missed.push(Range { from, to, limit, keys: Vec::new(), unreadable: None });
            }
        }
    }
}
