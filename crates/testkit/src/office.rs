//! The front office with both of its planes in one process: no bytes in between, and nothing happens but when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Environment, Secret, SeededChance, Span, TenantId, TestClock, UserId};
use control::environments::{self, Step};
use control::planes::BoxFuture;
use control::users::{self, NewUser};
use control::{Ask, Control, NotDone, Operator, Planes, Reply, Settings, mail, tenants};
use plane::Plane;
use store::Place;
use tempfile::TempDir;

use crate::TestPlane;
use crate::plane::{START, database};

/// A front office in a temporary directory, with a sandbox and a live plane of its own.
pub struct TestOffice {
    pub control: Control,
    pub planes: Arc<NearPlanes>,
    pub sandbox: TestPlane,
    pub live: TestPlane,
    /// Control's; see [`TestOffice::advance`].
    clock: Arc<TestClock>,
    _dir: TempDir,
}

/// Both planes' ends of the intercom, called as functions.
pub struct NearPlanes {
    planes: [Plane; 2],
    away: [AtomicBool; 2],
}

/// A mail as its reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub kind: mail::Kind,
    pub address: String,
    /// What its link carries.
    pub token: Option<String>,
}

const SEED: u64 = 11;
/// Where live is, once it is there.
pub const LIVE_URL: &str = "https://live.example";

impl TestOffice {
    pub async fn new() -> TestOffice {
        TestOffice::with(|_| ()).await
    }

    /// Every operation is run twice and compared unless `configure` says otherwise.
    pub async fn with(configure: impl FnOnce(&mut Settings)) -> TestOffice {
        let dir = TempDir::new().expect("a temporary directory");
        let place = database(dir.path()).map_or_else(|| Place::from(dir.path()), Place::Postgres);
        let mut settings = Settings { run_twice: true, ..Settings::default() };
        configure(&mut settings);
        let clock = Arc::new(TestClock::at(START));
        let chance = Arc::new(SeededChance::new(SEED));
        let control = Control::open(place, dir.path(), settings, Arc::clone(&clock) as _, chance).expect("control");
        let (sandbox, live) = (TestPlane::sandbox().await, TestPlane::live().await);
        let planes = [sandbox.plane.clone(), live.plane.clone()];
        let planes = Arc::new(NearPlanes { planes, away: [AtomicBool::new(false), AtomicBool::new(false)] });
        TestOffice { control, planes, sandbox, live, clock, _dir: dir }
    }

    /// The clocks of all three go on together.
    pub fn advance(&self, span: Span) {
        for clock in [&self.clock, &self.sandbox.clock, &self.live.clock] {
            clock.advance(span);
        }
    }

    /// Does what is due for environments, until nothing is.
    pub async fn settle(&self) {
        while let Some(work) = environments::take(&self.control).await.expect("work") {
            let mut failed = None;
            for step in work.steps.iter().copied() {
                let (tenant, standing) = (work.of.clone(), work.standing.clone());
                let ask = match step {
                    Step::Admit => Ask::Admit { tenant, name: work.name.clone(), standing },
                    Step::Stand => Ask::Stand { tenant, standing },
                };
                match self.planes.ask(work.environment, ask).await {
                    Ok(_) => assert!(environments::step_done(&self.control, &work, step).await.expect("a step")),
                    Err(not_done) => {
                        failed = Some(not_done.to_string());
                        break;
                    }
                }
            }
            match failed {
                None => environments::settled(&self.control, &work).await.expect("a settled environment"),
                Some(why) => environments::failed(&self.control, &work, &why).await.expect("a failed try"),
            }
        }
    }

    /// Takes the mails that are due, the oldest first, as if each were sent.
    pub async fn mails(&self) -> Vec<Mail> {
        let mut mails = Vec::new();
        while let Some(outgoing) = mail::take(&self.control).await.expect("mail") {
            mail::sent(&self.control, &outgoing.id).await.expect("a sent mail");
            let token = outgoing.token.as_ref().map(|token| token.expose().clone());
            mails.push(Mail { kind: outgoing.kind, address: outgoing.address, token });
        }
        mails
    }

    /// A tenant that the operator has made, both sides of it active, with a verified owner.
    pub async fn seeded(&self, email: &str, password: &str) -> (TenantId, UserId) {
        let operator = Operator::over_the_socket();
        let made = tenants::create(&self.control, &operator, "Seeded").await;
        let tenant = made.unwrap_or_else(|stop| panic!("{stop:?}")).id;
        let new = NewUser {
            email: email.to_owned(),
            password: Secret::new(password.to_owned()),
            first: "Sam".to_owned(),
            last: "Seed".to_owned(),
            company: "Seeded".to_owned(),
        };
        let user = users::seed(&self.control, &operator, &tenant, new).await;
        self.settle().await;
        (tenant, user.unwrap_or_else(|stop| panic!("{stop:?}")))
    }
}

impl NearPlanes {
    /// From now on this plane does not answer; nothing that is asked of it runs.
    pub fn takes_leave(&self, environment: Environment, away: bool) {
        self.away[place(environment)].store(away, Ordering::SeqCst);
    }
}

impl Planes for NearPlanes {
    fn ask<'a>(&'a self, environment: Environment, ask: Ask) -> BoxFuture<'a, Result<Reply, NotDone>> {
        Box::pin(async move {
            if self.away[place(environment)].load(Ordering::SeqCst) {
                return Err(NotDone::Unreachable { may_have_run: false, why: "away".to_owned() });
            }
            let proved = plane::Office::proved_by_the_intercom();
            workers::plane_end::answer(&self.planes[place(environment)], &proved, ask).await
        })
    }

    fn base_url(&self, environment: Environment) -> Option<String> {
        (environment == Environment::Live).then(|| LIVE_URL.to_owned())
    }
}

fn place(environment: Environment) -> usize {
    match environment {
        Environment::Sandbox => 0,
        Environment::Live => 1,
    }
}
