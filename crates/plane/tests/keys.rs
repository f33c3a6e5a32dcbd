//! Keys as their holders and the operator meet them: accepted while they live, refused from the answer on that ends them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::payout_policy::{Chain, Destinations, PayoutLimit, Tokens};
use base::{Environment, KeyId, PayoutPolicy, Span};
use kit::{House, IP, ok, refused};
use plane::grants::{self, Denied, KeyChange, KeyLimits, NewKey, PolicyChange, Refusal, authenticate};
use plane::{KeyKind, Operator, Plane};

fn operator() -> Operator {
    Operator::over_the_socket()
}

fn id_of(key: &str) -> KeyId {
    key[8..20].parse().unwrap()
}

async fn change(house: &House, key: &str, change: KeyChange) -> Result<grants::KeyListing, Refusal> {
    match grants::change(&house.plane, &operator(), &house.tenant, id_of(key), change).await {
        Ok(listing) => Ok(listing),
        Err(base::Stop::Refused(refusal)) => Err(refusal),
        Err(base::Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

async fn standard(house: &House, limits: KeyLimits) -> String {
    kit::key(&house.plane, &house.tenant, KeyKind::Standard, limits).await
}

/// Longer than 64 calls take on the busiest machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test]
async fn a_key_lives_is_disabled_enabled_and_revoked_for_good() {
    let house = House::sandbox().await;
    let key = standard(&house, KeyLimits::default()).await;
    let caller = ok(authenticate(&house.plane, &key, IP));
    assert_eq!((caller.kind(), caller.tenant_id(), caller.key()), (KeyKind::Standard, &house.tenant, id_of(&key)));
    assert!(!change(&house, &key, KeyChange::Disable).await.unwrap().active);
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Disabled);
    change(&house, &key, KeyChange::Enable).await.unwrap();
    ok(authenticate(&house.plane, &key, IP));
    assert!(change(&house, &key, KeyChange::Revoke).await.unwrap().revoked);
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Revoked);
    assert_eq!(change(&house, &key, KeyChange::Enable).await, Err(Refusal::KeyRevoked));
    assert!(change(&house, &key, KeyChange::Revoke).await.unwrap().revoked, "revoking again is no error");
    let house = house.again(|_| ());
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Revoked);
}

#[tokio::test]
async fn an_expiry_is_in_force_to_the_microsecond_and_never_moves_later() {
    let house = House::sandbox().await;
    let now = house.plane.now();
    let key = standard(&house, KeyLimits { expires_at: Some(now.0 + 100), ..KeyLimits::default() }).await;
    house.clock.advance(Span(99));
    ok(authenticate(&house.plane, &key, IP));
    house.clock.advance(Span(1));
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Expired);
    change(&house, &key, KeyChange::Rotated { at: now.plus(Span::days(9)), wish: None }).await.unwrap();
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Expired);
    // A rotation: the old one dies by itself after the overlap.
    let old = standard(&house, KeyLimits::default()).await;
    let at = house.plane.now().plus(Span::days(1));
    change(&house, &old, KeyChange::Rotated { at, wish: None }).await.unwrap();
    ok(authenticate(&house.plane, &old, IP));
    house.clock.advance(Span::days(1));
    assert_eq!(refused(authenticate(&house.plane, &old, IP)), Denied::Expired);
}

#[tokio::test]
async fn addresses_outside_the_list_are_refused() {
    let house = House::sandbox().await;
    let ips = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let key = standard(&house, KeyLimits { ips, ..KeyLimits::default() }).await;
    for ip in ["10.9.8.7", "::ffff:10.9.8.7", "2001:db8::5"] {
        ok(authenticate(&house.plane, &key, ip.parse().unwrap()));
    }
    for ip in ["11.0.0.1", "::ffff:11.0.0.1", "2001:db9::5", "::1"] {
        assert_eq!(refused(authenticate(&house.plane, &key, ip.parse().unwrap())), Denied::Address, "{ip}");
    }
}

