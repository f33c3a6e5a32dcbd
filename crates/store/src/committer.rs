//! The one thread that turns waiting operations into a durable batch. Nothing else knows how a batch becomes durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use base::{Clock, Fault, Time};

use crate::engine::{Engine, EngineError};
use crate::job::{Job, Ran};
use crate::maps::Maps;
use crate::queue::{Batch, Queue};
use crate::stats::Stats;
use crate::tx::Tx;

/// How often an operation may ask for more rows before it is taken to be endless.
const ROUNDS: usize = 64;
/// A batch that changes so many rows takes no further operation; the rest of it is a batch of its own.
const BATCH_ROWS: usize = 2_000;
/// The process's exit code when the store can no longer vouch for what it was given.
const UNTRUSTED: i32 = 70;

type Jobs = Vec<Box<dyn Job>>;

pub(crate) struct Committer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) maps: Maps,
    /// The last committed stamp: time never runs backwards in a store.
    pub(crate) last: Time,
    /// Tests run every operation twice and compare what it would change.
    pub(crate) run_twice: bool,
    pub(crate) answers_on: Option<tokio::runtime::Handle>,
}

/// The jobs of a batch after they ran.
#[derive(Default)]
struct Round {
    /// Done, stopped or faulted: answered after the sync, for they may have seen what is not yet durable.
    ended: Jobs,
    /// To be run again when what they asked for is loaded.
    again: Jobs,
    /// Not run: the batch has enough rows.
    later: Jobs,
}

