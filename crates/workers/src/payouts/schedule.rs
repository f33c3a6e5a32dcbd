//! Which open transfer is due when. Times are the tenant's own, so a moved clock needs no change here. In memory only:
//! a restart fills it again from the store.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use base::{Span, Time};
use plane::payouts::State;
use plane::sandbox::magic::Script;
use plane::{Due, TenantNo};

/// Tenants served in one round.
const TENANTS_MOST: usize = 16;

#[derive(Default)]
pub struct Schedule {
    tenants: BTreeMap<TenantNo, BTreeMap<(Time, u64), Waiting>>,
    /// The tenant that was served last: the next round begins behind it.
    served: TenantNo,
}

/// With its key, 24 bytes for each open transfer: a backlog of some hundred thousand is small.
#[derive(Clone, Copy)]
struct Waiting {
    attempts: u32,
    state: State,
    script: Script,
}

const _: () = assert!(size_of::<((Time, u64), Waiting)>() <= 24);

impl Schedule {
    /// Keeps a transfer until it is due. One that is never due by itself is not kept: whoever moves it announces it
    /// again. The same transfer kept twice falls together as soon as both were looked at.
    pub fn put(&mut self, due: Due) {
        let Due { at, tenant, seq, state, attempts, script } = due;
        if at < Time(i64::MAX) && !state.is_final() {
            self.tenants.entry(tenant).or_default().insert((at, seq), Waiting { attempts, state, script });
        }
    }

    /// At most `each` due transfers of each of the next tenants in turn, the longest due first.
    pub fn take(&mut self, now: Time, each: usize, ahead: impl Fn(TenantNo) -> Span) -> Vec<(TenantNo, Vec<Due>)> {
        let behind = self.tenants.range((Excluded(self.served), Unbounded));
        let turn = behind.chain(self.tenants.range(..=self.served));
        let due = turn.filter(|(tenant, waiting)| first(waiting).is_some_and(|at| at <= now.plus(ahead(**tenant))));
        let turn: Vec<TenantNo> = due.map(|(tenant, _)| *tenant).take(TENANTS_MOST).collect();
        self.served = turn.last().copied().unwrap_or(self.served);
        turn.into_iter().map(|tenant| (tenant, self.take_of(tenant, now.plus(ahead(tenant)), each))).collect()
    }

    fn take_of(&mut self, tenant: TenantNo, now: Time, each: usize) -> Vec<Due> {
        let Some(waiting) = self.tenants.get_mut(&tenant) else { return Vec::new() };
        let mut taken = Vec::new();
        while taken.len() < each
            && let Some(entry) = waiting.first_entry().filter(|entry| entry.key().0 <= now)
        {
            let ((at, seq), Waiting { attempts, state, script }) = entry.remove_entry();
            taken.push(Due { at, tenant, seq, state, attempts, script });
        }
        if waiting.is_empty() {
            self.tenants.remove(&tenant);
        }
        taken
    }

    /// How long after `now` the next transfer is due; negative when one is overdue. `None` when none is kept.
    pub fn wait(&self, now: Time, ahead: impl Fn(TenantNo) -> Span) -> Option<Span> {
        let waits =
            self.tenants.iter().filter_map(|(tenant, waiting)| Some(first(waiting)?.since(now.plus(ahead(*tenant)))));
        waits.min()
    }

    /// The number was retired by a reset: nothing of it will move any more.
    pub fn forget(&mut self, tenant: TenantNo) {
        self.tenants.remove(&tenant);
    }

    pub fn len(&self) -> usize {
        self.tenants.values().map(BTreeMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }
}

fn first(waiting: &BTreeMap<(Time, u64), Waiting>) -> Option<Time> {
    waiting.first_key_value().map(|((at, _), _)| *at)
}
