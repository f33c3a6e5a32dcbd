//! Keys that are asked for from afar: each wish has one effect, and can be taken back.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::sync::Arc;

use base::{Environment, KeyId, Span, Stop, TestClock};
use kit::{House, IP, ok, refused};
use plane::grants::{self, Denied, KEYS_MOST, KeyChange, KeyLimits, NewKey, authenticate};
use plane::members::{self, Beat};
use plane::standing::{self, Standing};
use plane::wishes::{self, Minted, Refusal, Wish};
use plane::{KeyKind, Office, Operator, Plane, sandbox};

fn office() -> Office {
    Office::proved_by_the_intercom()
}

fn wish(id: &str) -> Option<Wish> {
    asking(id, "the same")
}

fn asking(id: &str, content: &str) -> Option<Wish> {
    Some(Wish { id: id.to_owned(), fingerprint: content.to_owned() })
}

fn new(house: &House, kind: KeyKind, limits: KeyLimits) -> NewKey {
    NewKey { tenant: house.tenant.clone(), kind, name: "till".to_owned(), limits }
}

async fn mint(house: &House, wish: Option<Wish>) -> Result<Minted, Stop<Refusal>> {
    wishes::mint(&house.plane, &office(), new(house, KeyKind::Agent, KeyLimits::default()), wish).await
}

async fn rotate(house: &House, id: KeyId, overlap: Span, wish: Option<Wish>) -> Result<Minted, Stop<Refusal>> {
    wishes::rotate(&house.plane, &office(), &house.tenant, id, overlap, wish).await
}

async fn void(house: &House, wish: &str) {
    ok(wishes::void(&house.plane, &office(), &house.tenant, wish).await);
}

fn whole(minted: &Minted) -> String {
    minted.whole.as_ref().unwrap().reveal().expose().clone()
}

fn id_of(minted: &Minted) -> KeyId {
    minted.key.id.parse().unwrap()
}

fn expiry(house: &House, id: KeyId) -> Option<i64> {
    grants::find(&house.plane, &house.tenant, id).unwrap().unwrap().limits.expires_at
}

/// How many keys the tenant has, revoked ones included.
fn keys(house: &House) -> usize {
    grants::list(&house.plane, &house.tenant).unwrap().len()
}

#[tokio::test]
async fn one_wish_mints_one_key_and_shows_it_once() {
    let house = House::sandbox().await;
    let before = keys(&house);
    let first = ok(mint(&house, wish("one")).await);
    ok(authenticate(&house.plane, &whole(&first), IP));
    let again = ok(mint(&house, wish("one")).await);
    assert_eq!((&again.key, again.whole.is_none()), (&first.key, true));
    assert_eq!(refused(mint(&house, asking("one", "other content")).await), Refusal::OtherContent);
    assert_ne!(ok(mint(&house, wish("two")).await).key.id, first.key.id);
    assert_eq!(keys(&house), before + 2);
    // As the key is now, and after a restart.
    ok(grants::change(&house.plane, &office(), &house.tenant, id_of(&first), KeyChange::Revoke).await);
    let house = house.again(|_| ());
    assert!(ok(mint(&house, wish("one")).await).key.revoked);
    assert_eq!(keys(&house), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_copies_that_come_at_once_one_is_minted() {
    let house = Arc::new(House::sandbox().await);
    let before = keys(&house);
    let copies: Vec<_> = (0..32)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move { ok(mint(&house, wish("one")).await).whole.is_some() })
        })
        .collect();
    let mut shown = 0;
    for copy in copies {
        shown += usize::from(copy.await.unwrap());
    }
    assert_eq!((shown, keys(&house)), (1, before + 1));
}

#[tokio::test]
async fn two_tenants_may_use_the_same_id() {
    let house = House::sandbox().await;
    let tenant = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let first = ok(mint(&house, wish("one")).await);
    let new = NewKey { tenant, ..new(&house, KeyKind::Agent, KeyLimits::default()) };
    let other = ok(wishes::mint(&house.plane, &office(), new, wish("one")).await);
    assert!(other.whole.is_some() && other.key.id != first.key.id);
}

