//! The sandbox controls of one tenant: what each does, what each refuses, and that no other tenant notices.

mod kit;

use base::{Amount, Environment, Span, Stop};
use kit::{House, ask, ok, refused};
use plane::kyc::{self, Verdict};
use plane::payouts::{self, FailReason, State};
use plane::sandbox::{self, Refusal, Sandbox, Weather, Wish};
use plane::{Caller, Phone, books};

/// A sandbox with a second tenant, who must never notice anything.
struct Two {
    house: House,
    witness: Sandbox,
    other: Caller,
}

async fn two() -> Two {
    let house = House::sandbox().await;
    let witness = house.plane.sandbox().expect("a sandbox");
    let tenant = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let other = kit::agent(&house.plane, &tenant, Default::default()).await;
    Two { house, witness, other }
}

impl Two {
    fn spendable(&self, caller: &Caller) -> i128 {
        books::balance(&self.house.plane, caller.tenant()).expect("a read").spendable.minor
    }

    async fn force(&self, id: &str, wish: Wish) -> Result<State, Stop<Refusal>> {
        sandbox::force(&self.house.plane, self.witness, &self.house.agent, id, wish).await
    }

    fn state(&self, id: &str) -> State {
        payouts::status(&self.house.plane, &self.house.agent, id).expect("a read").expect("a transfer").state
    }
}

#[tokio::test]
async fn money_comes_and_goes_within_its_bounds() {
    let two = two().await;
    let (plane, me) = (&two.house.plane, &two.house.agent);
    let start = two.house.spendable();
    ok(sandbox::fund(plane, two.witness, me, Amount::cents(250)).await);
    assert_eq!(two.house.spendable(), start + 250);
    ok(sandbox::set_overdraft(plane, two.witness, me, Amount::cents(500)).await);
    ok(sandbox::drain(plane, two.witness, me, Amount::cents(i64::try_from(start).unwrap() + 450)).await);
    assert_eq!(two.house.spendable(), -200);

    let short = refused(sandbox::drain(plane, two.witness, me, Amount::cents(301)).await);
    assert_eq!(short, Refusal::MoreThanAvailable { available: Amount::cents(300) });
    let used = refused(sandbox::set_overdraft(plane, two.witness, me, Amount::cents(199)).await);
    assert_eq!(used, Refusal::OverdraftInUse { used: Amount::cents(200) });
    ok(sandbox::set_overdraft(plane, two.witness, me, Amount::cents(200)).await);
    for amount in [0, -1] {
        let refusal = refused(sandbox::fund(plane, two.witness, me, Amount::cents(amount)).await);
        assert_eq!(refusal, Refusal::AmountUnusable);
    }
    ok(sandbox::fund(plane, two.witness, me, sandbox::FUNDS_MOST).await);
    let refusal = refused(sandbox::fund(plane, two.witness, me, sandbox::FUNDS_MOST).await);
    assert_eq!(refusal, Refusal::TooMuchMoney);
    assert_eq!(two.spendable(&two.other), start, "the other tenant has what it had");
}

#[tokio::test]
async fn a_receiver_stands_as_the_tenant_says() {
    let two = two().await;
    let (plane, me) = (&two.house.plane, &two.house.agent);
    let phone = Phone::from_digits("201234567890").unwrap();
    let standing = ok(sandbox::judge(plane, two.witness, me, &phone, Verdict::Verified { dollars: Some(25) }).await);
    assert!(standing.verified && standing.limit_dollars == 25);
    assert!(!kyc::standing(plane, &two.other, &phone).unwrap().verified, "with the other tenant nothing changed");
    let refusal = two.house.create(ask("1", 2_501)).await.unwrap_err();
    assert_eq!(refusal, payouts::Refusal::AboveReceiverLimit { limit_dollars: 25 });

    let standing = ok(sandbox::judge(plane, two.witness, me, &phone, Verdict::Unverified { dollars: None }).await);
    assert!(!standing.verified && standing.limit_dollars == 600);
    let most = Verdict::Verified { dollars: Some(sandbox::LIMIT_DOLLARS_MOST + 1) };
    assert_eq!(refused(sandbox::judge(plane, two.witness, me, &phone, most).await), Refusal::LimitTooLarge);
}

