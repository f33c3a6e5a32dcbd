//! What an organisation is told by mail, in each of its environments.

use axum::response::Response;
use base::Environment;
use control::Permit;
use control::notifications::{self, Change, Events, View};
use gate::Json;
use gate::office::Signed;
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};

use crate::ask::{self, Invalid, by_query};
use crate::refusals::{self, of_change};
use crate::words::{data, preference};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Choice {
    addresses: Option<Vec<String>>,
    #[serde(default)]
    events: Chosen,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
struct Chosen {
    key_created: Option<bool>,
    key_revoked: Option<bool>,
    environment_changed: Option<bool>,
    approval_decided: Option<bool>,
    plan_changed: Option<bool>,
}

pub(crate) async fn get(signed: Signed, uri: Uri) -> Result<Response, Response> {
    let environment = environment(&signed.permit, &uri)?;
    let placed = signed.permit.in_environment(environment);
    let placed = placed.map_err(|denied| refusals::denied(&signed.passage, denied))?;
    match notifications::get(signed.passage.control(), &placed) {
        Ok(view) => Ok(data(StatusCode::OK, &Shown::of(&view))),
        Err(fault) => Err(signed.passage.read_faulted(&fault)),
    }
}

pub(crate) async fn change(signed: Signed, uri: Uri, Json(body): Json<Choice>) -> Result<Response, Response> {
    let environment = environment(&signed.permit, &uri)?;
    let placed = signed.permit.in_environment(environment);
    let placed = placed.map_err(|denied| refusals::denied(&signed.passage, denied))?;
    let Chosen { key_created, key_revoked, environment_changed, approval_decided, plan_changed } = body.events;
    let change = Change { key_created, key_revoked, environment_changed, approval_decided, plan_changed };
    match notifications::set(signed.passage.control(), &placed, body.addresses, change).await {
        Ok(view) => Ok(data(StatusCode::OK, &Shown::of(&view))),
        Err(stop) => Err(of_change(&signed.passage, stop, refusals::notifications)),
    }
}

/// The environment that the query names, or else the one that the user prefers.
fn environment(permit: &Permit, uri: &Uri) -> Result<Environment, Invalid> {
    match ask::parameter(uri, "environment") {
        Some(word) => by_query(&word),
        None => Ok(permit.session().preferred()),
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    environment: &'static str,
    addresses: &'a [String],
    events: ShownEvents,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownEvents {
    key_created: bool,
    key_revoked: bool,
    environment_changed: bool,
    approval_decided: bool,
    plan_changed: bool,
}

impl Shown<'_> {
    fn of(view: &View) -> Shown<'_> {
        let Events { key_created, key_revoked, environment_changed, approval_decided, plan_changed } = view.events;
        let events = ShownEvents { key_created, key_revoked, environment_changed, approval_decided, plan_changed };
        Shown { environment: preference(view.environment), addresses: &view.addresses, events }
    }
}
