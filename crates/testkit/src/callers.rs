//! Everybody who may call the front office: five roles in one tenant, each in every standing that a session can have; another
//! tenant with the same things in it; and an owner without a proved address.

use std::collections::BTreeMap;

use axum::body::Body;
use base::{Environment, Span};
use control::mail::Kind;
use control::{Presented, Role, Session, proof, sessions};
use gate::Rate;
use gate::office::{Office, Options};
use http::Request;
use serde_json::{Value, json};

use crate::matrix::Surface;
use crate::stage::{JO, PASSWORD, SAM, Stage};
use crate::{Answer, TestOffice, ask};

/// How somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Nobody,
    /// Has proved himself lately, as a login does.
    Fresh,
    Stale,
    Expired,
    Revoked,
    Cookie,
    /// A cookie without what shows that a page of the dashboard asks.
    Forged,
    /// Fresh, in a tenant of his own, with an address that he has not proved.
    Unverified,
}

/// Whose ids stand in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Own,
    Unverified,
    Others,
    Nobodys,
}

impl Standing {
    pub const ALL: [Standing; 8] = [
        Standing::Nobody,
        Standing::Fresh,
        Standing::Stale,
        Standing::Expired,
        Standing::Revoked,
        Standing::Cookie,
        Standing::Forged,
        Standing::Unverified,
    ];
}

pub struct Callers {
    stage: Stage,
    /// Tokens, and cookies as `name=value`.
    held: BTreeMap<(Role, Standing), String>,
    own: Ids,
    unverified: Ids,
    others: Ids,
}

/// What is in one tenant.
#[derive(Default)]
struct Ids {
    tenant: String,
    user: String,
    session: String,
    invitation: String,
    /// Of the sandbox and of live.
    keys: [String; 2],
    payout_keys: [String; 2],
}

control::rows! {
    /// For asking how fresh a session is.
    OWN: GET "/own", signed, at Nowhere, 200;
}

const MO: &str = "mo@example.com";
const UNBOUNDED: u32 = 1_000_000;

impl Callers {
    pub async fn new(surface: &Surface) -> Callers {
        let test = TestOffice::with(|settings| {
            let limits = &mut settings.limits;
            (limits.mails_per_hour, limits.mails_per_net) = (UNBOUNDED, UNBOUNDED);
            (limits.registrations_per_hour, limits.failures_per_pair) = (UNBOUNDED, UNBOUNDED);
            (limits.failures_per_net, limits.failures_per_address) = (UNBOUNDED, UNBOUNDED);
        });
        let test = test.await;
        let options = Options { rate: Rate::new(UNBOUNDED, UNBOUNDED), ..Options::default() };
        let office = Office::new(test.control.clone(), test.planes.clone(), options);
        let stage = Stage { router: (surface.routes)(office), test };
        let (own, unverified, others) = Default::default();
        let mut callers = Callers { stage, held: BTreeMap::new(), own, unverified, others };
        callers.people(surface).await;
        callers.over().await;
        callers
    }

