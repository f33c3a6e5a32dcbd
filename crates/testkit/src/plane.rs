//! A plane with one tenant and three keys.

use std::sync::Arc;

use base::{Amount, Environment, PlaneName, SeededChance, Span, TenantId, TestClock, Time};
use plane::grants::{self, KeyChange, KeyLimits, NewKey};
use plane::payouts::{self, Event, FailReason, Move, NewTransfer, State};
use plane::{KeyKind, Operator, Phone, Plane, PlaneConfig, Saved, TenantNo, books};
use tempfile::TempDir;

/// A real plane in a temporary directory. Drop it, and every router over it, before [`TestPlane::restarted`]'s answer
/// opens the same directory again.
pub struct TestPlane {
    pub plane: Plane,
    /// Stands still until it is moved. Starts at 2026-01-01T00:00:00Z.
    pub clock: Arc<TestClock>,
    pub tenant: TenantId,
    pub number: TenantNo,
    pub keys: Keys,
    config: PlaneConfig,
    dir: TempDir,
}

/// One whole key of each kind.
#[derive(Clone)]
pub struct Keys {
    pub standard: String,
    pub payout: String,
    pub agent: String,
}

/// A key that was minted.
pub struct Minted {
    pub id: base::KeyId,
    pub whole: String,
}

pub(crate) const START: Time = Time(1_767_225_600_000_000);
const SEED: u64 = 7;

impl TestPlane {
    /// A sandbox whose tenant has the usual start: 1,000,000.00 and an overdraft of 20.00.
    pub async fn sandbox() -> TestPlane {
        TestPlane::with(Environment::Sandbox, |_| ()).await
    }

    /// A live plane whose tenant has nothing.
    pub async fn live() -> TestPlane {
        TestPlane::with(Environment::Live, |_| ()).await
    }

    /// As configured: every operation is run twice and compared unless `configure` says otherwise.
    pub async fn with(environment: Environment, configure: impl FnOnce(&mut PlaneConfig)) -> TestPlane {
        let dir = TempDir::new().expect("a temporary directory");
        let mut config = PlaneConfig::new(PlaneName::main(environment), dir.path().join("plane"));
        config.run_twice = true;
        config.database = database(dir.path());
        configure(&mut config);
        let clock = Arc::new(TestClock::at(START));
        let chance = SeededChance::new(SEED);
        let tenant = TenantId::draw(&chance);
        let plane = Plane::open(config.clone(), Arc::clone(&clock) as _, Arc::new(chance)).expect("an open plane");
        let number = grants::admit(&plane, &operator(), &tenant, "Test tenant").await.expect("a tenant");
        let keys = Keys { standard: String::new(), payout: String::new(), agent: String::new() };
        let mut made = TestPlane { plane, clock, tenant, number, keys, config, dir };
        made.keys = Keys {
            standard: made.mint(KeyKind::Standard).await.whole,
            payout: made.mint(KeyKind::Payout).await.whole,
            agent: made.mint(KeyKind::Agent).await.whole,
        };
        made
    }

    /// The same directory, opened again with fresh memory. Nothing else may hold the plane.
    pub fn restarted(self) -> TestPlane {
        let TestPlane { plane, clock, tenant, number, keys, config, dir } = self;
        plane.close();
        drop(plane);
        let chance = Arc::new(SeededChance::new(SEED + 1));
        let plane = Plane::open(config.clone(), Arc::clone(&clock) as _, chance).expect("the same plane again");
        TestPlane { plane, clock, tenant, number, keys, config, dir }
    }

    /// A further key of this kind, without limits but for a payout key's expiry.
    pub async fn mint(&self, kind: KeyKind) -> Minted {
        let days = self.clock_now().plus(Span::days(30)).0;
        let expires_at = (kind == KeyKind::Payout).then_some(days);
        self.mint_with(kind, KeyLimits { expires_at, ..KeyLimits::default() }).await
    }

    pub async fn mint_with(&self, kind: KeyKind, limits: KeyLimits) -> Minted {
        let new = NewKey { tenant: self.tenant.clone(), kind, name: kind.word().to_owned(), limits };
        let plain = grants::mint(&self.plane, &operator(), new).await.unwrap_or_else(|stop| panic!("{stop:?}"));
        Minted { id: plain.id, whole: plain.reveal().expose().clone() }
    }

    pub async fn change_key(&self, key: &Minted, change: KeyChange) {
        grants::change(&self.plane, &operator(), &self.tenant, key.id, change).await.expect("a changed key");
    }

