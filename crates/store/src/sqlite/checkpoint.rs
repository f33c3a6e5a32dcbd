//! Folding the log into the main file, mostly beside the committer: a second connection copies and syncs the bulk, and
//! the committer itself finishes the small rest between two batches, so that the log starts again from its beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use base::Fault;
use rusqlite::Connection;

use super::open::open_second;

/// About 128 MB of 4 KiB pages. Smaller means more double writes and a longer worst answer; larger, more to read at start.
pub(crate) const FOLD_AT_PAGES: u64 = 32_000;
/// A rest that the committer may fold itself without being noticed.
const REST_PAGES: i64 = 256;
/// In folds. Alarm: readers or the disk keep the log from being folded.
const ALARM: u64 = 4;
/// In folds. From here on the committer waits for readers after every batch, so that callers slow down instead of the
/// log growing until the disk is full.
const BACK_PRESSURE: u64 = 16;

pub(crate) struct Checkpointer {
    work: Option<SyncSender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    state: Arc<State>,
    fold_at: u64,
    alarmed: bool,
}

#[derive(Default)]
struct State {
    running: AtomicBool,
    /// The bulk is folded: the committer may finish.
    finish: AtomicBool,
}

impl Checkpointer {
    /// `fold_at` is the length of the log, in pages, at which it is folded.
    pub(crate) fn start(file: &Path, name: &str, fold_at: u64) -> Result<Checkpointer, Fault> {
        let connection = open_second(file)?;
        let state = Arc::new(State::default());
        let (work, asked) = sync_channel(1);
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name(format!("{name}-fold"))
            .spawn(move || fold_when_asked(&connection, &asked, &shared))
            .map_err(|error| Fault::because("starting the checkpoint thread", error))?;
        Ok(Checkpointer { work: Some(work), thread: Some(thread), state, fold_at, alarmed: false })
    }

    /// Called by the committer between batches, with the length of the log.
    pub(super) fn rest(&mut self, writer: &Connection, pages: u64) {
        if pages < self.fold_at {
            self.alarmed = false;
            return;
        }
        if pages >= self.fold_at * ALARM && !std::mem::replace(&mut self.alarmed, true) {
            tracing::warn!(pages, "the store's log is not being folded: a long reader, or a slow disk");
        }
        if pages >= self.fold_at * BACK_PRESSURE {
            return finish(writer, "PRAGMA wal_checkpoint(RESTART)");
        }
        if self.state.finish.swap(false, Ordering::AcqRel) {
            return finish(writer, PASSIVE);
        }
        if let Some(work) = &self.work
            && !self.state.running.swap(true, Ordering::AcqRel)
        {
            let _ = work.try_send(());
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

const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

fn fold_when_asked(connection: &Connection, asked: &Receiver<()>, state: &State) {
    while asked.recv().is_ok() {
        fold(connection);
        state.finish.store(true, Ordering::Release);
        state.running.store(false, Ordering::Release);
    }
}

/// Folds until what is left is small, or no progress is made because a reader still needs the log.
fn fold(connection: &Connection) {
    let mut left_before = i64::MAX;
    for _ in 0..8 {
        match checkpoint(connection, PASSIVE) {
            Ok(left) if left <= REST_PAGES || left >= left_before => return,
            Ok(left) => left_before = left,
            Err(error) => {
                tracing::warn!(%error, "folding the store's log failed; it will be tried again");
                return;
            }
        }
    }
}

fn finish(writer: &Connection, how: &str) {
    if let Err(error) = checkpoint(writer, how) {
        tracing::warn!(%error, "finishing the fold of the store's log failed; it will be tried again");
    }
}

/// One pass; answers how many pages of the log are still to be folded.
fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached(how)?.query_row([], |row| {
        let (log, folded): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(log - folded)
    })
}