impl Committer {
    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _guard = EndOnPanic;
        while let Some(Batch { jobs, clients }) = self.queue.take() {
            Stats::add(&self.stats.client_operations, clients as u64);
            Stats::add(&self.stats.worker_operations, (jobs.len() - clients) as u64);
            self.run_whole(jobs);
            self.engine.rest();
        }
    }

    fn run_whole(&mut self, mut jobs: Jobs) {
        while !jobs.is_empty() {
            jobs = self.batch(jobs);
        }
    }

    /// Runs, commits and answers; hands back what the bound on rows left for the next batch.
    fn batch(&mut self, jobs: Jobs) -> Jobs {
        let started = Instant::now();
        let now = self.clock.now().max(self.last);
        if let Err(error) = self.engine.begin() {
            self.refuse(jobs, error);
            return Vec::new();
        }
        let Round { ended, later, .. } = self.run_all(jobs, now).unwrap_or_else(|error| end_process(&error));
        let _guard = EndOnPanic;
        let changes = self.maps.changed() > 0;
        let flushed = self.maps.flush(self.engine.as_mut());
        let syncing = Instant::now();
        match flushed.and_then(|()| self.engine.commit((changes && now > self.last).then_some(now))) {
            Ok(()) => {
                self.maps.settle();
                if changes {
                    self.last = now;
                    self.stats.read_only.store(0, Ordering::Relaxed);
                    Stats::add(&self.stats.commits, 1);
                }
                self.answer(ended, started, micros(syncing));
            }
            Err(EngineError::Constraint(constraint)) => self.halve(ended, &constraint),
            Err(error) => self.refuse(ended, error),
        }
        later
    }

    /// Runs every job until it ends, loading what they miss between the rounds.
    fn run_all(&mut self, jobs: Jobs, now: Time) -> Result<Round, EngineError> {
        let mut round = Round { ended: Vec::with_capacity(jobs.len()), ..Round::default() };
        let mut waiting = jobs;
        let _guard = EndOnPanic;
        for _ in 0..ROUNDS {
            for job in waiting.drain(..) {
                if self.maps.changed() >= BATCH_ROWS {
                    round.later.push(job);
                } else {
                    self.run_one(job, now, &mut round);
                }
            }
            if round.again.is_empty() {
                return Ok(round);
            }
            self.maps.load(self.engine.as_mut())?;
            std::mem::swap(&mut waiting, &mut round.again);
        }
        for mut job in waiting {
            job.spoil(Fault::new("an operation asked for rows without end"));
            round.ended.push(job);
        }
        Ok(round)
    }

    fn run_one(&mut self, mut job: Box<dyn Job>, now: Time, round: &mut Round) {
        let _guard = EndOnPanic;
        let mut ran = self.run_guarded(&mut job, now);
        if self.run_twice && matches!(ran, Ok(Ran::Done)) {
            self.maps.set_aside();
            ran = self.run_guarded(&mut job, now);
            let same = matches!(ran, Ok(Ran::Done)) && self.maps.same_as_aside();
            assert!(same, "an operation is not repeatable: two runs of it differ");
        }
        match ran {
            Ok(Ran::Done) => {
                self.maps.merge();
                round.ended.push(job);
                return;
            }
            Ok(Ran::Stopped) => round.ended.push(job),
            Ok(Ran::Again) => match self.maps.take_unreadable() {
                None => round.again.push(job),
                Some(why) => {
                    tracing::error!(why, "a stored row is damaged; the operation that needs it fails");
                    job.spoil(Fault::because("reading a row that the operation needs", why));
                    round.ended.push(job);
                }
            },
            Err(_) => {
                job.spoil(Fault::new("an operation panicked; nothing of it was kept"));
                round.ended.push(job);
            }
        }
        self.maps.discard();
    }

    fn run_guarded(&mut self, job: &mut Box<dyn Job>, now: Time) -> std::thread::Result<Ran> {
        let maps = &mut self.maps;
        catch_unwind(AssertUnwindSafe(|| job.run(&mut Tx::new(maps, now))))
    }

    /// Everybody is answered now, in one pass. Whoever has an answer finds it in the figures.
    fn answer(&mut self, ended: Jobs, started: Instant, sync_us: u64) {
        Stats::add(&self.stats.sync_us, sync_us);
        self.stats.engine_calls.store(self.engine.calls(), Ordering::Relaxed);
        self.stats.log_bytes.store(self.engine.log_bytes(), Ordering::Relaxed);
        match &self.answers_on {
            Some(runtime) => drop(runtime.spawn(async move { answer_all(ended) })),
            None => answer_all(ended),
        }
        Stats::add(&self.stats.busy_us, micros(started).saturating_sub(sync_us));
    }

    /// A constraint caught what an operation should have refused. Nobody was answered yet: run the halves apart until
    /// the guilty operation stands alone, and fail that one.
    fn halve(&mut self, mut jobs: Jobs, constraint: &str) {
        self.forget();
        if jobs.len() > 1 {
            let second = jobs.split_off(jobs.len() / 2);
            self.run_whole(jobs);
            return self.run_whole(second);
        }
        tracing::error!(constraint, "an operation broke a constraint of the store; it was not kept");
        for job in jobs {
            job.fail(Fault::new(format!("the store's constraint {constraint} was about to be broken")));
        }
    }

    /// Nothing of these was kept and a later attempt may succeed; any other error leaves doubt and ends the process.
    fn refuse(&mut self, jobs: Jobs, error: EngineError) {
        let why = match error {
            EngineError::Full => "the disk is full; nothing was kept",
            EngineError::Locked => "another program holds the store's file; nothing was kept",
            error => end_process(&error),
        };
        self.forget();
        if self.stats.read_only.swap(1, Ordering::Relaxed) == 0 {
            tracing::error!(%error, "nothing can be written until this passes");
        }
        jobs.into_iter().for_each(|job| job.fail(Fault::busy(why)));
    }

    fn forget(&mut self) {
        self.engine.rollback();
        self.maps.clear();
    }
}

fn answer_all(ended: Jobs) {
    let ended = ended.into_iter();
    let _guard = EndOnPanic;
    ended.for_each(Job::answer);
}

/// A failed write or sync leaves doubt about what is durable: nothing is answered, the process ends, start recovers.
fn end_process(error: &EngineError) -> ! {
    tracing::error!(%error, "the store cannot be trusted to have kept what it was given; ending the process");
    std::process::exit(UNTRUSTED);
}

/// Operations run guarded; a panic anywhere else on this thread (merge, flush, answer) leaves doubt as well. Declared
/// after what holds jobs, so that the process ends before their callers learn of anything.
struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::exit(UNTRUSTED);
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