#[tokio::test]
async fn one_call_pays_a_transfer_and_settles_its_money() {
    let two = two().await;
    let start = two.house.spendable();
    two.house.create(ask("1", 500)).await.unwrap();
    assert_eq!(ok(two.force("1", Wish::Pay).await), State::Paid);
    let view = payouts::status(&two.house.plane, &two.house.agent, "1").unwrap().unwrap();
    assert_eq!(view.state, State::Paid);
    assert!(view.trans.is_some() && view.sum_prov.as_deref() == Some("236.47"), "{view:?}");
    let balance = books::balance(&two.house.plane, two.house.agent.tenant()).unwrap();
    assert_eq!((balance.spendable.minor, balance.held.minor), (start - 500, 0));
    assert_eq!(two.house.plane.work().open_count(), 0);
}

#[tokio::test]
async fn a_forced_failure_gives_the_money_back() {
    let two = two().await;
    let start = two.house.spendable();
    two.house.create(ask("1", 500)).await.unwrap();
    two.house.create(ask("2", 700)).await.unwrap();
    assert_eq!(ok(two.force("1", Wish::Fail(FailReason::Cancelled)).await), State::Failed);
    // Stopped on the way: the money is still held, as at any transfer in 80/5.
    let failing = State::Failing(FailReason::Processing);
    assert_eq!(ok(two.force("2", Wish::State(failing)).await), failing);
    assert_eq!(two.house.spendable(), start - 700);
    assert_eq!(ok(two.force("2", Wish::Step).await), State::Failed);
    assert_eq!(two.house.spendable(), start);
    assert_eq!(two.house.plane.work().open_count(), 0);
}

#[tokio::test]
async fn transfers_are_led_step_by_step_and_into_troubles() {
    let two = two().await;
    two.house.create(ask("1", 500)).await.unwrap();
    let mut states = Vec::new();
    for wish in [Wish::Step, Wish::RunShort, Wish::Doubt, Wish::Retry, Wish::Retry, Wish::Step, Wish::Step] {
        states.push(ok(two.force("1", wish).await).numbers());
    }
    assert_eq!(states, [(20, 1), (20, 4), (30, 3), (40, 4), (40, 5), (40, 0), (60, 0)]);
    two.house.create(ask("2", 500)).await.unwrap();
    let wish = Wish::state(40, 6).expect("a state of the table");
    assert_eq!(ok(two.force("2", wish).await).numbers(), (40, 6));
    assert_eq!(ok(two.force("2", wish).await).numbers(), (40, 6), "there already");
}

#[tokio::test]
async fn what_cannot_happen_is_refused_with_what_can() {
    let two = two().await;
    two.house.create(ask("1", 500)).await.unwrap();
    assert_eq!(refused(two.force("2", Wish::Pay).await), Refusal::TransferUnknown);
    let other = sandbox::force(&two.house.plane, two.witness, &two.other, "1", Wish::Pay).await;
    assert_eq!(refused(other), Refusal::TransferUnknown, "another tenant's transfer");
    assert_eq!(two.state("1"), State::Created);

    let refusal = refused(two.force("1", Wish::Link).await);
    assert_eq!(refusal.to_string(), "not from 0/0; possible from there: step, run_short, doubt, retry, pay, fail");
    ok(two.force("1", Wish::Pay).await);
    for wish in [Wish::Pay, Wish::Step, Wish::Fail(FailReason::Other), Wish::State(State::Created)] {
        let refusal = refused(two.force("1", wish).await);
        assert_eq!(refusal.to_string(), "the transfer is final in 60/0: nothing can happen to it any more");
    }
}

