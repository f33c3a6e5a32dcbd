//! A tenant's fresh start, and the sweeping of what was behind its old number.

mod kit;

use base::{Amount, Environment, Span};
use kit::{House, ask, ok, refused};
use plane::kyc::{self, Verdict};
use plane::payouts::{self, State};
use plane::sandbox::{self, Refusal, Sandbox, Weather, Wish};
use plane::{Caller, KeyKind, Phone, Plane, grants};

async fn house() -> (House, Sandbox, String) {
    let house = House::sandbox().await;
    let witness = house.plane.sandbox().expect("a sandbox");
    let key = kit::key(&house.plane, &house.tenant, KeyKind::Agent, Default::default()).await;
    (house, witness, key)
}

fn call(plane: &Plane, key: &str) -> Caller {
    ok(grants::authenticate(plane, key, kit::IP))
}

/// Sweeps until nothing is left and answers how many rows went.
async fn sweep_all(plane: &Plane, witness: Sandbox) -> usize {
    let mut rows = 0;
    for _ in 0..1_000 {
        let swept = ok(sandbox::sweep(plane, witness).await);
        assert!(swept.rows <= 500, "a chunk is bounded: {}", swept.rows);
        rows += swept.rows;
        if !swept.more {
            return rows;
        }
    }
    panic!("the sweep does not end");
}

#[tokio::test]
async fn a_reset_begins_everything_anew_and_keeps_the_keys() {
    let (house, witness, key) = house().await;
    let (plane, me) = (&house.plane, call(&house.plane, &key));
    let (start, phone) = (house.spendable(), Phone::from_digits("201234567890").unwrap());
    house.create(ask("1", 500)).await.unwrap();
    ok(sandbox::fund(plane, witness, &me, Amount::cents(77)).await);
    ok(sandbox::set_overdraft(plane, witness, &me, Amount::cents(1)).await);
    ok(sandbox::judge(plane, witness, &me, &phone, Verdict::Verified { dollars: None }).await);
    ok(sandbox::set_weather(plane, witness, &me, Weather { latency_ms: 5, ..Weather::default() }).await);
    ok(sandbox::advance_clock(plane, witness, &me, Span::hours(1)).await);
    ok(sandbox::set_link_pay_ins(plane, witness, &me, true).await);
    let token = kyc::link(plane, &me, &phone);
    assert!(kyc::open_link(plane, token.as_str()).unwrap().is_some());

    ok(sandbox::reset(plane, witness, &me).await);
    let again = call(plane, &key);
    assert_ne!(again.tenant(), me.tenant());
    let overview = sandbox::overview(plane, witness, &again).unwrap();
    assert_eq!((overview.balance.spendable.minor, overview.balance.overdraft.minor), (start, 2_000));
    let set = overview.conditions;
    assert!(overview.transfers.is_empty() && !set.link_pay_ins);
    assert_eq!((set.weather, set.clock.ahead), (Weather::default(), Span(0)));
    assert_eq!(sandbox::gust(plane, witness, &again), Default::default());
    assert!(!kyc::standing(plane, &again, &phone).unwrap().verified);
    assert!(kyc::open_link(plane, token.as_str()).unwrap().is_none(), "its page went with it");
    assert!(payouts::status(plane, &again, "1").unwrap().is_none());
    kit::create(plane, &again, ask("1", 600)).await.expect("the id is free again");
    let waiting = plane.work().take();
    assert!(waiting.iter().all(|due| due.tenant == again.tenant()), "{waiting:?}");
}

#[tokio::test]
async fn calls_under_way_with_the_old_number_are_refused() {
    let (house, witness, key) = house().await;
    let (plane, me) = (&house.plane, call(&house.plane, &key));
    house.create(ask("1", 500)).await.unwrap();
    ok(sandbox::reset(plane, witness, &me).await);
    assert_eq!(kit::create(plane, &me, ask("2", 500)).await.unwrap_err(), payouts::Refusal::Reset);
    assert_eq!(refused(sandbox::fund(plane, witness, &me, Amount::cents(1)).await), Refusal::Reset);
    assert_eq!(refused(sandbox::force(plane, witness, &me, "1", Wish::Pay).await), Refusal::Reset);
    assert_eq!(refused(sandbox::set_weather(plane, witness, &me, Weather::default()).await), Refusal::Reset);
    assert_eq!(refused(sandbox::advance_clock(plane, witness, &me, Span(1)).await), Refusal::Reset);
    assert_eq!(refused(sandbox::overview(plane, witness, &me).map(|_| ())), Refusal::Reset);
    // It asked for a reset, and there was one.
    ok(sandbox::reset(plane, witness, &me).await);
    ok(sandbox::fund(plane, witness, &call(plane, &key), Amount::cents(1)).await);
}

