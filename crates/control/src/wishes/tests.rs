use std::convert::Infallible;
use std::sync::Arc;

use ::store::Tx;
use base::{Environment, SeededChance, Span, TestClock, Time};

use super::{Ended, Page, What, Wish, drop_it, due, end, finished, keep, postponed, waiting};
use crate::planes::{Ask, KeyChange};
use crate::{Control, Settings};

const AT: Time = Time(1_750_000_000_000_000);

/// Control with a clock that the test moves.
fn open(dir: &std::path::Path) -> (Control, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(AT));
    let settings = Settings { run_twice: true, ..Settings::default() };
    let place = crate::tenants::tests::place(dir);
    (Control::open(place, dir, settings, Arc::clone(&clock) as _, Arc::new(SeededChance::new(1))).unwrap(), clock)
}

fn void(id: &str, environment: Environment) -> Wish {
    let of = "tnt_0000000000000001".parse().unwrap();
    Wish { id: id.to_owned(), of, environment, what: What::Void { wish: id.to_owned() } }
}

fn revoke(environment: Environment) -> Wish {
    Wish {
        id: "revoke".to_owned(),
        what: What::Revoke { key: "abc123def456".parse().unwrap() },
        ..void("", environment)
    }
}

async fn kept(control: &Control, wish: Wish) -> bool {
    control.run::<_, Infallible, _>(move |tx: &mut Tx<'_>| Ok(keep(tx, &wish)?)).await.unwrap()
}

async fn ended(control: &Control, id: &'static str) -> Ended {
    control.run::<_, Infallible, _>(move |tx: &mut Tx<'_>| Ok(end(tx, id)?)).await.unwrap()
}

fn ids(control: &Control) -> Vec<String> {
    let due = Environment::ALL.into_iter().flat_map(|environment| due(control, environment).unwrap());
    due.map(|due| due.id).collect()
}

#[tokio::test]
async fn a_wish_is_the_askers_first_then_nobodys_then_the_loops() {
    let dir = tempfile::tempdir().unwrap();
    let (control, clock) = open(dir.path());
    for id in ["in time", "late", "gone"] {
        assert!(kept(&control, void(id, Environment::Sandbox)).await);
    }
    assert!(!kept(&control, void("late", Environment::Live)).await, "it is there already");
    assert!(ids(&control).is_empty());
    clock.advance(Span(Span::seconds(40).0 - 1));
    assert_eq!(ended(&control, "in time").await, Ended::Done);
    assert_eq!(ended(&control, "in time").await, Ended::Overtaken);
    clock.advance(Span(1));
    assert_eq!(ended(&control, "late").await, Ended::Overtaken);
    assert!(ids(&control).is_empty());
    clock.advance(Span::seconds(20));
    assert_eq!(ids(&control), ["gone", "late"]);
    assert_eq!(ended(&control, "late").await, Ended::Overtaken);
    // The loop could not reach the plane: who asked is still too late, though it is not due.
    postponed(&control, "late").await.unwrap();
    assert_eq!(ids(&control), ["gone"]);
    assert_eq!(ended(&control, "late").await, Ended::Overtaken);
    clock.advance(Span::seconds(1));
    assert_eq!(ids(&control), ["gone", "late"]);
    for id in ["late", "gone", "never kept"] {
        finished(&control, id).await.unwrap();
    }
    assert!(ids(&control).is_empty());
    assert!(kept(&control, void("late", Environment::Sandbox)).await, "it is forgotten");
}

#[tokio::test]
async fn a_revocation_is_the_loops_soon_and_who_asked_may_say_so_at_any_time() {
    let dir = tempfile::tempdir().unwrap();
    let (control, clock) = open(dir.path());
    assert!(kept(&control, revoke(Environment::Live)).await);
    clock.advance(Span::seconds(5));
    assert_eq!(ids(&control), ["revoke"]);
    postponed(&control, "revoke").await.unwrap();
    let drop = |tx: &mut Tx<'_>| Ok((drop_it(tx, "revoke")?, drop_it(tx, "revoke")?));
    assert_eq!(control.run::<_, Infallible, _>(drop).await.unwrap(), (true, false));
    clock.advance(Span::days(1));
    assert!(ids(&control).is_empty());
}

#[tokio::test]
async fn a_plane_that_starts_hears_what_is_wanted_of_it_and_no_mint_is_voided_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let (control, clock) = open(dir.path());
    kept(&control, revoke(Environment::Live)).await;
    kept(&control, void("mint", Environment::Live)).await;
    let tenant = revoke(Environment::Live).of;
    let key = "abc123def456".parse().unwrap();
    let revoked = Ask::Change { tenant: tenant.clone(), key, change: KeyChange::Revoke };
    let heard = |environment| waiting(&control, environment, None).unwrap();
    assert_eq!(heard(Environment::Live).asks, std::slice::from_ref(&revoked));
    assert_eq!(heard(Environment::Sandbox).asks, []);
    clock.advance(Span::seconds(60));
    let voided = Ask::Void { tenant, wish: "mint".to_owned() };
    assert_eq!(heard(Environment::Live), Page { asks: vec![revoked, voided], next: None });
}

/// So many wishes of one side, kept at the same moment; the first of them as `first` says.
async fn many(control: &Control, first: Wish, number: usize) {
    let environment = first.environment;
    let mut wishes = std::iter::once(first).chain((1..number).map(|at| void(&format!("{at:05}"), environment)));
    let mut keeping = tokio::task::JoinSet::new();
    loop {
        for wish in wishes.by_ref().take(100) {
            let control = control.clone();
            keeping.spawn(async move { kept(&control, wish).await });
        }
        if keeping.is_empty() {
            return;
        }
        while let Some(kept) = keeping.join_next().await {
            assert!(kept.unwrap());
        }
    }
}

#[tokio::test]
async fn what_one_plane_owes_does_not_hide_what_the_other_owes() {
    let dir = tempfile::tempdir().unwrap();
    let (control, clock) = open(dir.path());
    many(&control, void("00000", Environment::Sandbox), 150).await;
    clock.advance(Span::seconds(1));
    kept(&control, void("of live", Environment::Live)).await;
    clock.advance(Span::seconds(60));
    let here = |environment| due(&control, environment).unwrap().into_iter().map(|due| due.id).collect::<Vec<_>>();
    assert_eq!(here(Environment::Sandbox).len(), 100);
    assert_eq!(here(Environment::Live), ["of live"]);
}

#[tokio::test]
async fn what_waits_comes_in_pages_revocations_first_and_none_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (control, clock) = open(dir.path());
    many(&control, revoke(Environment::Live), 2_100).await;
    clock.advance(Span::seconds(60));
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let Page { asks, next } = waiting(&control, Environment::Live, after.as_ref()).unwrap();
        // What was done meanwhile shifts nothing.
        finished(&control, "00001").await.unwrap();
        pages.push(asks);
        let Some(next) = next else { break };
        after = Some(next);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 1_000, 100]);
    let asks = pages.concat();
    assert!(matches!(asks[0], Ask::Change { .. }), "{:?}", asks[0]);
    let voided = asks[1..].iter().map(|ask| match ask {
        Ask::Void { wish, .. } => wish.clone(),
        other => panic!("{other:?}"),
    });
    assert!(voided.eq((1..2_100).map(|at| format!("{at:05}"))));
}
