//! What a plane knows again after it was closed: how many transfers are open, and when each is due.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::collections::BTreeMap;

use base::{Chance, SeededChance, Span};
use kit::{House, ask, ok};
use plane::payouts::{self, DueRow, Event, FailReason, Move, State};
use plane::{Plane, Rung, sandbox};

/// Everything of the tenant that is due some day, by sequence.
fn by_seq(house: &House) -> BTreeMap<u64, DueRow> {
    let found = kit::due_some_day(&house.plane, house.agent.tenant());
    found.into_iter().map(|due| (due.seq, due)).collect()
}

async fn step(plane: &Plane, house: &House, id: &str, event: Event) {
    let row = payouts::of_tenant(plane, house.agent.tenant(), id).unwrap().unwrap();
    ok(payouts::advance(plane, house.agent.tenant(), vec![Move::new(row.seq, row.state, event)]).await);
}

#[tokio::test]
async fn open_work_is_found_again() {
    let seed = kit::seed();
    let chance = SeededChance::new(seed);
    let mut house = House::sandbox().await;
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for at in 0..200 {
        let id = format!("{at}");
        house.create(ask(&id, 1 + i64::try_from(chance.below(5_000)).unwrap())).await.unwrap();
        let mut state = payouts::status(&house.plane, &house.agent, &id).unwrap().unwrap().state;
        for _ in 0..chance.below(8) {
            let events = [Event::Step, Event::Pay, Event::Fail(FailReason::Other), Event::Close, Event::Retry];
            let event = events[usize::try_from(chance.below(5)).unwrap()];
            if let Ok(after) = state.after(event) {
                step(&house.plane, &house, &id, event).await;
                state = after;
            }
        }
        states.insert(id, state);
        if at % 50 == 49 {
            let open = states.values().filter(|state| !state.is_final()).count();
            assert_eq!(house.plane.work().open_count(), open as i64, "seed {seed}");
            let before = by_seq(&house);
            house = house.again(|_| ());
            assert_eq!(house.plane.work().open_count(), open as i64, "seed {seed}: after a restart");
            assert_eq!(by_seq(&house), before, "seed {seed}");
            assert_eq!(before.len(), open);
            for due in before.values() {
                let row = payouts::submission(&house.plane, due.tenant, due.seq).unwrap().unwrap().0;
                let as_its_row = DueRow { at: row.due_at, state: row.state, attempts: row.attempts, ..*due };
                assert_eq!((due, row.script), (&as_its_row, due.script), "seed {seed}");
            }
        }
    }
    for (id, state) in states {
        assert_eq!(payouts::status(&house.plane, &house.agent, &id).unwrap().unwrap().state, state);
    }
}

#[tokio::test]
async fn a_clock_that_was_moved_ahead_stays_ahead_and_a_reset_leaves_nothing_due() {
    let house = House::sandbox().await;
    let witness = house.plane.sandbox().unwrap();
    house.create(ask("1", 100)).await.unwrap();
    ok(sandbox::advance_clock(&house.plane, witness, &house.agent, Span::hours(5)).await);
    let house = house.again(|_| ());
    assert_eq!(house.plane.work().ahead(house.agent.tenant()), Span::hours(5));
    ok(sandbox::reset(&house.plane, witness, &house.agent).await);
    let house = house.again(|_| ());
    assert_eq!(house.plane.work().open_count(), 1, "until it is swept away");
    for _ in 0..20 {
        if !ok(sandbox::sweep(&house.plane, witness).await).more {
            break;
        }
    }
    assert_eq!(house.plane.work().open_count(), 0);
    let house = house.again(|_| ());
    assert_eq!(house.plane.work().open_count(), 0);
}

#[tokio::test]
async fn an_operators_word_tells_the_worker_and_meets_the_transfer_where_it_stands() {
    let house = House::sandbox().await;
    let operator = plane::Operator::over_the_socket();
    house.create(ask("1", 6_609)).await.unwrap();
    house.plane.work().take();
    let word = |event| Move::new(0, State::Created, event);
    let say = |event| payouts::on_operators_word(&house.plane, &operator, &house.tenant, "1", word(event));
    let moved = ok(say(Event::Link).await);
    assert_eq!(moved.state, State::Created);
    let rung = Rung { tenant: house.agent.tenant(), with_rail: false, at: moved.due_at };
    assert_eq!(house.plane.work().take(), vec![rung]);
    assert_eq!(house.plane.work().take(), Vec::new(), "told once");
    assert_eq!(kit::refused(say(Event::Pay).await), payouts::WordRefusal::Illegal);
    for state in [State::ReadyToDebit, State::Verifying, State::Processing] {
        assert_eq!(ok(say(Event::Step).await).state, state);
    }
    assert_eq!(ok(say(Event::Pay).await).state, State::Paid);
    assert_eq!(house.plane.work().open_count(), 0);
    assert_eq!(kit::refused(say(Event::Pay).await), payouts::WordRefusal::Illegal, "paid once");
    let nobody = "tnt_zzzzzzzzzzzzzzzz".parse().unwrap();
    let outcome = payouts::on_operators_word(&house.plane, &operator, &nobody, "1", word(Event::Pay)).await;
    assert_eq!(kit::refused(outcome), payouts::WordRefusal::TenantUnknown);
    let outcome = payouts::on_operators_word(&house.plane, &operator, &house.tenant, "01", word(Event::Pay)).await;
    assert_eq!(kit::refused(outcome), payouts::WordRefusal::TransferUnknown);
}
