//! Keys through planes that lose answers, are slow or are down: a secret reaches its caller or dies, and a revocation that was
//! wished for comes true.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Environment, KeyKind, Span};
use control::keys::{self, NewKey, Page, Refusal, wire_id};
use control::{Ask, Operator, PlaneRefusal, tenants, users, wishes};
use kit::clerk::{HOME, JO, Office, SANDBOX, office, ready, refusal, refused};
use kit::planes::{Fate, ordinary};
use kit::{desk, new_user, registered};

const LIVE: Environment = Environment::Live;

/// Jo owns a tenant that the operator made: both environments are active.
async fn with_live() -> Office {
    let house = kit::open();
    let operator = Operator::over_the_socket();
    let tenant = tenants::create(&house.control, &operator, "Acme").await.unwrap();
    users::seed(&house.control, &operator, &tenant.id, new_user(JO)).await.map_err(|_| "not seeded").unwrap();
    ready(house).await
}

impl Office {
    /// One that is there.
    async fn key(&self, environment: Environment) -> String {
        let shown = self.create(environment, ordinary("one")).await.map_err(|_| "no key").unwrap();
        wire_id(environment, shown.key.id)
    }

    async fn revoke(&self, id: &str) -> Result<bool, Refusal> {
        let permit = desk::permit(self.control(), &self.token, desk::KEYS);
        let revoked = keys::revoke(self.control(), &self.planes, &permit, &self.proof(), id).await;
        revoked.map(|key| key.revoked).map_err(refusal)
    }
}

#[tokio::test]
async fn a_new_key_is_shown_whole_once_and_carries_what_was_asked_for() {
    let office = office().await;
    let new = NewKey { kind: KeyKind::Agent, expires_in_days: Some(30), ..ordinary("till") };
    let shown = office.create(SANDBOX, new).await.map_err(refusal).ok().unwrap();
    assert!(shown.whole.unwrap().expose().starts_with(&format!("pk_test_{}.", shown.key.id)));
    let expires_at = office.control().now().plus(Span::days(30));
    assert_eq!((shown.key.kind, shown.key.limits.expires_at), (KeyKind::Agent, Some(expires_at)));
    let permit = desk::permit(office.control(), &office.token, desk::KEYS);
    let id = wire_id(SANDBOX, shown.key.id);
    let got = keys::get(office.control(), &office.planes, &permit, &id).await.map_err(refusal).unwrap();
    assert_eq!(got, shown.key);
    office.house.clock.advance(Span::days(1));
    assert!(wishes::due(office.control(), SANDBOX).unwrap().is_empty(), "nothing is left to undo");
}

#[tokio::test]
async fn what_may_not_be_made_is_refused_before_a_plane_hears_of_it() {
    let office = office().await;
    let payout = NewKey { kind: KeyKind::Payout, ..ordinary("out") };
    assert_eq!(refused(office.create(SANDBOX, payout).await), Refusal::KindElsewhere);
    assert_eq!(refused(office.create(LIVE, ordinary("live")).await), Refusal::NotActive(LIVE));
    // Somebody else's proof, and one of Jo's other session.
    registered(office.control(), "mo@example.com", HOME).await;
    let others = [("mo@example.com", HOME), (JO, HOME)];
    for (email, ip) in others {
        let token = desk::token(office.control(), email, ip).await;
        let (placed, proof) =
            (desk::placed(office.control(), &office.token, desk::KEYS, SANDBOX), desk::proof(office.control(), &token));
        let made = keys::create(office.control(), &office.planes, &placed, &proof, ordinary("x")).await;
        assert_eq!(refused(made), Refusal::StepUpRequired);
        let permit = desk::permit(office.control(), &office.token, desk::KEYS);
        let dead = keys::revoke(office.control(), &office.planes, &permit, &proof, "key_test_000000000001").await;
        assert_eq!(refusal(dead.err().unwrap()), Refusal::StepUpRequired);
    }
    assert_eq!(office.planes.asked(), []);
}

#[tokio::test]
async fn a_key_whose_answer_was_lost_dies_and_one_that_was_never_made_leaves_nothing() {
    let office = office().await;
    office.planes.script([Fate::Lost]);
    assert_eq!(refused(office.create(SANDBOX, ordinary("lost")).await), Refusal::Unreachable(SANDBOX));
    assert_eq!(office.planes.alive(SANDBOX).len(), 1);
    office.house.clock.advance(Span::seconds(60));
    assert_eq!(desk::fulfil(office.control(), &office.planes).await, 1);
    assert_eq!(office.planes.alive(SANDBOX), []);

    office.planes.script([Fate::Down]);
    assert_eq!(refused(office.create(SANDBOX, ordinary("down")).await), Refusal::Unreachable(SANDBOX));
    office.house.clock.advance(Span::days(1));
    assert!(wishes::due(office.control(), SANDBOX).unwrap().is_empty());
}

