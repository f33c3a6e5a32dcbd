//! What waits for the committer: bounded, one queue a tenant taken in turn, and a lane for workers that gets at most a
//! fifth of the rows while clients wait.

use std::collections::VecDeque;
use std::time::Duration;

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
    /// A worker's, for this tenant: `objects` is how many objects it moves (at most 500).
    Worker { tenant: TenantNo, objects: u32 },
}

impl Lane {
    /// The tenant whose rows the operation is about; 0 for rows that belong to none.
    pub(crate) fn tenant(self) -> TenantNo {
        match self {
            Lane::Client(tenant) | Lane::Worker { tenant, .. } => tenant,
        }
    }
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
/// Rows that a worker changes for an object, roughly: the object's own, and its place in the order of what is due, which
/// goes from one to another.
const ROWS_PER_OBJECT: u32 = 3;
/// The most objects that a worker's operation moves.
const OBJECTS_PER_WORKER: u32 = 500;
/// The most credit that an operation needs, in rows.
const CREDIT_MOST: u32 = OBJECTS_PER_WORKER * ROWS_PER_OBJECT;
/// What a batch of a shared store gives workers in any case: it takes so long that there is always a client waiting, and its
/// own price is that of many rows.
const ROWS_SHARED: u32 = 60;
/// The most objects that workers move in a batch without clients.
const OBJECTS_ALONE: u32 = 2_000;
/// From so many clients in a batch on, clients wait even when the queue is empty for a moment: they are being answered or
/// are on their way. Workers get their share then, and no more.
const CROWD: usize = 12;
/// No client for so long: nobody waits, and workers take what they like.
const QUIET: Duration = Duration::from_micros(500);
/// The same in a shared store, whose batches take milliseconds: a crowd that was answered at once comes back at once, and
/// would wait for all that workers took meanwhile.
const QUIET_SHARED: Duration = Duration::from_millis(5);
/// Empty queues that are kept for their memory.
const QUEUES_KEPT: usize = 1_024;

#[derive(Default)]
struct Waiting {
    tenants: HashMap<TenantNo, VecDeque<Box<dyn Job>>, FxBuildHasher>,
    turn: VecDeque<TenantNo>,
    clients: usize,
    workers: VecDeque<(u32, Box<dyn Job>)>,
    /// Rows that workers may change on account of what clients changed.
    credit: u32,
    asleep: bool,
    /// Clients in a batch, lately: the most, fading by an eighth with each batch.
    lately: usize,
    closed: bool,
}

pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    woken: Condvar,
    limits: Limits,
    /// Rows that workers may change in every batch, beyond what clients earn for them.
    always: u32,
    quiet: Duration,
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
    /// Of a store that has several processes, or of one that has a single one.
    pub(crate) fn new(limits: Limits, shared: bool) -> Queue {
        let (always, quiet) = if shared { (ROWS_SHARED, QUIET_SHARED) } else { (0, QUIET) };
        Queue { waiting: Mutex::default(), woken: Condvar::new(), limits, always, quiet }
    }

    /// Hands the job back when it cannot wait here.
    pub(crate) fn push(&self, lane: Lane, job: Box<dyn Job>) -> Result<(), (NotQueued, Box<dyn Job>)> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err((NotQueued::Closed, job));
        }
        if waiting.is_full(lane, self.limits) {
            return Err((NotQueued::Full, job));
        }
        waiting.push(lane, job);
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
        while waiting.clients == 0 && !waiting.workers_may_go_alone() {
            if waiting.closed && waiting.workers.is_empty() {
                return None;
            }
            waiting.asleep = true;
            if waiting.workers.is_empty() {
                self.woken.wait(&mut waiting);
            } else if waiting.closed || self.woken.wait_for(&mut waiting, self.quiet).timed_out() {
                waiting.lately = 0;
            }
        }
        waiting.asleep = false;
        Some(waiting.batch(self.limits.batch_operations, self.always))
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
    fn is_full(&self, lane: Lane, limits: Limits) -> bool {
        match lane {
            Lane::Client(tenant) => {
                let own = self.tenants.get(&tenant).map_or(0, VecDeque::len);
                self.clients >= limits.queued || own >= limits.queued_per_tenant
            }
            Lane::Worker { .. } => self.workers.len() >= limits.queued_per_tenant,
        }
    }

    fn push(&mut self, lane: Lane, job: Box<dyn Job>) {
        match lane {
            Lane::Client(tenant) => {
                let queue = self.tenants.entry(tenant).or_default();
                if queue.is_empty() {
                    self.turn.push_back(tenant);
                }
                queue.push_back(job);
                self.clients += 1;
            }
            Lane::Worker { objects, .. } => self.workers.push_back((objects.clamp(1, OBJECTS_PER_WORKER), job)),
        }
    }

    fn batch(&mut self, most: usize, always: u32) -> Batch {
        let mut jobs = Vec::with_capacity(most.min(self.clients + self.workers.len()));
        self.take_clients(most, &mut jobs);
        let clients = jobs.len();
        self.lately = clients.max(self.lately - self.lately.div_ceil(8));
        self.take_workers(clients, always, &mut jobs);
        Batch { jobs, clients }
    }

    /// One operation a tenant and turn, until the batch is full.
    fn take_clients(&mut self, most: usize, jobs: &mut Vec<Box<dyn Job>>) {
        while jobs.len() < most {
            let Some(tenant) = self.turn.pop_front() else { break };
            let Some(queue) = self.tenants.get_mut(&tenant) else { continue };
            if let Some(job) = queue.pop_front() {
                self.clients -= 1;
                jobs.push(job);
            }
            if !queue.is_empty() {
                self.turn.push_back(tenant);
            } else if self.tenants.len() > QUEUES_KEPT {
                self.tenants.remove(&tenant);
            }
        }
    }

    fn workers_may_go_alone(&self) -> bool {
        self.workers.front().is_some_and(|(objects, _)| self.lately < CROWD || self.credit >= rows(*objects))
    }

    /// While clients wait, workers take what they have earned by the rows that clients changed: a quarter of them, which is
    /// a fifth of the whole. When nobody waits they take what they like, up to a batch's objects.
    fn take_workers(&mut self, clients: usize, always: u32, jobs: &mut Vec<Box<dyn Job>>) {
        let earned = u32::try_from(clients).unwrap_or(u32::MAX).saturating_mul(ROWS_PER_CLIENT) / 4;
        self.credit = self.credit.saturating_add(earned + always).min(CREDIT_MOST);
        let mut moved = 0;
        while let Some((objects, _)) = self.workers.front() {
            let objects = *objects;
            let clients_wait = clients > 0 || self.lately >= CROWD;
            let allowed = if clients_wait { self.credit >= rows(objects) } else { moved + objects <= OBJECTS_ALONE };
            if !allowed {
                break;
            }
            self.credit = self.credit.saturating_sub(rows(objects));
            moved += objects;
            jobs.extend(self.workers.pop_front().map(|(_, job)| job));
        }
    }
}

fn rows(objects: u32) -> u32 {
    objects * ROWS_PER_OBJECT
}
