//! All tables' maps of one store, and which of them the running operation and the batch have touched, so that a table
//! costs nothing where it is not used.

use std::collections::BTreeSet;

use crate::engine::{Engine, EngineError};
use crate::map::{AnyMap, RowMap};
use crate::row::{Row, TenantNo};

pub(crate) struct Maps {
    maps: Vec<Box<dyn AnyMap>>,
    /// One bit a slot: touched by the operation that runs.
    operation: u64,
    /// One bit a slot: touched since the last commit.
    batch: u64,
    /// Rows that the batch changes.
    changed: usize,
    /// The engine was told what the next load asks for.
    asked: bool,
}

/// Tables that one schema can have: a bit each in the marks.
pub(crate) const MOST_TABLES: usize = 64;

impl Maps {
    pub(crate) fn new(maps: Vec<Box<dyn AnyMap>>) -> Maps {
        Maps { maps, operation: 0, batch: 0, changed: 0, asked: false }
    }

    pub(crate) fn of<R: Row>(&mut self) -> &mut RowMap<R> {
        self.operation |= 1 << R::SLOT;
        match self.maps[R::SLOT].as_any().downcast_mut::<RowMap<R>>() {
            Some(map) => map,
            None => unreachable!("the schema put another table in the slot of {}", R::SPEC.name),
        }
    }

    /// Rows that the batch changes so far.
    pub(crate) fn changed(&self) -> usize {
        self.changed
    }

    /// Makes the operation's overlay part of the batch.
    pub(crate) fn merge(&mut self) {
        for slot in self.end_operation() {
            self.changed += self.maps[slot].merge();
        }
    }

    /// Forgets the operation's overlay.
    pub(crate) fn discard(&mut self) {
        for slot in self.end_operation() {
            self.maps[slot].discard();
        }
    }

    /// The unreadable row that the operation just ran into, if that is why it stopped.
    pub(crate) fn take_unreadable(&mut self) -> Option<String> {
        slots(self.operation).find_map(|slot| self.maps[slot].take_unreadable())
    }

    /// Sets the overlay aside; [`Maps::same_as_aside`] compares the next one with it.
    pub(crate) fn set_aside(&mut self) {
        self.maps.iter_mut().for_each(|map| map.set_aside());
    }

    pub(crate) fn same_as_aside(&self) -> bool {
        self.maps.iter().all(|map| map.same_as_aside())
    }

    /// The tenants whose rows operations missed.
    pub(crate) fn missed_of(&self) -> BTreeSet<TenantNo> {
        let mut tenants = BTreeSet::new();
        slots(self.batch).for_each(|slot| self.maps[slot].missed_of(&mut tenants));
        tenants
    }

    /// The tenants whose rows the batch changes, those included that were added without a look.
    pub(crate) fn changed_of(&self) -> BTreeSet<TenantNo> {
        let mut tenants = BTreeSet::new();
        slots(self.batch).for_each(|slot| self.maps[slot].changed_of(&mut tenants));
        tenants
    }

    /// Tells the engine which keys the next [`Maps::load`] asks for, before the batch begins too, unless ranges are missed:
    /// what they bring needs no load by key.
    pub(crate) fn ask(&mut self, engine: &mut dyn Engine) {
        self.asked = !slots(self.batch).any(|slot| self.maps[slot].misses_ranges());
        if self.asked {
            slots(self.batch).for_each(|slot| self.maps[slot].expect(engine));
        }
    }

    /// Loads what operations missed: one call a table for keys and one for ranges.
    pub(crate) fn load(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        if !self.asked {
            slots(self.batch).try_for_each(|slot| self.maps[slot].load_ranges(engine))?;
            // The engine of a file has no round trips to share.
            if engine.shared() {
                self.ask(engine);
            }
        }
        self.asked = false;
        slots(self.batch).try_for_each(|slot| self.maps[slot].load(engine))
    }

    /// Writes what the batch changed.
    pub(crate) fn flush(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        slots(self.batch).try_for_each(|slot| self.maps[slot].flush(engine))
    }

    /// The batch is over and, if it changed anything, durable: what it changed is now what is stored.
    pub(crate) fn settle(&mut self) {
        slots(self.batch).for_each(|slot| self.maps[slot].settle());
        (self.batch, self.changed) = (0, 0);
    }

    /// Forgets everything, kept rows too.
    pub(crate) fn clear(&mut self) {
        self.maps.iter_mut().for_each(|map| map.clear());
        (self.operation, self.batch, self.changed, self.asked) = (0, 0, 0, false);
    }

    fn end_operation(&mut self) -> impl Iterator<Item = usize> + use<> {
        self.batch |= self.operation;
        slots(std::mem::take(&mut self.operation))
    }
}

/// The numbers of the bits that are set, ascending.
fn slots(mut bits: u64) -> impl Iterator<Item = usize> + use<> {
    std::iter::from_fn(move || {
        let slot = usize::try_from(bits.trailing_zeros()).ok().filter(|slot| *slot < MOST_TABLES)?;
        bits &= bits - 1;
        Some(slot)
    })
}
