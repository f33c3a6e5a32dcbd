//! The envelope and the codes: those of the CashQ surface, so that a client has one way of reading answers.

use axum::body::Body;
use axum::response::Response;
use base::{Fault, Stop};
use gate::{Called, Refusal, RequestId, Surface};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use plane::sandbox;
use serde_json::{Value, json};

pub(crate) const KEY_HEADER: &str = "api-key";

/// This surface's words for the gate's refusals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controls;

impl Surface for Controls {
    const KEY_HEADER: &'static str = KEY_HEADER;
    const NAME: &'static str = "sandbox";
    /// A tenant must always be able to turn its weather off.
    const WEATHER: bool = false;

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        let status = refusal.status();
        let code = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "authentication_error",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "service_unavailable",
            status if status.is_server_error() => "internal_server_error",
            _ => "invalid_request",
        };
        failure(status, code, &refusal.message("API-KEY"))
    }
}

/// Why a control had no effect, or why that is not known.
pub(crate) enum Failure {
    /// The ask makes no sense, whatever the state of things; a sentence.
    Invalid(String),
    NotAPhone,
    Refused(sandbox::Refusal),
    Read(Fault),
    Change(Fault),
}

impl Failure {
    pub(crate) fn invalid(sentence: impl Into<String>) -> Failure {
        Failure::Invalid(sentence.into())
    }

    pub(crate) fn change(stop: Stop<sandbox::Refusal>) -> Failure {
        match stop {
            Stop::Refused(refusal) => Failure::Refused(refusal),
            Stop::Faulted(fault) => Failure::Change(fault),
        }
    }

    pub(crate) fn read(stop: Stop<sandbox::Refusal>) -> Failure {
        match stop {
            Stop::Refused(refusal) => Failure::Refused(refusal),
            Stop::Faulted(fault) => Failure::Read(fault),
        }
    }

    pub(crate) fn answer(&self, called: &Called) -> Response {
        match self {
            Failure::Invalid(sentence) => failure(StatusCode::BAD_REQUEST, "invalid_request", sentence),
            Failure::NotAPhone => {
                let sentence = "Give a phone number that exists, in digits with its country code.";
                failure(StatusCode::BAD_REQUEST, "invalid_phone_number", sentence)
            }
            Failure::Refused(refusal) => {
                let (status, code) = judged(refusal);
                failure(status, code, &sentence(&refusal.to_string()))
            }
            Failure::Read(fault) => called.read_faulted(fault),
            Failure::Change(fault) => called.change_faulted(fault),
        }
    }
}

/// 400 for what is never right, 409 for what is not right now.
fn judged(refusal: &sandbox::Refusal) -> (StatusCode, &'static str) {
    use sandbox::Refusal as R;
    match refusal {
        R::AmountUnusable
        | R::OverdraftUnusable
        | R::LimitTooLarge
        | R::Weather(_)
        | R::ClockBackward
        | R::ClockLeap => (StatusCode::BAD_REQUEST, "invalid_request"),
        R::TransferUnknown => (StatusCode::NOT_FOUND, "transfer_not_found"),
        R::MoreThanAvailable { .. } => (StatusCode::CONFLICT, "insufficient_funds"),
        R::TooMuchMoney | R::OverdraftInUse { .. } | R::NotFromHere { .. } | R::ClockEnd => {
            (StatusCode::CONFLICT, "invalid_request")
        }
        // Sent again, it meets the new data.
        R::Reset | R::Worn => (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable"),
    }
}

/// A refusal starts with the field's name, in lower case, where there is one.
fn sentence(words: &str) -> String {
    format!("{words}.")
}

/// `payload` is an object.
pub(crate) fn success(mut payload: Value) -> Response {
    payload["error"] = json!("");
    payload["success"] = json!(true);
    render(StatusCode::OK, &payload)
}

fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = render(status, &json!({"error": {"message": message, "code": code}, "success": "false"}));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn render(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
