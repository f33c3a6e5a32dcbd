//! What a process knows of its own commits, by which its read connections tell the present server from a former one: a
//! server that was paused while another one took over goes on answering for a moment, from old state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::errors::before_commit;
use super::link::{Link, patiently};
use crate::engine::EngineError;

const LAST: &str = "SELECT coalesce(max(number), 0) FROM batch WHERE committer = $1";

/// Shared by the committer, who writes it, and the readers. Clones share it.
#[derive(Clone)]
pub(super) struct Proof {
    inner: Arc<Inner>,
}

struct Inner {
    committer: String,
    /// The number of the last batch that is known to be kept.
    kept: AtomicI64,
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
                kept: AtomicI64::new(0),
                losses: AtomicU64::new(0),
                fresh: AtomicBool::new(true),
            }),
        }
    }

    pub(super) fn committer(&self) -> &str {
        &self.inner.committer
    }

    /// Before anybody is answered. Read connections that were opened before the first commit on another connection may be to
    /// the former server: they could not prove anything then.
    pub(super) fn kept(&self, number: i64) {
        self.inner.kept.store(number, Ordering::Release);
        if self.inner.fresh.swap(false, Ordering::AcqRel) {
            self.inner.losses.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Before the committer connects anew.
    pub(super) fn lost(&self) {
        self.inner.fresh.store(true, Ordering::Release);
        self.inner.losses.fetch_add(1, Ordering::AcqRel);
    }

    /// A read connection is of use for as long as this is what it was before it was opened.
    pub(super) fn losses(&self) -> u64 {
        self.inner.losses.load(Ordering::Acquire)
    }

    /// Refuses a server that does not have what this process has committed. What other processes committed alone is not
    /// proved; each commits a heartbeat several times a second, and so leaves a former server within that time.
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
