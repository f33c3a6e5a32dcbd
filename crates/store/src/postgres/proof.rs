//! What a process knows of its own commits, by which its reads tell the present server from a former one: a server that was
//! paused or cut off while another one took over goes on answering for a moment, from old state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::errors::before_commit;
use super::link::{Link, patiently};
use crate::engine::EngineError;

const LAST: &str = "SELECT coalesce(max(number), 0) FROM batch WHERE committer = $1";

/// For so long after a commit began that a standby has as well, nobody else can have become the server: a cluster manager
/// gives a leader that it does not hear of longer than this (Patroni: `ttl` without `loop_wait`, 20 seconds by default).
const PROVES: Duration = Duration::from_secs(2);
/// No commit on this connection yet.
const NEVER: u64 = u64::MAX;

/// Shared by the committer, who writes it, and the readers. Clones share it.
#[derive(Clone)]
pub(crate) struct Proof {
    inner: Arc<Inner>,
}

struct Inner {
    committer: String,
    opened: Instant,
    /// The number of the last batch that is known to be kept.
    kept: AtomicI64,
    /// When its commit began, in microseconds after `opened`; or [`NEVER`].
    begun: AtomicU64,
    /// How often the committer lost its connection or committed for the first time on another one.
    losses: AtomicU64,
    /// Nothing was committed yet on the committer's connection.
    fresh: AtomicBool,
}

impl Proof {
    /// Of the process whose batches are marked with this name.
    pub(super) fn of(committer: String) -> Proof {
        Proof {
            inner: Arc::new(Inner {
                committer,
                opened: Instant::now(),
                kept: AtomicI64::new(0),
                begun: AtomicU64::new(NEVER),
                losses: AtomicU64::new(0),
                fresh: AtomicBool::new(true),
            }),
        }
    }

    pub(super) fn committer(&self) -> &str {
        &self.inner.committer
    }

    /// Before anybody is answered. `begun` is before the commit was sent. Read connections that were opened before the first
    /// commit on another connection may be to the former server: they could not prove anything then.
    pub(super) fn kept(&self, number: i64, begun: Instant) {
        self.inner.kept.store(number, Ordering::Release);
        if self.inner.fresh.swap(false, Ordering::AcqRel) {
            self.inner.losses.fetch_add(1, Ordering::AcqRel);
        }
        let begun = begun.saturating_duration_since(self.inner.opened).as_micros();
        self.inner.begun.store(u64::try_from(begun).unwrap_or(0), Ordering::Release);
    }

    /// Before the committer connects anew.
    pub(super) fn lost(&self) {
        self.inner.begun.store(NEVER, Ordering::Release);
        self.inner.fresh.store(true, Ordering::Release);
        self.inner.losses.fetch_add(1, Ordering::AcqRel);
    }

    /// A read connection is of use for as long as this is what it was before it was opened.
    pub(crate) fn losses(&self) -> u64 {
        self.inner.losses.load(Ordering::Acquire)
    }

    /// Whether something was committed on the committer's present connection.
    pub(crate) fn committed(&self) -> bool {
        self.inner.begun.load(Ordering::Acquire) != NEVER
    }

    /// Whether the committer's server is still the present one, by the last commit. When not, a commit tells.
    pub(crate) fn holds(&self) -> bool {
        let begun = self.inner.begun.load(Ordering::Acquire);
        begun != NEVER && self.inner.opened.elapsed() < Duration::from_micros(begun) + PROVES
    }

    /// Refuses a server that does not have what this process has committed.
    pub(super) async fn check(&self, link: &Link) -> Result<(), EngineError> {
        let kept = self.inner.kept.load(Ordering::Acquire);
        if kept == 0 {
            return Ok(());
        }
        let row = patiently(link.client.query_one(LAST, &[&self.inner.committer])).await?;
        let last: i64 = row.and_then(|row| row.try_get(0)).map_err(|error| before_commit(&error))?;
        if last < kept {
            return Err(EngineError::Unreachable(
                "the server lacks what was committed: another one took over".to_owned(),
            ));
        }
        Ok(())
    }
}
