//! The identity map of one table: the rows a batch has loaded, what it changed, and the overlay of the operation that
//! is running. An overlay is merged only when its operation succeeded, so a refused operation costs nothing.

use std::any::Any;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::engine::{Engine, EngineError};
use crate::row::Row;
use crate::tx::Missing;

/// One table's map with its row type forgotten, so that the committer can hold them all in a list.
pub(crate) trait AnyMap: Send {
    fn as_any(&mut self) -> &mut dyn Any;
    /// Forgets the overlay.
    fn discard(&mut self);
    /// Makes the overlay part of the batch.
    fn merge(&mut self);
    fn load(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError>;
    fn flush(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError>;
    fn changed(&self) -> usize;
    /// The batch is durable: what it changed is now what is stored.
    fn committed(&mut self);
    fn clear(&mut self);
    /// Sets the overlay aside; [`AnyMap::same_as_aside`] compares the next one with it (operations must be repeatable).
    fn set_aside(&mut self);
    fn same_as_aside(&self) -> bool;
}

struct Slot<R> {
    row: Option<R>,
    /// Whether the row is in the store as of the last commit.
    stored: bool,
    changed: bool,
}

struct Range<R: Row> {
    from: R::Key,
    to: R::Key,
    limit: usize,
    keys: Vec<R::Key>,
}

pub(crate) struct RowMap<R: Row> {
    slots: HashMap<R::Key, Slot<R>, FxBuildHasher>,
    overlay: HashMap<R::Key, Option<R>, FxBuildHasher>,
    aside: HashMap<R::Key, Option<R>, FxBuildHasher>,
    changed: Vec<R::Key>,
    missed: HashSet<R::Key, FxBuildHasher>,
    ranges: Vec<Range<R>>,
    missed_ranges: Vec<(R::Key, R::Key, usize)>,
}

impl<R: Row> Default for RowMap<R> {
    fn default() -> RowMap<R> {
        RowMap {
            slots: HashMap::default(),
            overlay: HashMap::default(),
            aside: HashMap::default(),
            changed: Vec::new(),
            missed: HashSet::default(),
            ranges: Vec::new(),
            missed_ranges: Vec::new(),
        }
    }
}

impl<R: Row> RowMap<R> {
    /// The row as the running operation sees it; `None` inside means known absent.
    pub(crate) fn get(&mut self, key: &R::Key) -> Result<Option<&R>, Missing> {
        if !self.overlay.is_empty() && self.overlay.contains_key(key) {
            return Ok(self.overlay.get(key).and_then(Option::as_ref));
        }
        match self.slots.get(key) {
            Some(slot) => Ok(slot.row.as_ref()),
            None => {
                self.missed.insert(key.clone());
                Err(Missing)
            }
        }
    }

    /// Asks for a key without needing it yet, so that one load brings all that an operation needs.
    pub(crate) fn want(&mut self, key: &R::Key) {
        if !self.slots.contains_key(key) {
            self.missed.insert(key.clone());
        }
    }

    pub(crate) fn put(&mut self, key: R::Key, row: Option<R>) {
        self.overlay.insert(key, row);
    }

    pub(crate) fn knows(&self, key: &R::Key) -> bool {
        self.overlay.contains_key(key) || self.slots.contains_key(key)
    }

    /// Rows in `from..to`, ascending, at most `limit`, with the batch's and the operation's changes applied.
    pub(crate) fn walk(&mut self, from: &R::Key, to: &R::Key, limit: usize) -> Result<Vec<R>, Missing> {
        let Some(range) = self.ranges.iter().find(|r| r.from == *from && r.to == *to && r.limit >= limit) else {
            self.missed_ranges.push((from.clone(), to.clone(), limit));
            return Err(Missing);
        };
        let exhausted = range.keys.len() < range.limit;
        let end = if exhausted { None } else { range.keys.last() };
        let mut keys: Vec<&R::Key> = range.keys.iter().collect();
        let inside = |key: &R::Key| key >= from && key < to && end.is_none_or(|end| key <= end);
        keys.extend(self.changed.iter().filter(|key| inside(key)));
        keys.extend(self.overlay.keys().filter(|key| inside(key)));
        keys.sort();
        keys.dedup();
        let current = |key: &R::Key| match self.overlay.get(key) {
            Some(row) => row.clone(),
            None => self.slots.get(key).and_then(|slot| slot.row.clone()),
        };
        let rows: Vec<R> = keys.into_iter().filter_map(current).take(limit).collect();
        if rows.len() < limit && !exhausted {
            // Deletions of this batch used up the loaded part: load a longer one.
            let longer = range.limit * 2;
            self.missed_ranges.push((from.clone(), to.clone(), longer));
            return Err(Missing);
        }
        Ok(rows)
    }

    fn load_ranges(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        for (from, to, limit) in std::mem::take(&mut self.missed_ranges) {
            let mut keys = Vec::new();
            let slots = &mut self.slots;
            engine.range(
                const { &R::SPEC },
                &|end, out| R::write_key(if end == 0 { &from } else { &to }, out),
                limit,
                &mut |take| {
                    let row = R::read(take)?;
                    keys.push(row.key());
                    slots.entry(row.key()).or_insert(Slot { row: Some(row), stored: true, changed: false });
                    Ok(())
                },
            )?;
            self.ranges.retain(|range| !(range.from == from && range.to == to));
            self.ranges.push(Range { from, to, limit, keys });
        }
        Ok(())
    }
}

impl<R: Row> AnyMap for RowMap<R> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn discard(&mut self) {
        self.overlay.clear();
    }

    fn merge(&mut self) {
        for (key, row) in self.overlay.drain() {
            match self.slots.get_mut(&key) {
                Some(slot) => {
                    slot.row = row;
                    if !std::mem::replace(&mut slot.changed, true) {
                        self.changed.push(key);
                    }
                }
                None => {
                    self.changed.push(key.clone());
                    self.slots.insert(key, Slot { row, stored: false, changed: true });
                }
            }
        }
    }

    fn load(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        self.load_ranges(engine)?;
        if self.missed.is_empty() {
            return Ok(());
        }
        let slots = &mut self.slots;
        let keys: Vec<R::Key> = self.missed.drain().filter(|key| !slots.contains_key(key)).collect();
        for key in &keys {
            slots.insert(key.clone(), Slot { row: None, stored: false, changed: false });
        }
        engine.load(const { &R::SPEC }, keys.len(), &|at, out| R::write_key(&keys[at], out), &mut |take| {
            let row = R::read(take)?;
            slots.insert(row.key(), Slot { row: Some(row), stored: true, changed: false });
            Ok(())
        })
    }

    fn flush(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        self.changed.sort_unstable();
        let (mut new, mut old, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for key in &self.changed {
            let Some(slot) = self.slots.get(key) else { continue };
            match (&slot.row, slot.stored) {
                (Some(row), false) => new.push(row),
                (Some(row), true) => old.push(row),
                (None, true) => gone.push(key),
                (None, false) => {}
            }
        }
        let spec = const { &R::SPEC };
        if !gone.is_empty() {
            engine.delete(spec, gone.len(), &|at, out| R::write_key(gone[at], out))?;
        }
        if !new.is_empty() {
            engine.insert(spec, new.len(), &|at, out| new[at].write(out))?;
        }
        if !old.is_empty() {
            engine.update(spec, old.len(), &|at, out| old[at].write(out))?;
        }
        Ok(())
    }

    fn changed(&self) -> usize {
        self.changed.len()
    }

    fn committed(&mut self) {
        self.ranges.clear();
        if R::SPEC.keep == 0 || self.slots.len() > R::SPEC.keep {
            self.changed.clear();
            self.slots.clear();
            return;
        }
        for key in self.changed.drain(..) {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.stored = slot.row.is_some();
                slot.changed = false;
            }
        }
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.overlay.clear();
        self.changed.clear();
        self.missed.clear();
        self.ranges.clear();
        self.missed_ranges.clear();
    }

    fn set_aside(&mut self) {
        self.aside = std::mem::take(&mut self.overlay);
    }

    fn same_as_aside(&self) -> bool {
        self.overlay == self.aside
    }
}