#[tokio::test]
async fn wrong_secrets_and_unknown_ids_get_one_answer() {
    let house = House::sandbox().await;
    let (one, two) = (standard(&house, KeyLimits::default()).await, standard(&house, KeyLimits::default()).await);
    change(&house, &two, KeyChange::Revoke).await.unwrap();
    // The id of one with the secret of the other is no key, and says nothing about a revoked one.
    for mixed in [format!("{}{}", &one[..20], &two[20..]), format!("{}{}", &two[..20], &one[20..])] {
        assert_eq!(refused(authenticate(&house.plane, &mixed, IP)), Denied::Unknown);
    }
    let elsewhere = House::sandbox().await;
    assert_eq!(refused(authenticate(&elsewhere.plane, &one, IP)), Denied::Unknown, "another plane of the same kind");
    let live = House::tuned(Environment::Live, |_| ()).await;
    assert_eq!(refused(authenticate(&live.plane, &one, IP)), Denied::OtherEnvironment);
    let live_key = kit::key(&live.plane, &live.tenant, KeyKind::Agent, KeyLimits::default()).await;
    ok(authenticate(&live.plane, &live_key, IP));
    assert_eq!(refused(authenticate(&house.plane, &live_key, IP)), Denied::OtherEnvironment);
}

#[tokio::test]
async fn what_cannot_be_minted_says_why() {
    let house = House::sandbox().await;
    let now = house.plane.now();
    let year = Some(now.plus(Span::days(365)).0);
    let policy = |cents| grants::AgentPolicy { daily_cents: Some(cents), ..Default::default() };
    let (long, most) = ("é".repeat(101), "é".repeat(100));
    let tries: [(KeyKind, &str, KeyLimits, Result<(), Refusal>); 11] = [
        (KeyKind::Agent, "", KeyLimits::default(), Err(Refusal::NameUnusable)),
        (KeyKind::Agent, "two\nlines", KeyLimits::default(), Err(Refusal::NameUnusable)),
        (KeyKind::Agent, &long, KeyLimits::default(), Err(Refusal::NameUnusable)),
        (KeyKind::Agent, &most, KeyLimits::default(), Ok(())),
        (KeyKind::Agent, "a", KeyLimits { expires_at: Some(now.0), ..Default::default() }, Err(Refusal::ExpiryPast)),
        (KeyKind::Agent, "a", KeyLimits { policy: policy(0), ..Default::default() }, Err(Refusal::PolicyAmount)),
        (KeyKind::Agent, "a", KeyLimits { policy: policy(-1), ..Default::default() }, Err(Refusal::PolicyAmount)),
        (KeyKind::Agent, "a", KeyLimits { policy: policy(1), ..Default::default() }, Ok(())),
        (KeyKind::Payout, "a", KeyLimits::default(), Err(Refusal::PayoutExpiry)),
        (
            KeyKind::Payout,
            "a",
            KeyLimits { expires_at: year.map(|at| at + 1), ..Default::default() },
            Err(Refusal::PayoutExpiry),
        ),
        (KeyKind::Payout, "a", KeyLimits { expires_at: year, ..Default::default() }, Ok(())),
    ];
    for (kind, name, limits, expected) in tries {
        let new = NewKey { tenant: house.tenant.clone(), kind, name: name.to_owned(), limits };
        let said = format!("{new:?}");
        match (grants::mint(&house.plane, &operator(), new).await, expected) {
            (Ok(_), Ok(())) => {}
            (Err(base::Stop::Refused(refusal)), Err(expected)) => assert_eq!(refusal, expected, "{said}"),
            (_, expected) => panic!("{said}: expected {expected:?}"),
        }
    }
    let key = standard(&house, KeyLimits::default()).await;
    assert_eq!(change(&house, &key, KeyChange::Rename("\u{7f}".into())).await, Err(Refusal::NameUnusable));
    assert_eq!(change(&house, &key, KeyChange::Rename(most.clone())).await.unwrap().name, most);
}

