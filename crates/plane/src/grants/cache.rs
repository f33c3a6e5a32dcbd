//! Keys that were used lately, so that a call reads no row. A change forgets the key before it is answered, and what was
//! read before the change is not learnt after it. What other processes change is forgotten by the heartbeats of `members`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use ::store::TenantNo;
use base::{Deed, KeyId, Time};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::state::KeyListing;
use super::store::KeyRow;

const KEYS_KEPT: usize = 50_000;

/// The plane's memory of its keys.
pub struct Grants {
    keys: Cache<KeyId, Arc<Known>>,
    /// Moves with every change; what was read under an older value is not learnt.
    changes: AtomicU64,
    learning: Mutex<()>,
    used: Mutex<Vec<Arc<Known>>>,
    /// Deeds of tenants whose key was read for one call alone.
    passing: Mutex<BTreeMap<String, u64>>,
}

/// One key as it was read, with its tenant's present number and standing.
pub(super) struct Found {
    pub(super) row: KeyRow,
    pub(super) tenant: TenantNo,
    pub(super) suspended: bool,
}

/// One key as it is remembered.
pub(super) struct Known {
    pub(super) row: KeyRow,
    pub(super) tenant: TenantNo,
    pub(super) suspended: bool,
    used: LastUse,
    deeds: Deeds,
    /// Not so when it was read for one call.
    remembered: AtomicBool,
}

/// What this key's calls have done, and what of that is kept.
#[derive(Default)]
struct Deeds {
    noted: AtomicU64,
    kept: AtomicU64,
}

struct LastUse {
    at: AtomicI64,
    noted: AtomicI64,
}

/// A last use is kept when it is this much later than the one kept before.
const NOTE_EVERY_US: i64 = 60_000_000;

impl Default for Grants {
    fn default() -> Grants {
        Grants {
            keys: Cache::new(KEYS_KEPT),
            changes: AtomicU64::new(0),
            learning: Mutex::new(()),
            used: Mutex::default(),
            passing: Mutex::default(),
        }
    }
}

impl Grants {
    pub(super) fn get(&self, id: &KeyId) -> Option<Arc<Known>> {
        self.keys.get(id)
    }

    /// Taken before a row is read.
    pub(super) fn ticket(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn learn(&self, ticket: u64, found: Found) -> Arc<Known> {
        let known = Arc::new(Known::of(found));
        let _one_at_a_time = self.learning.lock();
        if self.ticket() == ticket {
            known.remembered.store(true, Ordering::Relaxed);
            self.keys.insert(known.row.id, Arc::clone(&known));
            self.used.lock().push(Arc::clone(&known));
        }
        known
    }

    /// The key changed: the next call reads it again.
    pub(crate) fn forget(&self, id: &KeyId) {
        let _one_at_a_time = self.learning.lock();
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.keys.remove(id);
    }

    /// Tenants changed their numbers or their standing: everything is read again.
    pub(crate) fn forget_all(&self) {
        let _one_at_a_time = self.learning.lock();
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.keys.clear();
    }

    /// Keys whose last use is worth keeping.
    pub(super) fn take_used(&self) -> Vec<(KeyId, i64)> {
        let mut used = self.used.lock();
        let due = used
            .iter()
            .filter_map(|known| {
                let at = known.used.at.load(Ordering::Relaxed);
                let noted = known.used.noted.load(Ordering::Relaxed);
                (at > noted.saturating_add(NOTE_EVERY_US)).then(|| {
                    known.used.noted.store(at, Ordering::Relaxed);
                    (known.row.id, at)
                })
            })
            .collect();
        used.retain(|known| Arc::strong_count(known) > 1 || known.unkept() != 0);
        due
    }

    /// Every call comes by here, and hardly any has something new to tell.
    pub(super) fn did(&self, known: &Known, deed: Deed) {
        if deed.is_in(known.deeds.noted.load(Ordering::Relaxed)) {
            return;
        }
        known.deeds.noted.fetch_or(deed.bit(), Ordering::Relaxed);
        if !known.remembered.load(Ordering::Relaxed) {
            *self.passing.lock().entry(known.row.owner.to_string()).or_default() |= deed.bit();
        }
    }

    /// Deeds that are not kept yet.
    pub(crate) fn noted(&self) -> Noted {
        let used = self.used.lock();
        let unkept = used.iter().map(|known| (Arc::clone(known), known.unkept()));
        Noted { of_keys: unkept.filter(|(_, deeds)| *deeds != 0).collect(), passing: self.passing.lock().clone() }
    }

    /// They are in the store now.
    pub(crate) fn kept(&self, noted: &Noted) {
        for (known, deeds) in &noted.of_keys {
            known.deeds.kept.fetch_or(*deeds, Ordering::Relaxed);
        }
        let mut passing = self.passing.lock();
        for (id, deeds) in &noted.passing {
            if let Some(left) = passing.get_mut(id) {
                *left &= !deeds;
            }
        }
        passing.retain(|_, left| *left != 0);
    }

    /// The listing with a use that is not kept yet.
    pub(super) fn with_last_use(&self, listing: KeyListing) -> KeyListing {
        let known = listing.id.parse().ok().and_then(|id: KeyId| self.keys.get(&id));
        let at = known.map(|known| known.used.at.load(Ordering::Relaxed)).filter(|at| *at > 0);
        KeyListing { last_used_at: at.or(listing.last_used_at), ..listing }
    }
}

impl Known {
    /// As read, for one call.
    pub(super) fn of(found: Found) -> Known {
        let Found { row, tenant, suspended } = found;
        let at = row.last_used_at.unwrap_or(0);
        let used = LastUse { at: AtomicI64::new(at), noted: AtomicI64::new(at) };
        Known { row, tenant, suspended, used, deeds: Deeds::default(), remembered: AtomicBool::new(false) }
    }

    pub(super) fn used(&self, now: Time) {
        self.used.at.store(now.0, Ordering::Relaxed);
    }

    fn unkept(&self) -> u64 {
        self.deeds.noted.load(Ordering::Relaxed) & !self.deeds.kept.load(Ordering::Relaxed)
    }
}

/// Deeds on their way from memory to the store.
pub(crate) struct Noted {
    of_keys: Vec<(Arc<Known>, u64)>,
    passing: BTreeMap<String, u64>,
}

impl Noted {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_keys.is_empty() && self.passing.is_empty()
    }

    /// By the tenants' public ids.
    pub(crate) fn of_tenants(&self) -> BTreeMap<String, u64> {
        let mut of_tenants = self.passing.clone();
        for (known, deeds) in &self.of_keys {
            *of_tenants.entry(known.row.owner.to_string()).or_default() |= deeds;
        }
        of_tenants
    }
}
