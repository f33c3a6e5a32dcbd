//! The error body, the eight codes and the status that each of them has.

use std::fmt::Write;

use axum::body::Body;
use axum::response::Response;
use base::Deed;
use gate::{Refusal, RequestId, Surface};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

/// This contract's words for the gate's refusals.
#[derive(Clone, Copy, Debug)]
pub struct Cashq;

/// What programs switch on (facts: cashq 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    AuthenticationError,
    InvalidRequest,
    InvalidPhoneNumber,
    TransferNotFound,
    InsufficientFunds,
    KycNotVerified,
    InternalServerError,
    ServiceUnavailable,
}

impl Code {
    pub const ALL: [Code; 8] = [
        Code::AuthenticationError,
        Code::InvalidRequest,
        Code::InvalidPhoneNumber,
        Code::TransferNotFound,
        Code::InsufficientFunds,
        Code::KycNotVerified,
        Code::InternalServerError,
        Code::ServiceUnavailable,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Code::AuthenticationError => "authentication_error",
            Code::InvalidRequest => "invalid_request",
            Code::InvalidPhoneNumber => "invalid_phone_number",
            Code::TransferNotFound => "transfer_not_found",
            Code::InsufficientFunds => "insufficient_funds",
            Code::KycNotVerified => "kyc_not_verified",
            Code::InternalServerError => "internal_server_error",
            Code::ServiceUnavailable => "service_unavailable",
        }
    }

    pub fn from_word(word: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.word() == word)
    }

    /// To have met this failure is a deed.
    fn met(self) -> Deed {
        match self {
            Code::AuthenticationError => Deed::MetAuthenticationError,
            Code::InvalidRequest => Deed::MetInvalidRequest,
            Code::InvalidPhoneNumber => Deed::MetInvalidPhoneNumber,
            Code::TransferNotFound => Deed::MetTransferNotFound,
            Code::InsufficientFunds => Deed::MetInsufficientFunds,
            Code::KycNotVerified => Deed::MetKycNotVerified,
            Code::InternalServerError => Deed::MetInternalServerError,
            Code::ServiceUnavailable => Deed::MetServiceUnavailable,
        }
    }

    /// The HTTP status of a failure with this code (contracts section 4). Two of them are 200: the contract warns that
    /// a 200 can carry a failure.
    pub fn status(self) -> StatusCode {
        match self {
            Code::AuthenticationError => StatusCode::UNAUTHORIZED,
            Code::InvalidRequest | Code::InvalidPhoneNumber => StatusCode::BAD_REQUEST,
            Code::TransferNotFound => StatusCode::NOT_FOUND,
            Code::InsufficientFunds | Code::KycNotVerified => StatusCode::OK,
            Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Surface for Cashq {
    const KEY_HEADER: &'static str = "api-key";
    const NAME: &'static str = "cashq";

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        let (status, code) = judged(refusal);
        failure(status, code, &refusal.message("API-KEY"))
    }
}

/// The gate's own refusals keep the standard's status, but for keys: whatever is wrong with one is 401 here.
fn judged(refusal: &Refusal) -> (StatusCode, Code) {
    match refusal {
        Refusal::KeyMissing
        | Refusal::KeyTwice
        | Refusal::Denied(_)
        | Refusal::KindForbidden { .. }
        | Refusal::OriginWithKey => (StatusCode::UNAUTHORIZED, Code::AuthenticationError),
        Refusal::NotFound
        | Refusal::MethodNotAllowed
        | Refusal::UnsupportedMediaType
        | Refusal::BodyTooLarge { .. }
        | Refusal::BodyTruncated
        | Refusal::BodyInvalid { .. }
        | Refusal::TimedOut => (refusal.status(), Code::InvalidRequest),
        Refusal::RateLimited { .. } | Refusal::TooManyDenied { .. } | Refusal::Busy { .. } => {
            (refusal.status(), Code::ServiceUnavailable)
        }
        Refusal::Unanswered | Refusal::Faulted => (refusal.status(), Code::InternalServerError),
        Refusal::Injected { code } => {
            let code = Code::from_word(code).unwrap_or(Code::InternalServerError);
            (code.status(), code)
        }
    }
}

/// A failure under its code's own status.
pub(crate) fn fail(code: Code, message: &str) -> Response {
    failure(code.status(), code, message)
}

fn failure(status: StatusCode, code: Code, message: &str) -> Response {
    let mut body = String::with_capacity(96 + message.len());
    body.push('{');
    push_failure(&mut body, code, message);
    body.push('}');
    let mut response = met(json(status, body.into()), code);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A failure tells the gate which one it is.
pub(crate) fn met(mut response: Response, code: Code) -> Response {
    response.extensions_mut().insert(code.met());
    response
}

/// The two fields that every failure has.
pub(crate) fn push_failure(body: &mut String, code: Code, message: &str) {
    body.push_str(r#""error":{"message":"#);
    push_string(body, message);
    body.push_str(r#","code":""#);
    body.push_str(code.word());
    body.push_str(r#""},"success":"false""#);
}

/// A JSON string, quotes included.
pub(crate) fn push_string(body: &mut String, text: &str) {
    body.push('"');
    for letter in text.chars() {
        match letter {
            '"' => body.push_str("\\\""),
            '\\' => body.push_str("\\\\"),
            letter if letter < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(body, "\\u{:04x}", u32::from(letter));
            }
            letter => body.push(letter),
        }
    }
    body.push('"');
}

pub(crate) fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::push_string;

    #[test]
    fn strings_survive() {
        let text: String = (0..0x800u32).chain([0x2028, 0xFF11, 0x1F4B8]).filter_map(char::from_u32).collect();
        let mut body = String::new();
        push_string(&mut body, &text);
        assert_eq!(serde_json::from_str::<String>(&body).unwrap(), text);
    }
}
