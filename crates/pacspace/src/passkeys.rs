//! Passkeys, in the JSON that browsers read and write: `parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`
//! and `toJSON` of `PublicKeyCredential`. Bytes are base64url without padding.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use control::passkeys::{self, ALGORITHMS, Asked, Assertion, Creation, PasskeyView, Registration, Site};
use data_encoding::BASE64URL_NOPAD;
use gate::Json;
use gate::office::{Signed, Stepped, Visitor};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{self, bytes};
use crate::factors::shown;
use crate::refusals::{self, of_change};
use crate::words::{data, message, time};

/// What a browser makes of an answer to [`Request`]. It may add members, which nobody reads.
#[derive(Deserialize)]
#[serde(expecting = "a credential as the browser's toJSON() writes it")]
pub(crate) struct Credential {
    id: String,
    response: Answer,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Answer {
    #[serde(rename = "clientDataJSON", deserialize_with = "bytes")]
    client_data: Vec<u8>,
    #[serde(rename = "authenticatorData", deserialize_with = "bytes")]
    authenticator_data: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    signature: Vec<u8>,
}

impl Credential {
    pub(crate) fn answer(self, site: Site) -> Assertion {
        let Credential { id, response: Answer { client_data, authenticator_data, signature } } = self;
        Assertion { site, id, client_data, authenticator_data, signature }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Adding {
    name: String,
    credential: Created,
}

/// What a browser makes of an answer to [`Options`]. Without an attestation its authenticator's data is all that
/// counts.
#[derive(Deserialize)]
#[serde(expecting = "a credential as the browser's toJSON() writes it")]
struct Created {
    response: Attested,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Attested {
    #[serde(rename = "clientDataJSON", deserialize_with = "bytes")]
    client_data: Vec<u8>,
    #[serde(rename = "authenticatorData", deserialize_with = "bytes")]
    authenticator_data: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct HalfWay {
    mfa_ticket: String,
}

pub(crate) async fn options(stepped: Stepped) -> Response {
    let site = Site::at(stepped.passage.origin().as_str());
    match passkeys::options(stepped.passage.control(), &stepped.permit, &stepped.step_up).await {
        Ok(creation) => data(StatusCode::OK, &Options::of(&site, &creation)),
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn add(stepped: Stepped, Json(body): Json<Adding>) -> Response {
    let Adding { name, credential: Created { response: Attested { client_data, authenticator_data } } } = body;
    let (site, made) = (Site::at(stepped.passage.origin().as_str()), Registration { client_data, authenticator_data });
    let control = stepped.passage.control();
    match passkeys::add(control, &stepped.permit, &stepped.step_up, &site, &name, made).await {
        Ok((view, codes)) => {
            data(StatusCode::CREATED, &Added { passkey: Shown::of(&view), recovery_codes: codes.as_ref().map(shown) })
        }
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn list(signed: Signed) -> Response {
    match passkeys::list(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Shown::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn remove(stepped: Stepped, id: Result<Path<String>, PathRejection>) -> Response {
    let control = stepped.passage.control();
    match passkeys::remove(control, &stepped.permit, &stepped.step_up, &ask::id(id)).await {
        Ok(()) => message(StatusCode::OK, "Passkey removed. Your other sessions have ended."),
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn for_second_step(visitor: Visitor, Json(body): Json<HalfWay>) -> Response {
    let site = Site::at(visitor.passage.origin().as_str());
    match passkeys::ask_for_second_step(visitor.passage.control(), &body.mfa_ticket).await {
        Ok(asked) => data(StatusCode::OK, &Request::of(&site, &asked)),
        Err(stop) => of_change(&visitor.passage, stop, |refusal| refusals::factor(&visitor.passage, refusal)),
    }
}

pub(crate) async fn for_step_up(signed: Signed) -> Response {
    let site = Site::at(signed.passage.origin().as_str());
    match passkeys::ask_to_prove(signed.passage.control(), &signed.permit).await {
        Ok(asked) => data(StatusCode::OK, &Request::of(&site, &asked)),
        Err(stop) => of_change(&signed.passage, stop, |refusal| refusals::factor(&signed.passage, refusal)),
    }
}

const NAME: &str = "Counterfoil";
const TYPE: &str = "public-key";
const REQUIRED: &str = "required";
/// As long as the challenge waits, in milliseconds.
const TIMEOUT: u32 = 300_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Options<'a> {
    rp: RelyingParty<'a>,
    user: Handle<'a>,
    challenge: &'a str,
    pub_key_cred_params: [Parameter; 2],
    timeout: u32,
    exclude_credentials: Vec<Descriptor<'a>>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

#[derive(Serialize)]
struct RelyingParty<'a> {
    id: &'a str,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Handle<'a> {
    id: String,
    name: &'a str,
    display_name: &'a str,
}

#[derive(Serialize)]
struct Parameter {
    r#type: &'static str,
    alg: i32,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    r#type: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

impl Options<'_> {
    fn of<'a>(site: &'a Site, creation: &'a Creation) -> Options<'a> {
        let id = BASE64URL_NOPAD.encode(creation.user.to_string().as_bytes());
        Options {
            rp: RelyingParty { id: &site.id, name: NAME },
            user: Handle { id, name: &creation.email, display_name: &creation.name },
            challenge: &creation.challenge,
            pub_key_cred_params: ALGORITHMS.map(|alg| Parameter { r#type: TYPE, alg }),
            timeout: TIMEOUT,
            exclude_credentials: descriptors(&creation.known),
            // It is asked for by its id, after the password: it need not be found without one.
            authenticator_selection: Selection {
                resident_key: "discouraged",
                require_resident_key: false,
                user_verification: REQUIRED,
            },
            attestation: "none",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    challenge: &'a str,
    timeout: u32,
    rp_id: &'a str,
    allow_credentials: Vec<Descriptor<'a>>,
    user_verification: &'static str,
}

impl Request<'_> {
    fn of<'a>(site: &'a Site, asked: &'a Asked) -> Request<'a> {
        Request {
            challenge: &asked.challenge,
            timeout: TIMEOUT,
            rp_id: &site.id,
            allow_credentials: descriptors(&asked.allowed),
            user_verification: REQUIRED,
        }
    }
}

fn descriptors(ids: &[String]) -> Vec<Descriptor<'_>> {
    ids.iter().map(|id| Descriptor { r#type: TYPE, id }).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    created_at: String,
    last_used_at: Option<String>,
}

impl Shown<'_> {
    fn of(view: &PasskeyView) -> Shown<'_> {
        let (created_at, last_used_at) = (time(view.created_at), view.last_used_at.map(time));
        Shown { id: &view.id, name: &view.name, created_at, last_used_at }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Added<'a> {
    #[serde(flatten)]
    passkey: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<&'a str>>,
}
