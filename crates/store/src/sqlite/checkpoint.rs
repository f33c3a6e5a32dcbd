//! Folding the log into the main file, mostly beside the committer: a second connection copies and syncs the bulk, and
//! the committer itself finishes the small rest between two batches, so that the log starts again from its beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::Fault;
use rusqlite::Connection;

use super::open::open_second;

/// About 64 MB of 4 KiB pages. Smaller means more double writes; larger means more to read at start.
const FOLD_AT_PAGES: u64 = 16_000;
/// A rest that the committer may fold itself without being noticed.
const REST_PAGES: i64 = 1_500;
/// Alarm: readers or the disk keep the log from being folded.
const ALARM_PAGES: u64 = 4 * FOLD_AT_PAGES;

pub(crate) struct Checkpointer {
    work: Option<std::sync::mpsc::SyncSender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    state: Arc<State>,
    alarmed: bool,
}

#[derive(Default)]
struct State {
    running: AtomicBool,
    /// The bulk is folded: the committer may finish.
    finish: AtomicBool,
}

impl Checkpointer {
    pub(crate) fn start(file: &Path, name: &str) -> Result<Checkpointer, Fault> {
        let connection = open_second(file)?;
        let state = Arc::new(State::default());
        let (work, todo) = std::sync::mpsc::sync_channel::<()>(1);
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name(format!("{name}-fold"))
            .spawn(move || {
                while todo.recv().is_ok() {
                    fold(&connection);
                    shared.finish.store(true, Ordering::Release);
                    shared.running.store(false, Ordering::Release);
                }
            })
            .map_err(|error| Fault::because("starting the checkpoint thread", error))?;
        Ok(Checkpointer { work: Some(work), thread: Some(thread), state, alarmed: false })
    }

    /// Called by the committer between batches.
    pub(super) fn rest(&mut self, writer: &Connection, pages: u64) {
        if pages > ALARM_PAGES && !std::mem::replace(&mut self.alarmed, true) {
            tracing::warn!(pages, "the store's log is not being folded: a long reader, or a slow disk");
        }
        if self.state.finish.swap(false, Ordering::AcqRel) {
            let _ = checkpoint(writer);
            return;
        }
        if pages >= FOLD_AT_PAGES && !self.state.running.swap(true, Ordering::AcqRel) {
            self.alarmed = false;
            if let Some(work) = &self.work {
                let _ = work.try_send(());
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Folds until what is left is small, or no progress is made because a reader still needs the log.
fn fold(connection: &Connection) {
    let mut left_before = i64::MAX;
    for _ in 0..8 {
        match checkpoint(connection) {
            Ok(left) if left <= REST_PAGES || left >= left_before => return,
            Ok(left) => left_before = left,
            Err(error) => {
                tracing::warn!(%error, "folding the store's log failed; it will be tried again");
                return;
            }
        }
    }
}

/// One pass; answers how many pages of the log are still to be folded.
fn checkpoint(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (log, folded): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(log - folded)
    })
}
