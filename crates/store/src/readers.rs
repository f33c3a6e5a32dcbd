//! Read connections: kept when idle, bounded in number, replaced when they broke.

use std::time::Duration;

use base::Fault;
use parking_lot::{Condvar, Mutex};

use crate::engine::{EngineError, ReadSide};
use crate::reader::Reader;

/// How long a read waits for one of a bounded number of connections.
const WAIT: Duration = Duration::from_secs(5);

/// How often a connection is opened again that was of no use as soon as it was there.
const TRIES: u32 = 3;

type Open = Box<dyn Fn() -> Result<Box<dyn ReadSide>, EngineError> + Send + Sync>;

pub(crate) struct Readers {
    open: Open,
    kept: usize,
    /// Connections at once; a read beyond it waits.
    most: usize,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Box<dyn ReadSide>>,
    used: usize,
}

impl Readers {
    pub(crate) fn new(kept: usize, most: usize, open: Open) -> Readers {
        Readers { open, kept, most, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Reads in one state of the store. An idle connection that broke meanwhile is replaced once.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut side = Borrowed { readers: self, side: Some(self.take()?) };
        let outcome = read(&Reader::new(side.begun()?));
        side.give_back();
        outcome
    }

    /// Closes the idle ones.
    pub(crate) fn clear(&self) {
        self.state.lock().idle.clear();
    }

    fn take(&self) -> Result<Box<dyn ReadSide>, Fault> {
        let mut state = self.state.lock();
        while state.used >= self.most {
            if self.returned.wait_for(&mut state, WAIT).timed_out() {
                return Err(Fault::busy("too many reads wait for the database; this one was not run"));
            }
        }
        state.used += 1;
        match state.idle.pop() {
            Some(mut side) => {
                drop(state);
                if side.begin().is_ok() { Ok(side) } else { self.opened() }
            }
            None => {
                drop(state);
                self.opened()
            }
        }
    }

    fn opened(&self) -> Result<Box<dyn ReadSide>, Fault> {
        let open = || (self.open)().and_then(|mut side| side.begin().map(|()| side));
        let mut opened = open();
        // What happened while it was being opened made it useless at once, as the first commit of a process does.
        for _ in 0..TRIES {
            if matches!(opened, Err(EngineError::Conflict(_))) {
                opened = open();
            }
        }
        opened.map_err(|error| {
            self.state.lock().used -= 1;
            self.returned.notify_one();
            match error {
                EngineError::Unreachable(why) | EngineError::Conflict(why) => {
                    Fault::busy(format!("the database cannot be reached: {why}"))
                }
                error => Fault::because("beginning a read", error),
            }
        })
    }
}

/// Counts as used until it is dropped.
struct Borrowed<'r> {
    readers: &'r Readers,
    side: Option<Box<dyn ReadSide>>,
}

impl Borrowed<'_> {
    fn begun(&mut self) -> Result<&mut (dyn ReadSide + 'static), Fault> {
        self.side.as_deref_mut().ok_or_else(|| Fault::new("a read without a connection"))
    }

    /// A connection that cannot end its read, or whose read panicked, is closed instead of kept.
    fn give_back(mut self) {
        if let Some(mut side) = self.side.take()
            && side.end().is_ok()
        {
            let mut state = self.readers.state.lock();
            if state.idle.len() < self.readers.kept {
                state.idle.push(side);
            }
        }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.readers.state.lock().used -= 1;
        self.readers.returned.notify_one();
    }
}
