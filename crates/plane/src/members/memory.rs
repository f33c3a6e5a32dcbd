//! What a process knows of itself as a member: its id, its own measure of time, its last heartbeat, what it saw of
//! others, and which leases it has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use base::{Chance, Clock, Span, Time};
use parking_lot::Mutex;

use super::Duty;
use super::state::{HELD, Look, RENEWED, Watch, trusts};

/// Time that never jumps, since the process began to measure. It stands still while the whole machine sleeps.
pub(crate) struct Pulse(Instant);

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse(Instant::now())
    }
}

impl Clock for Pulse {
    fn now(&self) -> Time {
        Time(i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

/// This process among those that serve the plane.
pub(crate) struct Members {
    shared: bool,
    id: Arc<str>,
    pulse: Arc<dyn Clock>,
    /// When the last heartbeat began that made memory trustworthy.
    beaten: AtomicI64,
    /// The change up to which memory was refreshed.
    seen: AtomicI64,
    count: AtomicI64,
    pub(super) processes: Mutex<Watch>,
    pub(super) others_leases: Mutex<Watch>,
    leases: Mutex<HashMap<Duty, Held>>,
}

/// A lease that this process has, or had: its epoch stays known after it is lost.
#[derive(Clone, Copy)]
struct Held {
    epoch: i64,
    /// When the last renewal began; `None` when it is not this process's any more.
    since: Option<Time>,
}

const NEVER: i64 = i64::MIN;
const ID: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const ID_LENGTH: usize = 12;

impl Members {
    /// The only process of its plane: everything here holds and costs nothing.
    pub(crate) fn alone() -> Members {
        Members::new(false, Arc::from(""), Arc::new(Pulse::default()))
    }

    /// One of several processes.
    pub(crate) fn among(chance: &dyn Chance, pulse: Arc<dyn Clock>) -> Members {
        Members::new(true, chance.text(ID, ID_LENGTH).into(), pulse)
    }

    fn new(shared: bool, id: Arc<str>, pulse: Arc<dyn Clock>) -> Members {
        Members {
            shared,
            id,
            pulse,
            beaten: AtomicI64::new(NEVER),
            seen: AtomicI64::new(NEVER),
            count: AtomicI64::new(0),
            processes: Mutex::default(),
            others_leases: Mutex::default(),
            leases: Mutex::default(),
        }
    }

    pub(crate) fn shared(&self) -> bool {
        self.shared
    }

    /// Whether what this process remembers may be used.
    pub(crate) fn trusted(&self) -> bool {
        !self.shared || trusts(self.time().since(Time(self.beaten.load(Ordering::Acquire))))
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// By this process's own measure.
    pub(super) fn time(&self) -> Time {
        self.pulse.now()
    }

    /// What a look found, with when it began and ended.
    pub(super) fn look<T, E>(&self, look: impl FnOnce() -> Result<T, E>) -> Result<(T, Look), E> {
        let begun = self.time();
        let found = look()?;
        Ok((found, Look { begun, ended: self.time() }))
    }

    /// A number that this process has not used before.
    pub(super) fn next_beat(&self) -> i64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    pub(super) fn refreshed(&self, number: i64) {
        self.seen.store(number, Ordering::Release);
    }

    pub(super) fn beaten(&self, begun: Time) {
        self.beaten.store(begun.0, Ordering::Release);
    }

    pub(super) fn distrust(&self) {
        self.beaten.store(NEVER, Ordering::Release);
    }

    pub(super) fn took(&self, duty: Duty, epoch: i64, begun: Time) {
        self.leases.lock().insert(duty, Held { epoch, since: Some(begun) });
    }

    pub(super) fn lost(&self, duty: Duty) {
        if let Some(held) = self.leases.lock().get_mut(&duty) {
            held.since = None;
        }
    }

    /// The epoch in which this process has the lease now.
    pub(super) fn holds(&self, duty: Duty) -> Option<i64> {
        self.held_for(duty).filter(|(_, since)| *since < HELD).map(|(epoch, _)| epoch)
    }

    /// Whether the lease is this process's and was renewed lately.
    pub(super) fn renewed(&self, duty: Duty) -> bool {
        self.held_for(duty).is_some_and(|(_, since)| since < RENEWED)
    }

    /// The epoch in which this process had the lease last, if it ever had it.
    pub(super) fn epoch(&self, duty: Duty) -> Option<i64> {
        self.leases.lock().get(&duty).map(|held| held.epoch)
    }

    fn held_for(&self, duty: Duty) -> Option<(i64, Span)> {
        let held = *self.leases.lock().get(&duty)?;
        Some((held.epoch, self.time().since(held.since?)))
    }
}