    /// Makes what can be spent exactly `cents`, with no overdraft. Nothing may be held.
    pub async fn set_balance(&self, cents: i64) {
        let present = self.balance().spendable.minor;
        let more = Amount::cents(cents - i64::try_from(present).expect("a small balance"));
        if more.minor > 0 {
            books::fund_by_operator(&self.plane, &operator(), &self.tenant, more, "a test".to_owned())
                .await
                .expect("funds");
        } else if more.minor < 0 {
            self.drain(Amount::cents(-i64::try_from(more.minor).expect("a small balance"))).await;
        }
        self.set_overdraft(0).await;
    }

    pub async fn set_overdraft(&self, cents: i64) {
        let to = Amount::cents(cents);
        books::set_overdraft_by_operator(&self.plane, &operator(), &self.tenant, to).await.expect("an overdraft");
    }

    pub fn balance(&self) -> books::AgentBalance {
        books::balance(&self.plane, self.number).expect("a balance")
    }

    /// Entries in the tenant's journal: what changed nothing leaves it as it was.
    pub fn entries(&self) -> u64 {
        self.plane.entries(self.number).expect("the journal's head")
    }

    pub fn clock_now(&self) -> Time {
        base::Clock::now(self.clock.as_ref())
    }

    /// Moves the tenant's transfer until it is in `to`, the shortest way.
    pub async fn drive(&self, id: &str, to: State) {
        self.drive_of(self.number, id, to).await;
    }

    /// So many paid transfers of whoever has this agent key.
    pub async fn paid_out(&self, key: &str, times: u32) {
        let caller = self.caller(key);
        for id in 1..=times {
            let id = id.to_string();
            let accepted =
                payouts::create(&self.plane, &caller, transfer(&id), |_| Saved { status: 200, body: "".into() });
            accepted.await.unwrap_or_else(|stop| panic!("{stop:?}"));
            self.drive_of(caller.tenant(), &id, State::Paid).await;
        }
    }

    async fn drive_of(&self, number: TenantNo, id: &str, to: State) {
        for _ in 0..12 {
            let row = payouts::of_tenant(&self.plane, number, id).expect("a read").expect("the transfer");
            if row.state == to {
                return;
            }
            let event = towards(row.state, to);
            let trans = (event == Event::Pay).then(|| format!("rail-{id}"));
            let step = Move { trans, ..Move::new(row.seq, row.state, event) };
            payouts::advance(&self.plane, number, vec![step]).await.expect("a lawful move");
        }
        panic!("{id} does not get to {to:?}");
    }

    /// Drains through the sandbox control; a live tenant starts with nothing to drain.
    async fn drain(&self, amount: Amount) {
        let sandbox = self.plane.sandbox().expect("a sandbox");
        let caller = self.caller(&self.keys.agent);
        plane::sandbox::drain(&self.plane, sandbox, &caller, amount).await.unwrap_or_else(|stop| panic!("{stop:?}"));
    }

    /// The proof that comes from a key.
    pub fn caller(&self, key: &str) -> plane::Caller {
        let ip = std::net::IpAddr::from([127, 0, 0, 1]);
        grants::authenticate(&self.plane, key, ip).unwrap_or_else(|stop| panic!("{stop:?}"))
    }
}

fn operator() -> Operator {
    Operator::over_the_socket()
}

/// A lawful transfer of five dollars.
fn transfer(id: &str) -> NewTransfer {
    let bank = ["receiverName", "receiverAccType", "receiverAccountNumber", "receiverBankName"];
    let phone = |digits| Phone::from_digits(digits).unwrap_or_else(|error| panic!("{error}"));
    NewTransfer {
        id: id.to_owned(),
        sender: phone("15615019469"),
        receiver: phone("201234567890"),
        amount: Amount::cents(500),
        service: "1271".to_owned(),
        country: "EG".to_owned(),
        currency: "EGP".to_owned(),
        attributes: bank.map(|name| (name.to_owned(), "1".to_owned())).to_vec(),
    }
}

fn towards(state: State, to: State) -> Event {
    match (state, to) {
        (State::AwaitingLink, _) => Event::Link,
        (State::Failing(_), _) => Event::Close,
        (_, State::Failing(reason)) => Event::Fail(reason),
        (_, State::Failed) => Event::Fail(FailReason::Processing),
        (State::ReadyToDebit, State::ShortOfFunds) => Event::RunShort,
        (State::Verifying, State::VerificationUnknown) => Event::Doubt,
        (State::Processing | State::Retrying(_), State::Retrying(_)) => Event::Retry,
        (State::Processing | State::Retrying(_), State::Paid) => Event::Pay,
        _ => Event::Step,
    }
}

/// In a run of the tests on PostgreSQL: the database that belongs to a test's directory.
pub fn database(dir: &std::path::Path) -> Option<plane::PostgresUrl> {
    pgkit::wanted().then(|| plane::PostgresUrl::parse(&pgkit::database_of(dir)).expect("an address"))
}
