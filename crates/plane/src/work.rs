//! What the payout worker is told by commits, so that it need not look at the store all the time: whose work there is, and
//! how far clocks are ahead. Told on the committer's side, so that a caller that has gone away changes nothing. The work
//! itself is in the store, and a worker that was told nothing finds it there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicI64, Ordering};

use base::{Span, Time};
use parking_lot::{Mutex, RwLock};
use store::TenantNo;
use tokio::sync::Notify;

use crate::payouts::DueRow;

/// A tenant has work that is due at a time, in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub tenant: TenantNo,
    /// Whether the transfer is with the rail.
    pub with_rail: bool,
    pub at: Time,
}

/// Open work as this process hears of it. It grows with tenants and not with transfers.
#[derive(Default)]
pub struct OpenWork {
    /// The earliest that each tenant rang for since the worker last looked, with the rail and not.
    rung: Mutex<HashMap<(TenantNo, bool), Time>>,
    ahead: RwLock<HashMap<TenantNo, Span>>,
    bell: Notify,
    count: AtomicI64,
}

impl OpenWork {
    /// Who rang since the last call.
    pub fn take(&self) -> Vec<Rung> {
        let rung = std::mem::take(&mut *self.rung.lock());
        rung.into_iter().map(|((tenant, with_rail), at)| Rung { tenant, with_rail, at }).collect()
    }

    /// Waits until somebody rings or a clock is moved.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }

    /// How far the tenant's clock is ahead of the plane's.
    pub fn ahead(&self, tenant: TenantNo) -> Span {
        self.ahead.read().get(&tenant).copied().unwrap_or_default()
    }

    /// Transfers that are not final: those at start, and what this process has opened and closed since.
    pub fn open_count(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Nobody is called for what waits for a person.
    pub(crate) fn ring(&self, due: &DueRow) {
        if due.at == Time(i64::MAX) {
            return;
        }
        let earlier = match self.rung.lock().entry((due.tenant, due.state.is_with_the_rail())) {
            Entry::Vacant(silent) => {
                silent.insert(due.at);
                true
            }
            Entry::Occupied(mut rung) if due.at < *rung.get() => {
                rung.insert(due.at);
                true
            }
            Entry::Occupied(_) => false,
        };
        if earlier {
            self.bell.notify_one();
        }
    }

    pub(crate) fn opened(&self, transfers: i64) {
        self.count.fetch_add(transfers, Ordering::Relaxed);
    }

    /// The tenant's number was retired by a reset: nothing behind it is due any more.
    pub(crate) fn forget(&self, tenant: TenantNo) {
        self.rung.lock().retain(|(of, _), _| *of != tenant);
        self.ahead.write().remove(&tenant);
    }

    pub(crate) fn set_ahead(&self, tenant: TenantNo, ahead: Span) {
        let mut known = self.ahead.write();
        let known = known.entry(tenant).or_default();
        // What was read before a clock was moved may arrive after it; clocks only go forward.
        *known = ahead.max(*known);
        self.bell.notify_one();
    }
}
