//! Members: who has a seat in an organisation, and in which of a user's organisations a session is.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use control::Role;
use control::seats::{self, PlaceView, SeatView};
use gate::Json;
use gate::office::{Signed, Stepped};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{self, Invalid, invalid};
use crate::auth::signed_in;
use crate::refusals::{self, of_change};
use crate::words::{data, message, time};

type Id = Result<Path<String>, PathRejection>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Switch {
    tenant_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Change {
    role: String,
}

pub(crate) async fn places(signed: Signed) -> Response {
    match seats::places(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Place::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn switch(signed: Signed, Json(body): Json<Switch>) -> Response {
    match seats::switch(signed.passage.control(), &signed.permit, &body.tenant_id).await {
        Ok(logged_in) => signed_in(&signed.passage, &logged_in),
        Err(stop) => of_change(&signed.passage, stop, |refusal| refusals::seat(&signed.passage, refusal)),
    }
}

pub(crate) async fn list(signed: Signed) -> Response {
    match seats::list(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Member::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn change(stepped: Stepped, id: Id, Json(body): Json<Change>) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let role = role(&body.role)?;
    let changed = seats::change_role(passage.control(), &permit, &step_up, &ask::id(id), role).await;
    let view = changed.map_err(|stop| of_change(&passage, stop, |refusal| refusals::seat(&passage, refusal)))?;
    Ok(data(StatusCode::OK, &Member::of(&view)))
}

pub(crate) async fn remove(stepped: Stepped, id: Id) -> Response {
    let Stepped { permit, step_up, passage } = stepped;
    match seats::remove(passage.control(), &permit, &step_up, &ask::id(id)).await {
        Ok(()) => message(StatusCode::OK, "Member removed successfully"),
        Err(stop) => of_change(&passage, stop, |refusal| refusals::seat(&passage, refusal)),
    }
}

pub(crate) fn role(word: &str) -> Result<Role, Invalid> {
    Role::from_word(word).ok_or_else(|| {
        let words = Role::ALL.map(Role::word).join(", ");
        invalid(&format!("role: send one of {words}."))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    tenant_id: String,
    company_name: &'a str,
    role: &'static str,
    current: bool,
}

impl Place<'_> {
    fn of(view: &PlaceView) -> Place<'_> {
        let (tenant_id, role) = (view.tenant.to_string(), view.role.word());
        Place { tenant_id, company_name: &view.name, role, current: view.current }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member<'a> {
    user_id: String,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    role: &'static str,
    since: String,
}

impl Member<'_> {
    fn of(view: &SeatView) -> Member<'_> {
        Member {
            user_id: view.user.to_string(),
            email: &view.email,
            first_name: &view.first,
            last_name: &view.last,
            role: view.role.word(),
            since: time(view.since),
        }
    }
}