#[tokio::test]
async fn a_key_whose_answer_comes_too_late_is_not_shown_and_dies() {
    for (late, shown) in [(39, true), (40, false), (3600, false)] {
        let office = office().await;
        office.planes.script([Fate::Slow(Span::seconds(late))]);
        // The proof is taken before the plane is asked, so it is fresh.
        let made = office.create(SANDBOX, ordinary("slow")).await;
        assert_eq!(made.is_ok(), shown, "after {late} s");
        office.house.clock.advance(Span::seconds(60));
        desk::fulfil(office.control(), &office.planes).await;
        assert_eq!(office.planes.alive(SANDBOX).len(), usize::from(shown), "after {late} s");
    }
}

#[tokio::test]
async fn a_revocation_is_kept_until_it_comes_true() {
    let office = office().await;
    let id = office.key(SANDBOX).await;
    office.planes.script([Fate::Down]);
    assert_eq!(office.revoke(&id).await, Err(Refusal::Unreachable(SANDBOX)));
    assert_eq!(office.planes.alive(SANDBOX).len(), 1);
    let (environment, key) = keys::key_of(&id).unwrap();
    let waiting = wishes::waiting(office.control(), environment, None).unwrap().asks;
    assert!(matches!(&waiting[..], [Ask::Change { key: wished, .. }] if *wished == key));
    office.house.clock.advance(Span::seconds(5));
    office.planes.script([Fate::Lost]);
    assert_eq!(desk::fulfil(office.control(), &office.planes).await, 0);
    office.house.clock.advance(Span::seconds(5));
    assert_eq!(desk::fulfil(office.control(), &office.planes).await, 1);
    assert_eq!(office.planes.alive(SANDBOX), []);
    assert_eq!(wishes::waiting(office.control(), environment, None).unwrap().asks, []);
    // It is dead already, which is what is wished for.
    assert_eq!(office.revoke(&id).await, Ok(true));
    office.house.clock.advance(Span::days(1));
    assert!(wishes::due(office.control(), SANDBOX).unwrap().is_empty());
}

#[tokio::test]
async fn keys_of_others_and_of_nobody_are_one_unknown() {
    let office = office().await;
    registered(office.control(), "mo@example.com", HOME).await;
    desk::provision(office.control(), &office.planes).await;
    let token = desk::token(office.control(), "mo@example.com", HOME).await;
    let other = Office { token, ..office };
    let foreign = other.key(SANDBOX).await;
    let token = desk::token(&other.house.control, JO, HOME).await;
    let office = Office { token, ..other };
    office.planes.asked();
    let control = office.control();
    let mut shapes = Vec::new();
    for id in [foreign.as_str(), "key_test_zzzzzzzzzzzz"] {
        let permit = desk::permit(control, &office.token, desk::KEYS);
        let proof = office.proof();
        assert_eq!(office.revoke(id).await, Err(Refusal::Unknown));
        assert_eq!(refused(office.rotate(id, None).await), Refusal::Unknown);
        let doors = [
            keys::get(control, &office.planes, &permit, id).await,
            keys::rename(control, &office.planes, &permit, id, "x".to_owned()).await,
            keys::set_active(control, &office.planes, &permit, None, id, false).await,
            keys::set_active(control, &office.planes, &permit, Some(&proof), id, true).await,
        ];
        assert!(doors.into_iter().all(|door| door.map_err(refusal) == Err(Refusal::Unknown)), "{id}");
        shapes.push(office.planes.asked().len());
    }
    assert_eq!(shapes[0], shapes[1], "the plane is asked for both alike");
    // Nobody's by its form alone.
    for id in ["", "key_test_1", "key_live_", "pk_test_abc123def456"] {
        let permit = desk::permit(office.control(), &office.token, desk::KEYS);
        let got = keys::get(office.control(), &office.planes, &permit, id).await;
        assert_eq!(got.map_err(refusal), Err(Refusal::Unknown), "{id:?}");
    }
    assert_eq!(office.planes.asked(), []);
    office.house.clock.advance(Span::days(1));
    assert!(wishes::due(office.control(), SANDBOX).unwrap().is_empty());
}