#[tokio::test]
async fn a_reset_touches_no_other_tenant() {
    let (house, witness, key) = house().await;
    let plane = &house.plane;
    let tenant = kit::tenant(plane, "tnt_fedcba9876543210").await;
    let other = kit::agent(plane, &tenant, Default::default()).await;
    kit::create(plane, &other, ask("1", 500)).await.unwrap();
    let before = plane::books::balance(plane, other.tenant()).unwrap();
    house.create(ask("1", 500)).await.unwrap();
    ok(sandbox::reset(plane, witness, &call(plane, &key)).await);
    sweep_all(plane, witness).await;
    assert_eq!(plane::books::balance(plane, other.tenant()).unwrap(), before);
    assert!(payouts::status(plane, &other, "1").unwrap().is_some());
    assert_eq!(ok(sandbox::force(plane, witness, &other, "1", Wish::Pay).await), State::Paid);
}

#[tokio::test]
async fn fresh_data_stays_as_it_is() {
    let house = House::sandbox().await;
    let witness = house.plane.sandbox().expect("a sandbox");
    let tenant = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let me = kit::agent(&house.plane, &tenant, Default::default()).await;
    ok(sandbox::fund(&house.plane, witness, &me, Amount::cents(1)).await);
    ok(sandbox::reset(&house.plane, witness, &me).await);
    let fresh = grants::tenant_no(&house.plane, &tenant).unwrap().unwrap();
    assert_ne!(fresh, me.tenant());
    ok(sandbox::reset_all(&house.plane, witness, &plane::Operator::over_the_socket()).await);
    assert_eq!(grants::tenant_no(&house.plane, &tenant).unwrap(), Some(fresh), "no number is spent on nothing");
}

#[tokio::test]
async fn the_sweep_removes_all_rows_in_chunks_and_counts_open_transfers() {
    let (house, witness, key) = house().await;
    let plane = &house.plane;
    let limited = grants::AgentPolicy { daily_cents: Some(100_000_000), ..Default::default() };
    let spender = kit::agent(plane, &house.tenant, limited).await;
    let phone = Phone::from_digits("201234567890").unwrap();
    ok(sandbox::judge(plane, witness, &house.agent, &phone, Verdict::Verified { dollars: None }).await);
    for id in 0..400 {
        // Spends at different times are rows of their own.
        house.clock.advance(Span::millis(1));
        kit::create(plane, &spender, ask(&id.to_string(), 100)).await.unwrap();
    }
    ok(sandbox::force(plane, witness, &house.agent, "7", Wish::Pay).await);
    assert_eq!(plane.work().open_count(), 399);
    ok(sandbox::reset(plane, witness, &house.agent).await);
    let again = call(plane, &key);
    kit::create(plane, &again, ask("1", 100)).await.unwrap();

    let rows = sweep_all(plane, witness).await;
    // 400 claims, transfers, entries and spends, and some more of each small table.
    assert!(rows > 1_600, "{rows}");
    assert_eq!(plane.work().open_count(), 1, "what the new number has open is left");
    assert_eq!(ok(sandbox::sweep(plane, witness).await), sandbox::Swept { rows: 0, more: false });
    assert_eq!(payouts::status(plane, &again, "1").unwrap().unwrap().state, State::Created);
    ok(sandbox::force(plane, witness, &again, "1", Wish::Pay).await);
}

#[tokio::test]
async fn a_restart_between_reset_and_sweep_loses_nothing() {
    let (house, witness, key) = house().await;
    house.create(ask("1", 100)).await.unwrap();
    house.create(ask("2", 100)).await.unwrap();
    ok(sandbox::reset(&house.plane, witness, &house.agent).await);
    house.plane.close();
    let House { plane, dir, clock, agent, .. } = house;
    drop(plane);
    let plane = kit::open(Environment::Sandbox, dir.path(), &clock, |_| ());
    let due = kit::due_some_day(&plane, agent.tenant());
    assert_eq!(due.len(), 2);
    for due in &due {
        let step = payouts::Move::new(due.seq, State::Created, payouts::Event::Step);
        let moved = payouts::advance(&plane, due.tenant, vec![step]).await;
        assert!(ok(moved).is_empty(), "what is behind a retired number does not move");
        let rest = payouts::Rest { due: *due, until: base::Time(0) };
        assert!(ok(payouts::rest(&plane, due.tenant, vec![rest]).await).is_empty());
    }
    assert!(sweep_all(&plane, witness).await > 0);
    assert_eq!(plane.work().open_count(), 0);
    kit::create(&plane, &call(&plane, &key), ask("1", 100)).await.expect("the id is free");
}

#[tokio::test]
async fn the_operator_resets_everybody() {
    let (house, witness, key) = house().await;
    let plane = &house.plane;
    let tenant = kit::tenant(plane, "tnt_fedcba9876543210").await;
    let other_key = kit::key(plane, &tenant, KeyKind::Agent, Default::default()).await;
    house.create(ask("1", 100)).await.unwrap();
    kit::create(plane, &call(plane, &other_key), ask("1", 100)).await.unwrap();
    let reset = ok(sandbox::reset_all(plane, witness, &plane::Operator::over_the_socket()).await);
    assert_eq!(reset, 2);
    for key in [&key, &other_key] {
        assert!(payouts::status(plane, &call(plane, key), "1").unwrap().is_none());
    }
    sweep_all(plane, witness).await;
    assert_eq!(plane.work().open_count(), 0);
}