#[tokio::test]
async fn weather_is_in_force_when_answered_and_only_for_its_tenant() {
    let two = two().await;
    let (plane, me) = (&two.house.plane, &two.house.agent);
    let storm = Weather { latency_ms: 7, error: Some("service_unavailable".to_owned()), next: 2, one_in: 0 };
    ok(sandbox::set_weather(plane, two.witness, me, storm.clone()).await);
    let errors: Vec<bool> = (0..4).map(|_| sandbox::gust(plane, two.witness, me).error.is_some()).collect();
    assert_eq!(errors, [true, true, false, false], "the next two calls fail");
    assert_eq!(sandbox::gust(plane, two.witness, &two.other), Default::default());
    assert_eq!(sandbox::conditions(plane, two.witness, me).unwrap().weather, storm);

    let bad = |weather: Weather| sandbox::set_weather(plane, two.witness, me, weather);
    let late = bad(Weather { latency_ms: 30_001, ..Weather::default() }).await;
    assert_eq!(refused(late).to_string(), "latency_ms: give at most 30000");
    let unknown = bad(Weather { error: Some("teapot".to_owned()), ..Weather::default() }).await;
    assert!(refused(unknown).to_string().starts_with("error: give one of authentication_error, "));
    let aimless = bad(Weather { next: 1, ..Weather::default() }).await;
    assert_eq!(refused(aimless).to_string(), "next and one_in say which calls fail: give `error` too");
    ok(sandbox::set_weather(plane, two.witness, me, Weather::default()).await);
    assert_eq!(sandbox::gust(plane, two.witness, me), Default::default());
}

#[tokio::test]
async fn weather_and_clock_survive_a_restart() {
    let two = two().await;
    let (plane, me) = (two.house.plane.clone(), two.house.agent.clone());
    ok(sandbox::set_weather(&plane, two.witness, &me, Weather { latency_ms: 9, ..Weather::default() }).await);
    ok(sandbox::advance_clock(&plane, two.witness, &me, Span::hours(5)).await);
    plane.close();
    let Two { mut house, witness, .. } = two;
    drop(plane);
    let dir = std::mem::replace(&mut house.dir, kit::directory());
    let clock = std::sync::Arc::clone(&house.clock);
    drop(house);
    let plane = kit::open(Environment::Sandbox, dir.path(), &clock, |_| ());
    assert_eq!(sandbox::gust(&plane, witness, &me).latency_ms, 9);
    assert_eq!(plane.work().ahead(me.tenant()), Span::hours(5));
}

#[tokio::test]
async fn a_clock_goes_forward_for_its_tenant_alone() {
    let two = two().await;
    let (plane, me) = (&two.house.plane, &two.house.agent);
    let before = plane.now();
    let clock = ok(sandbox::advance_clock(plane, two.witness, me, Span::days(3)).await);
    assert_eq!(clock.ahead, Span::days(3));
    assert_eq!(clock.now, before.plus(Span::days(3)));
    ok(sandbox::advance_clock(plane, two.witness, me, Span::millis(1)).await);
    assert_eq!(plane.work().ahead(me.tenant()), Span(Span::days(3).0 + 1_000));
    assert_eq!(plane.work().ahead(two.other.tenant()), Span(0));
    let other = sandbox::conditions(plane, two.witness, &two.other).unwrap();
    assert_eq!(other.clock.now, before);

    for (by, refusal) in [
        (Span(0), Refusal::ClockBackward),
        (Span(-1), Refusal::ClockBackward),
        (Span(sandbox::CLOCK_MOST.0 + 1), Refusal::ClockLeap),
    ] {
        assert_eq!(refused(sandbox::advance_clock(plane, two.witness, me, by).await), refusal);
    }
    let end = loop {
        match sandbox::advance_clock(plane, two.witness, me, sandbox::CLOCK_MOST).await {
            Ok(clock) => assert!(clock.ahead <= Span::days(366 * 100)),
            stopped => break refused(stopped),
        }
    };
    assert_eq!(end, Refusal::ClockEnd);
}

