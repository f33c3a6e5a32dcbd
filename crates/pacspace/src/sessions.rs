//! Sessions: ending them, seeing them, and what tokens are signed with.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use control::sessions::{self, SessionView};
use control::{Carried, signers};
use data_encoding::BASE64URL_NOPAD;
use gate::office::{Signed, Visitor, json};
use http::StatusCode;
use serde::Serialize;

use crate::ask;
use crate::refusals::{self, of_change};
use crate::words::{data, message, time};

pub(crate) async fn log_out(signed: Signed) -> Response {
    match sessions::log_out(signed.passage.control(), &signed.permit).await {
        Ok(()) => {
            let mut response = message(StatusCode::OK, "Signed out successfully");
            if signed.permit.session().carried() == Carried::Cookie {
                signed.passage.take_back(&mut response);
            }
            response
        }
        Err(fault) => signed.passage.change_faulted(&fault),
    }
}

pub(crate) async fn list(signed: Signed) -> Response {
    match sessions::list(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Shown::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn revoke(signed: Signed, id: Result<Path<String>, PathRejection>) -> Response {
    match sessions::revoke(signed.passage.control(), &signed.permit, &ask::id(id)).await {
        Ok(()) => message(StatusCode::OK, "Session revoked successfully"),
        Err(stop) => of_change(&signed.passage, stop, |denied| refusals::denied(&signed.passage, denied)),
    }
}

pub(crate) async fn signers(visitor: Visitor) -> Response {
    match signers::list(visitor.passage.control()) {
        Ok(signers) => json(StatusCode::OK, &Signers { keys: signers.iter().map(Signer::of).collect() }),
        Err(fault) => visitor.passage.read_faulted(&fault),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: String,
    created_at: String,
    expires_at: String,
    ip: &'a str,
    agent: &'a str,
    current: bool,
}

impl Shown<'_> {
    fn of(view: &SessionView) -> Shown<'_> {
        Shown {
            id: view.id.to_string(),
            created_at: time(view.created_at),
            expires_at: time(view.expires_at),
            ip: &view.ip,
            agent: &view.agent,
            current: view.current,
        }
    }
}

#[derive(Serialize)]
struct Signers {
    keys: Vec<Signer>,
}

/// One public key as RFC 8037 writes it.
#[derive(Serialize)]
struct Signer {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
}

impl Signer {
    fn of((epoch, public): &(u64, [u8; 32])) -> Signer {
        let (kid, x) = (epoch.to_string(), BASE64URL_NOPAD.encode(public));
        Signer { kty: "OKP", crv: "Ed25519", purpose: "sig", alg: "EdDSA", kid, x }
    }
}
