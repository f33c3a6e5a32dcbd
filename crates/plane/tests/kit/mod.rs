//! Planes in a directory of their own, tenants, callers and asks, for tests and benchmarks.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part of it; a test may unwrap")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use base::{Amount, Environment, OsChance, PlaneName, Stop, TenantId, TestClock, Time};
use bytes::Bytes;
use plane::grants::{self, AgentPolicy, KeyLimits, NewKey, Operator};
use plane::payouts::{self, Accepted, DueRow, NewTransfer, Refusal, TransferRow, Wanted};
use plane::{Caller, KeyKind, Phone, Plane, PlaneConfig, Saved, TenantNo};
use tempfile::TempDir;

pub const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A plane with one tenant and one agent key without a policy.
pub struct House {
    pub plane: Plane,
    pub clock: Arc<TestClock>,
    pub tenant: TenantId,
    pub agent: Caller,
    pub dir: TempDir,
}

impl House {
    /// A sandbox that runs every operation twice.
    pub async fn sandbox() -> House {
        House::tuned(Environment::Sandbox, |_| ()).await
    }

    pub async fn tuned(environment: Environment, tune: impl FnOnce(&mut PlaneConfig)) -> House {
        let dir = directory();
        let clock = Arc::new(TestClock::at(Time(1_800_000_000_000_000)));
        let plane = open(environment, dir.path(), &clock, tune);
        let tenant = tenant(&plane, "tnt_0123456789abcdef").await;
        let agent = agent(&plane, &tenant, AgentPolicy::default()).await;
        House { plane, clock, tenant, agent, dir }
    }

    /// The same directory, closed and opened again.
    pub fn again(self, tune: impl FnOnce(&mut PlaneConfig)) -> House {
        let House { plane, clock, tenant, agent, dir } = self;
        let environment = plane.name().environment;
        plane.close();
        drop(plane);
        let plane = open(environment, dir.path(), &clock, tune);
        House { plane, clock, tenant, agent, dir }
    }

    pub async fn create(&self, ask: NewTransfer) -> Result<Saved, Refusal> {
        create(&self.plane, &self.agent, ask).await
    }

    /// What can be spent without the overdraft, in cents.
    pub fn spendable(&self) -> i128 {
        plane::books::balance(&self.plane, self.agent.tenant()).unwrap().spendable.minor
    }
}

pub fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

pub fn open(
    environment: Environment,
    dir: &Path,
    clock: &Arc<TestClock>,
    tune: impl FnOnce(&mut PlaneConfig),
) -> Plane {
    let mut config = PlaneConfig::new(PlaneName::main(environment), dir);
    config.run_twice = true;
    config.database = pgkit::wanted().then(|| plane::PostgresUrl::parse(&pgkit::database_of(dir)).unwrap());
    tune(&mut config);
    let clock = Arc::clone(clock);
    Plane::open(config, clock, Arc::new(OsChance)).unwrap()
}

pub async fn tenant(plane: &Plane, id: &str) -> TenantId {
    let id: TenantId = id.parse().unwrap();
    ok(grants::admit(plane, &Operator::over_the_socket(), &id, "Test tenant").await);
    id
}

pub async fn key(plane: &Plane, tenant: &TenantId, kind: KeyKind, limits: KeyLimits) -> String {
    let new = NewKey { tenant: tenant.clone(), kind, name: "test".to_owned(), limits };
    let minted = ok(grants::mint(plane, &Operator::over_the_socket(), new).await);
    minted.reveal().expose().clone()
}

pub async fn agent(plane: &Plane, tenant: &TenantId, policy: AgentPolicy) -> Caller {
    let limits = KeyLimits { policy, ..KeyLimits::default() };
    let key = key(plane, tenant, KeyKind::Agent, limits).await;
    ok(grants::authenticate(plane, &key, IP))
}

/// A lawful ask of `cents` to Egypt.
pub fn ask(id: &str, cents: i64) -> NewTransfer {
    let bank = [
        ("receiverName", "Amira Hassan"),
        ("receiverAccType", "1"),
        ("receiverAccountNumber", "EG380019000500000000263180002"),
        ("receiverBankName", "Bank of Cairo"),
    ];
    NewTransfer {
        id: id.to_owned(),
        sender: Phone::from_e164("+15615019469").unwrap(),
        receiver: Phone::from_e164("+201234567890").unwrap(),
        amount: Amount::cents(cents),
        service: "1271".to_owned(),
        country: "EG".to_owned(),
        currency: "EGP".to_owned(),
        attributes: bank.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

pub fn render(accepted: &Accepted) -> Saved {
    Saved { status: 200, body: Bytes::from(format!("accepted {}", accepted.id)) }
}

pub async fn create(plane: &Plane, caller: &Caller, ask: NewTransfer) -> Result<Saved, Refusal> {
    match payouts::create(plane, caller, ask, render).await {
        Ok(saved) => Ok(saved),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

/// Everything of the tenant that is due by itself some day.
pub fn due_some_day(plane: &Plane, tenant: TenantNo) -> Vec<DueRow> {
    let wanted = |with_rail| Wanted { tenant, with_rail, until: Time(i64::MAX), most: 1_000 };
    let found = payouts::due(plane, &[wanted(false), wanted(true)]).unwrap();
    found.into_iter().flat_map(|found| found.rows).collect()
}

/// What the operator sees of open transfers.
pub fn open_asks(plane: &Plane) -> Vec<TransferRow> {
    let asks = payouts::open_asks(plane, &Operator::over_the_socket(), usize::MAX, |_| true).unwrap();
    asks.into_iter().map(|(row, _)| row).collect()
}

/// The outcome; a refusal or a fault fails the test with its words.
#[track_caller]
pub fn ok<T, R: std::fmt::Debug>(outcome: Result<T, Stop<R>>) -> T {
    match outcome {
        Ok(value) => value,
        Err(Stop::Refused(refusal)) => panic!("refused: {refusal:?}"),
        Err(Stop::Faulted(fault)) => panic!("faulted: {}", fault.chain()),
    }
}

/// The refusal; an outcome or a fault fails the test.
#[track_caller]
pub fn refused<T, R>(outcome: Result<T, Stop<R>>) -> R {
    match outcome {
        Ok(_) => panic!("not refused"),
        Err(Stop::Refused(refusal)) => refusal,
        Err(Stop::Faulted(fault)) => panic!("faulted: {}", fault.chain()),
    }
}

/// A seed for a random test: printed, and taken from `COUNTERFOIL_SEED` to run the same again.
pub fn seed() -> u64 {
    let given = std::env::var("COUNTERFOIL_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| base::Chance::below(&OsChance, u64::MAX));
    println!("COUNTERFOIL_SEED={seed}");
    seed
}
