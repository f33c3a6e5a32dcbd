//! Everything that the office's gate refuses, and the trait by which a surface says so in its own words.

use std::borrow::Cow;

use axum::response::Response;
use control::Denied;
use http::StatusCode;

use crate::RequestId;

/// How one of the office's contracts speaks. Render without waiting.
pub trait Words: Clone + Send + Sync + 'static {
    /// What the surface is called in metrics and logs.
    const NAME: &'static str;

    /// The answer to a refusal. The gate adds `x-request-id` and, where there is a wait, `Retry-After`.
    fn refuse(&self, refusal: &Refusal, request_id: &RequestId) -> Response;
}

/// Why a request was not let through. Nothing was changed, except that after [`crate::Refusal::Unanswered`] the outcome is
/// unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What the gate of a plane refuses as well.
    Gate(crate::Refusal),
    Denied(Denied),
    /// A key came where a person signs in.
    KeyNotAccepted,
    /// A change by a cookie, without what shows that a page of the dashboard asks for it.
    CrossSite,
}

impl From<crate::Refusal> for Refusal {
    fn from(refusal: crate::Refusal) -> Refusal {
        Refusal::Gate(refusal)
    }
}

impl Refusal {
    /// The standard's own status.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::Gate(refusal) => refusal.status(),
            Refusal::Denied(Denied::Unauthenticated | Denied::Expired | Denied::Revoked) => StatusCode::UNAUTHORIZED,
            Refusal::Denied(Denied::RoleForbids | Denied::StepUpRequired)
            | Refusal::KeyNotAccepted
            | Refusal::CrossSite => StatusCode::FORBIDDEN,
            Refusal::Denied(Denied::Unknown) => StatusCode::NOT_FOUND,
        }
    }

    /// Seconds after which the same request may be sent again, where there is such a time.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Refusal::Gate(refusal) => refusal.retry_after_s(),
            Refusal::Denied(_) | Refusal::KeyNotAccepted | Refusal::CrossSite => None,
        }
    }

    /// What happened and what to do, in English.
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Refusal::Gate(crate::Refusal::RateLimited { retry_after_s }) => {
                format!("Too many requests from your network: wait {retry_after_s} s.").into()
            }
            Refusal::Gate(crate::Refusal::Unanswered) => {
                "The outcome is unknown: look at what is there before you send the request again.".into()
            }
            Refusal::Gate(refusal) => refusal.message("Authorization"),
            Refusal::Denied(denied) => denial(*denied).into(),
            Refusal::KeyNotAccepted => {
                "Keys are for your servers and for the API of their environment: sign in and send the session's token."
                    .into()
            }
            Refusal::CrossSite => {
                "With a cookie, send X-Pacspace-CSRF: 1 from the dashboard's own pages: no other site may ask for this."
                    .into()
            }
        }
    }
}

fn denial(denied: Denied) -> &'static str {
    match denied {
        Denied::Unauthenticated => "Sign in, and send the token as Authorization: Bearer.",
        Denied::Expired => "The session has ended: sign in again.",
        Denied::Revoked => "The session was revoked: sign in again.",
        Denied::RoleForbids => "Your role does not allow this: ask an owner or an admin of your organisation.",
        Denied::StepUpRequired => {
            "Prove that it is you first, with POST /dashboard/auth/step-up; it holds for ten minutes."
        }
        Denied::Unknown => "Nothing is known by this id.",
    }
}