#[tokio::test]
async fn transfers_wait_for_their_pay_in_when_the_settings_say_so() {
    let two = two().await;
    ok(sandbox::set_link_pay_ins(&two.house.plane, two.witness, &two.house.agent, true).await);
    two.house.create(ask("1", 500)).await.unwrap();
    assert_eq!(two.state("1"), State::AwaitingLink);
    assert_eq!(ok(two.force("1", Wish::Link).await), State::Created);
    kit::create(&two.house.plane, &two.other, ask("1", 500)).await.unwrap();
    let other = payouts::status(&two.house.plane, &two.other, "1").unwrap().unwrap();
    assert_eq!(other.state, State::Created);
    ok(sandbox::set_link_pay_ins(&two.house.plane, two.witness, &two.house.agent, false).await);
    two.house.create(ask("2", 500)).await.unwrap();
    assert_eq!(two.state("2"), State::Created);
}

#[tokio::test]
async fn the_overview_counts_and_the_list_pages() {
    let two = two().await;
    let (plane, me) = (&two.house.plane, &two.house.agent);
    for id in 1..=7 {
        two.house.create(ask(&id.to_string(), 500)).await.unwrap();
    }
    ok(two.force("3", Wish::Pay).await);
    let overview = sandbox::overview(plane, two.witness, me).unwrap();
    let counts: Vec<_> = overview.transfers.iter().map(|counted| (counted.state.numbers(), counted.count)).collect();
    assert_eq!(counts, [((0, 0), 6), ((60, 0), 1)]);
    assert!(overview.counted_all);

    let mut ids = Vec::new();
    let mut before = None;
    loop {
        let page = sandbox::transfers(plane, two.witness, me, before, 3).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        ids.extend(page.iter().map(|listed| listed.id.clone()));
        // What arrives meanwhile does not shift the pages.
        two.house.create(ask(&format!("9{}", ids.len()), 500)).await.unwrap();
    }
    assert_eq!(ids, ["7", "6", "5", "4", "3", "2", "1"]);
    assert!(sandbox::transfers(plane, two.witness, &two.other, None, 3).unwrap().is_empty());
    assert_eq!(sandbox::transfers(plane, two.witness, me, Some(u64::MAX), 1).unwrap()[0].receiver, "201234567890");
}

#[tokio::test]
async fn no_door_opens_on_live() {
    let live = House::tuned(Environment::Live, |_| ()).await;
    assert!(live.plane.sandbox().is_none(), "a live plane makes no witness");
    // The witness of another plane opens nothing here either.
    let witness = House::sandbox().await.plane.sandbox().expect("a sandbox");
    let (plane, me, before) = (&live.plane, &live.agent, live.spendable());
    let faulted = |outcome: Result<(), Stop<Refusal>>| matches!(outcome, Err(Stop::Faulted(_)));
    assert!(faulted(sandbox::fund(plane, witness, me, Amount::cents(1)).await));
    assert!(faulted(sandbox::drain(plane, witness, me, Amount::cents(1)).await));
    assert!(faulted(sandbox::set_overdraft(plane, witness, me, Amount::cents(1)).await));
    assert!(faulted(sandbox::force(plane, witness, me, "1", Wish::Pay).await.map(|_| ())));
    assert!(faulted(sandbox::set_weather(plane, witness, me, Weather::default()).await.map(|_| ())));
    assert!(faulted(sandbox::advance_clock(plane, witness, me, Span::hours(1)).await.map(|_| ())));
    assert!(faulted(sandbox::set_link_pay_ins(plane, witness, me, true).await));
    assert!(faulted(sandbox::reset(plane, witness, me).await));
    assert!(faulted(sandbox::reset_all(plane, witness, &plane::Operator::over_the_socket()).await.map(|_| ())));
    assert!(faulted(sandbox::sweep(plane, witness).await.map(|_| ())));
    assert!(faulted(sandbox::overview(plane, witness, me).map(|_| ())));
    assert!(faulted(sandbox::conditions(plane, witness, me).map(|_| ())));
    assert!(sandbox::transfers(plane, witness, me, None, 1).is_err());
    let phone = Phone::from_digits("201234567890").unwrap();
    let judged = sandbox::judge(plane, witness, me, &phone, Verdict::Verified { dollars: None }).await;
    assert!(faulted(judged.map(|_| ())));
    assert_eq!(live.spendable(), before);
    assert!(!kyc::standing(plane, me, &phone).unwrap().verified);
}
