//! Who somebody is: registering, proving an address, signing in, and what a user prefers.

use axum::response::Response;
use base::{Secret, Time};
use control::sessions::{Carrier, Issued, LoggedIn, SecondStep};
use control::users::{NewUser, Registered, UserView};
use control::{sessions, users};
use gate::Json;
use gate::office::{Passage, Signed, Visitor};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::ask::{by_preference, parameter, secret};
use crate::refusals::{self, of_change};
use crate::words::{data, message, preference, time, told};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Registration {
    email: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
    first_name: String,
    last_name: String,
    company_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Address {
    pub(crate) email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Credentials {
    email: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Preferences {
    preferred_environment: String,
}

pub(crate) async fn register(visitor: Visitor, Json(body): Json<Registration>) -> Response {
    let Registration { email, password, first_name: first, last_name: last, company_name: company } = body;
    let new = NewUser { email, password, first, last, company };
    match users::register(visitor.passage.control(), &visitor.from, new).await {
        Ok(registered) => told(StatusCode::CREATED, &New::of(registered), REGISTERED),
        Err(stop) => of_change(&visitor.passage, stop, refusals::user),
    }
}

const REGISTERED: &str = "Registration successful. Follow the link in the mail to confirm your address.";

pub(crate) async fn verify(visitor: Visitor, uri: Uri) -> Response {
    let token = parameter(&uri, "token").unwrap_or_default();
    match users::verify(visitor.passage.control(), &visitor.from, &token).await {
        Ok(()) => message(StatusCode::OK, "Email verified successfully"),
        Err(stop) => of_change(&visitor.passage, stop, refusals::user),
    }
}

pub(crate) async fn resend(visitor: Visitor, Json(body): Json<Address>) -> Response {
    match users::resend(visitor.passage.control(), &visitor.from, &body.email).await {
        Ok(()) => message(StatusCode::ACCEPTED, "If this address waits to be confirmed, a mail is on its way."),
        Err(stop) => of_change(&visitor.passage, stop, refusals::user),
    }
}

pub(crate) async fn login(visitor: Visitor, Json(body): Json<Credentials>) -> Result<Response, Response> {
    let (control, Credentials { email, password }) = (visitor.passage.control(), body);
    let carried = visitor.carried().map_err(|refusal| visitor.passage.refuse(&refusal))?;
    let logged_in = sessions::log_in(control, &visitor.from, &email, password, carried).await;
    let logged_in = logged_in.map_err(|stop| {
        let wrong = "The e-mail address or the password is wrong.";
        of_change(&visitor.passage, stop, |refusal| refusals::session(refusal, wrong))
    })?;
    entered(&visitor, &logged_in).await
}

/// A login is over: the sessions of cookies that came along end, so that nobody goes on in one that another put there.
pub(crate) async fn entered(visitor: &Visitor, logged_in: &LoggedIn) -> Result<Response, Response> {
    if matches!(logged_in, LoggedIn::SecondStep(_)) {
        return Ok(signed_in(&visitor.passage, logged_in));
    }
    for cookie in visitor.cookies() {
        let ended = sessions::replaced(visitor.passage.control(), &visitor.from, cookie.expose()).await;
        ended.map_err(|fault| visitor.passage.change_faulted(&fault))?;
    }
    Ok(signed_in(&visitor.passage, logged_in))
}

pub(crate) async fn me(signed: Signed) -> Response {
    match users::me(signed.passage.control(), &signed.permit) {
        Ok(view) => data(StatusCode::OK, &Person::of(&view)),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn preferences(signed: Signed, Json(body): Json<Preferences>) -> Result<Response, Response> {
    let environment = by_preference(&body.preferred_environment)?;
    let placed = signed.permit.in_environment(environment);
    let placed = placed.map_err(|denied| refusals::denied(&signed.passage, denied))?;
    let view = users::prefer(signed.passage.control(), &placed).await;
    let view = view.map_err(|stop| of_change(&signed.passage, stop, refusals::user))?;
    let preferred = Preferred { preferred_environment: preference(view.preferred) };
    Ok(told(StatusCode::OK, &preferred, "Preferences updated successfully"))
}

/// The answer to a login, in the fields of both generations of this contract. A session that a cookie carries has no token.
pub(crate) fn signed_in(passage: &Passage, logged_in: &LoggedIn) -> Response {
    let (view, issued) = match logged_in {
        LoggedIn::In { view, issued } => (view, issued),
        LoggedIn::SecondStep(second_step) => return told(StatusCode::OK, &HalfWay::of(second_step), HALF_WAY),
    };
    let Issued { carrier, expires_at } = issued;
    match carrier {
        Carrier::Token(token) => data(StatusCode::OK, &Entry::of(view, Some(token.expose().as_str()), *expires_at)),
        Carrier::Cookie(cookie) => {
            let mut response = data(StatusCode::OK, &Entry::of(view, None, *expires_at));
            passage.hand_over(&mut response, cookie);
            response
        }
    }
}

const HALF_WAY: &str = "Your password is right. Send a second proof: POST /dashboard/auth/login/mfa-verify.";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HalfWay<'a> {
    requires_mfa: bool,
    mfa_ticket: &'a str,
    methods: Vec<&'static str>,
    expires_at: String,
}

impl HalfWay<'_> {
    fn of(second_step: &SecondStep) -> HalfWay<'_> {
        HalfWay {
            requires_mfa: true,
            mfa_ticket: second_step.ticket.expose(),
            methods: second_step.methods.iter().map(|method| method.word()).collect(),
            expires_at: time(second_step.expires_at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New {
    id: String,
    email: String,
    name: String,
    first_name: String,
    last_name: String,
    tenant_id: String,
    is_verified: bool,
}

impl New {
    fn of(registered: Registered) -> New {
        let Registered { user, tenant, email, first, last } = registered;
        New {
            id: user.to_string(),
            email,
            name: format!("{first} {last}"),
            first_name: first,
            last_name: last,
            tenant_id: tenant.to_string(),
            is_verified: false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    id: String,
    email: &'a str,
    name: String,
    first_name: &'a str,
    last_name: &'a str,
    tenant_id: String,
    role: &'static str,
    is_verified: bool,
    preferred_environment: &'static str,
}

impl Person<'_> {
    fn of(view: &UserView) -> Person<'_> {
        Person {
            id: view.id.to_string(),
            email: &view.email,
            name: format!("{} {}", view.first, view.last),
            first_name: &view.first,
            last_name: &view.last,
            tenant_id: view.tenant.to_string(),
            role: view.role.word(),
            is_verified: view.verified,
            preferred_environment: preference(view.preferred),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(flatten)]
    person: Person<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    expires_at: String,
    user: Nested<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Nested<'a> {
    id: String,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    tenant_id: String,
}

impl Entry<'_> {
    fn of<'a>(view: &'a UserView, token: Option<&'a str>, expires_at: Time) -> Entry<'a> {
        let user = Nested {
            id: view.id.to_string(),
            email: &view.email,
            first_name: &view.first,
            last_name: &view.last,
            tenant_id: view.tenant.to_string(),
        };
        Entry { person: Person::of(view), token, access_token: token, expires_at: time(expires_at), user }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preferred {
    preferred_environment: &'static str,
}
