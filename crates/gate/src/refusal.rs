//! Everything that the gate refuses, and the trait by which a surface says so in its own words.

use std::borrow::Cow;

use axum::response::Response;
use http::StatusCode;
use plane::Denied;

use crate::RequestId;

/// How one contract speaks. Each method is called on hot paths: render without waiting.
pub trait Surface: Clone + Send + Sync + 'static {
    /// The request header that carries the key, lower case.
    const KEY_HEADER: &'static str;
    /// What the surface is called in metrics and logs.
    const NAME: &'static str;
    /// Whether a sandbox tenant's wished-for latency and errors apply. Not where they are wished for.
    const WEATHER: bool = true;

    /// The answer to a refusal. The gate adds `x-request-id` and, where there is a wait, `Retry-After`.
    fn refuse(&self, refusal: &Refusal, request_id: &RequestId) -> Response;
}

/// Why the gate, or an extractor of it, did not let a request through. Nothing was changed, except that after
/// [`Refusal::Unanswered`] the outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The surface's key header is missing or empty.
    KeyMissing,
    /// The key header is there more than once.
    KeyTwice,
    Denied(Denied),
    /// The key is good, but of a kind that may not do this. `needs`: `an agent key`.
    KindForbidden {
        needs: &'static str,
    },
    /// A browser's `Origin` came together with a key: the key has leaked into a page.
    OriginWithKey,
    NotFound,
    /// The `Allow` header is added by the router.
    MethodNotAllowed,
    UnsupportedMediaType,
    BodyTooLarge {
        limit: usize,
    },
    /// The connection ended, or broke HTTP, within the body.
    BodyTruncated,
    /// The body is not what the route takes; `why` names the field where there is one.
    BodyInvalid {
        why: String,
    },
    /// The body did not arrive in time.
    TimedOut,
    /// The key's bucket is empty.
    RateLimited {
        retry_after_s: u64,
    },
    /// Too many refused keys from this address.
    TooManyDenied {
        retry_after_s: u64,
    },
    /// Not run; the same request may be sent again.
    Busy {
        retry_after_s: u64,
    },
    /// The handler took too long, or lost its answer: it may or may not have had its effect.
    Unanswered,
    /// Something broke before anything was changed.
    Faulted,
    /// A sandbox tenant wished for this error: a code of the surface's contract.
    Injected {
        code: String,
    },
}

impl Refusal {
    /// The standard's own status. A surface may answer another one where its contract says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::KeyMissing | Refusal::KeyTwice => StatusCode::UNAUTHORIZED,
            Refusal::Denied(_) => StatusCode::UNAUTHORIZED,
            Refusal::KindForbidden { .. } | Refusal::OriginWithKey => StatusCode::FORBIDDEN,
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyTruncated | Refusal::BodyInvalid { .. } => StatusCode::BAD_REQUEST,
            Refusal::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Refusal::RateLimited { .. } | Refusal::TooManyDenied { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Unanswered | Refusal::Faulted | Refusal::Injected { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which the same request may be sent again, where there is such a time.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Refusal::RateLimited { retry_after_s }
            | Refusal::TooManyDenied { retry_after_s }
            | Refusal::Busy { retry_after_s } => Some(*retry_after_s),
            _ => None,
        }
    }

    /// What happened and what to do, in English. `key_header` as the surface's documents write it.
    pub fn message(&self, key_header: &str) -> Cow<'static, str> {
        match self {
            Refusal::KeyMissing => format!("Send your key in the {key_header} header.").into(),
            Refusal::KeyTwice => format!("Send exactly one {key_header} header.").into(),
            Refusal::Denied(denied) => denial(*denied).into(),
            Refusal::KindForbidden { needs } => format!("This key may not do that: use {needs}.").into(),
            Refusal::OriginWithKey => "Keys must not be used from a browser: call from your server, without an Origin \
                                       header, and replace this key."
                .into(),
            Refusal::NotFound => "There is nothing at this path.".into(),
            Refusal::MethodNotAllowed => "This path does not take this method; see the Allow header.".into(),
            Refusal::UnsupportedMediaType => "Send the body as JSON, with Content-Type: application/json.".into(),
            Refusal::BodyTooLarge { limit } => format!("The body is too large: send at most {limit} bytes.").into(),
            Refusal::BodyTruncated => "The body ended early: send it whole.".into(),
            Refusal::BodyInvalid { why } => why.clone().into(),
            Refusal::TimedOut => "The body took too long to arrive: send the request again.".into(),
            Refusal::RateLimited { retry_after_s } => {
                format!("Too many requests with this key: wait {retry_after_s} s.").into()
            }
            Refusal::TooManyDenied { retry_after_s } => {
                format!("Too many refused keys from this address: wait {retry_after_s} s.").into()
            }
            Refusal::Busy { .. } => {
                "The request was not run, because the service is busy or closing: send it again.".into()
            }
            Refusal::Unanswered => "The outcome is unknown. Ask for its status, or send the same request with the \
                                    same id again: it will not happen twice."
                .into(),
            Refusal::Faulted => "Something went wrong on our side. Nothing was changed.".into(),
            Refusal::Injected { .. } => "This error was asked for through the sandbox controls.".into(),
        }
    }
}

fn denial(denied: Denied) -> &'static str {
    match denied {
        Denied::Unknown => "The key is not valid.",
        Denied::OtherEnvironment => "The key belongs to the other environment: use this environment's own key.",
        Denied::Revoked => "The key is revoked: use another one.",
        Denied::Disabled => "The key is disabled: enable it or use another one.",
        Denied::Expired => "The key has expired: use another one.",
        Denied::Address => "The key may not be used from this address: see its list of addresses.",
        Denied::Suspended => "The account is suspended: ask whoever runs this service.",
    }
}
