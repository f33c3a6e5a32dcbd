//! The one thread that turns waiting operations into a durable batch. Nothing else knows how a batch becomes durable.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base::{Clock, Fault, Time};

use crate::engine::{Engine, EngineError};
use crate::job::{Job, Ran};
use crate::maps::Maps;
use crate::queue::{Batch, Queue};
use crate::row::TenantNo;
use crate::stats::Stats;
use crate::tx::Tx;

/// How often an operation may ask for more rows before it is taken to be endless.
const ROUNDS: usize = 64;
/// A batch that changes so many rows takes no further operation; the rest of it is a batch of its own.
const BATCH_ROWS: usize = 2_000;
/// How often a batch is run anew because another transaction was in the way.
const CONFLICTS: u32 = 5;
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

/// The jobs of a batch by how far they are.
#[derive(Default)]
struct Round {
    /// Done, stopped or faulted: answered after the sync, for they may have seen what is not yet durable.
    ended: Jobs,
    /// To be run, or to be run again when what they asked for is loaded.
    again: Jobs,
    /// Not run: the batch has enough rows.
    later: Jobs,
}

/// Why a batch did not come to its commit.
enum Hindered {
    /// An operation touches rows under heads that are not locked: all of these are to be locked first.
    Unlocked(BTreeSet<TenantNo>),
    By(EngineError),
}

impl From<EngineError> for Hindered {
    fn from(error: EngineError) -> Hindered {
        Hindered::By(error)
    }
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
        let mut tenants: BTreeSet<TenantNo> = jobs.iter().map(|job| job.tenant()).collect();
        let mut round = Round { again: jobs, ..Round::default() };
        let mut tries = 0;
        loop {
            let _guard = EndOnPanic;
            match self.attempt(&mut round, &mut tenants) {
                Ok(()) => return round.later,
                Err(Hindered::Unlocked(missed)) => tenants.extend(missed),
                Err(Hindered::By(EngineError::Conflict(why))) if tries < CONFLICTS => {
                    tracing::debug!(why, tries, "a batch is run anew");
                    std::thread::park_timeout(pause(tries));
                    tries += 1;
                }
                Err(Hindered::By(error)) => {
                    self.give_up(round.all(), error);
                    return Vec::new();
                }
            }
            self.forget();
            round = Round { again: round.all(), ..Round::default() };
        }
    }

    /// Once through a batch. When it was hindered nothing of it was kept and nobody was answered.
    fn attempt(&mut self, round: &mut Round, tenants: &mut BTreeSet<TenantNo>) -> Result<(), Hindered> {
        let started = Instant::now();
        if self.engine.shared() {
            self.ask_ahead(round, tenants);
        }
        let heads: Vec<TenantNo> = tenants.iter().copied().collect();
        let floor = self.engine.begin(&heads)?;
        let now = self.clock.now().max(self.last).max(floor.unwrap_or(self.last));
        self.run_all(round, now, tenants)?;
        if self.engine.shared() {
            let changed = self.maps.changed_of();
            if !changed.is_subset(tenants) {
                return Err(Hindered::Unlocked(changed));
            }
        }
        let changes = self.maps.changed() > 0;
        self.maps.flush(self.engine.as_mut())?;
        let syncing = Instant::now();
        self.engine.commit((changes && now > self.last).then_some(now))?;
        self.settle();
        if changes {
            self.last = now;
            self.stats.read_only.store(0, Ordering::Relaxed);
            Stats::add(&self.stats.commits, 1);
        }
        self.answer(std::mem::take(&mut round.ended), started, micros(syncing));
        Ok(())
    }

    /// Finds out what the operations read first, so that the round trip that locks the heads locks all of theirs and brings
    /// those rows as well. Nothing else of these runs counts: they see no row, and not yet the batch's time.
    fn ask_ahead(&mut self, round: &mut Round, tenants: &mut BTreeSet<TenantNo>) {
        let now = self.clock.now().max(self.last);
        for job in &mut round.again {
            let _ = self.run_guarded(job, now);
            self.maps.discard();
        }
        tenants.extend(self.maps.missed_of());
        self.maps.ask(self.engine.as_mut());
    }

    /// What the batch changed is what is stored now; in a shared store others may change it at once.
    fn settle(&mut self) {
        if self.engine.shared() {
            self.maps.clear();
        } else {
            self.maps.settle();
        }
    }

    /// Runs every job until it ends, loading what they miss between the rounds.
    fn run_all(&mut self, round: &mut Round, now: Time, locked: &BTreeSet<TenantNo>) -> Result<(), Hindered> {
        if self.engine.shared() {
            self.maps.load(self.engine.as_mut())?;
        }
        for _ in 0..ROUNDS {
            for job in std::mem::take(&mut round.again) {
                if self.maps.changed() >= BATCH_ROWS {
                    round.later.push(job);
                } else {
                    self.run_one(job, now, round);
                }
            }
            if round.again.is_empty() {
                return Ok(());
            }
            if self.engine.shared() {
                let missed = self.maps.missed_of();
                if !missed.is_subset(locked) {
                    return Err(Hindered::Unlocked(missed));
                }
            }
            self.maps.load(self.engine.as_mut())?;
        }
        for mut job in std::mem::take(&mut round.again) {
            job.spoil(Fault::new("an operation asked for rows without end"));
            round.ended.push(job);
        }
        Ok(())
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

    /// Nobody of these was answered yet.
    fn give_up(&mut self, jobs: Jobs, error: EngineError) {
        self.forget();
        match error {
            EngineError::Constraint(constraint) => self.halve(jobs, &constraint),
            EngineError::Full => self.refuse(jobs, "the disk is full; nothing was kept", &error),
            EngineError::Locked => {
                self.refuse(jobs, "another program holds the store's file; nothing was kept", &error)
            }
            EngineError::Conflict(_) => {
                self.refuse(jobs, "too many others change the same rows; nothing was kept", &error)
            }
            EngineError::Unreachable(_) => {
                self.refuse(jobs, "the database cannot be reached; nothing was kept", &error)
            }
            EngineError::Unknown(_) => {
                tracing::error!(%error, "callers are told to ask, or to retry with the same key");
                let told = || Fault::new("the database went away while it committed; whether it did is unknown");
                jobs.into_iter().for_each(|job| job.fail(told()));
            }
            EngineError::Corrupt(_) | EngineError::Broken(_) => end_process(&error),
        }
    }

    /// A constraint caught what an operation should have refused: run the halves apart until the guilty operation stands
    /// alone, and fail that one.
    fn halve(&mut self, mut jobs: Jobs, constraint: &str) {
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

    /// Nothing of these was kept and a later attempt may succeed.
    fn refuse(&mut self, jobs: Jobs, why: &str, error: &EngineError) {
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

impl Round {
    fn all(&mut self) -> Jobs {
        let mut jobs = std::mem::take(&mut self.ended);
        jobs.append(&mut self.again);
        jobs.append(&mut self.later);
        jobs
    }
}

/// Longer with each try, and different in each process, so that two that were in each other's way are not again.
fn pause(tries: u32) -> Duration {
    Duration::from_millis((1 << tries) + u64::from(std::process::id() % 7))
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
