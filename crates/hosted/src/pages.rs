//! The pages as bytes: escaped by the templates, without scripts, with headers that let nothing else in.

use std::sync::LazyLock;

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use base::mac;
use data_encoding::BASE64;
use gate::{RequestId, Surface};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use plane::Phone;
use plane::kyc::Opened;

/// The pages' words for the gate's refusals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages;

impl Surface for Pages {
    /// None is asked for.
    const KEY_HEADER: &'static str = "api-key";
    const NAME: &'static str = "hosted";
    const WEATHER: bool = false;

    fn refuse(&self, refusal: &gate::Refusal, _: &RequestId) -> Response {
        let status = refusal.status();
        notice(
            status,
            match status {
                StatusCode::NOT_FOUND => Notice::NotFound,
                StatusCode::METHOD_NOT_ALLOWED => Notice::MethodNotAllowed,
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => Notice::NoChoice,
                status if status.is_client_error() => Notice::NoChoice,
                _ => Notice::Trouble,
            },
        )
    }
}

/// A page that only says something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    Verified,
    Support,
    NotFound,
    NotFromThePage,
    NoChoice,
    MethodNotAllowed,
    Trouble,
}

impl Notice {
    /// Heading and what to do.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Notice::Verified => ("You are verified", "Nothing more is needed. You can close this page."),
            Notice::Support => (
                "Support verifies you",
                "Please contact the support of the company that sent you this link, and say that you were asked to \
                 verify your phone number. They will do it for you.",
            ),
            Notice::NotFound => {
                ("Page not found", "Please check that you opened the whole link, as it was sent to you.")
            }
            Notice::NotFromThePage => (
                "Please open the link again",
                "This form has been open for too long, or was not sent from its own page. Nothing was changed.",
            ),
            Notice::NoChoice => ("Please try again", "What was sent could not be understood. Nothing was changed."),
            Notice::MethodNotAllowed => ("Please open the link", "This address is a page to be looked at."),
            Notice::Trouble => ("Something went wrong", "Please try again in a moment."),
        }
    }
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChoosePage<'a> {
    css: &'static str,
    token: &'a str,
    phone: String,
    /// The digits that are not hidden, for who cannot see the dots.
    ending: &'a str,
    verified: bool,
    limit: String,
    seal: &'a str,
}

#[derive(Template)]
#[template(path = "result.html")]
struct ResultPage<'a> {
    css: &'static str,
    token: &'a str,
    phone: String,
    /// The digits that are not hidden, for who cannot see the dots.
    ending: &'a str,
    verified: bool,
    limit: String,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    css: &'static str,
    heading: &'static str,
    text: &'static str,
}

const CSS: &str = include_str!("../templates/page.css");

/// The one style sheet is allowed by its hash; scripts, images, frames and everything else are not.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64.encode(&mac::sha256(&[CSS.as_bytes()]));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

pub(crate) fn choose(token: &str, opened: &Opened, seal: &str) -> Response {
    let standing = opened.standing();
    let (phone, limit) = (masked(opened.phone()), dollars(standing.limit_dollars));
    let ending = ending(opened.phone());
    html(StatusCode::OK, &ChoosePage { css: CSS, token, phone, ending, verified: standing.verified, limit, seal })
}

pub(crate) fn result(token: &str, opened: &Opened) -> Response {
    let standing = opened.standing();
    let (phone, limit) = (masked(opened.phone()), dollars(standing.limit_dollars));
    let ending = ending(opened.phone());
    html(StatusCode::OK, &ResultPage { css: CSS, token, phone, ending, verified: standing.verified, limit })
}

pub(crate) fn notice(status: StatusCode, notice: Notice) -> Response {
    let (heading, text) = notice.words();
    html(status, &NoticePage { css: CSS, heading, text })
}

/// 303: go and get that.
pub(crate) fn see(location: &str) -> Response {
    let mut response = notice(StatusCode::SEE_OTHER, Notice::Verified);
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_TYPE);
    match HeaderValue::from_str(location) {
        Ok(location) => response.headers_mut().insert(LOCATION, location),
        Err(_) => return notice(StatusCode::INTERNAL_SERVER_ERROR, Notice::Trouble),
    };
    response
}

fn html(status: StatusCode, page: &impl Template) -> Response {
    // Writing to a String cannot fail, and the templates do nothing else.
    let mut response = Response::new(Body::from(page.render().unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with it a browser hides the origin of the page's own form. Other sites learn nothing by this.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// The first two digits and the last two: enough for its owner, too little for anybody else.
fn masked(phone: &Phone) -> String {
    let digits = phone.digits();
    format!("+{} {} {}", &digits[..2], "•".repeat(digits.len() - 4), ending(phone))
}

fn ending(phone: &Phone) -> &str {
    &phone.digits()[phone.digits().len() - 2..]
}

/// `$8,990`.
fn dollars(dollars: u32) -> String {
    let digits = dollars.to_string();
    let mut text = String::from("$");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_shows_four_of_its_digits() {
        assert_eq!(masked(&Phone::from_digits("201234567890").unwrap()), "+20 •••••••• 90");
        assert_eq!(masked(&Phone::from_digits("6421234567").unwrap()), "+64 •••••• 67");
    }

    #[test]
    fn dollars_are_grouped() {
        let shown: Vec<_> = [0, 600, 8_990, 1_000_000].map(dollars).into();
        assert_eq!(shown, ["$0", "$600", "$8,990", "$1,000,000"]);
    }
}