#[tokio::test]
async fn a_voided_wish_leaves_nothing_and_mints_nothing() {
    let house = House::sandbox().await;
    let minted = ok(mint(&house, wish("one")).await);
    void(&house, "one").await;
    assert_eq!(refused(authenticate(&house.plane, &whole(&minted), IP)), Denied::Revoked);
    assert_eq!(refused(mint(&house, wish("one")).await), Refusal::Voided);
    void(&house, "one").await;
    // A void that overtakes its mint: even of a tenant that the plane comes to know only later.
    void(&house, "two").await;
    assert_eq!(refused(mint(&house, wish("two")).await), Refusal::Voided);
    let later = "tnt_fedcba9876543210".parse().unwrap();
    ok(wishes::void(&house.plane, &office(), &later, "three").await);
    kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let new = NewKey { tenant: later, ..new(&house, KeyKind::Agent, KeyLimits::default()) };
    assert_eq!(refused(wishes::mint(&house.plane, &office(), new, wish("three")).await), Refusal::Voided);
    let house = house.again(|_| ());
    assert_eq!(refused(mint(&house, wish("two")).await), Refusal::Voided);
}

#[tokio::test]
async fn what_is_refused_leaves_the_wish_free() {
    let house = House::sandbox().await;
    let past = KeyLimits { expires_at: Some(house.plane.now().0), ..KeyLimits::default() };
    let refusal = wishes::mint(&house.plane, &office(), new(&house, KeyKind::Agent, past), wish("one")).await;
    assert_eq!(refused(refusal), Refusal::Grants(grants::Refusal::ExpiryPast));
    let nobody =
        NewKey { tenant: "tnt_zzzzzzzzzzzzzzzz".parse().unwrap(), ..new(&house, KeyKind::Agent, KeyLimits::default()) };
    let refusal = wishes::mint(&house.plane, &office(), nobody, wish("one")).await;
    assert_eq!(refused(refusal), Refusal::Grants(grants::Refusal::TenantUnknown));
    assert!(ok(mint(&house, wish("one")).await).whole.is_some());
}

#[tokio::test]
async fn a_rotation_is_a_successor_and_an_expiry_together_and_once() {
    let house = House::sandbox().await;
    let limits = KeyLimits {
        expires_at: Some(house.plane.now().plus(Span::days(30)).0),
        ips: vec!["127.0.0.0/8".parse().unwrap()],
        policy: grants::AgentPolicy { daily_cents: Some(500), ..Default::default() },
        payout: None,
    };
    let old = ok(wishes::mint(&house.plane, &office(), new(&house, KeyKind::Agent, limits.clone()), wish("one")).await);
    house.clock.advance(Span::days(10));
    let now = house.plane.now();
    let rotated = ok(rotate(&house, id_of(&old), Span::hours(24), wish("two")).await);
    assert_eq!((rotated.key.kind, rotated.key.name.as_str()), (KeyKind::Agent, "till"));
    let life = Some(now.plus(Span::days(30)).0);
    assert_eq!(rotated.key.limits, KeyLimits { expires_at: life, ..limits }, "as long a life again");
    let dies = Some(now.plus(Span::hours(24)).0);
    assert_eq!(rotated.replaced.as_ref().unwrap().limits.expires_at, dies);
    let again = ok(rotate(&house, id_of(&old), Span::hours(24), wish("two")).await);
    assert_eq!((&again.key, &again.replaced, again.whole.is_none()), (&rotated.key, &rotated.replaced, true));
    ok(authenticate(&house.plane, &whole(&old), IP));
    house.clock.advance(Span::hours(24));
    assert_eq!(refused(authenticate(&house.plane, &whole(&old), IP)), Denied::Expired);
    ok(authenticate(&house.plane, &whole(&rotated), IP));
    // A longer overlap does not give it more time.
    let late = ok(rotate(&house, id_of(&old), Span::hours(168), wish("three")).await);
    assert_eq!(late.replaced.unwrap().limits.expires_at, dies);
}

#[tokio::test]
async fn what_cannot_be_rotated_stays_as_it_was() {
    let house = House::sandbox().await;
    let old = ok(mint(&house, wish("one")).await);
    let unknown = "zzzzzzzzzzzz".parse().unwrap();
    let unknown = refused(rotate(&house, unknown, Span::hours(1), wish("two")).await);
    assert_eq!(unknown, Refusal::Grants(grants::Refusal::KeyUnknown));
    let stranger = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let theirs = wishes::rotate(&house.plane, &office(), &stranger, id_of(&old), Span::hours(1), wish("two")).await;
    assert_eq!(refused(theirs), Refusal::Grants(grants::Refusal::KeyUnknown));
    ok(grants::change(&house.plane, &office(), &house.tenant, id_of(&old), KeyChange::Revoke).await);
    let dead = refused(rotate(&house, id_of(&old), Span::hours(1), wish("two")).await);
    assert_eq!((dead, expiry(&house, id_of(&old))), (Refusal::Grants(grants::Refusal::KeyRevoked), None));
}

