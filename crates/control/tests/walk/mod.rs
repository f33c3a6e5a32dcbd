//! Somebody at random, who goes through one door after the other and says how many lines of the audit log each is to leave.
#![allow(clippy::unwrap_used, reason = "tests")]

use base::{Environment, KeyKind, Secret, Span, Stop, TenantId};
use control::approvals::{self, Facts, Verdict};
use control::audit::{self, Verified};
use control::environments::{self, Status};
use control::invitations;
use control::keys::{self, Page};
use control::notifications::{self, Change};
use control::plans::{self, Product};
use control::sessions::{self, Carrier, LoggedIn, Proof};
use control::{Carried, Control, Operator, Permit, Role, StepUp, prune, signers, tenants, totp, users};
use fastrand::Rng;

use crate::kit::planes::{FakePlanes, ordinary};
use crate::kit::{self, House, desk, from, secret};

control::rows! {
    /// Whose environment is in what is asked for.
    ANYWHERE: POST "/anywhere", seats(B B B B B), at Body, 200;
}

/// Somebody who registered.
pub struct Person {
    email: String,
    password: String,
    pub tenant: TenantId,
    token: Secret<String>,
    /// Of the mails that were not used yet.
    confirm: Option<String>,
    reset: Option<String>,
    keys: Vec<String>,
    proved: bool,
    /// What the operator said last of an application.
    verdict: Option<Verdict>,
}

pub struct Walk {
    pub house: House,
    pub planes: FakePlanes,
    pub random: Rng,
    pub people: Vec<Person>,
    /// Nothing of this may stand anywhere.
    pub secrets: Vec<String>,
    count: usize,
}

impl Walk {
    pub fn begin(seed: u64) -> Walk {
        let many = |settings: &mut control::Settings| {
            let limits = &mut settings.limits;
            let each = [&mut limits.failures_per_net, &mut limits.failures_per_pair, &mut limits.failures_per_address];
            each.into_iter().for_each(|limit| *limit = 1_000_000);
            let each = [&mut limits.registrations_per_hour, &mut limits.mails_per_hour, &mut limits.mails_per_net];
            each.into_iter().for_each(|limit| *limit = 1_000_000);
        };
        let house = kit::tuned(many);
        let planes = FakePlanes::new(&house.clock);
        let random = Rng::with_seed(seed);
        Walk { house, planes, random, people: Vec::new(), secrets: Vec::new(), count: 0 }
    }

    pub fn control(&self) -> &Control {
        &self.house.control
    }

    pub fn whole(&self) -> Verified {
        let verified = audit::verify(self.control(), &Operator::over_the_socket()).unwrap();
        assert_eq!(verified.wrong, Vec::<String>::new());
        assert_eq!(verified.lines, verified.entries);
        verified
    }

    fn new_password(&mut self) -> String {
        self.count += 1;
        let password = format!("Walk-Secret-{}-{}", self.count, self.random.u64(..));
        self.secrets.push(password.clone());
        password
    }

    pub fn permit(&self, at: usize) -> Permit {
        desk::permit(self.control(), &self.people[at].token, ANYWHERE)
    }

    /// Signs in, and answers how many lines that is.
    pub async fn log_in(&mut self, at: usize) -> u64 {
        let (email, password) = (self.people[at].email.clone(), secret(&self.people[at].password));
        let logged_in = sessions::log_in(self.control(), &from("10.0.0.1"), &email, password, Carried::Bearer).await;
        let token = token_of(logged_in.map_err(|_| "not signed in").unwrap());
        self.keep_token(at, token);
        1
    }

    fn keep_token(&mut self, at: usize, token: Secret<String>) {
        self.secrets.push(token.expose().rsplit_once('.').unwrap().1.to_owned());
        self.people[at].token = token;
    }

    /// Mails that were put since, in their readers' hands.
    pub async fn read_mails(&mut self) {
        for (kind, address, token) in kit::mails(self.control()).await {
            let Some(token) = token else { continue };
            self.secrets.push(token[token.len() - 20..].to_owned());
            let mut readers = self.people.iter_mut().rev();
            let Some(reader) = readers.find(|person| person.email == address) else { continue };
            match kind {
                control::mail::Kind::Reset => reader.reset = Some(token),
                _ => reader.confirm = Some(token),
            }
        }
    }

    pub async fn register(&mut self) -> u64 {
        let (password, email) = (self.new_password(), format!("person{}@example.com", self.people.len()));
        let mut new = kit::new_user(&email);
        new.password = secret(&password);
        let made = users::register(self.control(), &from("10.0.0.1"), new).await.map_err(|_| "not made").unwrap();
        let (token, tenant) = (Secret::new(String::new()), made.tenant);
        let (confirm, reset, keys, proved, verdict) = (None, None, Vec::new(), false, None);
        self.people.push(Person { email, password, tenant, token, confirm, reset, keys, proved, verdict });
        let at = self.people.len() - 1;
        1 + self.log_in(at).await
    }

