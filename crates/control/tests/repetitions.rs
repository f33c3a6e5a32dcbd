//! Keys that are asked for with an idempotency key: one request has one effect, however often it is repeated and whatever became
//! of its answers. Without one, see `keys.rs`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::Span;
use control::keys::{IdempotencyKey, NewKey, Refusal, wire_id};
use control::wishes;
use kit::clerk::{Office, SANDBOX, office, refusal, refused};
use kit::desk;
use kit::planes::{Fate, ordinary};

fn once(text: &str, name: &str) -> NewKey {
    NewKey { once: IdempotencyKey::parse(text), ..ordinary(name) }
}

#[tokio::test]
async fn a_request_with_a_name_has_one_effect_and_shows_the_secret_once() {
    let office = office().await;
    let first = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert!(first.whole.is_some());
    for _ in 0..2 {
        let again = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
        assert_eq!((again.key.id, again.whole.is_none()), (first.key.id, true));
    }
    assert_eq!(refused(office.create(SANDBOX, once("a", "two")).await), Refusal::OtherContent);
    let other = office.create(SANDBOX, once("b", "one")).await.map_err(refusal).ok().unwrap();
    assert_ne!(other.key.id, first.key.id);
    // The same name on another door is another request.
    let id = wire_id(SANDBOX, first.key.id);
    let rotated = office.rotate(&id, IdempotencyKey::parse("a")).await.map_err(refusal).ok().unwrap();
    assert!(rotated.whole.is_some());
    assert_eq!(rotated.replaced.as_ref().map(|old| old.id), Some(first.key.id));
    let again = office.rotate(&id, IdempotencyKey::parse("a")).await.map_err(refusal).ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (rotated.key.id, true));
    assert_eq!(again.replaced.unwrap().limits.expires_at, Some(office.control().now().plus(Span::hours(24))));
    assert_eq!(office.planes.alive(SANDBOX).len(), 3);
    let house = office.house.again();
    let office = Office { house, ..office };
    let again = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (first.key.id, true));
}

#[tokio::test]
async fn a_request_with_a_name_whose_answer_was_lost_gets_a_secret_in_the_end() {
    let office = office().await;
    office.planes.script([Fate::Lost]);
    assert_eq!(refused(office.create(SANDBOX, once("a", "one")).await), Refusal::Unreachable(SANDBOX));
    assert_eq!(refused(office.create(SANDBOX, once("a", "one")).await), Refusal::InProgress);
    office.house.clock.advance(Span::seconds(60));
    desk::fulfil(office.control(), &office.planes).await;
    let shown = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert!(shown.whole.is_some());
    let again = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (shown.key.id, true));
    office.house.clock.advance(Span::seconds(60));
    desk::fulfil(office.control(), &office.planes).await;
    assert_eq!(office.planes.alive(SANDBOX), [shown.key.id]);
}

/// Jo's request "a" got no answer, and what it minted was voided.
async fn voided() -> Office {
    let office = office().await;
    office.planes.script([Fate::Lost]);
    assert_eq!(refused(office.create(SANDBOX, once("a", "one")).await), Refusal::Unreachable(SANDBOX));
    office.house.clock.advance(Span::seconds(60));
    assert_eq!(desk::fulfil(office.control(), &office.planes).await, 1);
    assert_eq!(office.planes.alive(SANDBOX), []);
    office
}

#[tokio::test]
async fn of_two_repetitions_at_once_of_what_was_voided_the_second_waits_for_the_first() {
    let office = voided().await;
    office.planes.script([Fate::Well, Fate::Held]);
    let second = async {
        office.planes.held().await;
        let second = office.create(SANDBOX, once("a", "one")).await;
        office.planes.let_go();
        second
    };
    let (first, second) = tokio::join!(office.create(SANDBOX, once("a", "one")), second);
    let first = first.map_err(refusal).ok().unwrap();
    assert!(first.whole.is_some());
    assert_eq!(refused(second), Refusal::InProgress);
    let again = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (first.key.id, true));
    office.house.clock.advance(Span::days(1));
    assert!(wishes::due(office.control(), SANDBOX).unwrap().is_empty(), "nothing is left to undo");
    assert_eq!(office.planes.alive(SANDBOX), [first.key.id]);
}

#[tokio::test]
async fn a_repetition_that_is_overtaken_by_another_shows_no_second_key_and_it_dies() {
    let office = voided().await;
    // The first finds out after a while that its wish was voided, and is slow with the next one: the voided one, by which the
    // second would know of it, is the loop's again before it ends.
    office.planes.script([Fate::Slow(Span::seconds(25)), Fate::Held]);
    let second = async {
        office.planes.held().await;
        office.house.clock.advance(Span::seconds(36));
        assert_eq!(desk::fulfil(office.control(), &office.planes).await, 1);
        let second = office.create(SANDBOX, once("a", "one")).await;
        office.planes.let_go();
        second
    };
    let (first, second) = tokio::join!(office.create(SANDBOX, once("a", "one")), second);
    let second = second.map_err(refusal).ok().unwrap();
    assert!(second.whole.is_some());
    assert_eq!(refused(first), Refusal::InProgress);
    assert_eq!(office.planes.alive(SANDBOX).len(), 2);
    office.house.clock.advance(Span::seconds(60));
    assert_eq!(desk::fulfil(office.control(), &office.planes).await, 1);
    assert_eq!(office.planes.alive(SANDBOX), [second.key.id]);
    let again = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (second.key.id, true));
}

#[tokio::test]
async fn what_is_refused_after_a_voided_wish_may_be_tried_again_at_once() {
    let office = voided().await;
    for _ in 0..2 {
        office.planes.script([Fate::Well, Fate::Down]);
        assert_eq!(refused(office.create(SANDBOX, once("a", "one")).await), Refusal::Unreachable(SANDBOX));
    }
    let shown = office.create(SANDBOX, once("a", "one")).await.map_err(refusal).ok().unwrap();
    assert_eq!(office.planes.alive(SANDBOX), [shown.key.id]);
}