#[tokio::test]
async fn a_voided_rotation_gives_the_old_key_its_life_back() {
    let house = House::sandbox().await;
    let old = ok(mint(&house, wish("one")).await);
    let unseen = ok(rotate(&house, id_of(&old), Span::hours(0), wish("two")).await);
    assert_eq!(refused(authenticate(&house.plane, &whole(&old), IP)), Denied::Expired);
    void(&house, "two").await;
    ok(authenticate(&house.plane, &whole(&old), IP));
    assert_eq!(refused(authenticate(&house.plane, &whole(&unseen), IP)), Denied::Revoked);
    // The first answer is lost and the second try is not: what is voided late does not undo what was answered.
    ok(rotate(&house, id_of(&old), Span::hours(1), wish("three")).await);
    let seen = ok(rotate(&house, id_of(&old), Span::hours(2), wish("four")).await);
    let dies = expiry(&house, id_of(&old));
    void(&house, "three").await;
    assert_eq!(expiry(&house, id_of(&old)), dies);
    ok(authenticate(&house.plane, &whole(&seen), IP));
    // A key that was revoked meanwhile stays so.
    let lost = ok(rotate(&house, id_of(&seen), Span::hours(1), wish("five")).await);
    ok(grants::change(&house.plane, &office(), &house.tenant, id_of(&seen), KeyChange::Revoke).await);
    void(&house, "five").await;
    for dead in [&seen, &lost] {
        assert_eq!(refused(authenticate(&house.plane, &whole(dead), IP)), Denied::Revoked);
    }
}

#[tokio::test]
async fn wishes_standing_and_the_number_of_keys_outlive_a_reset() {
    let house = House::sandbox().await;
    let minted = ok(mint(&house, wish("one")).await);
    let witness = house.plane.sandbox().unwrap();
    let asked = house.create(kit::ask("1", 100)).await;
    assert!(asked.is_ok(), "so that there is something to reset");
    ok(sandbox::reset(&house.plane, witness, &house.agent).await);
    assert!(ok(mint(&house, wish("one")).await).whole.is_none());
    void(&house, "one").await;
    assert_eq!(refused(authenticate(&house.plane, &whole(&minted), IP)), Denied::Revoked);
    fill(&house).await;
    assert_eq!(refused(mint(&house, None).await), Refusal::Grants(grants::Refusal::TooManyKeys));
}

/// Mints keys until there is no room, in parallel so that they share batches.
async fn fill(house: &House) {
    let living = grants::list(&house.plane, &house.tenant).unwrap().iter().filter(|key| !key.revoked).count();
    let mints = (living..KEYS_MOST as usize).map(|_| {
        let (plane, new) = (house.plane.clone(), new(house, KeyKind::Agent, KeyLimits::default()));
        tokio::spawn(async move { grants::mint(&plane, &Operator::over_the_socket(), new).await.map(|key| key.id) })
    });
    for minted in mints.collect::<Vec<_>>() {
        ok(minted.await.unwrap());
    }
}

#[tokio::test]
async fn a_tenant_has_a_thousand_keys_and_room_again_when_one_is_revoked() {
    let house = House::tuned(Environment::Sandbox, |config| config.run_twice = false).await;
    fill(&house).await;
    let full = || Refusal::Grants(grants::Refusal::TooManyKeys);
    assert_eq!(refused(mint(&house, wish("one")).await), full());
    let id = house.agent.key();
    assert_eq!(refused(rotate(&house, id, Span::hours(1), wish("one")).await), full());
    assert_eq!(expiry(&house, id), None, "a rotation that is refused leaves the old key as it was");
    for _ in 0..2 {
        // Revoked twice, there is room for one.
        ok(grants::change(&house.plane, &office(), &house.tenant, id, KeyChange::Revoke).await);
    }
    let minted = ok(mint(&house, wish("one")).await);
    assert_eq!(refused(mint(&house, wish("two")).await), full());
    void(&house, "one").await;
    assert_eq!(refused(authenticate(&house.plane, &whole(&minted), IP)), Denied::Revoked);
    ok(mint(&house, wish("two")).await);
    let other = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    kit::key(&house.plane, &other, KeyKind::Agent, KeyLimits::default()).await;
}