    /// One door, drawn; answers how many lines it is to have left.
    pub async fn step(&mut self) -> u64 {
        let at = self.random.usize(..self.people.len());
        if self.random.u32(..8) == 0 {
            self.house.clock.advance(Span::seconds(self.random.i64(1..500)));
        }
        // Sessions and proofs end as time goes on: then it is a login.
        let permit = {
            let found = sessions::authenticate(
                self.control(),
                control::Presented::Bearer(self.people[at].token.expose()),
                &from("10.0.0.1"),
            );
            found.ok().map(|session| session.permit(ANYWHERE).unwrap())
        };
        let fresh = permit.as_ref().and_then(|permit| sessions::step_up(permit, self.control().now()).ok());
        let (Some(permit), Some(fresh)) = (permit, fresh) else { return self.log_in(at).await };
        match self.random.u32(..28) {
            0 => self.register().await,
            1..=4 => self.about_passwords(at, &permit).await,
            5..=7 => self.about_sessions(at, &permit).await,
            8..=10 => self.by_the_operator(at).await,
            11..=13 => self.about_environments(at, &permit).await,
            14 => {
                let (change, environment) =
                    (Change { key_created: Some(self.random.bool()), ..Change::default() }, self.side());
                let placed = permit.in_environment(environment).unwrap();
                let before = notifications::get(self.control(), &placed).unwrap();
                let set = notifications::set(self.control(), &placed, None, change).await;
                u64::from(set.map_err(|_| "not set").unwrap() != before)
            }
            15 => {
                prune::sweep(self.control()).await.unwrap();
                0
            }
            16 => {
                audit::list(self.control(), &permit, None, 10).unwrap();
                0
            }
            17..=20 => self.about_the_tenant(at, &permit, &fresh).await,
            _ => self.about_keys(at, &permit, &fresh).await,
        }
    }

    fn side(&mut self) -> Environment {
        if self.random.bool() { Environment::Sandbox } else { Environment::Live }
    }

    async fn about_passwords(&mut self, at: usize, permit: &Permit) -> u64 {
        let email = self.people[at].email.clone();
        match self.random.u32(..5) {
            0 => {
                let forgot = users::forgot(self.control(), &from("10.0.0.1"), &email).await;
                assert!(forgot.is_ok());
                1
            }
            1 => {
                let Some(token) = self.people[at].reset.take() else { return 0 };
                let password = self.new_password();
                let reset = users::reset(self.control(), &from("10.0.0.1"), &token, secret(&password)).await;
                if reset.is_ok() {
                    self.people[at].password = password;
                }
                u64::from(reset.is_ok())
            }
            2 => {
                let (password, current) = (self.new_password(), secret(&self.people[at].password));
                let changed = users::change_password(self.control(), permit, current, secret(&password)).await;
                let token = token_of(changed.map_err(|_| "not changed").unwrap());
                self.people[at].password = password;
                self.keep_token(at, token);
                2
            }
            3 => {
                let Some(token) = self.people[at].confirm.take() else { return 0 };
                let verified = users::verify(self.control(), &from("10.0.0.1"), &token).await.is_ok();
                let first = verified && !self.people[at].proved;
                self.people[at].proved |= verified;
                u64::from(first)
            }
            _ => {
                let wrong = secret("Not-The-Password-9");
                let refused = sessions::log_in(self.control(), &from("10.0.0.1"), &email, wrong, Carried::Bearer).await;
                assert!(refused.is_err());
                0
            }
        }
    }

    async fn about_sessions(&mut self, at: usize, permit: &Permit) -> u64 {
        match self.random.u32(..4) {
            0 => {
                let password = secret(&self.people[at].password);
                let proved = sessions::prove(self.control(), permit, Proof::Password(password)).await;
                assert!(proved.is_ok());
                1
            }
            1 => {
                sessions::log_out(self.control(), permit).await.unwrap();
                1
            }
            2 => {
                let all = sessions::list(self.control(), permit).unwrap();
                let one = &all[self.random.usize(..all.len())];
                let ended = sessions::revoke(self.control(), permit, &one.id.to_string()).await;
                assert!(ended.is_ok());
                1
            }
            _ => {
                let unknown = sessions::revoke(self.control(), permit, "ses_0000000000000000").await;
                assert!(unknown.is_err());
                0
            }
        }
    }

    async fn by_the_operator(&mut self, at: usize) -> u64 {
        let (operator, of, side) = (Operator::over_the_socket(), self.people[at].tenant.clone(), self.side());
        let views = environments::show(self.control(), &operator, &of).ok().unwrap();
        let status = views.into_iter().find(|view| view.environment == side).unwrap().status;
        match self.random.u32(..7) {
            0 => {
                tenants::create(self.control(), &operator, "Walk\nInc").await.unwrap_err();
                0
            }
            1 => {
                tenants::create(self.control(), &operator, "Walk & \"Sons\" \u{2028}").await.unwrap();
                1
            }
            2 => {
                signers::rotate(self.control(), &operator).await.unwrap();
                1
            }
            3 => {
                let tier = ["free", "pilot"][self.random.usize(..2)];
                let [before, _] = plans::show(self.control(), &operator, &of).unwrap();
                let set = plans::set(self.control(), &operator, &of, Product::Pacspace, tier).await;
                u64::from(set.map_err(|_| "not set").unwrap() != before)
            }
            4 => {
                let verdict = [Verdict::Approved, Verdict::Rejected][self.random.usize(..2)];
                let decided = approvals::decide(self.control(), &operator, &of, verdict, None).await;
                assert!(decided.is_ok());
                let before = self.people[at].verdict.replace(verdict);
                u64::from(before != Some(verdict))
            }
            5 => {
                let suspended = environments::suspend(self.control(), &operator, &of, side, None).await;
                u64::from(suspended.is_ok() && status != Status::Suspended)
            }
            _ => {
                let resumed = environments::resume(self.control(), &operator, &of, side).await;
                u64::from(resumed.is_ok() && status == Status::Suspended)
            }
        }
    }

