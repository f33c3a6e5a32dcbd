//! What waits for the committer: bounded, one queue a tenant taken in turn, and a lane for workers that gets at most a
//! fifth of the rows while clients wait.

use std::collections::VecDeque;

use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxBuildHasher;

use crate::job::Job;
use crate::row::TenantNo;

/// Whose operation this is.
#[derive(Clone, Copy, Debug)]
pub enum Lane {
    /// A caller waits for the answer. The number is the tenant's.
    Client(TenantNo),
    /// A worker's: `objects` is how many objects it moves (at most 500).
    Worker { objects: u32 },
}

/// Bounds of the queues and of a batch (`docs/store.md`, rules 14 and 16).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub queued_per_tenant: usize,
    pub queued: usize,
    pub batch_operations: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { queued_per_tenant: 4_096, queued: 16_384, batch_operations: 256 }
    }
}

/// Rows that a client operation changes, roughly: what a worker's share is measured against.
const ROWS_PER_CLIENT: u32 = 5;

#[derive(Default)]
struct Waiting {
    tenants: HashMap<TenantNo, VecDeque<Box<dyn Job>>, FxBuildHasher>,
    turn: VecDeque<TenantNo>,
    clients: usize,
    workers: VecDeque<(u32, Box<dyn Job>)>,
    /// Rows that workers may move on account of what clients moved.
    credit: u32,
    asleep: bool,
    closed: bool,
}

pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    woken: Condvar,
    limits: Limits,
}

/// Why an operation was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotQueued {
    Full,
    Closed,
}

/// One batch: the jobs and how many of them are clients'.
pub(crate) struct Batch {
    pub(crate) jobs: Vec<Box<dyn Job>>,
    pub(crate) clients: usize,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Queue {
        Queue { waiting: Mutex::default(), woken: Condvar::new(), limits }
    }

    pub(crate) fn push(&self, lane: Lane, job: Box<dyn Job>) -> Result<(), (NotQueued, Box<dyn Job>)> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err((NotQueued::Closed, job));
        }
        match lane {
            Lane::Client(tenant) => {
                let Waiting { tenants, turn, .. } = &mut *waiting;
                let queue = tenants.entry(tenant).or_default();
                if queue.len() >= self.limits.queued_per_tenant {
                    return Err((NotQueued::Full, job));
                }
                if queue.is_empty() {
                    turn.push_back(tenant);
                }
                queue.push_back(job);
                waiting.clients += 1;
                if waiting.clients > self.limits.queued {
                    return Err((NotQueued::Full, Waiting::pop_last(&mut waiting, tenant)));
                }
            }
            Lane::Worker { objects } => waiting.workers.push_back((objects, job)),
        }
        if waiting.asleep {
            waiting.asleep = false;
            drop(waiting);
            self.woken.notify_one();
        }
        Ok(())
    }

    /// Waits for work and takes a batch of it. `None` when the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Batch> {
        let mut waiting = self.waiting.lock();
        while waiting.clients == 0 && waiting.workers.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting.asleep = true;
            self.woken.wait(&mut waiting);
        }
        waiting.asleep = false;
        Some(waiting.batch(self.limits.batch_operations))
    }

    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.woken.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.clients + waiting.workers.len()
    }
}

impl Waiting {
    fn batch(&mut self, most: usize) -> Batch {
        let mut jobs = Vec::with_capacity(most.min(self.clients + self.workers.len()));
        while jobs.len() < most {
            let Some(tenant) = self.turn.pop_front() else { break };
            let Some(queue) = self.tenants.get_mut(&tenant) else { continue };
            if let Some(job) = queue.pop_front() {
                self.clients -= 1;
                jobs.push(job);
            }
            if queue.is_empty() {
                self.tenants.remove(&tenant);
            } else {
                self.turn.push_back(tenant);
            }
        }
        let clients = jobs.len();
        let earned = u32::try_from(clients).unwrap_or(u32::MAX).saturating_mul(ROWS_PER_CLIENT) / 4;
        self.credit = self.credit.saturating_add(earned).min(2_000);
        while let Some((objects, _)) = self.workers.front() {
            let objects = *objects;
            if clients > 0 && self.credit < objects {
                break;
            }
            self.credit = self.credit.saturating_sub(objects);
            if let Some((_, job)) = self.workers.pop_front() {
                jobs.push(job);
            }
            if clients == 0 && jobs.len() >= 4 {
                break;
            }
        }
        Batch { jobs, clients }
    }

    /// Takes back what was just pushed for `tenant`.
    fn pop_last(waiting: &mut Waiting, tenant: TenantNo) -> Box<dyn Job> {
        waiting.clients -= 1;
        let job = waiting.tenants.get_mut(&tenant).and_then(VecDeque::pop_back);
        if waiting.tenants.get(&tenant).is_some_and(VecDeque::is_empty) {
            waiting.tenants.remove(&tenant);
            waiting.turn.retain(|turn| *turn != tenant);
        }
        job.unwrap_or_else(|| unreachable!("it was pushed under the same lock"))
    }
}
