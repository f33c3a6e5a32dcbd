//! When each tenant's first open transfer is due. It grows with tenants and not with transfers, which stay in the store.
//! Times are the tenant's own, so a moved clock needs no change here. What is noted may be too early, never too late for
//! longer than until the store is next looked over.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use base::{Span, Time};
use plane::TenantNo;

#[derive(Default)]
pub struct Agenda {
    tenants: BTreeMap<TenantNo, Time>,
    /// The tenant that had the last turn: the next one begins behind it.
    served: TenantNo,
}

impl Agenda {
    /// Something of the tenant is due at `at`: the end of time is never.
    pub fn note(&mut self, tenant: TenantNo, at: Time) {
        if at < Time(i64::MAX) {
            self.tenants.entry(tenant).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
    }

    /// The store was asked: the tenant's first is due at `at`, or nothing is.
    pub fn set(&mut self, tenant: TenantNo, at: Option<Time>) {
        self.tenants.remove(&tenant);
        at.into_iter().for_each(|at| self.note(tenant, at));
    }

    /// The next tenants in turn of whom something is due, at most `most`.
    pub fn turn(&mut self, now: Time, most: usize, ahead: impl Fn(TenantNo) -> Span) -> Vec<TenantNo> {
        let behind = self.tenants.range((Excluded(self.served), Unbounded));
        let turn = behind.chain(self.tenants.range(..=self.served));
        let due = turn.filter(|(tenant, at)| **at <= now.plus(ahead(**tenant)));
        let turn: Vec<TenantNo> = due.map(|(tenant, _)| *tenant).take(most).collect();
        self.served = turn.last().copied().unwrap_or(self.served);
        turn
    }

    /// How long after `now` something is due; negative when it is overdue. `None` when nothing is noted.
    pub fn wait(&self, now: Time, ahead: impl Fn(TenantNo) -> Span) -> Option<Span> {
        self.tenants.iter().map(|(tenant, at)| at.since(now.plus(ahead(*tenant)))).min()
    }

    /// The number was retired by a reset: nothing of it will move any more.
    pub fn forget(&mut self, tenant: TenantNo) {
        self.tenants.remove(&tenant);
    }

    pub fn len(&self) -> usize {
        self.tenants.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }
}
