//! Several processes with the same plane: each loop runs in one of them, and another goes on when that one stops.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::{Environment, Span, SystemClock, TestClock};
use kit::{Agent, NOON};
use plane::grants::{self, KeyChange};
use plane::members::{self, Duty};
use plane::{Operator, Plane};
use tempfile::TempDir;
use tokio::runtime::Handle;
use workers::presence::Presence;
use workers::{Leased, Loop, Rail, Step, Workers};

struct Process {
    plane: Plane,
    /// Its own measure of time.
    pulse: Arc<TestClock>,
}

fn processes() -> (TempDir, Plane, [Process; 2]) {
    let dir = TempDir::new().unwrap();
    let alone = kit::open(Environment::Live, dir.path(), Arc::new(TestClock::at(NOON)));
    let process = |_| {
        let pulse = Arc::new(TestClock::default());
        Process { plane: alone.as_another_process(Arc::clone(&pulse) as _).unwrap(), pulse }
    };
    let both = std::array::from_fn(process);
    (dir, alone, both)
}

/// Counts what is asked of it.
#[derive(Clone, Default)]
struct Counted {
    steps: Arc<AtomicUsize>,
    forgotten: Arc<AtomicUsize>,
}

impl Counted {
    fn counts(&self) -> (usize, usize) {
        (self.steps.load(Ordering::SeqCst), self.forgotten.load(Ordering::SeqCst))
    }
}

impl Loop for Counted {
    fn step(&mut self) -> impl Future<Output = Step> + Send {
        self.steps.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Step::Wait(Span(0)))
    }

    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    fn forget(&mut self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_loop_steps_while_it_has_its_lease_and_forgets_when_it_lost_it() {
    let (_dir, _alone, [one, two]) = processes();
    let (ours, theirs) = (Counted::default(), Counted::default());
    let mut our_loop = Leased::new(one.plane.clone(), Duty::Payouts, ours.clone());
    let mut their_loop = Leased::new(two.plane.clone(), Duty::Payouts, theirs.clone());
    for _ in 0..10 {
        one.pulse.advance(Span::seconds(1));
        two.pulse.advance(Span::seconds(1));
        our_loop.step().await;
        assert!(matches!(their_loop.step().await, Step::Wait(wait) if wait <= Span::seconds(1)));
    }
    assert_eq!((ours.counts(), theirs.counts()), ((10, 0), (0, 0)));

    // Ours is halted: theirs goes on. Ours finds out before it does anything else.
    two.pulse.advance(Span::seconds(5));
    their_loop.step().await;
    one.pulse.advance(Span::seconds(5));
    our_loop.step().await;
    assert_eq!((ours.counts(), theirs.counts()), ((10, 1), (1, 0)));

    their_loop.end().await;
    our_loop.step().await;
    assert_eq!(ours.counts(), (11, 1), "given back, taken at once");
}

#[tokio::test]
async fn what_another_process_had_in_between_is_forgotten_too() {
    let (_dir, _alone, [one, two]) = processes();
    let ours = Counted::default();
    let mut our_loop = Leased::new(one.plane.clone(), Duty::Payouts, ours.clone());
    our_loop.step().await;
    members::hold(&two.plane, Duty::Payouts).await.unwrap();
    two.pulse.advance(Span::seconds(5));
    members::hold(&two.plane, Duty::Payouts).await.unwrap();
    assert_eq!(members::holds(&two.plane, Duty::Payouts), Some(2));
    members::give_back(&two.plane, Duty::Payouts).await.unwrap();
    one.pulse.advance(Span::seconds(5));
    our_loop.step().await;
    assert_eq!(ours.counts(), (2, 1), "it has the lease again, and its memory is from before");
}

#[tokio::test]
async fn a_loop_without_its_lease_is_not_woken() {
    let (_dir, _alone, [one, two]) = processes();
    let mut our_loop = Leased::new(one.plane.clone(), Duty::Payouts, Counted::default());
    let mut their_loop = Leased::new(two.plane.clone(), Duty::Payouts, Counted::default());
    our_loop.step().await;
    their_loop.step().await;
    our_loop.woken().await;
    tokio::select! {
        biased;
        () = their_loop.woken() => panic!("woken for what another process does"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_process_that_is_alone_steps_at_once_and_has_no_presence() {
    let (_dir, alone, _both) = processes();
    assert!(Presence::of(alone.clone()).is_none());
    let counted = Counted::default();
    let mut work = Leased::new(alone.clone(), Duty::Payouts, counted.clone());
    let commits = alone.stats().figures().commits;
    work.step().await;
    work.end().await;
    assert_eq!(counted.counts(), (1, 0));
    assert_eq!(alone.stats().figures().commits, commits);
}

async fn until(what: &str, most: Duration, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < most, "{what}: not within {most:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_an_orderly_stop_another_process_goes_on_within_a_second() {
    let dir = TempDir::new().unwrap();
    let alone = kit::open(Environment::Live, dir.path(), Arc::new(SystemClock));
    let process = || alone.as_another_process(Arc::new(SystemClock)).unwrap();
    let (one, two) = (process(), process());
    let holds = |plane: &Plane| members::holds(plane, Duty::Payouts).is_some();
    let first = Workers::start(one.clone(), Rail::Manual, &Handle::current());
    until("the first runs", Duration::from_secs(10), || holds(&one)).await;
    let second = Workers::start(two.clone(), Rail::Manual, &Handle::current());
    first.stop().await;
    assert!(!holds(&one));
    // A second, and as much again for a machine with much to do.
    until("the second runs", Duration::from_secs(2), || holds(&two)).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_workers_run_a_change_is_heard_of_and_after_them_it_is_not_waited_for() {
    let dir = TempDir::new().unwrap();
    let alone = kit::open(Environment::Live, dir.path(), Arc::new(SystemClock));
    let process = || alone.as_another_process(Arc::new(SystemClock)).unwrap();
    let (one, two) = (process(), process());
    let agent = Agent::admitted(&alone, 1, 100).await;
    let change = async |change| {
        let begun = Instant::now();
        let (operator, key) = (Operator::over_the_socket(), agent.caller.key());
        grants::change(&two, &operator, &agent.id, key, change).await.unwrap();
        begun.elapsed()
    };
    let first = Workers::start(one.clone(), Rail::Manual, &Handle::current());
    until("the first runs", Duration::from_secs(10), || members::holds(&one, Duty::Payouts).is_some()).await;
    let heard = change(KeyChange::Disable).await;
    assert!(heard < Duration::from_secs(3), "by a heartbeat, not because nobody waits any longer: {heard:?}");
    first.stop().await;
    let alone = change(KeyChange::Revoke).await;
    assert!(alone < Duration::from_secs(1), "the first has signed off: {alone:?}");
}