#[tokio::test]
async fn another_tenants_key_is_unknown_to_a_tenant() {
    let house = House::sandbox().await;
    let other = kit::tenant(&house.plane, "tnt_fedcba9876543210").await;
    let theirs = kit::key(&house.plane, &other, KeyKind::Agent, KeyLimits::default()).await;
    assert_eq!(change(&house, &theirs, KeyChange::Revoke).await, Err(Refusal::KeyUnknown));
    ok(authenticate(&house.plane, &theirs, IP));
    let listed = grants::list(&house.plane, &house.tenant).unwrap();
    assert!(listed.iter().all(|key| key.id != id_of(&theirs).to_string()) && listed.len() == 1);
    let nobody = "tnt_zzzzzzzzzzzzzzzz".parse().unwrap();
    let outcome = grants::change(&house.plane, &operator(), &nobody, id_of(&theirs), KeyChange::Revoke).await;
    assert_eq!(refused(outcome), Refusal::TenantUnknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revoked_means_revoked() {
    let house = House::tuned(Environment::Sandbox, |config| config.run_twice = false).await;
    for round in 0..200 {
        let key = Arc::new(standard(&house, KeyLimits::default()).await);
        let (answered, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let accepted_before = Arc::new(AtomicU64::new(0));
        let hammers: Vec<_> = (0..64)
            .map(|_| {
                let (plane, key) = (house.plane.clone(), Arc::clone(&key));
                let (answered, stop, before) = (Arc::clone(&answered), Arc::clone(&stop), Arc::clone(&accepted_before));
                tokio::spawn(async move { hammer(&plane, &key, &answered, &stop, &before).await })
            })
            .collect();
        let warm = async {
            while accepted_before.load(Ordering::SeqCst) < 64 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, warm).await.expect("the key is accepted before it is revoked");
        change(&house, &key, KeyChange::Revoke).await.unwrap();
        answered.store(true, Ordering::SeqCst);
        for _ in 0..64 {
            assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Revoked);
        }
        stop.store(true, Ordering::SeqCst);
        for hammer in hammers {
            assert_eq!(hammer.await.unwrap(), 0, "round {round}: accepted after the revocation was answered");
        }
    }
}

/// Counts calls that began after the answer and were accepted all the same.
async fn hammer(plane: &Plane, key: &str, answered: &AtomicBool, stop: &AtomicBool, before: &AtomicU64) -> u64 {
    let mut late = 0;
    while !stop.load(Ordering::SeqCst) {
        let began_after = answered.load(Ordering::SeqCst);
        match authenticate(plane, key, IP) {
            Ok(_) if began_after => late += 1,
            Ok(_) => _ = before.fetch_add(1, Ordering::SeqCst),
            Err(_) => {}
        }
        tokio::task::yield_now().await;
    }
    late
}

#[tokio::test]
async fn a_revocation_whose_caller_went_away_is_in_force() {
    let house = House::sandbox().await;
    let key = standard(&house, KeyLimits::default()).await;
    ok(authenticate(&house.plane, &key, IP));
    let mut going = Box::pin(change(&house, &key, KeyChange::Revoke));
    let _ = std::future::poll_fn(|context| std::task::Poll::Ready(going.as_mut().poll(context).is_ready())).await;
    drop(going);
    for _ in 0..1_000_000 {
        if authenticate(&house.plane, &key, IP).is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the plane still accepts what it has revoked");
}

#[tokio::test]
async fn the_last_use_is_kept_without_a_write_a_call() {
    if pgkit::wanted() {
        // Among other processes nothing is remembered before the first heartbeat, and nothing beats here.
        return;
    }
    let house = House::sandbox().await;
    let key = standard(&house, KeyLimits::default()).await;
    let last = |house: &House| {
        let keys = grants::list(&house.plane, &house.tenant).unwrap();
        keys.into_iter().find(|listed| listed.id == id_of(&key).to_string()).unwrap().last_used_at
    };
    assert_eq!(last(&house), None);
    for _ in 0..100 {
        house.clock.advance(Span::millis(1));
        ok(authenticate(&house.plane, &key, IP));
    }
    let used = house.plane.now().0;
    assert_eq!(last(&house), Some(used), "shown before it is kept");
    ok(grants::keep_last_use(&house.plane).await);
    let house = house.again(|_| ());
    assert_eq!(last(&house), Some(used), "kept over a restart");
}

#[tokio::test]
async fn a_store_whose_secret_is_gone_or_open_to_others_is_not_opened() {
    if pgkit::wanted() {
        // The first process on another machine makes its secret beside a database that exists.
        return;
    }
    let house = House::sandbox().await;
    let key = standard(&house, KeyLimits::default()).await;
    let House { plane, clock, dir, .. } = house;
    plane.close();
    drop(plane);
    let secret = dir.path().join("secret");
    let open = || {
        let name = base::PlaneName::main(Environment::Sandbox);
        let config = plane::PlaneConfig::new(name, dir.path());
        Plane::open(config, clock.clone(), Arc::new(base::OsChance)).map_err(|fault| fault.chain())
    };
    assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let others: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(others.iter().all(|name| !name.to_string_lossy().starts_with("secret.")), "{others:?}");

    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(open().err().unwrap().contains("chmod 600"));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let right = std::fs::read(&secret).unwrap();
    std::fs::write(&secret, &right[..31]).unwrap();
    assert!(open().err().unwrap().contains("not 32 bytes"));
    std::fs::remove_file(&secret).unwrap();
    assert!(open().err().unwrap().contains("restore it from the backup"));

    // Another secret is another pepper: the same rows accept none of their keys.
    std::fs::write(&secret, [9; 32]).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let other = open().unwrap();
    assert_eq!(refused(authenticate(&other, &key, IP)), Denied::Unknown);
    other.close();
    drop(other);
    std::fs::write(&secret, right).unwrap();
    ok(authenticate(&open().unwrap(), &key, IP));
}

#[tokio::test]
async fn a_payout_key_has_a_policy_that_is_changed_in_parts_and_no_other_kind_has_one() {
    let house = House::sandbox().await;
    let limit = |amount: &str| {
        let amount = Tokens::parse(amount).unwrap();
        let (network, token) = ("base-mainnet".to_owned(), "USDC".to_owned());
        vec![PayoutLimit::new(Chain::Eth, network, token, amount.clone(), amount).unwrap()]
    };
    let policy = PayoutPolicy { destinations: Destinations::Any, limits: limit("250") };
    let expires_at = Some(house.plane.now().0 + 1_000_000);
    let limits = KeyLimits { expires_at, payout: Some(policy.clone()), ..KeyLimits::default() };
    let of_kind = |kind| NewKey { tenant: house.tenant.clone(), kind, name: "a".to_owned(), limits: limits.clone() };
    for kind in [KeyKind::Standard, KeyKind::Agent] {
        let minted = grants::mint(&house.plane, &operator(), of_kind(kind)).await;
        assert_eq!(refused(minted.map(|_| ())), Refusal::PolicyElsewhere);
    }
    let key = ok(grants::mint(&house.plane, &operator(), of_kind(KeyKind::Payout)).await).reveal().expose().clone();

    let tighter = PolicyChange { destinations: None, limits: Some(limit("1")), ips: None };
    let listing = change(&house, &key, KeyChange::Policy(tighter.clone())).await.unwrap();
    assert_eq!(listing.limits.payout, Some(PayoutPolicy { limits: limit("1"), ..policy }));
    let elsewhere = PolicyChange { destinations: None, limits: None, ips: Some(vec!["192.0.2.0/24".parse().unwrap()]) };
    let listing = change(&house, &key, KeyChange::Policy(elsewhere)).await.unwrap();
    assert_eq!((listing.limits.expires_at, listing.limits.payout.unwrap().limits), (expires_at, limit("1")));
    assert_eq!(refused(authenticate(&house.plane, &key, IP)), Denied::Address, "in force from the answer on");

    let standard = standard(&house, KeyLimits::default()).await;
    assert_eq!(change(&house, &standard, KeyChange::Policy(tighter.clone())).await, Err(Refusal::PolicyElsewhere));
    // The operator's payout keys have no policy and may withdraw nothing; one may be given a part.
    let bare = KeyLimits { expires_at, ..KeyLimits::default() };
    let bare = kit::key(&house.plane, &house.tenant, KeyKind::Payout, bare).await;
    let listing = change(&house, &bare, KeyChange::Policy(tighter)).await.unwrap();
    assert_eq!(listing.limits.payout, Some(PayoutPolicy { limits: limit("1"), ..PayoutPolicy::nothing() }));
}
