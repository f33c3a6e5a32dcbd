//! What is open is found in the order in which it is due.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Span, Time};
use kit::{House, ask, ok};
use plane::payouts::{self, DueRow, Event, Found, Move, Rest, State, Wanted};

fn found(house: &House, with_rail: bool, until: Time, most: usize) -> Found {
    let wanted = Wanted { tenant: house.agent.tenant(), with_rail, until, most };
    payouts::due(&house.plane, &[wanted]).unwrap().remove(0)
}

fn seqs(rows: &[DueRow]) -> Vec<u64> {
    rows.iter().map(|due| due.seq).collect()
}

/// Three transfers, accepted a second apart, and when each is due.
async fn three() -> (House, Vec<DueRow>) {
    let house = House::sandbox().await;
    for id in ["1", "2", "3"] {
        house.create(ask(id, 100)).await.unwrap();
        house.clock.advance(Span::seconds(1));
    }
    let due = kit::due_some_day(&house.plane, house.agent.tenant());
    assert_eq!(due.len(), 3);
    (house, due)
}

#[tokio::test]
async fn the_longest_due_come_first_and_the_rest_is_named() {
    let (house, due) = three().await;
    let until = due[1].at;
    let both = found(&house, false, until, 10);
    assert_eq!((both.rows.as_slice(), both.next), (&due[..2], Some(due[2].at)));
    let bounded = found(&house, false, until, 1);
    assert_eq!((bounded.rows.as_slice(), bounded.next), (&due[..1], Some(due[0].at)), "there may be more");
    assert_eq!(found(&house, false, due[2].at, 10).next, None);
    assert_eq!(found(&house, true, Time(i64::MAX), 10), Found { rows: Vec::new(), next: None });
}

#[tokio::test]
async fn what_moves_is_due_anew_and_what_is_final_is_not() {
    let (house, due) = three().await;
    let (plane, tenant) = (&house.plane, house.agent.tenant());
    for event in [Event::Step, Event::Step, Event::Step] {
        let row = payouts::of_tenant(plane, tenant, "1").unwrap().unwrap();
        ok(payouts::advance(plane, tenant, vec![Move::new(row.seq, row.state, event)]).await);
    }
    let rails = found(&house, true, Time(i64::MAX), 10);
    assert_eq!((seqs(&rails.rows), rails.rows[0].state), (vec![due[0].seq], State::Processing));
    let first = payouts::first_due(plane, &[tenant, tenant + 1]).unwrap();
    assert_eq!(first, [(tenant, false, due[1].at), (tenant, true, rails.rows[0].at)]);
    let asks: Vec<u64> = kit::open_asks(plane).iter().map(|row| row.seq).collect();
    assert_eq!(asks, seqs(&due), "the operator sees them as they were accepted");
    let paid = Move::new(due[0].seq, State::Processing, Event::Pay);
    ok(payouts::advance(plane, tenant, vec![paid]).await);
    assert_eq!(kit::due_some_day(plane, tenant), due[1..]);
    assert_eq!(kit::open_asks(plane).len(), 2);
    assert_eq!(plane::books::audit(plane).unwrap().wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_rest_changes_when_and_nothing_else_and_only_as_long_as_nobody_moved_it() {
    let (house, due) = three().await;
    let (plane, tenant) = (&house.plane, house.agent.tenant());
    let entries = plane.entries(tenant).unwrap();
    let rest = |due: DueRow, until| payouts::rest(plane, tenant, vec![Rest { due, until }]);
    let later = due[2].at.plus(Span::hours(1));
    let moved = ok(rest(due[0], later).await);
    assert_eq!(moved[0].due(tenant), DueRow { at: later, ..due[0] });
    assert_eq!(seqs(&kit::due_some_day(plane, tenant)), [due[1].seq, due[2].seq, due[0].seq]);
    assert_eq!(ok(rest(due[0], Time(0)).await)[0].due_at, later, "it was due otherwise by then");
    ok(rest(due[1], Time(i64::MAX)).await);
    assert_eq!(seqs(&kit::due_some_day(plane, tenant)), [due[2].seq, due[0].seq], "a person will move it");
    assert_eq!(payouts::first_due(plane, &[tenant]).unwrap(), [(tenant, false, due[2].at)]);
    assert_eq!((plane.entries(tenant).unwrap(), plane.work().open_count()), (entries, 3));
    assert_eq!(plane::books::audit(plane).unwrap().wrong, Vec::<String>::new());
    let step = Move::new(due[1].seq, State::Created, Event::Step);
    assert_eq!(ok(payouts::advance(plane, tenant, vec![step]).await)[0].state, State::ReadyToDebit);
}
