//! The error body, the codes and the status that each of them has.

use axum::response::Response;
use control::Denied;
use gate::RequestId;
use gate::office::{Passage, Refusal, Words, json};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// This contract's words for the gate's refusals.
#[derive(Clone, Copy, Debug)]
pub struct Paychain;

/// What programs switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    ValidationError,
    Unauthorized,
    Forbidden,
    StepUpRequired,
    CsrfRejected,
    NotFound,
    EnvironmentNotActive,
    Conflict,
    IdempotencyKeyMismatch,
    IdempotencyRequestInProgress,
    RateLimitExceeded,
    InternalError,
    PlaneUnreachable,
    ServiceUnavailable,
}

impl Code {
    pub fn word(self) -> &'static str {
        match self {
            Code::ValidationError => "VALIDATION_ERROR",
            Code::Unauthorized => "UNAUTHORIZED",
            Code::Forbidden => "FORBIDDEN",
            Code::StepUpRequired => "STEP_UP_REQUIRED",
            Code::CsrfRejected => "CSRF_REJECTED",
            Code::NotFound => "NOT_FOUND",
            Code::EnvironmentNotActive => "ENVIRONMENT_NOT_ACTIVE",
            Code::Conflict => "CONFLICT",
            Code::IdempotencyKeyMismatch => "IDEMPOTENCY_KEY_MISMATCH",
            Code::IdempotencyRequestInProgress => "IDEMPOTENCY_REQUEST_IN_PROGRESS",
            Code::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Code::InternalError => "INTERNAL_ERROR",
            Code::PlaneUnreachable => "PLANE_UNREACHABLE",
            Code::ServiceUnavailable => "SERVICE_UNAVAILABLE",
        }
    }

    /// The HTTP status of a failure with this code. The gate's own refusals keep the standard's.
    pub fn status(self) -> StatusCode {
        match self {
            Code::ValidationError => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden | Code::StepUpRequired | Code::CsrfRejected => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::EnvironmentNotActive
            | Code::Conflict
            | Code::IdempotencyKeyMismatch
            | Code::IdempotencyRequestInProgress => StatusCode::CONFLICT,
            Code::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::PlaneUnreachable | Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Words for Paychain {
    const NAME: &'static str = "paychain";

    fn refuse(&self, refusal: &Refusal, request_id: &RequestId) -> Response {
        failure(refusal.status(), code_of(refusal), &refusal.message(), request_id)
    }
}

fn code_of(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Denied(Denied::StepUpRequired) => Code::StepUpRequired,
        Refusal::CrossSite => Code::CsrfRejected,
        refusal => match refusal.status() {
            StatusCode::UNAUTHORIZED => Code::Unauthorized,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Code::RateLimitExceeded,
            StatusCode::SERVICE_UNAVAILABLE => Code::ServiceUnavailable,
            status if status.is_server_error() => Code::InternalError,
            _ => Code::ValidationError,
        },
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: Why<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Why<'a> {
    code: &'static str,
    message: &'a str,
    /// The contract has it and says nothing of what stands in it.
    details: [(); 0],
    request_id: &'a str,
}

/// A failure under its code's own status.
pub(crate) fn fail(passage: &Passage, code: Code, message: &str) -> Response {
    failure(code.status(), code, message, passage.request_id())
}

/// A failure after which the same request may be sent again in a second.
pub(crate) fn fail_for_now(passage: &Passage, code: Code, message: &str) -> Response {
    let mut response = fail(passage, code, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn failure(status: StatusCode, code: Code, message: &str, request_id: &RequestId) -> Response {
    let why = Why { code: code.word(), message, details: [], request_id: request_id.as_str() };
    json(status, &Failure { error: why })
}
