//! Payout keys: made at their own door, with a policy that only fresh proofs see and change.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::sync::Arc;
use std::time::Duration;

use base::payout_policy::{Chain, Destinations, PayoutLimit, Tokens};
use base::{Environment, KeyKind, PayoutPolicy, Secret, Span, Stop};
use control::keys::{self, IdempotencyKey, NewKey, Refusal, Shown, wire_id};
use control::payout_keys::{self, Change, NewPayoutKey, Rotation};
use control::planes::{KeyView, Planes, PolicyChange};
use control::{Ask, Control, StepUp, wishes};
use kit::planes::{FakePlanes, Fate, ordinary};
use kit::{House, desk, registered};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";
const SANDBOX: Environment = Environment::Sandbox;

struct Office {
    house: House,
    planes: Arc<FakePlanes>,
    token: Secret<String>,
    business: String,
}

/// Jo's sandbox is active, and she is signed in.
async fn office() -> Office {
    let house = kit::open();
    registered(&house.control, JO, HOME).await;
    let planes = Arc::new(FakePlanes::new(&house.clock));
    desk::provision(&house.control, planes.as_ref()).await;
    let token = desk::token(&house.control, JO, HOME).await;
    planes.asked();
    let business = desk::session(&house.control, &token).tenant().business();
    Office { house, planes, token, business }
}

impl Office {
    fn control(&self) -> &Control {
        &self.house.control
    }

    fn proof(&self) -> StepUp {
        desk::proof(self.control(), &self.token)
    }

    async fn create(&self, new: NewPayoutKey) -> Result<Shown, Refusal> {
        let placed = desk::placed(self.control(), &self.token, desk::KEYS, SANDBOX);
        let made =
            payout_keys::create(self.control(), self.planes.as_ref(), &placed, &self.proof(), &self.business, new)
                .await;
        made.map_err(refusal)
    }

    /// The id of one that is there.
    async fn key(&self) -> String {
        wire_id(SANDBOX, self.create(new("out", None)).await.ok().unwrap().key.id)
    }

    async fn standard_key(&self, new: NewKey) -> String {
        let placed = desk::placed(self.control(), &self.token, desk::KEYS, SANDBOX);
        let made = keys::create(self.control(), self.planes.as_ref(), &placed, &self.proof(), new).await;
        wire_id(SANDBOX, made.map_err(refusal).ok().unwrap().key.id)
    }

    async fn change(&self, proof: Option<&StepUp>, id: &str, change: Change) -> Result<KeyView, Refusal> {
        let permit = desk::permit(self.control(), &self.token, desk::KEYS);
        let place = (self.business.as_str(), id);
        payout_keys::change(self.control(), self.planes.as_ref(), &permit, proof, place, change).await.map_err(refusal)
    }

    async fn revoke(&self, id: &str) -> Result<bool, Refusal> {
        let permit = desk::permit(self.control(), &self.token, desk::KEYS);
        let (planes, proof) = (Arc::clone(&self.planes) as Arc<dyn Planes>, Arc::new(self.proof()));
        let revoked = payout_keys::revoke(self.control(), planes, &permit, proof, &self.business, id).await;
        revoked.map(|key| key.revoked).map_err(refusal)
    }

    async fn rotate(&self, id: &str) -> Result<Shown, Refusal> {
        let permit = desk::permit(self.control(), &self.token, desk::KEYS);
        let rotation = Rotation { id: id.to_owned(), overlap_hours: 24, once: IdempotencyKey::parse("a") };
        let proof = self.proof();
        payout_keys::rotate(self.control(), self.planes.as_ref(), &permit, &proof, &self.business, rotation)
            .await
            .map_err(refusal)
    }
}

fn refusal(stop: Stop<Refusal>) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    }
}

fn limits(amount: &str) -> Vec<PayoutLimit> {
    let amount = Tokens::parse(amount).unwrap();
    vec![PayoutLimit::new(Chain::Eth, "base-mainnet".to_owned(), "USDC".to_owned(), amount.clone(), amount).unwrap()]
}

fn new(name: &str, once: Option<&str>) -> NewPayoutKey {
    NewPayoutKey {
        name: name.to_owned(),
        expires_in_days: 30,
        ips: Vec::new(),
        policy: PayoutPolicy { destinations: Destinations::Any, limits: limits("250") },
        once: once.and_then(IdempotencyKey::parse),
    }
}

fn tighter() -> Change {
    Change::Policy(PolicyChange { destinations: None, limits: Some(limits("1")), ips: None })
}

#[tokio::test]
async fn a_payout_key_carries_its_policy_and_its_end() {
    let office = office().await;
    let shown = office.create(new("out", None)).await.ok().unwrap();
    assert!(shown.whole.unwrap().expose().starts_with(&format!("pk_test_{}.", shown.key.id)));
    let KeyView { kind, limits, .. } = shown.key;
    assert_eq!((kind, limits.payout), (KeyKind::Payout, Some(Box::new(new("out", None).policy))));
    assert_eq!(limits.expires_at, Some(office.control().now().plus(Span::days(30))));
}