#[tokio::test]
async fn disabling_asks_for_no_proof_and_enabling_does() {
    let office = office().await;
    let id = office.key(SANDBOX).await;
    let permit = desk::permit(office.control(), &office.token, desk::KEYS);
    let proof = office.proof();
    let set = async |proof, active| {
        let set = keys::set_active(office.control(), &office.planes, &permit, proof, &id, active).await;
        set.map(|key| key.active).map_err(refusal)
    };
    assert_eq!(set(None, false).await, Ok(false));
    assert_eq!(set(None, true).await, Err(Refusal::StepUpRequired));
    assert_eq!(office.planes.alive(SANDBOX), []);
    assert_eq!(set(Some(&proof), true).await, Ok(true));
    let named = keys::rename(office.control(), &office.planes, &permit, &id, "till 2".to_owned()).await;
    assert_eq!(named.map(|key| key.name).map_err(refusal), Ok("till 2".to_owned()));
    let unnamed = keys::rename(office.control(), &office.planes, &permit, &id, String::new()).await;
    assert_eq!(unnamed.map_err(refusal), Err(Refusal::Plane(PlaneRefusal::NameUnusable)));
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_is_in_the_audit_log() {
    let office = office().await;
    let id = office.key(SANDBOX).await;
    let (control, permit, proof) =
        (office.control(), desk::permit(office.control(), &office.token, desk::KEYS), office.proof());
    let kinds = |lines| {
        let lines = desk::noted(control, &office.token, lines).into_iter();
        lines.map(|line| (line.kind, line.facts)).collect::<Vec<_>>()
    };
    let change = async |which| match which {
        0 => keys::rename(control, &office.planes, &permit, &id, "till 2".to_owned()).await,
        1 => keys::set_active(control, &office.planes, &permit, None, &id, false).await,
        _ => keys::set_active(control, &office.planes, &permit, Some(&proof), &id, true).await,
    };
    let words = [
        ("key_rename_wished", "key_renamed"),
        ("key_disabling_wished", "key_disabled"),
        ("key_enabling_wished", "key_enabled"),
    ];
    for (which, (wished, done)) in words.into_iter().enumerate() {
        office.planes.script([Fate::Held]);
        tokio::select! {
            _ = change(which) => panic!("its answer is held"),
            () = office.planes.held() => {}
        }
        let seen = keys::get(control, &office.planes, &permit, &id).await.map_err(refusal).unwrap();
        assert_eq!((seen.name.as_str(), seen.active), ("till 2", which != 1), "it is in force");
        let line = &kinds(1)[0];
        assert_eq!(line.0, wished);
        assert!(line.1.contains(r#""actor":"user"#), "{line:?}");
        assert_eq!(line.1.contains("till 2"), which == 0, "{line:?}");

        assert!(change(which).await.is_ok());
        let lines: Vec<String> = kinds(3).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(lines, [done, wished, wished]);
    }
}

#[tokio::test]
async fn a_list_has_both_environments_in_order_of_age_and_only_what_the_role_may_see() {
    let office = with_live().await;
    let mut ids = Vec::new();
    for environment in [LIVE, SANDBOX, LIVE, SANDBOX] {
        ids.push(office.key(environment).await);
        office.house.clock.advance(Span::seconds(1));
    }
    assert_eq!(office.revoke(&ids.remove(1)).await, Ok(true));
    let listed = async |row, environment, page, limit| {
        let permit = desk::permit(office.control(), &office.token, row);
        let listed = keys::list(office.control(), &office.planes, &permit, Page { environment, page, limit }).await;
        let listed = listed.map_err(refusal)?;
        let ids = listed.items.iter().map(|key| wire_id(key.environment, key.id)).collect::<Vec<_>>();
        Ok::<_, Refusal>((ids, listed.total))
    };
    assert_eq!(listed(desk::KEYS, None, 1, 20).await, Ok((ids.clone(), 3)));
    assert_eq!(listed(desk::KEYS, None, 2, 2).await, Ok((vec![ids[2].clone()], 3)));
    assert_eq!(listed(desk::KEYS, None, u32::MAX, 100).await, Ok((vec![], 3)));
    assert_eq!(listed(desk::KEYS, Some(LIVE), 1, 20).await, Ok((vec![ids[0].clone(), ids[1].clone()], 2)));
    assert_eq!(listed(desk::SANDBOX, None, 1, 20).await, Ok((vec![ids[2].clone()], 1)));
    assert_eq!(listed(desk::SANDBOX, Some(LIVE), 1, 20).await, Ok((vec![], 0)));
    // A live key is as unknown as nobody's to whom live is closed.
    let permit = desk::permit(office.control(), &office.token, desk::SANDBOX);
    let closed = keys::get(office.control(), &office.planes, &permit, &ids[0]).await;
    assert_eq!(closed.map_err(refusal), Err(Refusal::Unknown));
    office.planes.script([Fate::Well, Fate::Down]);
    assert_eq!(listed(desk::KEYS, None, 1, 20).await, Err(Refusal::Unreachable(LIVE)));
}

#[tokio::test]
async fn who_changes_a_live_key_hears_of_it_by_mail() {
    let office = with_live().await;
    kit::mails(office.control()).await;
    let sandbox = office.key(SANDBOX).await;
    assert_eq!(office.revoke(&sandbox).await, Ok(true));
    assert!(kit::mails(office.control()).await.is_empty());
    let told = async || {
        let mails = kit::mails(office.control()).await.into_iter();
        mails.map(|(kind, to, _)| (kind.word(), to)).collect::<Vec<_>>()
    };
    let live = office.key(LIVE).await;
    assert_eq!(told().await, [("key-created", JO.to_owned())]);
    assert_eq!(office.revoke(&live).await, Ok(true));
    assert_eq!(told().await, [("key-revoked", JO.to_owned())]);
}
