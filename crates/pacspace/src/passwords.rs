//! Passwords that were forgotten or are to be another.

use axum::response::Response;
use base::Secret;
use control::users;
use gate::Json;
use gate::office::{Signed, Visitor};
use http::StatusCode;
use serde::Deserialize;

use crate::ask::secret;
use crate::auth::{Address, signed_in};
use crate::refusals::{self, of_change};
use crate::words::message;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Reset {
    token: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Change {
    #[serde(deserialize_with = "secret")]
    current_password: Secret<String>,
    #[serde(deserialize_with = "secret")]
    new_password: Secret<String>,
}

pub(crate) async fn forgot(visitor: Visitor, Json(body): Json<Address>) -> Response {
    match users::forgot(visitor.passage.control(), &visitor.from, &body.email).await {
        Ok(()) => message(StatusCode::ACCEPTED, "If this address has an account, a mail is on its way."),
        Err(stop) => of_change(&visitor.passage, stop, refusals::user),
    }
}

/// Where the mailed link leads. It changes nothing: programs that look at links before people do spoil nothing.
pub(crate) async fn how_to_reset(_: Visitor) -> Response {
    message(
        StatusCode::OK,
        "Send this link's token and a new password: POST /dashboard/auth/password/reset {token, password}.",
    )
}

pub(crate) async fn reset(visitor: Visitor, Json(body): Json<Reset>) -> Response {
    match users::reset(visitor.passage.control(), &visitor.from, &body.token, body.password).await {
        Ok(()) => message(StatusCode::OK, "Password changed successfully. All sessions have ended: sign in again."),
        Err(stop) => of_change(&visitor.passage, stop, refusals::user),
    }
}

pub(crate) async fn change(signed: Signed, Json(body): Json<Change>) -> Response {
    let Change { current_password: current, new_password: new } = body;
    match users::change_password(signed.passage.control(), &signed.permit, current, new).await {
        Ok(logged_in) => signed_in(&signed.passage, &logged_in),
        Err(stop) => of_change(&signed.passage, stop, refusals::user),
    }
}
