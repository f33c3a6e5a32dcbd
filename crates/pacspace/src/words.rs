//! The two envelopes, the codes and the status that each of them has.

use axum::response::Response;
use base::{Environment, Span};
use control::Denied;
use gate::RequestId;
use gate::office::{Refusal, Words, json};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

pub(crate) use gate::office::time;

/// This contract's words for the gate's refusals.
#[derive(Clone, Copy, Debug)]
pub struct Pacspace;

/// What programs switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    ValidationError,
    TokenInvalid,
    InvalidCredentials,
    CodeInvalid,
    Unauthorized,
    Forbidden,
    StepUpRequired,
    KeyNotAccepted,
    CsrfRejected,
    EmailNotVerified,
    PlanRequired,
    ApprovalRequired,
    NotFound,
    EnvironmentNotActive,
    Conflict,
    IdempotencyConflict,
    RateLimited,
    InternalError,
    PlaneUnreachable,
    ServiceUnavailable,
}

impl Code {
    pub fn word(self) -> &'static str {
        match self {
            Code::ValidationError => "VALIDATION_ERROR",
            Code::TokenInvalid => "TOKEN_INVALID",
            Code::InvalidCredentials => "INVALID_CREDENTIALS",
            Code::CodeInvalid => "CODE_INVALID",
            Code::Unauthorized => "UNAUTHORIZED",
            Code::Forbidden => "FORBIDDEN",
            Code::StepUpRequired => "STEP_UP_REQUIRED",
            Code::KeyNotAccepted => "KEY_NOT_ACCEPTED",
            Code::CsrfRejected => "CSRF_REJECTED",
            Code::EmailNotVerified => "EMAIL_NOT_VERIFIED",
            Code::PlanRequired => "PLAN_REQUIRED",
            Code::ApprovalRequired => "APPROVAL_REQUIRED",
            Code::NotFound => "NOT_FOUND",
            Code::EnvironmentNotActive => "ENVIRONMENT_NOT_ACTIVE",
            Code::Conflict => "CONFLICT",
            Code::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Code::RateLimited => "RATE_LIMITED",
            Code::InternalError => "INTERNAL_ERROR",
            Code::PlaneUnreachable => "PLANE_UNREACHABLE",
            Code::ServiceUnavailable => "SERVICE_UNAVAILABLE",
        }
    }

    /// The HTTP status of a failure with this code. The gate's own refusals keep the standard's.
    pub fn status(self) -> StatusCode {
        match self {
            Code::ValidationError | Code::TokenInvalid => StatusCode::BAD_REQUEST,
            Code::InvalidCredentials | Code::CodeInvalid | Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden
            | Code::StepUpRequired
            | Code::KeyNotAccepted
            | Code::CsrfRejected
            | Code::EmailNotVerified
            | Code::PlanRequired
            | Code::ApprovalRequired => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::EnvironmentNotActive | Code::Conflict | Code::IdempotencyConflict => StatusCode::CONFLICT,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::PlaneUnreachable | Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Words for Pacspace {
    const NAME: &'static str = "pacspace";

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        failure(refusal.status(), code_of(refusal), &refusal.message(), refusal.retry_after_s())
    }
}

fn code_of(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::KeyNotAccepted => Code::KeyNotAccepted,
        Refusal::CrossSite => Code::CsrfRejected,
        Refusal::Denied(Denied::Unauthenticated | Denied::Expired | Denied::Revoked) => Code::Unauthorized,
        Refusal::Denied(Denied::RoleForbids) => Code::Forbidden,
        Refusal::Denied(Denied::StepUpRequired) => Code::StepUpRequired,
        Refusal::Denied(Denied::Unknown) => Code::NotFound,
        Refusal::Gate(refusal) => match refusal.status() {
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => Code::ServiceUnavailable,
            status if status.is_server_error() => Code::InternalError,
            StatusCode::UNAUTHORIZED => Code::Unauthorized,
            StatusCode::FORBIDDEN => Code::Forbidden,
            _ => Code::ValidationError,
        },
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<'a, T> {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    status_code: u16,
    error: &'a str,
    message: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

pub(crate) fn data<T: Serialize>(status: StatusCode, data: &T) -> Response {
    json(status, &Success { status_code: status.as_u16(), data: Some(data), message: None })
}

/// Data with a message beside it.
pub(crate) fn told<T: Serialize>(status: StatusCode, data: &T, message: &str) -> Response {
    json(status, &Success { status_code: status.as_u16(), data: Some(data), message: Some(message) })
}

/// A message without data.
pub(crate) fn message(status: StatusCode, message: &str) -> Response {
    json(status, &Success::<()> { status_code: status.as_u16(), data: None, message: Some(message) })
}

/// A failure under its code's own status.
pub(crate) fn fail(code: Code, message: &str) -> Response {
    failure(code.status(), code, message, None)
}

/// A failure that says when to try again.
pub(crate) fn fail_for(code: Code, message: &str, wait: Span) -> Response {
    failure(code.status(), code, message, Some(whole_seconds(wait)))
}

pub(crate) fn whole_seconds(wait: Span) -> u64 {
    u64::try_from(wait.0).unwrap_or(0).div_ceil(1_000_000).max(1)
}

fn failure(status: StatusCode, code: Code, message: &str, retry_after_seconds: Option<u64>) -> Response {
    let error = status.canonical_reason().unwrap_or_default();
    let body = Failure { status_code: status.as_u16(), error, message, code: code.word(), retry_after_seconds };
    let mut response = json(status, &body);
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `testnet` and `mainnet`: an environment among contracts.
pub(crate) fn network(environment: Environment) -> &'static str {
    match environment {
        Environment::Sandbox => "testnet",
        Environment::Live => "mainnet",
    }
}

/// `sandbox` and `production`: an environment among preferences.
pub(crate) fn preference(environment: Environment) -> &'static str {
    match environment {
        Environment::Sandbox => "sandbox",
        Environment::Live => "production",
    }
}
