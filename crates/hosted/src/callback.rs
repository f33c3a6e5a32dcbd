//! The provider's word, as it arrives: signature first, then the body, then the receiver that it is about.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base::Stop;
use base::signature::NotSigned;
use gate::{JsonText, RequestId, Surface, Visited, strict};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use plane::kyc::{self, SignedCallback, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Options;

/// The callback's words for the gate's refusals: the envelope of the CashQ surface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks;

impl Surface for Callbacks {
    /// None is asked for.
    const KEY_HEADER: &'static str = "api-key";
    const NAME: &'static str = "kyc_callback";
    const WEATHER: bool = false;

    fn refuse(&self, refusal: &gate::Refusal, _: &RequestId) -> Response {
        let status = refusal.status();
        let code = match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "service_unavailable",
            status if status.is_server_error() => "internal_server_error",
            _ => "invalid_request",
        };
        failure(status, code, &refusal.message("API-KEY"))
    }
}

/// What the provider found out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    /// The token that the receiver was sent with.
    reference: String,
    verified: bool,
    /// Most that the receiver may get in one transfer; the plane's own limit when it is left out.
    limit_dollars: Option<u32>,
}

const LIMIT_DOLLARS_MOST: u32 = 1_000_000;

pub(crate) async fn take(
    State(options): State<Options>,
    visited: Visited,
    headers: HeaderMap,
    JsonText(body): JsonText,
) -> Response {
    let Some(secret) = &options.callback_secret else {
        let message = "No verification provider is configured here.";
        return failure(StatusCode::NOT_FOUND, "invalid_request", message);
    };
    let mut signatures = headers.get_all("x-signature").iter();
    let signature = match (signatures.next(), signatures.next()) {
        (Some(signature), None) => signature.to_str().unwrap_or_default(),
        _ => "",
    };
    let callback = match SignedCallback::open(secret, signature, body.as_bytes(), visited.plane.now()) {
        Ok(callback) => callback,
        Err(why) => return unsigned(why),
    };
    believed(&visited, &callback, &body).await
}

async fn believed(visited: &Visited, callback: &SignedCallback, body: &str) -> Response {
    let word = match word(body) {
        Ok(word) => word,
        Err(why) => return failure(StatusCode::BAD_REQUEST, "invalid_request", &why),
    };
    let opened = match kyc::open_link(&visited.plane, &word.reference) {
        Ok(Some(opened)) => opened,
        Ok(None) => return unknown(),
        Err(fault) => return visited.read_faulted(&fault),
    };
    let dollars = word.limit_dollars;
    let verdict = if word.verified { Verdict::Verified { dollars } } else { Verdict::Unverified { dollars } };
    match kyc::decide_by_callback(&visited.plane, callback, &opened, verdict).await {
        Ok(()) => render(StatusCode::OK, &json!({"error": "", "success": true, "reference": word.reference})),
        Err(Stop::Refused(_)) => unknown(),
        Err(Stop::Faulted(fault)) => visited.change_faulted(&fault),
    }
}

fn word(body: &str) -> Result<Word, String> {
    let word: Word = strict::read(body)?;
    match word.limit_dollars {
        Some(dollars) if dollars > LIMIT_DOLLARS_MOST => {
            Err(format!("limit_dollars: give at most {LIMIT_DOLLARS_MOST}."))
        }
        _ => Ok(word),
    }
}

fn unknown() -> Response {
    let message = "reference: no receiver was sent to you with it.";
    failure(StatusCode::NOT_FOUND, "invalid_request", message)
}

fn unsigned(why: NotSigned) -> Response {
    tracing::warn!(why = %why, "a callback of the verification provider was not believed");
    failure(StatusCode::UNAUTHORIZED, "authentication_error", &format!("X-Signature: {why}."))
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    render(status, &json!({"error": {"message": message, "code": code}, "success": "false"}))
}

fn render(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
