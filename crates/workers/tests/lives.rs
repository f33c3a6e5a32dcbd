//! Transfers live their lives on a simulated and on a manual rail, stepped with a clock that the test moves.
#![allow(clippy::inconsistent_digit_grouping, reason = "cents are written as dollars and two places")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::sync::Arc;

use base::{Environment, Span, TestClock};
use kit::{Agent, NOON, STAGE, open, run, simulated};
use plane::payouts::{Event, Move, State, on_operators_word};
use plane::sandbox::magic::{AMOUNTS, Script};
use plane::{Operator, Plane, sandbox};
use workers::{Loop, Payouts, Rail, Step};

const SANDBOX_START: i128 = 100_000_000;

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at(NOON))
}

fn cents_of(script: Script) -> i64 {
    AMOUNTS.iter().find(|(_, of)| *of == script).map_or(12_34, |(cents, _)| *cents)
}

fn scripts() -> Vec<Script> {
    std::iter::once(Script::Pays).chain(AMOUNTS.iter().map(|(_, script)| *script)).collect()
}

/// Where a script leaves its transfer when nobody intervenes.
fn rest(script: Script) -> State {
    match script {
        Script::Hangs => State::Processing,
        Script::AwaitsLink => State::AwaitingLink,
        Script::FailsInProcessing | Script::FailsForFunds | Script::CancelledBySupport | Script::FailsOtherwise => {
            State::Failed
        }
        Script::Pays | Script::RetriesTwice | Script::RunsShortOnce | Script::DoubtedOnce => State::Paid,
    }
}

fn assert_money(agent: &Agent, scripts: &[Script]) {
    let sum = |state| {
        scripts.iter().filter(move |script| rest(**script) == state).map(|script| i128::from(cents_of(*script)))
    };
    let paid: i128 = sum(State::Paid).sum();
    let held: i128 = sum(State::Processing).sum::<i128>() + sum(State::AwaitingLink).sum::<i128>();
    assert_eq!(agent.money(), (SANDBOX_START - paid, held));
}

#[tokio::test]
async fn every_script_ends_as_documented_and_money_follows() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let (agent, mut worker) = (Agent::admitted(&plane, 1, 0).await, simulated(&plane));
    for (at, script) in scripts().into_iter().enumerate() {
        agent.send(&at.to_string(), cents_of(script)).await;
    }
    run(&mut worker, &clock, 80).await;
    for (at, script) in scripts().into_iter().enumerate() {
        assert_eq!(agent.state(&at.to_string()), rest(script), "{script:?}");
    }
    assert_money(&agent, &scripts());
    assert_eq!((plane.work().open_count(), worker.waiting()), (2, 0));
    let paid = agent.view("0");
    assert!(paid.trans.is_some_and(|trans| trans.starts_with("SIM-")) && paid.sum_prov.as_deref() == Some("583.61"));
}

#[tokio::test]
async fn the_usual_way_takes_under_two_seconds_state_after_state() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let (agent, mut worker) = (Agent::admitted(&plane, 1, 0).await, simulated(&plane));
    agent.send("1", 5_00).await;
    let mut seen = vec![agent.state("1").numbers()];
    while clock.advance(Span::millis(20)).since(NOON) < Span::seconds(2) {
        worker.step().await;
        let now = agent.state("1").numbers();
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    assert_eq!(seen, [(0, 0), (20, 1), (30, 2), (40, 0), (60, 0)]);
}

#[tokio::test]
async fn a_restart_after_any_number_of_steps_changes_no_outcome() {
    for steps in 0..30 {
        let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
        let mut plane = open(Environment::Sandbox, dir.path(), clock.clone());
        let mut agent = Agent::admitted(&plane, 1, 0).await;
        for (at, script) in scripts().into_iter().enumerate() {
            agent.send(&at.to_string(), cents_of(script)).await;
        }
        let mut worker = simulated(&plane);
        run(&mut worker, &clock, steps).await;
        let (open_before, id) = (plane.work().open_count(), agent.id.clone());
        drop((worker, agent));
        plane.close();
        drop(plane);
        plane = open(Environment::Sandbox, dir.path(), clock.clone());
        assert_eq!(plane.work().open_count(), open_before, "after {steps} steps");
        agent = Agent::of(&plane, id).await;
        run(&mut simulated(&plane), &clock, 80).await;
        for (at, script) in scripts().into_iter().enumerate() {
            assert_eq!(agent.state(&at.to_string()), rest(script), "{script:?} after {steps} steps");
        }
        assert_money(&agent, &scripts());
    }
}

#[tokio::test]
async fn a_store_that_takes_nothing_loses_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let (agent, mut worker) = (Agent::admitted(&plane, 1, 0).await, simulated(&plane));
    agent.send("1", 5_00).await;
    plane.close();
    clock.advance(STAGE);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let Step::Wait(pause) = worker.step().await else { panic!("no pause while the store is closed") };
        pauses.push(pause.0 / 1_000);
        assert_eq!(worker.waiting(), 1);
    }
    assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
}

