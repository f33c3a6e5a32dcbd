#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use base::{Deed, Environment, KeyKind, OsChance, PlaneName, Span, Stop, TenantId, TestClock, Time};
use ipnet::IpNet;

use super::{DeedRow, keep, note, of};
use crate::grants::{self, KeyChange, KeyLimits, NewKey};
use crate::members::{self, Beat};
use crate::{Caller, Operator, Plane, PlaneConfig};

const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn open(environment: Environment, dir: &Path) -> Plane {
    let mut config = PlaneConfig::new(PlaneName::main(environment), dir);
    config.run_twice = true;
    config.database = pgkit::wanted().then(|| crate::PostgresUrl::parse(&pgkit::database_of(dir)).unwrap());
    let clock = TestClock::at(Time(1_800_000_000_000_000));
    let plane = Plane::open(config, Arc::new(clock), Arc::new(OsChance)).unwrap();
    if !plane.shared() {
        return plane;
    }
    // Of several processes, one that may trust its memory: its measure of time stands still behind a heartbeat.
    let plane = plane.as_another_process(Arc::new(TestClock::default())).unwrap();
    while members::beat(&plane).await.unwrap() == Beat::Overtaken {}
    plane
}

async fn tenant(plane: &Plane, id: &str) -> TenantId {
    let id: TenantId = id.parse().unwrap();
    grants::admit(plane, &Operator::over_the_socket(), &id, "Shop").await.unwrap();
    id
}

async fn key(plane: &Plane, of: &TenantId, kind: KeyKind, limits: KeyLimits) -> String {
    let new = NewKey { tenant: of.clone(), kind, name: "till".to_owned(), limits };
    grants::mint(plane, &Operator::over_the_socket(), new).await.unwrap().reveal().expose().clone()
}

fn call(plane: &Plane, key: &str) -> Caller {
    grants::authenticate(plane, key, IP).unwrap_or_else(|stop| panic!("{stop:?}"))
}

#[test]
fn every_deed_is_in_the_table() {
    const LIFECYCLES: &str = include_str!("../../../../docs/lifecycles.md");
    let part = LIFECYCLES.split("\n## ").find(|part| part.starts_with("Deeds\n")).unwrap();
    let lines: Vec<&str> = part.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(lines.len(), Deed::ALL.len());
    for (line, deed) in lines.iter().zip(Deed::ALL) {
        assert!(line.starts_with(&format!("| {} | {} | ", deed.bit().trailing_zeros(), deed.word())), "{line}");
    }
}

#[tokio::test]
async fn what_two_keys_did_is_one_set_that_outlives_memory_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let plane = open(Environment::Sandbox, dir.path()).await;
    let (shop, other) = (tenant(&plane, "tnt_0000000000000001").await, tenant(&plane, "tnt_0000000000000002").await);
    let first = key(&plane, &shop, KeyKind::Agent, KeyLimits::default()).await;
    let second = key(&plane, &shop, KeyKind::Standard, KeyLimits::default()).await;
    let (one, two) = (call(&plane, &first), call(&plane, &second));
    for deed in [Deed::Balance, Deed::Balance, Deed::Magic] {
        note(&plane, &one, deed);
    }
    note(&plane, &two, Deed::Replay);
    // What is noted of a key that is changed, and forgotten, is kept all the same.
    let by = Operator::over_the_socket();
    grants::change(&plane, &by, &shop, two.key(), KeyChange::Revoke).await.unwrap();
    drop((one, two));
    grants::keep_last_use(&plane).await.unwrap();
    let set = Deed::Balance.bit() | Deed::Magic.bit() | Deed::Replay.bit();
    assert_eq!((of(&plane, &shop).await.unwrap(), of(&plane, &other).await.unwrap()), (set, 0));
    plane.close();
    drop(plane);
    let plane = open(Environment::Sandbox, dir.path()).await;
    assert_eq!(of(&plane, &shop).await.unwrap(), set);
    // Done again after a restart it writes nothing.
    note(&plane, &call(&plane, &first), Deed::Magic);
    let row = |plane: &Plane| plane.store().read(|reader| reader.get::<DeedRow>(&shop.to_string())).unwrap();
    let before = row(&plane);
    keep(&plane).await.unwrap();
    assert_eq!((row(&plane), of(&plane, &shop).await.unwrap()), (before, set));
}

#[tokio::test]
async fn a_limited_key_counts_when_it_was_used() {
    let dir = tempfile::tempdir().unwrap();
    let plane = open(Environment::Sandbox, dir.path()).await;
    let shop = tenant(&plane, "tnt_0000000000000001").await;
    let in_a_week = Some(plane.now().plus(Span::days(7)).0);
    let payout = key(&plane, &shop, KeyKind::Payout, KeyLimits { expires_at: in_a_week, ..KeyLimits::default() }).await;
    let ips: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
    let limited = key(&plane, &shop, KeyKind::Standard, KeyLimits { ips, ..KeyLimits::default() }).await;
    call(&plane, &payout);
    assert_eq!(of(&plane, &shop).await.unwrap(), 0, "every payout key has an expiry, and the other was not used");
    call(&plane, &limited);
    assert_eq!(of(&plane, &shop).await.unwrap(), Deed::LimitedKey.bit());
}

#[tokio::test]
async fn live_notes_nothing_and_an_unknown_tenant_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let plane = open(Environment::Live, dir.path()).await;
    let shop = tenant(&plane, "tnt_0000000000000001").await;
    let ips: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
    let key = key(&plane, &shop, KeyKind::Standard, KeyLimits { ips, ..KeyLimits::default() }).await;
    note(&plane, &call(&plane, &key), Deed::Balance);
    assert_eq!(of(&plane, &shop).await.unwrap(), 0);
    let nobody: TenantId = "tnt_0000000000000009".parse().unwrap();
    assert!(matches!(of(&plane, &nobody).await, Err(Stop::Refused(grants::Refusal::TenantUnknown))));
}
