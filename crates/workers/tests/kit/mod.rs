//! What the tests of the workers share: planes in a private directory, tenants with an agent key, and a network that
//! loses things.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

pub mod http;
pub mod lossy;
pub mod office;
pub mod peer;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Amount, Clock, Environment, PlaneName, Secret, SeededChance, Span, TenantId, Time};
use plane::payouts::{self, NewTransfer, State};
use plane::{Caller, KeyKind, Operator, Phone, Plane, PlaneConfig, Saved, books, grants};
use workers::{Loop, Payouts, Rail, Simulated};

pub const STAGE: Span = Span::millis(300);

/// An hour of the clock in which no test may need more.
pub const NOON: Time = Time(1_700_000_000_000_000);

pub fn open(environment: Environment, dir: &Path, clock: Arc<dyn Clock>) -> Plane {
    open_with(environment, dir, clock, |_| ())
}

pub fn open_with(
    environment: Environment,
    dir: &Path,
    clock: Arc<dyn Clock>,
    change: impl FnOnce(&mut PlaneConfig),
) -> Plane {
    let mut config = PlaneConfig::new(PlaneName::main(environment), dir);
    config.payouts.stage = STAGE;
    change(&mut config);
    // Not the seed of an earlier opening of the same directory: ids are drawn from it.
    let seed = u64::from(std::process::id()) ^ clock.now().0.cast_unsigned() ^ (dir.as_os_str().len() as u64);
    Plane::open(config, clock, Arc::new(SeededChance::new(seed))).expect("the plane opens")
}

pub fn simulated(plane: &Plane) -> Payouts {
    let rail = Rail::Simulated(Simulated::new(plane.sandbox().expect("a sandbox")));
    Payouts::new(plane.clone(), rail)
}

/// A tenant with an agent key.
pub struct Agent {
    pub plane: Plane,
    pub id: TenantId,
    pub caller: Caller,
}

impl Agent {
    /// Draws the tenant from `seed`, so that a reopened plane knows it again. On live it is given `cents`.
    pub async fn admitted(plane: &Plane, seed: u64, cents: i64) -> Agent {
        let operator = Operator::over_the_socket();
        let id = TenantId::draw(&SeededChance::new(seed));
        grants::admit(plane, &operator, &id, "Agent").await.expect("admitted");
        if cents > 0 {
            let amount = Amount::cents(cents);
            books::fund_by_operator(plane, &operator, &id, amount, "test".to_owned()).await.expect("funded");
        }
        Agent::of(plane, id).await
    }

    /// A new key for a tenant that the plane knows.
    pub async fn of(plane: &Plane, id: TenantId) -> Agent {
        let key = mint(plane, &id).await;
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let Ok(caller) = grants::authenticate(plane, key.expose(), ip) else { panic!("the key is not known") };
        Agent { plane: plane.clone(), id, caller }
    }

    pub async fn send(&self, id: &str, cents: i64) {
        let saved = payouts::create(&self.plane, &self.caller, ask(id, cents), |_| Saved {
            status: 200,
            body: Vec::new().into(),
        });
        assert_eq!(saved.await.expect("accepted").status, 200);
    }

    pub fn state(&self, id: &str) -> State {
        self.view(id).state
    }

    pub fn view(&self, id: &str) -> payouts::View {
        payouts::status(&self.plane, &self.caller, id).expect("read").expect("known")
    }

    /// (posted, held) in cents.
    pub fn money(&self) -> (i128, i128) {
        let balance = books::balance(&self.plane, self.caller.tenant()).expect("read");
        (balance.posted.minor, balance.held.minor)
    }
}

/// A new agent key, whole.
pub async fn mint(plane: &Plane, tenant: &TenantId) -> Secret<String> {
    let limits = grants::KeyLimits::default();
    let new = grants::NewKey { tenant: tenant.clone(), kind: KeyKind::Agent, name: "test".to_owned(), limits };
    grants::mint(plane, &Operator::over_the_socket(), new).await.expect("minted").reveal()
}

/// Looks every 20 ms, for two minutes at most.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut often = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        often.tick().await;
    }
    panic!("gave up waiting: {what}");
}

pub fn ask(id: &str, cents: i64) -> NewTransfer {
    let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    NewTransfer {
        id: id.to_owned(),
        sender: Phone::from_digits("15615019469").expect("a phone"),
        receiver: Phone::from_digits("201001234567").expect("a phone"),
        amount: Amount::cents(cents),
        service: "1271".to_owned(),
        country: "EG".to_owned(),
        currency: "EGP".to_owned(),
        attributes: vec![
            attribute("receiverName", "Amal"),
            attribute("receiverAccType", "1"),
            attribute("receiverAccountNumber", "0012"),
            attribute("receiverBankName", "Bank"),
        ],
    }
}

/// Steps and moves the clock until nothing is open or waiting, or `rounds` are over.
pub async fn run(worker: &mut Payouts, clock: &base::TestClock, rounds: usize) {
    for _ in 0..rounds {
        worker.step().await;
        clock.advance(Span::millis(100));
    }
}
