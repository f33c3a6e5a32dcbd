//! The identity map of one table: the rows a batch has loaded, what it changed, and the overlay of the operation that
//! is running. An overlay is merged only when its operation succeeded, so a refused operation costs nothing.

use std::any::Any;
use std::collections::BTreeSet;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::engine::{Engine, EngineError};
use crate::ranges::Ranges;
use crate::row::{Locked, Row, TenantNo, same_key, tenant_of};
use crate::tx::Missing;

/// One table's map with its row type forgotten, so that the committer can hold them all in a list.
pub(crate) trait AnyMap: Send {
    fn as_any(&mut self) -> &mut dyn Any;
    /// Forgets the overlay.
    fn discard(&mut self);
    /// Makes the overlay part of the batch; answers how many more rows the batch now changes.
    fn merge(&mut self) -> usize;
    /// Why the row that was last asked for cannot be read, if it cannot.
    fn take_unreadable(&mut self) -> Option<String>;
    /// The tenants whose rows are missed: their heads must be locked first. 0 for rows of no tenant.
    fn missed_of(&self, tenants: &mut BTreeSet<TenantNo>);
    /// As [`AnyMap::missed_of`], for the rows that the batch changes.
    fn changed_of(&self, tenants: &mut BTreeSet<TenantNo>);
    fn misses_ranges(&self) -> bool;
    /// The ranges that are missed. Before [`AnyMap::expect`]: what they bring needs no load by key.
    fn load_ranges(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError>;
    /// Tells the engine which keys [`AnyMap::load`] is about to ask for.
    fn expect(&mut self, engine: &mut dyn Engine);
    /// The keys that are missed.
    fn load(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError>;
    fn flush(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError>;
    /// The batch is over: what it changed is now what is stored, and memory goes back to its bound.
    fn settle(&mut self);
    fn clear(&mut self);
    fn set_aside(&mut self);
    fn same_as_aside(&self) -> bool;
}

pub(crate) struct Slot<R> {
    pub(crate) row: Option<R>,
    /// Whether the row is in the store as of the last commit.
    stored: bool,
    changed: bool,
}

impl<R> Slot<R> {
    pub(crate) fn loaded(row: Option<R>) -> Slot<R> {
        Slot { stored: row.is_some(), row, changed: false }
    }
}

/// Hashes are seeded by process: keys come from callers, who could otherwise choose ones that collide.
pub(crate) type KeyMap<K, V> = HashMap<K, V, DefaultHashBuilder>;

pub(crate) struct RowMap<R: Row> {
    slots: KeyMap<R::Key, Slot<R>>,
    overlay: KeyMap<R::Key, Option<R>>,
    /// Keys that the running operation removes without a look: they are in the store by what other rows say.
    unseen: HashSet<R::Key, DefaultHashBuilder>,
    aside: KeyMap<R::Key, Option<R>>,
    changed: Vec<R::Key>,
    missed: HashSet<R::Key, DefaultHashBuilder>,
    ranges: Ranges<R>,
    /// Rows of this batch that are stored and cannot be read, and why.
    unreadable: KeyMap<R::Key, String>,
    ran_into: Option<String>,
}

impl<R: Row> Default for RowMap<R> {
    fn default() -> RowMap<R> {
        RowMap {
            slots: HashMap::default(),
            overlay: HashMap::default(),
            unseen: HashSet::default(),
            aside: HashMap::default(),
            changed: Vec::new(),
            missed: HashSet::default(),
            ranges: Ranges::default(),
            unreadable: HashMap::default(),
            ran_into: None,
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
                self.ran_into = self.unreadable.get(key).cloned();
                self.missed.insert(key.clone());
                Err(Missing)
            }
        }
    }

    /// Asks for a key without needing it yet, so that one load brings all that an operation needs.
    pub(crate) fn want(&mut self, key: &R::Key) {
        if !self.knows(key) {
            self.missed.insert(key.clone());
        }
    }

    pub(crate) fn put(&mut self, key: R::Key, row: Option<R>) {
        self.overlay.insert(key, row);
    }

    /// Removes a row that is there, looked at or not.
    pub(crate) fn remove_unseen(&mut self, key: &R::Key) {
        if !self.knows(key) {
            self.unseen.insert(key.clone());
        }
        self.put(key.clone(), None);
    }

    pub(crate) fn knows(&self, key: &R::Key) -> bool {
        self.slots.contains_key(key) || self.overlay.contains_key(key)
    }

    /// Whether the running operation sees a row with this key; false when it has not been looked at.
    pub(crate) fn holds(&self, key: &R::Key) -> bool {
        match self.overlay.get(key) {
            Some(row) => row.is_some(),
            None => self.slots.get(key).is_some_and(|slot| slot.row.is_some()),
        }
    }

    #[cfg(test)]
    pub(crate) fn rows_in_memory(&self) -> usize {
        self.slots.len()
    }

    /// Rows in `from..to`, ascending, at most `limit`, with the batch's and the operation's changes applied.
    pub(crate) fn walk(&mut self, from: &R::Key, to: &R::Key, limit: usize) -> Result<Vec<R>, Missing> {
        let current = |key: &R::Key| match self.overlay.get(key) {
            Some(row) => row.as_ref(),
            None => self.slots.get(key).and_then(|slot| slot.row.as_ref()),
        };
        let pending = self.changed.iter().chain(self.overlay.keys());
        let walked = self.ranges.walk(from, to, limit, pending, current);
        walked.map_err(|longer| {
            self.ran_into = self.ranges.unreadable(from, to);
            self.ranges.miss(from, to, longer);
            Missing
        })
    }
}

impl<R: Row> RowMap<R> {
    /// Missed keys that are neither in memory nor known to be unreadable, in order.
    fn to_load(&self) -> Vec<R::Key> {
        let known = |key: &&R::Key| self.slots.contains_key(*key) || self.unreadable.contains_key(*key);
        let mut keys: Vec<R::Key> = self.missed.iter().filter(|key| !known(key)).cloned().collect();
        keys.sort_unstable();
        keys
    }
}

impl<R: Row> AnyMap for RowMap<R> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn discard(&mut self) {
        self.overlay.clear();
        self.unseen.clear();
        self.ran_into = None;
    }

    fn merge(&mut self) -> usize {
        let before = self.changed.len();
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
                    let stored = self.unseen.remove(&key);
                    self.slots.insert(key, Slot { row, stored, changed: true });
                }
            }
        }
        self.changed.len() - before
    }

    fn take_unreadable(&mut self) -> Option<String> {
        self.ran_into.take()
    }

    fn missed_of(&self, tenants: &mut BTreeSet<TenantNo>) {
        tenants.extend(self.ranges.missed_from().map(tenant_of::<R>));
        if R::SPEC.locked == Locked::ByHead {
            tenants.extend(self.missed.iter().map(tenant_of::<R>));
        }
    }

    fn expect(&mut self, engine: &mut dyn Engine) {
        let keys = self.to_load();
        if !keys.is_empty() {
            engine.expect(const { &R::SPEC }, keys.len(), &|at, out| R::write_key(&keys[at], out));
        }
    }

    fn changed_of(&self, tenants: &mut BTreeSet<TenantNo>) {
        tenants.extend(self.changed.iter().map(tenant_of::<R>));
    }

    fn misses_ranges(&self) -> bool {
        self.ranges.missed_from().next().is_some()
    }

    fn load_ranges(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        self.ranges.load(engine, &mut self.slots)
    }

    fn load(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        let RowMap { slots, missed, unreadable, .. } = self;
        let mut keys: Vec<R::Key> =
            missed.drain().filter(|key| !slots.contains_key(key) && !unreadable.contains_key(key)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        if engine.shared() {
            // As they were expected.
            keys.sort_unstable();
        }
        for key in &keys {
            slots.insert(key.clone(), Slot::loaded(None));
        }
        engine.load(const { &R::SPEC }, keys.len(), &|at, out| R::write_key(&keys[at], out), &mut |at, take| {
            let row = take.and_then(|take| R::read(take)).and_then(|row| same_key(row, &keys[at]));
            match row {
                Ok(row) => drop(slots.insert(keys[at].clone(), Slot::loaded(Some(row)))),
                Err(corrupt) => {
                    slots.remove(&keys[at]);
                    unreadable.insert(keys[at].clone(), corrupt.to_string());
                }
            }
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

    fn settle(&mut self) {
        self.ranges.clear();
        self.missed.clear();
        self.unreadable.clear();
        if self.slots.len() > R::SPEC.keep {
            self.changed.clear();
            self.slots.clear();
            return;
        }
        for key in self.changed.drain(..) {
            match self.slots.get_mut(&key) {
                Some(slot) if slot.row.as_ref().is_some_and(R::stays_in_memory) => {
                    slot.stored = true;
                    slot.changed = false;
                }
                Some(_) => drop(self.slots.remove(&key)),
                None => {}
            }
        }
    }

    fn clear(&mut self) {
        self.changed.clear();
        self.slots.clear();
        self.discard();
        self.settle();
    }

    fn set_aside(&mut self) {
        self.aside = std::mem::take(&mut self.overlay);
        self.unseen.clear();
    }

    fn same_as_aside(&self) -> bool {
        self.overlay == self.aside
    }
}
