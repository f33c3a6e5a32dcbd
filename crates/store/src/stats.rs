//! Counters that the committer keeps and the metrics listener reads. No locks, no labels on the way.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since start.
#[derive(Debug, Default)]
pub struct Stats {
    pub(crate) commits: AtomicU64,
    pub(crate) client_operations: AtomicU64,
    pub(crate) worker_operations: AtomicU64,
    pub(crate) busy_us: AtomicU64,
    pub(crate) sync_us: AtomicU64,
    pub(crate) refused_queue_full: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
    pub(crate) read_only: AtomicU64,
    pub(crate) engine_calls: AtomicU64,
}

/// One reading of [`Stats`].
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub commits: u64,
    pub client_operations: u64,
    pub worker_operations: u64,
    /// Time the committer spent working, syncs left out.
    pub busy_us: u64,
    /// Time spent in commits: writing the log and waiting for the disk.
    pub sync_us: u64,
    pub refused_queue_full: u64,
    pub log_bytes: u64,
    /// 1 while the disk is full and nothing can be written.
    pub read_only: u64,
    /// Calls to the engine: statements, over a network.
    pub engine_calls: u64,
}

impl Stats {
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            commits: read(&self.commits),
            client_operations: read(&self.client_operations),
            worker_operations: read(&self.worker_operations),
            busy_us: read(&self.busy_us),
            sync_us: read(&self.sync_us),
            refused_queue_full: read(&self.refused_queue_full),
            log_bytes: read(&self.log_bytes),
            read_only: read(&self.read_only),
            engine_calls: read(&self.engine_calls),
        }
    }

    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}
