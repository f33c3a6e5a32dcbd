//! What an agent key may move: exact over any 24 hours, whatever happens at once, fails or comes late.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Amount, Chance, Environment, SeededChance, Span, Time};
use kit::{House, ask, create, ok};
use plane::grants::AgentPolicy;
use plane::payouts::{self, Event, FailReason, Move, PolicyRefusal, Refusal, State};
use plane::{Caller, Plane};

const DAY: i64 = Span::days(1).0;

fn daily(cents: i64) -> AgentPolicy {
    AgentPolicy { daily_cents: Some(cents), ..AgentPolicy::default() }
}

async fn house() -> House {
    House::tuned(Environment::Sandbox, |config| config.sandbox_start.balance = Amount::cents(1 << 60)).await
}

/// Fails a transfer and gives its money back.
async fn fail(plane: &Plane, caller: &Caller, id: &str) {
    let row = payouts::of_tenant(plane, caller.tenant(), id).unwrap().unwrap();
    let reason = FailReason::Processing;
    for word in
        [Move::new(row.seq, row.state, Event::Fail(reason)), Move::new(row.seq, State::Failing(reason), Event::Close)]
    {
        ok(payouts::advance(plane, caller.tenant(), vec![word]).await);
    }
}

fn refusal_left(cents: i64) -> Refusal {
    Refusal::Policy(PolicyRefusal::Daily { left: Amount::cents(cents) })
}

#[tokio::test]
async fn a_spend_counts_for_24_hours_to_the_microsecond() {
    for (later, counts) in [(0, true), (1, true), (DAY - 1, true), (DAY, false), (DAY + 1, false)] {
        let house = house().await;
        let agent = kit::agent(&house.plane, &house.tenant, daily(1_000)).await;
        create(&house.plane, &agent, ask("1", 700)).await.unwrap();
        house.clock.advance(Span(later));
        let outcome = create(&house.plane, &agent, ask("2", 301)).await;
        match counts {
            true => assert_eq!(outcome, Err(refusal_left(300)), "{later} µs later"),
            false => assert!(outcome.is_ok(), "{later} µs later: {outcome:?}"),
        }
        create(&house.plane, &agent, ask("3", 300)).await.unwrap();
    }
}

/// Every accepted spend that still stands, as a brute-force oracle knows it.
#[derive(Default)]
struct Oracle(Vec<(Time, i64, String)>);

impl Oracle {
    fn spent(&self, now: Time) -> i64 {
        self.0.iter().filter(|(at, ..)| at.0 > now.0 - DAY && *at <= now).map(|(_, cents, _)| cents).sum()
    }
}

#[tokio::test]
async fn random_histories_agree_with_a_brute_force_oracle() {
    let seed = kit::seed();
    let chance = SeededChance::new(seed);
    let mut refused = 0;
    for history in 0..12 {
        let mut house = house().await;
        let agent = kit::agent(&house.plane, &house.tenant, daily(1_000)).await;
        let mut oracle = Oracle::default();
        for step in 0..150 {
            wait(&house, &oracle, &chance);
            let now = house.plane.now();
            if chance.below(6) == 0 && !oracle.0.is_empty() {
                let at = usize::try_from(chance.below(oracle.0.len() as u64)).unwrap();
                let (_, _, id) = oracle.0.swap_remove(at);
                fail(&house.plane, &agent, &id).await;
                continue;
            }
            if chance.below(40) == 0 {
                house = house.again(|_| ());
            }
            let (id, cents) = (format!("{step}"), 1 + i64::try_from(chance.below(400)).unwrap());
            let spent = oracle.spent(now);
            let outcome = create(&house.plane, &agent, ask(&id, cents)).await;
            if spent + cents <= 1_000 {
                assert!(outcome.is_ok(), "seed {seed}, history {history}, step {step}: {spent} + {cents}: {outcome:?}");
                oracle.0.push((now, cents, id));
            } else {
                refused += 1;
                assert_eq!(outcome, Err(refusal_left(1_000 - spent)), "seed {seed}, history {history}, step {step}");
            }
        }
    }
    assert!(refused > 50, "the histories met the limit {refused} times: they are too tame");
}