    async fn about_the_tenant(&mut self, at: usize, permit: &Permit, fresh: &StepUp) -> u64 {
        match self.random.u32(..3) {
            0 => {
                self.count += 1;
                let email = format!("guest{}@example.com", self.count);
                let invited = invitations::invite(self.control(), permit, fresh, &email, Role::Viewer).await;
                u64::from(invited.is_ok())
            }
            1 => {
                let Ok(begun) = totp::begin(self.control(), permit, fresh).await else { return 0 };
                self.secrets.push(begun.secret.expose().clone());
                1
            }
            _ => {
                let text = |text: &str| text.to_owned();
                let facts = Facts {
                    legal_name: text("Walk \"&\" Sons"),
                    country: text("DE"),
                    website: text("https://walk.example"),
                    use_case: text("Walking at random"),
                    monthly_volume: text("1000"),
                    contact_name: text("Jo Doe"),
                };
                let applied = approvals::apply(self.control(), permit, facts, Vec::new()).await;
                if applied.is_ok() {
                    self.people[at].verdict = None;
                }
                u64::from(applied.is_ok())
            }
        }
    }

    async fn about_environments(&mut self, at: usize, permit: &Permit) -> u64 {
        let (environment, before) = (self.side(), permit.session().preferred());
        let placed = permit.clone().in_environment(environment).unwrap();
        if self.random.bool() {
            let preferred = users::prefer(self.control(), &placed).await;
            return u64::from(preferred.is_ok() && before != environment);
        }
        let before = environments::status(self.control(), permit, &self.people[at].tenant.to_string()).ok().unwrap();
        let before = before.into_iter().find(|view| view.environment == environment).unwrap();
        match environments::provision(self.control(), &placed).await {
            Ok(provisioned) => u64::from(provisioned.view.status != before.status),
            Err(Stop::Refused(_)) => 0,
            Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
        }
    }

    async fn about_keys(&mut self, at: usize, permit: &Permit, fresh: &StepUp) -> u64 {
        let (control, planes) = (self.house.control.clone(), &self.planes);
        let known = &mut self.people[at].keys;
        let key = (!known.is_empty()).then(|| known[self.random.usize(..known.len())].clone());
        let Some(key) = key.filter(|_| self.random.u32(..4) > 0) else {
            let placed = permit.clone().in_environment(Environment::Sandbox).unwrap();
            let mut wish = ordinary("Main");
            wish.kind = if self.random.bool() { KeyKind::Agent } else { KeyKind::Standard };
            let made = keys::create(&control, planes, &placed, fresh, wish).await;
            return self.minted(at, made);
        };
        match self.random.u32(..6) {
            0 => {
                let made = keys::rotate(&control, planes, permit, fresh, &key, 1, None).await;
                self.minted(at, made)
            }
            // That it is wished for, and that it is so.
            1 => 1 + u64::from(keys::rename(&control, planes, permit, &key, "Renamed".to_owned()).await.is_ok()),
            2 => 1 + u64::from(keys::set_active(&control, planes, permit, Some(fresh), &key, true).await.is_ok()),
            3 => 1 + u64::from(keys::set_active(&control, planes, permit, None, &key, false).await.is_ok()),
            4 => {
                keys::list(&control, planes, permit, Page { environment: None, page: 1, limit: 10 })
                    .await
                    .ok()
                    .unwrap();
                0
            }
            _ => {
                let revoked = keys::revoke(&control, planes, permit, fresh, &key).await;
                self.people[at].keys.retain(|kept| *kept != key);
                2 * u64::from(revoked.is_ok())
            }
        }
    }

    fn minted(&mut self, at: usize, made: Result<keys::Shown, Stop<keys::Refusal>>) -> u64 {
        let Ok(shown) = made else { return 0 };
        self.people[at].keys.push(keys::wire_id(shown.key.environment, shown.key.id));
        let whole = shown.whole.unwrap();
        self.secrets.push(whole.expose().split_once('.').unwrap().1.to_owned());
        1
    }
}

fn token_of(logged_in: LoggedIn) -> Secret<String> {
    let LoggedIn::In { issued, .. } = logged_in else { panic!("a second step") };
    match issued.carrier {
        Carrier::Token(token) => token,
        Carrier::Cookie(_) => panic!("a cookie for a bearer"),
    }
}