    /// Both tenants with what is in them, and the owner who has not proved his address.
    async fn people(&mut self, surface: &Surface) {
        self.stage.test.seeded(SAM, PASSWORD).await;
        self.stage.test.seeded(MO, PASSWORD).await;
        let sam = self.stage.login(SAM).await;
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
            self.seat(&sam, &email(role), role).await;
        }
        self.own = self.furnished(surface, SAM, "spare@example.com").await;
        self.others = self.furnished(surface, MO, "other@example.com").await;
        let (tenant, _) = self.stage.register(JO).await;
        let token = self.stage.login(JO).await;
        let me = self.stage.get("/dashboard/auth/me", &token).await;
        let keys = [self.stage.key(&token, "test").await, unknown("api-keys", Environment::Live)];
        let payout_keys = Environment::ALL.map(|environment| unknown("payout-api-keys", environment));
        let (session, invitation) = (unknown("sessions", Environment::Sandbox), unknown("", Environment::Sandbox));
        self.unverified = Ids { tenant, user: text(&me, "id"), session, invitation, keys, payout_keys };
    }

    /// A member, an open invitation, a session and keys in the tenant of a verified owner.
    async fn furnished(&self, surface: &Surface, owner: &str, member: &str) -> Ids {
        let token = self.stage.login(owner).await;
        let tenant = text(&self.stage.get("/dashboard/auth/me", &token).await, "tenantId");
        let user = self.seat(&token, member, Role::Viewer).await;
        let invitation = self.invite(&token, "lee@example.com", Role::Viewer).await;
        let listed = self.stage.get("/dashboard/auth/sessions", &self.stage.login(owner).await).await;
        let session = listed.json()["data"][0]["id"].as_str().expect("a session").to_owned();
        let keys = [self.stage.key(&token, "test").await, self.stage.key(&token, "live").await];
        let mut ids = Ids { tenant, user, session, invitation, keys, ..Ids::default() };
        let payout = surface.rows.iter().find(|row| row.method == "POST" && row.path.ends_with("/payout-api-keys"));
        if let Some(row) = payout {
            let path = row.path.replace("{id}", &ids.tenant.replacen("tnt_", "biz_", 1));
            for (at, environment) in Environment::ALL.into_iter().enumerate() {
                let request = Request::builder().method("POST").uri(&path).header("x-environment", environment.word());
                let request = request.header("authorization", format!("Bearer {token}"));
                let answer = self.ask(request, (surface.body_of)(row).as_ref()).await;
                ids.payout_keys[at] = answer.json()["id"].as_str().expect("a payout key").to_owned();
            }
        }
        ids
    }

    /// Somebody new with a seat; the answer is who.
    async fn seat(&self, owner: &str, email: &str, role: Role) -> String {
        self.invite(owner, email, role).await;
        let token = self.stage.mailed(Kind::Invited).await;
        let body = json!({"token": token, "password": PASSWORD, "firstName": "Kim", "lastName": "Roe"});
        let answer = self.stage.post("/dashboard/auth/invitations/accept", "", body).await;
        text(&answer, "userId")
    }

    async fn invite(&self, owner: &str, email: &str, role: Role) -> String {
        let body = json!({"email": email, "role": role.word()});
        self.stage.test.mails().await;
        text(&self.stage.post("/dashboard/members/invitations", owner, body).await, "id")
    }

    /// Sessions that are past and sessions that were ended.
    async fn over(&mut self) {
        for role in Role::ALL {
            let token = self.stage.login(&email(role)).await;
            self.held.insert((role, Standing::Expired), token);
        }
        self.stage.test.advance(Span::hours(8));
        for role in Role::ALL {
            let token = self.stage.login(&email(role)).await;
            assert_eq!(self.stage.call("POST", "/dashboard/auth/logout", &token, None).await.status, 200);
            self.held.insert((role, Standing::Revoked), token);
        }
    }

    /// An id to stand in a path behind `part`.
    pub fn id(&self, part: &str, environment: Environment, whose: Whose) -> String {
        let ids = match whose {
            Whose::Own => &self.own,
            Whose::Unverified => &self.unverified,
            Whose::Others => &self.others,
            Whose::Nobodys => return unknown(part, environment),
        };
        let side = usize::from(environment == Environment::Live);
        match part {
            "contracts" => ids.tenant.clone(),
            "businesses" => ids.tenant.replacen("tnt_", "biz_", 1),
            "members" => ids.user.clone(),
            "invitations" => ids.invitation.clone(),
            "sessions" => ids.session.clone(),
            "api-keys" => ids.keys[side].clone(),
            "payout-api-keys" => ids.payout_keys[side].clone(),
            _ => unknown(part, environment),
        }
    }

    pub async fn call(
        &mut self,
        request: http::request::Builder,
        body: Option<&Value>,
        role: Role,
        standing: Standing,
    ) -> Answer {
        let held = self.session(role, standing).await;
        let request = match standing {
            Standing::Nobody => request,
            Standing::Cookie => request.header("cookie", held).header("x-pacspace-csrf", "1"),
            Standing::Forged => request.header("cookie", held),
            _ => request.header("authorization", format!("Bearer {held}")),
        };
        self.ask(request, body).await
    }

    async fn ask(&self, request: http::request::Builder, body: Option<&Value>) -> Answer {
        let (request, body) = match body {
            Some(body) => (request.header("content-type", "application/json"), Body::from(body.to_string())),
            None => (request, Body::empty()),
        };
        ask(&self.stage.router, request.body(body).expect("a request")).await
    }

    /// A session in this standing, made anew where a call before has ended it or changed how fresh it is.
    async fn session(&mut self, role: Role, standing: Standing) -> String {
        // Both are one session; what comes with it differs.
        let standing = if standing == Standing::Forged { Standing::Cookie } else { standing };
        if let Some(held) = self.held.get(&(role, standing))
            && self.stands(held, standing)
        {
            return held.clone();
        }
        let held = match standing {
            Standing::Nobody => String::new(),
            Standing::Cookie => self.cookie(&email(role)).await,
            Standing::Unverified => self.stage.login(JO).await,
            _ => self.stage.login(&email(role)).await,
        };
        if standing == Standing::Stale {
            self.stage.test.advance(Span::seconds(600));
        }
        self.held.insert((role, standing), held.clone());
        held
    }

    fn stands(&self, held: &str, standing: Standing) -> bool {
        let control = &self.stage.test.control;
        let presented = match held.split_once('=') {
            Some((_, cookie)) => Presented::Cookie(cookie),
            None => Presented::Bearer(held),
        };
        let from = proof::From::new([127, 0, 0, 1].into(), "", "");
        let fresh = |session: Session| {
            let permit = session.permit(OWN).expect("a row for anybody");
            sessions::step_up(&permit, control.now()).is_ok()
        };
        let live = sessions::authenticate(control, presented, &from).ok().map(fresh);
        match standing {
            Standing::Nobody => true,
            Standing::Expired | Standing::Revoked => live.is_none(),
            Standing::Stale => live == Some(false),
            Standing::Fresh | Standing::Cookie | Standing::Forged | Standing::Unverified => live == Some(true),
        }
    }

    async fn cookie(&self, email: &str) -> String {
        let request = Request::builder().method("POST").uri("/dashboard/auth/login").header("x-pacspace-csrf", "1");
        let answer = self.ask(request, Some(&json!({"email": email, "password": PASSWORD}))).await;
        answer.header("set-cookie").split(';').next().expect("a cookie").to_owned()
    }
}

fn email(role: Role) -> String {
    if role == Role::Owner { SAM.to_owned() } else { format!("{}@example.com", role.word()) }
}

/// An id of its kind that is nobody's.
fn unknown(part: &str, environment: Environment) -> String {
    let prefix = match part {
        "contracts" => "tnt_",
        "businesses" => "biz_",
        "members" => "usr_",
        "invitations" => "inv_",
        "sessions" => "ses_",
        "api-keys" | "payout-api-keys" => return format!("key_{}_000000000000", environment.key_word()),
        _ => "none_",
    };
    format!("{prefix}0000000000000000")
}

fn text(answer: &Answer, field: &str) -> String {
    answer.json()["data"][field].as_str().unwrap_or_else(|| panic!("no {field} in {}", answer.body)).to_owned()
}