#[tokio::test]
async fn a_request_with_a_name_has_one_effect_at_this_door() {
    let office = office().await;
    let first = office.create(new("out", Some("a"))).await.ok().unwrap();
    let again = office.create(new("out", Some("a"))).await.ok().unwrap();
    assert_eq!((again.key.id, again.whole.is_none()), (first.key.id, true));
    let wider = PayoutPolicy { destinations: Destinations::Any, limits: limits("251") };
    let other = NewPayoutKey { policy: wider, ..new("out", Some("a")) };
    assert_eq!(office.create(other).await.err(), Some(Refusal::OtherContent));
    // The same name at the dashboard's door is another request, and so it is for a rotation.
    office.standard_key(NewKey { once: IdempotencyKey::parse("a"), ..ordinary("one") }).await;
    assert!(office.rotate(&wire_id(SANDBOX, first.key.id)).await.ok().unwrap().whole.is_some());
}

#[tokio::test]
async fn only_a_fresh_proof_of_this_session_changes_what_a_key_may_do() {
    let office = office().await;
    let id = office.key().await;
    let proof = office.proof();
    let other = desk::proof(office.control(), &desk::token(office.control(), JO, HOME).await);
    office.planes.asked();
    for change in [tighter(), Change::SetActive(true)] {
        assert_eq!(office.change(None, &id, change.clone()).await, Err(Refusal::StepUpRequired));
        assert_eq!(office.change(Some(&other), &id, change).await, Err(Refusal::StepUpRequired));
    }
    let permit = desk::permit(office.control(), &office.token, desk::KEYS);
    let seen = payout_keys::get(office.control(), office.planes.as_ref(), &permit, &other, &office.business, &id).await;
    assert_eq!(seen.map_err(refusal), Err(Refusal::StepUpRequired));
    assert_eq!(office.planes.asked(), [], "no plane hears of it");

    assert!(!office.change(None, &id, Change::SetActive(false)).await.unwrap().active);
    let changed = office.change(Some(&proof), &id, tighter()).await.unwrap();
    assert_eq!(changed.limits.payout.unwrap().limits, limits("1"));
}

#[tokio::test]
async fn a_key_of_another_kind_is_not_there() {
    let office = office().await;
    let id = office.standard_key(ordinary("one")).await;
    let proof = office.proof();
    for change in [Change::Rename("x".to_owned()), Change::SetActive(false), tighter()] {
        assert_eq!(office.change(Some(&proof), &id, change).await, Err(Refusal::Unknown));
    }
    assert_eq!(office.rotate(&id).await.err(), Some(Refusal::Unknown));
    assert_eq!(office.revoke(&id).await, Err(Refusal::Unknown));
    let placed = desk::placed(office.control(), &office.token, desk::KEYS, SANDBOX);
    let listed = payout_keys::list(office.control(), office.planes.as_ref(), &placed, &office.business).await;
    assert_eq!(listed.map_err(refusal), Ok(Vec::new()));
    assert_eq!(office.planes.alive(SANDBOX).len(), 1);
}

#[tokio::test]
async fn a_revocation_is_kept_until_it_comes_true() {
    let office = office().await;
    let id = office.key().await;
    office.planes.script([Fate::Down, Fate::Down]);
    assert_eq!(office.revoke(&id).await, Err(Refusal::Unreachable(SANDBOX)));
    let waiting = wishes::waiting(office.control(), SANDBOX, None).unwrap().asks;
    assert!(matches!(&waiting[..], [Ask::Change { .. }]), "{waiting:?}");
    office.house.clock.advance(Span::seconds(5));
    assert_eq!(desk::fulfil(office.control(), office.planes.as_ref()).await, 1);
    assert_eq!(office.planes.alive(SANDBOX), []);
    assert_eq!(office.revoke(&id).await, Ok(true));
}

#[tokio::test]
async fn a_revocation_whose_caller_goes_away_comes_true() {
    let office = office().await;
    let id = office.key().await;
    // The plane is still asked which kind of key it is.
    office.planes.script([Fate::Held]);
    tokio::select! {
        _ = office.revoke(&id) => panic!("its answer is held"),
        () = office.planes.held() => {}
    }
    assert_eq!(office.planes.alive(SANDBOX).len(), 1);
    office.planes.let_go();
    let done = async {
        while desk::noted(office.control(), &office.token, 1)[0].kind != "key_revoked" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), done).await.unwrap();
    assert_eq!(office.planes.alive(SANDBOX), []);
}

#[tokio::test]
async fn a_policy_that_nobody_waits_for_is_in_the_audit_log() {
    let office = office().await;
    let (id, proof) = (office.key().await, office.proof());
    office.planes.script([Fate::Well, Fate::Held]);
    tokio::select! {
        _ = office.change(Some(&proof), &id, tighter()) => panic!("its answer is held"),
        () = office.planes.held() => {}
    }
    let line = desk::noted(office.control(), &office.token, 1).remove(0);
    assert_eq!(line.kind, "key_policy_wished");
    assert!(line.facts.contains(r#""limits":[{"#), "{}", line.facts);
    assert!(office.change(Some(&proof), &id, tighter()).await.is_ok());
    assert_eq!(desk::noted(office.control(), &office.token, 1)[0].kind, "key_policy_set");
}