#[tokio::test]
async fn a_reset_in_flight_leaves_nothing_behind_in_the_worker() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let (agent, mut worker) = (Agent::admitted(&plane, 1, 0).await, simulated(&plane));
    let other = Agent::admitted(&plane, 2, 0).await;
    for id in 0..600 {
        agent.send(&id.to_string(), 5_00).await;
    }
    other.send("1", 5_00).await;
    run(&mut worker, &clock, 2).await;
    assert_eq!(worker.waiting(), 2, "both tenants have something due");
    sandbox::reset(&plane, plane.sandbox().unwrap(), &agent.caller).await.unwrap();
    run(&mut worker, &clock, 20).await;
    assert_eq!((worker.waiting(), other.state("1")), (0, State::Paid));
    let mut sweep = workers::sweep::Sweep::of(plane.clone()).unwrap();
    let mut steps = 0;
    while sweep.step().await == Step::Again {
        steps += 1;
        assert!(steps < 100, "sweeping has no end");
    }
    assert_eq!(plane.work().open_count(), 0);
    let fresh = Agent::of(&plane, agent.id.clone()).await;
    assert_eq!(fresh.money(), (SANDBOX_START, 0));
}

#[tokio::test]
async fn a_clock_moved_by_a_control_makes_due_what_waits() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let (agent, mut worker) = (Agent::admitted(&plane, 1, 0).await, simulated(&plane));
    let other = Agent::admitted(&plane, 2, 0).await;
    agent.send("1", 5_00).await;
    other.send("1", 5_00).await;
    worker.step().await;
    let witness = plane.sandbox().unwrap();
    for _ in 0..4 {
        sandbox::advance_clock(&plane, witness, &agent.caller, Span::hours(1)).await.unwrap();
        worker.step().await;
    }
    assert_eq!((agent.state("1"), other.state("1")), (State::Paid, State::Created));
}

#[tokio::test]
async fn a_flood_of_one_tenant_does_not_keep_the_others_waiting() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Sandbox, dir.path(), clock.clone());
    let mut worker = simulated(&plane);
    let mut agents = Vec::new();
    for seed in 0..64 {
        agents.push(Agent::admitted(&plane, 100 + seed, 0).await);
    }
    for id in 0..2_000 {
        agents[0].send(&id.to_string(), 1_00).await;
    }
    for agent in &agents[1..] {
        agent.send("1", 1_00).await;
    }
    clock.advance(STAGE);
    // Sixteen tenants a step: after four each was served once.
    for _ in 0..4 {
        assert_eq!(worker.step().await, Step::Again);
    }
    assert!(agents[1..].iter().all(|agent| agent.state("1") == State::ReadyToDebit));
    let moved = (0..2_000).filter(|id| agents[0].state(&id.to_string()) == State::ReadyToDebit).count();
    assert!((1..=500).contains(&moved), "{moved} of the flood moved");
}

#[tokio::test]
async fn on_a_manual_rail_transfers_stop_until_the_operator_speaks() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let plane = open(Environment::Live, dir.path(), clock.clone());
    let agent = Agent::admitted(&plane, 1, 100_00).await;
    let mut worker = Payouts::new(plane.clone(), Rail::Manual);
    agent.send("1", 30_00).await;
    agent.send("2", 20_00).await;
    run(&mut worker, &clock, 40).await;
    assert_eq!((agent.state("1"), agent.state("2"), worker.waiting()), (State::Processing, State::Processing, 0));
    assert_eq!(agent.money(), (100_00, 50_00));
    let paid = Move { trans: Some("BANK-1".to_owned()), ..Move::new(0, State::Processing, Event::Pay) };
    said(&plane, &agent, "1", paid).await;
    said(&plane, &agent, "2", Move::new(0, State::Processing, Event::Fail(plane::payouts::FailReason::Cancelled)))
        .await;
    assert_eq!(agent.state("2").numbers(), (80, 1));
    run(&mut worker, &clock, 3).await;
    assert_eq!((agent.state("1"), agent.state("2")), (State::Paid, State::Failed));
    assert_eq!((agent.money(), plane.work().open_count()), ((70_00, 0), 0));
}

async fn said(plane: &Plane, agent: &Agent, id: &str, word: Move) {
    on_operators_word(plane, &Operator::over_the_socket(), &agent.id, id, word).await.unwrap();
}

#[tokio::test]
async fn started_workers_move_what_is_open_and_stop_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let system = Arc::new(base::SystemClock);
    let plane = kit::open_with(Environment::Sandbox, dir.path(), system, |config| {
        config.payouts.stage = Span::millis(1);
    });
    let agent = Agent::admitted(&plane, 1, 0).await;
    let rail = Rail::Simulated(workers::Simulated::new(plane.sandbox().unwrap()));
    let workers = workers::Workers::start(plane.clone(), rail, &tokio::runtime::Handle::current());
    for id in 0..100 {
        agent.send(&id.to_string(), 5_00).await;
    }
    let mut tries = 0;
    let mut often = tokio::time::interval(std::time::Duration::from_millis(10));
    while plane.work().open_count() > 0 {
        often.tick().await;
        tries += 1;
        assert!(tries < 1_000, "{} are still open", plane.work().open_count());
    }
    workers.stop().await;
    agent.send("1000", 5_00).await;
    assert_eq!((agent.money(), agent.state("1000")), ((SANDBOX_START - 500_00, 5_00), State::Created));
}
