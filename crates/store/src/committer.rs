//! The one thread that turns waiting operations into a durable batch. Nothing else knows how a batch becomes durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use base::{Clock, Fault, Time};

use crate::engine::{Engine, EngineError};
use crate::job::{Job, Ran};
use crate::map::AnyMap;
use crate::queue::{Batch, Queue};
use crate::stats::Stats;
use crate::tx::Tx;

/// How often an operation may ask for more rows before it is taken to be endless.
const ROUNDS: usize = 64;

pub(crate) struct Committer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) maps: Vec<Box<dyn AnyMap>>,
    /// The last committed stamp: time never runs backwards in a store.
    pub(crate) last: Time,
    /// Tests run every operation twice and compare what it would change.
    pub(crate) run_twice: bool,
}

/// The jobs of a batch after they ran.
struct Ready {
    /// Done or stopped: answered after the sync.
    ended: Vec<Box<dyn Job>>,
}

impl Committer {
    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.queue.take() {
            let Batch { jobs, clients } = batch;
            Stats::add(&self.stats.client_operations, clients as u64);
            Stats::add(&self.stats.worker_operations, (jobs.len() - clients) as u64);
            self.batch(jobs);
            self.engine.rest();
            self.stats.engine_calls.store(self.engine.calls(), Ordering::Relaxed);
            self.stats.log_bytes.store(self.engine.log_bytes(), Ordering::Relaxed);
        }
    }

    fn batch(&mut self, jobs: Vec<Box<dyn Job>>) {
        let started = Instant::now();
        let now = self.clock.now().max(self.last);
        let ready = match self.run_all(jobs, now) {
            Ok(ready) => ready,
            Err(error) => end_process(&error),
        };
        let changed: usize = self.maps.iter().map(|map| map.changed()).sum();
        if changed == 0 {
            self.finish(ready.ended, started, 0);
            return;
        }
        let flushed = self.flush();
        let syncing = Instant::now();
        match flushed.and_then(|()| self.engine.commit()) {
            Ok(()) => {
                self.last = now;
                self.stats.read_only.store(0, Ordering::Relaxed);
                for map in &mut self.maps {
                    map.committed();
                }
                self.finish(ready.ended, started, micros(syncing));
            }
            Err(EngineError::Constraint(constraint)) => self.halve(ready.ended, &constraint),
            Err(EngineError::Full) => self.refuse_all(ready.ended),
            Err(error) => end_process(&error),
        }
    }

    /// Runs every job until it ends, loading what they miss between the rounds.
    fn run_all(&mut self, jobs: Vec<Box<dyn Job>>, now: Time) -> Result<Ready, EngineError> {
        let mut ended = Vec::with_capacity(jobs.len());
        let mut waiting = jobs;
        for _ in 0..ROUNDS {
            let mut again = Vec::new();
            for job in waiting {
                self.run_one(job, now, &mut ended, &mut again);
            }
            if again.is_empty() {
                return Ok(Ready { ended });
            }
            for map in &mut self.maps {
                map.load(self.engine.as_mut())?;
            }
            waiting = again;
        }
        for job in waiting {
            job.fail(Fault::new("an operation asked for rows without end"));
        }
        Ok(Ready { ended })
    }

    fn run_one(
        &mut self,
        mut job: Box<dyn Job>,
        now: Time,
        ended: &mut Vec<Box<dyn Job>>,
        again: &mut Vec<Box<dyn Job>>,
    ) {
        let maps = &mut self.maps;
        let mut ran = catch_unwind(AssertUnwindSafe(|| job.run(&mut Tx::new(maps, now))));
        if self.run_twice && matches!(ran, Ok(Ran::Done)) {
            self.maps.iter_mut().for_each(|map| map.set_aside());
            let maps = &mut self.maps;
            ran = catch_unwind(AssertUnwindSafe(|| job.run(&mut Tx::new(maps, now))));
            assert!(self.maps.iter().all(|map| map.same_as_aside()), "an operation is not repeatable");
        }
        match ran {
            Ok(Ran::Done) => {
                self.maps.iter_mut().for_each(|map| map.merge());
                ended.push(job);
            }
            Ok(Ran::Stopped) => {
                self.maps.iter_mut().for_each(|map| map.discard());
                ended.push(job);
            }
            Ok(Ran::Again) => {
                self.maps.iter_mut().for_each(|map| map.discard());
                again.push(job);
            }
            Err(_) => {
                self.maps.iter_mut().for_each(|map| map.discard());
                job.fail(Fault::new("an operation panicked; nothing of it was kept"));
            }
        }
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        self.engine.begin()?;
        for map in &mut self.maps {
            map.flush(self.engine.as_mut())?;
        }
        Ok(())
    }

    /// Everybody is answered now, in one pass.
    fn finish(&mut self, ended: Vec<Box<dyn Job>>, started: Instant, sync_us: u64) {
        Stats::add(&self.stats.commits, u64::from(sync_us > 0));
        Stats::add(&self.stats.sync_us, sync_us);
        for job in ended {
            job.answer();
        }
        Stats::add(&self.stats.busy_us, micros(started).saturating_sub(sync_us));
    }

    /// A constraint caught what an operation should have refused. Nobody was answered yet: run the halves apart until
    /// the guilty operation stands alone, and fail that one.
    fn halve(&mut self, mut jobs: Vec<Box<dyn Job>>, constraint: &str) {
        self.forget();
        if jobs.len() == 1 {
            tracing::error!(constraint, "an operation broke a constraint of the store; it was not kept");
            for job in jobs {
                job.fail(Fault::new(format!("the store's constraint {constraint} was about to be broken")));
            }
            return;
        }
        let second = jobs.split_off(jobs.len() / 2);
        self.batch(jobs);
        self.batch(second);
    }

    fn refuse_all(&mut self, jobs: Vec<Box<dyn Job>>) {
        self.forget();
        if self.stats.read_only.swap(1, Ordering::Relaxed) == 0 {
            tracing::error!("the disk is full: nothing can be written until there is room");
        }
        for job in jobs {
            job.fail(Fault::busy("the disk is full; nothing was kept"));
        }
    }

    fn forget(&mut self) {
        self.engine.rollback();
        for map in &mut self.maps {
            map.clear();
        }
    }
}

/// A failed write or sync leaves doubt about what is durable: nothing is answered, the process ends, start recovers.
fn end_process(error: &EngineError) -> ! {
    tracing::error!(%error, "the store cannot be trusted to have kept what it was given; ending the process");
    std::process::exit(70);
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