/// Moves the clock: not at all, a little, by hours, or to the microsecond where a spend leaves the window.
fn wait(house: &House, oracle: &Oracle, chance: &SeededChance) {
    let by = |most| i64::try_from(chance.below(most)).unwrap();
    let now = house.plane.now();
    let span = match (by(5), oracle.0.first()) {
        (0, _) => 0,
        (1, _) => by(1_000),
        (2, Some((at, ..))) => (at.0 + DAY - 1 + by(3) - now.0).max(0),
        _ => by(6 * 3_600_000_000),
    };
    house.clock.advance(Span(span));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_never_exceed_the_day_together() {
    for round in 0..20 {
        let house = house().await;
        let agent = kit::agent(&house.plane, &house.tenant, daily(400)).await;
        let tasks: Vec<_> = (0..64)
            .map(|id| {
                let (plane, agent) = (house.plane.clone(), agent.clone());
                tokio::spawn(async move { create(&plane, &agent, ask(&id.to_string(), 10)).await })
            })
            .collect();
        let mut accepted = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(refusal) => assert_eq!(refusal, refusal_left(0)),
            }
        }
        assert_eq!(accepted, 40, "round {round}");
    }
}

#[tokio::test]
async fn a_failed_transfer_gives_its_share_back_once() {
    let house = house().await;
    let agent = kit::agent(&house.plane, &house.tenant, daily(1_000)).await;
    create(&house.plane, &agent, ask("1", 600)).await.unwrap();
    create(&house.plane, &agent, ask("2", 400)).await.unwrap();
    assert_eq!(create(&house.plane, &agent, ask("3", 1)).await, Err(refusal_left(0)));
    let row = payouts::of_tenant(&house.plane, agent.tenant(), "1").unwrap().unwrap();
    let failing = State::Failing(FailReason::Other);
    let fails = Move::new(row.seq, row.state, Event::Fail(FailReason::Other));
    ok(payouts::advance(&house.plane, agent.tenant(), vec![fails]).await);
    assert_eq!(create(&house.plane, &agent, ask("3", 1)).await, Err(refusal_left(0)), "not before its money is back");
    // The same word twice in one call, and once more later.
    let close = Move::new(row.seq, failing, Event::Close);
    for words in [vec![close.clone(), close.clone()], vec![close]] {
        ok(payouts::advance(&house.plane, agent.tenant(), words).await);
    }
    assert_eq!(create(&house.plane, &agent, ask("3", 601)).await, Err(refusal_left(600)));
    create(&house.plane, &agent, ask("4", 600)).await.unwrap();
    assert_eq!(house.plane.work().open_count(), 2);
}

#[tokio::test]
async fn a_failure_after_the_window_gives_nothing_back() {
    let house = house().await;
    let agent = kit::agent(&house.plane, &house.tenant, daily(1_000)).await;
    create(&house.plane, &agent, ask("1", 1_000)).await.unwrap();
    house.clock.advance(Span(DAY));
    create(&house.plane, &agent, ask("2", 900)).await.unwrap();
    fail(&house.plane, &agent, "1").await;
    assert_eq!(create(&house.plane, &agent, ask("3", 101)).await, Err(refusal_left(100)));
}

#[tokio::test]
async fn a_refusal_and_a_replay_spend_nothing() {
    let house = House::tuned(Environment::Sandbox, |config| {
        config.sandbox_start.balance = Amount::cents(500);
        config.sandbox_start.overdraft = Amount::cents(0);
    })
    .await;
    let agent = kit::agent(&house.plane, &house.tenant, daily(1_000)).await;
    assert_eq!(create(&house.plane, &agent, ask("1", 501)).await, Err(Refusal::Funds));
    for _ in 0..5 {
        create(&house.plane, &agent, ask("2", 400)).await.unwrap();
    }
    assert_eq!(create(&house.plane, &agent, ask("3", 601)).await, Err(refusal_left(600)));
}

#[tokio::test]
async fn each_key_has_its_own_day_and_its_own_bounds() {
    let house = house().await;
    let one = kit::agent(&house.plane, &house.tenant, daily(100)).await;
    let two = kit::agent(&house.plane, &house.tenant, daily(100)).await;
    create(&house.plane, &one, ask("1", 100)).await.unwrap();
    create(&house.plane, &two, ask("2", 100)).await.unwrap();
    let policy = AgentPolicy {
        per_transfer_cents: Some(50),
        daily_cents: None,
        services: vec!["1271".to_owned(), "1301".to_owned()],
    };
    let bound = kit::agent(&house.plane, &house.tenant, policy).await;
    let most = Amount::cents(50);
    assert_eq!(
        create(&house.plane, &bound, ask("3", 51)).await,
        Err(Refusal::Policy(PolicyRefusal::PerTransfer { most }))
    );
    create(&house.plane, &bound, ask("3", 50)).await.unwrap();
    let mut elsewhere = ask("4", 10);
    (elsewhere.service, elsewhere.country, elsewhere.currency) = ("1311".into(), "PH".into(), "PHP".into());
    assert_eq!(create(&house.plane, &bound, elsewhere).await, Err(Refusal::Policy(PolicyRefusal::Service)));
}
