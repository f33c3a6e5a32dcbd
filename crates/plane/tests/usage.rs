//! What is counted of a tenant: each paid transfer once, in the month in which it was paid.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Chance, Month, SeededChance, Span, TenantId};
use kit::{House, ask, ok};
use plane::payouts::{self, Event, FailReason, Move, State};
use plane::{Office, Plane, sandbox, usage};

fn transfers(plane: &Plane, month: &str, tenant: &TenantId) -> Option<u64> {
    let used = usage::of(plane, month.parse().unwrap(), std::slice::from_ref(tenant)).unwrap();
    assert!(used.iter().all(|used| used.tenant == *tenant && used.meters.len() == 1), "{used:?}");
    used.first().map(|used| used.meters[usage::TRANSFERS])
}

/// One move of the house's transfers from where each is now.
async fn moved(house: &House, ids: &[&str], event: Event) {
    let moves = ids.iter().map(|id| {
        let row = payouts::of_tenant(&house.plane, house.agent.tenant(), id).unwrap().unwrap();
        Move::new(row.seq, row.state, event)
    });
    ok(payouts::advance(&house.plane, house.agent.tenant(), moves.collect()).await);
}

/// Accepted, and on its way up to the rail.
async fn processing(house: &House, ids: &[&str]) {
    for id in ids {
        house.create(ask(id, 500)).await.unwrap();
    }
    for _ in 0..3 {
        moved(house, ids, Event::Step).await;
    }
}

#[tokio::test]
async fn a_paid_transfer_counts_once_and_in_its_month() {
    // 2027-01-15.
    let house = House::sandbox().await;
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), None);
    processing(&house, &["1", "2", "3", "4"]).await;
    moved(&house, &["1", "2"], Event::Pay).await;
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(2));
    // What is proposed again is not done again.
    let row = payouts::of_tenant(&house.plane, house.agent.tenant(), "1").unwrap().unwrap();
    let again = Move::new(row.seq, State::Processing, Event::Pay);
    ok(payouts::advance(&house.plane, house.agent.tenant(), vec![again]).await);
    moved(&house, &["3"], Event::Fail(FailReason::Processing)).await;
    moved(&house, &["3"], Event::Close).await;
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(2));
    // Its own clock is the tenant's to move: use is counted by the plane's.
    let witness = house.plane.sandbox().unwrap();
    ok(sandbox::advance_clock(&house.plane, witness, &house.agent, Span::days(60)).await);
    moved(&house, &["4"], Event::Pay).await;
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(3));
    house.clock.advance(Span::days(20));
    processing(&house, &["5"]).await;
    moved(&house, &["5"], Event::Pay).await;
    let months = ["2027-01", "2027-02", "2027-03"].map(|month| transfers(&house.plane, month, &house.tenant));
    assert_eq!(months, [Some(3), Some(1), None]);
    let house = house.again(|_| ());
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(3));
}

#[tokio::test]
async fn a_reset_undoes_no_use() {
    let house = House::sandbox().await;
    processing(&house, &["1"]).await;
    moved(&house, &["1"], Event::Pay).await;
    let witness = house.plane.sandbox().unwrap();
    for _ in 0..2 {
        ok(sandbox::reset_for(&house.plane, witness, &Office::proved_by_the_intercom(), &house.tenant).await);
        assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(1));
    }
    while ok(sandbox::sweep(&house.plane, witness).await).more {}
    assert_eq!(transfers(&house.plane, "2027-01", &house.tenant), Some(1));
    let nobody: TenantId = "tnt_00000000000000zz".parse().unwrap();
    assert_eq!(transfers(&house.plane, "2027-01", &nobody), None);
}

#[tokio::test]
async fn any_number_of_moves_in_any_order_count_what_is_paid() {
    let seed = kit::seed();
    let chance = SeededChance::new(seed);
    let house = House::sandbox().await;
    let mut paid = 0;
    for round in 0..20 {
        let ids: Vec<String> = (0..=chance.below(6)).map(|at| format!("{round}0{at}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        processing(&house, &ids).await;
        let (pay, fail) = ids.split_at(usize::try_from(chance.below(ids.len() as u64 + 1)).unwrap());
        moved(&house, pay, Event::Pay).await;
        moved(&house, fail, Event::Fail(FailReason::Other)).await;
        paid += pay.len() as u64;
    }
    let month = Month::of(house.plane.now()).to_string();
    assert_eq!(transfers(&house.plane, &month, &house.tenant), Some(paid), "seed {seed}");
}