#[tokio::test]
async fn a_suspended_tenants_keys_are_refused_until_it_is_resumed() {
    let house = House::sandbox().await;
    let key = kit::key(&house.plane, &house.tenant, KeyKind::Standard, KeyLimits::default()).await;
    ok(authenticate(&house.plane, &key, IP));
    let mut turn = 0;
    let mut set = async |house: &House, suspended| {
        turn += 1;
        ok(standing::set(&house.plane, &office(), &house.tenant, Standing { suspended, turn }).await);
    };
    let entries = house.plane.entries(house.agent.tenant()).unwrap();
    ok(standing::set(&house.plane, &office(), &house.tenant, Standing::default()).await);
    assert_eq!(house.plane.entries(house.agent.tenant()).unwrap(), entries, "what is so already is no fact");
    set(&house, true).await;
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Suspended);
    // What is wrong with the key itself is said first.
    ok(grants::change(&house.plane, &office(), &house.tenant, key[8..20].parse().unwrap(), KeyChange::Disable).await);
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Disabled);
    ok(grants::change(&house.plane, &office(), &house.tenant, key[8..20].parse().unwrap(), KeyChange::Enable).await);
    let other = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let theirs = kit::key(&house.plane, &other, KeyKind::Agent, KeyLimits::default()).await;
    ok(authenticate(&house.plane, &theirs, IP));
    let house = house.again(|_| ());
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Suspended);
    assert!(standing::of(&house.plane, &house.tenant).unwrap().suspended);
    set(&house, false).await;
    ok(authenticate(&house.plane, &key, IP));
    let nobody = "tnt_zzzzzzzzzzzzzzzz".parse().unwrap();
    let unknown = standing::set(&house.plane, &office(), &nobody, Standing { suspended: true, turn: 1 }).await;
    assert_eq!(refused(unknown), grants::Refusal::TenantUnknown);
}

#[tokio::test]
async fn a_standing_of_an_earlier_turn_changes_nothing() {
    let house = House::sandbox().await;
    let key = kit::key(&house.plane, &house.tenant, KeyKind::Standard, KeyLimits::default()).await;
    let set = async |suspended, turn| {
        ok(standing::set(&house.plane, &office(), &house.tenant, Standing { suspended, turn }).await);
    };
    set(true, 7).await;
    for overtaken in [0, 6] {
        set(false, overtaken).await;
        assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Suspended);
    }
    set(false, 8).await;
    ok(authenticate(&house.plane, &key, IP));
    // It stands as before, and remembers the turn: the suspension of the turn between comes too late.
    set(false, 10).await;
    set(true, 9).await;
    ok(authenticate(&house.plane, &key, IP));
    assert_eq!(standing::of(&house.plane, &house.tenant).unwrap(), Standing { suspended: false, turn: 10 });
}

async fn beat(plane: &Plane) {
    while members::beat(plane).await.unwrap() == Beat::Overtaken {}
}

/// What `change` changes is answered no earlier than a second process, which remembers the key, has heard of it.
async fn is_heard_of_by_all<F>(change: impl FnOnce(Plane, base::TenantId, Minted) -> F, denied: Denied)
where
    F: Future<Output = ()> + Send + 'static,
{
    let house = House::sandbox().await;
    let minted = ok(mint(&house, wish("one")).await);
    let key = whole(&minted);
    let [one, two] = [(); 2].map(|()| house.plane.as_another_process(Arc::new(TestClock::default())).unwrap());
    beat(&one).await;
    beat(&two).await;
    ok(authenticate(&two, &key, IP));
    let changing = tokio::spawn(change(one.clone(), house.tenant.clone(), minted));
    while authenticate(&one, &key, IP).is_ok() {
        tokio::task::yield_now().await;
    }
    ok(authenticate(&two, &key, IP));
    assert!(!changing.is_finished(), "the second process has not heard of it, and says that it is there");
    beat(&two).await;
    assert_eq!(refused(authenticate(&two, &key, IP)), denied);
    changing.await.unwrap();
}

#[tokio::test]
async fn a_void_is_answered_when_every_process_refuses_the_key() {
    let void = async |plane: Plane, tenant, _| ok(wishes::void(&plane, &office(), &tenant, "one").await);
    is_heard_of_by_all(void, Denied::Revoked).await;
}

#[tokio::test]
async fn a_rotation_is_answered_when_every_process_knows_of_the_expiry() {
    let rotate = async |plane: Plane, tenant, minted: Minted| {
        let (id, at_once) = (id_of(&minted), Span(0));
        ok(wishes::rotate(&plane, &office(), &tenant, id, at_once, wish("two")).await);
    };
    is_heard_of_by_all(rotate, Denied::Expired).await;
}

#[tokio::test]
async fn a_suspension_is_answered_when_every_process_refuses_the_key() {
    let suspend = async |plane: Plane, tenant, _| {
        ok(standing::set(&plane, &office(), &tenant, Standing { suspended: true, turn: 1 }).await);
    };
    is_heard_of_by_all(suspend, Denied::Suspended).await;
}
