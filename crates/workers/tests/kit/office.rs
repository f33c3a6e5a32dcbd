//! A front office with two planes of its own, near enough to be asked without a wire, and a wire that can be cut.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use base::{Clock, Environment, OsChance, Secret, TenantId, TestClock};
use control::environments::{self, EnvironmentView};
use control::planes::BoxFuture;
use control::proof::From;
use control::sessions::{self, Carrier, LoggedIn};
use control::users::{self, NewUser, Registered};
use control::{Ask, Carried, Control, NotDone, Operator, Permit, Planes, Presented, Reply, Row, Settings};
use plane::{Office, Plane};
use tempfile::TempDir;
use tokio::sync::watch;
use workers::plane_end;

/// What happens to an ask.
#[derive(Default)]
pub struct Wire {
    /// No ask arrives.
    pub cut: AtomicBool,
    /// Asks arrive, and their answers do not.
    pub deaf: AtomicBool,
    /// The ask after so many more is never answered; below zero there is none.
    pub left: AtomicI64,
    /// Whether that ask arrives all the same.
    pub arrives: AtomicBool,
    /// Asks so far.
    pub asks: AtomicU32,
    /// Of the first so many asks those of this side do not arrive, until this changes.
    pub held: watch::Sender<Option<(Environment, u32)>>,
}

pub struct NearPlanes {
    planes: [Plane; 2],
    pub wire: Wire,
}

impl NearPlanes {
    pub fn plane(&self, environment: Environment) -> &Plane {
        &self.planes[usize::from(environment == Environment::Live)]
    }

    async fn answer(&self, environment: Environment, ask: Ask) -> Result<Reply, NotDone> {
        let number = self.wire.asks.fetch_add(1, Ordering::SeqCst);
        let is_held =
            |held: &Option<(Environment, u32)>| held.is_some_and(|(side, end)| side == environment && number < end);
        let arrives = self.wire.held.subscribe().wait_for(|held| !is_held(held)).await.is_ok();
        assert!(arrives, "the wire is as old as its planes");
        let gone = |may_have_run| Err(NotDone::Unreachable { may_have_run, why: "the wire is cut".to_owned() });
        if self.wire.cut.load(Ordering::SeqCst) {
            return gone(false);
        }
        let last = self.wire.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if last && !self.wire.arrives.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let answer = plane_end::answer(self.plane(environment), &Office::proved_by_the_intercom(), ask).await;
        if last {
            std::future::pending::<()>().await;
        }
        if self.wire.deaf.load(Ordering::SeqCst) { gone(true) } else { answer }
    }
}

impl Planes for NearPlanes {
    fn ask<'a>(&'a self, environment: Environment, ask: Ask) -> BoxFuture<'a, Result<Reply, NotDone>> {
        Box::pin(self.answer(environment, ask))
    }

    fn base_url(&self, environment: Environment) -> Option<String> {
        Some(format!("https://{environment}.example"))
    }
}

pub struct House {
    pub control: Control,
    pub planes: Arc<NearPlanes>,
    pub clock: Arc<TestClock>,
    dir: TempDir,
}

impl House {
    pub fn new() -> House {
        let (dir, clock) = (tempfile::tempdir().expect("a directory"), Arc::new(TestClock::at(super::NOON)));
        let open = |environment: Environment| {
            super::open(environment, &dir.path().join(environment.word()), Arc::clone(&clock) as Arc<dyn Clock>)
        };
        let planes = [Environment::Sandbox, Environment::Live].map(open);
        let wire = Wire { left: AtomicI64::new(-1), ..Wire::default() };
        let control = open_control(dir.path().join("control"), &clock);
        House { control, planes: Arc::new(NearPlanes { planes, wire }), clock, dir }
    }

    /// Control as it is after its process was killed: the same store, opened again.
    pub fn killed(self) -> House {
        let House { control, planes, clock, dir } = self;
        control.close();
        drop(control);
        planes.wire.left.store(-1, Ordering::SeqCst);
        let control = open_control(dir.path().join("control"), &clock);
        House { control, planes, clock, dir }
    }

    pub fn mails(&self) -> PathBuf {
        self.dir.path().join("mail")
    }

    pub fn planes(&self) -> Arc<dyn Planes> {
        Arc::clone(&self.planes) as Arc<dyn Planes>
    }

    /// Sandbox and live, as the operator sees them.
    pub fn environments(&self, tenant: &TenantId) -> [EnvironmentView; 2] {
        environments::show(&self.control, &Operator::over_the_socket(), tenant).expect("a known tenant")
    }

    pub async fn register(&self, email: &str) -> Registered {
        let new = NewUser {
            email: email.to_owned(),
            password: password(),
            first: "Jo".to_owned(),
            last: "Doe".to_owned(),
            company: "Doe & Co".to_owned(),
        };
        users::register(&self.control, &from(), new).await.expect("registered")
    }

    /// A fresh session's permit for one route.
    pub async fn permit(&self, email: &str, row: &'static Row) -> Permit {
        let logged_in = sessions::log_in(&self.control, &from(), email, password(), Carried::Bearer).await;
        let Ok(LoggedIn::In { issued, .. }) = logged_in else { panic!("the login is refused") };
        let Carrier::Token(token) = issued.carrier else { panic!("a token was asked for") };
        let session = sessions::authenticate(&self.control, Presented::Bearer(token.expose()), &from());
        session.expect("a session").permit(row).expect("permitted")
    }
}

pub fn from() -> From {
    From::new(IpAddr::V4(Ipv4Addr::LOCALHOST), "req_test", "test")
}

fn password() -> Secret<String> {
    Secret::new("correct horse battery".to_owned())
}

fn open_control(dir: PathBuf, clock: &Arc<TestClock>) -> Control {
    let settings = Settings { run_twice: true, ..Settings::default() };
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Control::open(dir.clone(), &dir, settings, clock, Arc::new(OsChance)).expect("control opens")
}
