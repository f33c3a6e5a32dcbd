//! The page's form, as it comes back: sent by the page itself, sealed, small, with one of two choices.

use axum::extract::Request;
use gate::{Refusal, Visited};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http_body_util::{BodyExt, Limited};
use plane::kyc::{self, Opened};

/// What the tester chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Verify,
    Reject,
}

pub(crate) enum FormRefusal {
    Gate(Refusal),
    /// Another site sent it, or its seal is not this page's or too old.
    NotFromThePage,
    NoChoice,
}

const BODY_BYTES_MOST: usize = 4 * 1024;

pub(crate) async fn read(
    request: Request,
    visited: &Visited,
    opened: &Opened,
    public_url: Option<&str>,
) -> Result<Choice, FormRefusal> {
    if !same_site(request.headers(), public_url) {
        return Err(FormRefusal::NotFromThePage);
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(FormRefusal::Gate(Refusal::UnsupportedMediaType));
    }
    // How long it may take is bounded by the gate, for the whole answer.
    let body = match Limited::new(request.into_body(), BODY_BYTES_MOST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(FormRefusal::Gate(Refusal::BodyTooLarge { limit: BODY_BYTES_MOST }));
        }
        Err(_) => return Err(FormRefusal::Gate(Refusal::BodyTruncated)),
    };
    chosen(&body, |seal| kyc::sealed_form(&visited.plane, opened, seal))
}

fn chosen(body: &[u8], is_sealed: impl Fn(&str) -> bool) -> Result<Choice, FormRefusal> {
    let (mut action, mut seal) = (None, None);
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "action" if action.is_none() => action = Some(value),
            "seal" if seal.is_none() => seal = Some(value),
            _ => return Err(FormRefusal::NoChoice),
        }
    }
    if !seal.is_some_and(|seal| is_sealed(&seal)) {
        return Err(FormRefusal::NotFromThePage);
    }
    match action.as_deref() {
        Some("verify") => Ok(Choice::Verify),
        Some("reject") => Ok(Choice::Reject),
        _ => Err(FormRefusal::NoChoice),
    }
}

/// Browsers say where a form was sent from, in one header or in both; the seal covers those that say nothing.
fn same_site(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let fetched_from = headers.get("sec-fetch-site").map(|site| site.as_bytes() == b"same-origin");
    let origin =
        headers.get(ORIGIN).map(|origin| origin.to_str().is_ok_and(|origin| ours(origin, headers, public_url)));
    fetched_from.unwrap_or(true) && origin.unwrap_or(true)
}

fn ours(origin: &str, headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_host = authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
    is_host || public_url.is_some_and(|url| origin_of(url).eq_ignore_ascii_case(origin))
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_from_another_site_is_noticed() {
        let judged = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "pay.example:7001".parse().unwrap());
            pairs.iter().for_each(|(name, value)| {
                headers.insert(*name, value.parse().unwrap());
            });
            same_site(&headers, Some("https://sandbox.example/base"))
        };
        assert!(judged(&[]));
        assert!(judged(&[("origin", "http://pay.example:7001"), ("sec-fetch-site", "same-origin")]));
        assert!(judged(&[("origin", "https://sandbox.example")]), "the proxy's own name");
        for foreign in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
            ("origin", "null"),
            ("origin", "https://evil.example"),
            ("origin", "http://pay.example"),
            ("origin", "https://sandbox.example.evil.example"),
            ("origin", "pay.example:7001"),
        ] {
            assert!(!judged(&[foreign]), "{foreign:?}");
        }
        assert!(!judged(&[("origin", "http://pay.example:7001"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn a_form_has_a_seal_and_one_choice() {
        let judged = |body: &str| chosen(body.as_bytes(), |seal| seal == "good").ok();
        assert_eq!(judged("action=verify&seal=good"), Some(Choice::Verify));
        assert_eq!(judged("seal=good&action=reject"), Some(Choice::Reject));
        for body in ["", "action=verify", "action=verify&seal=bad", "seal=good", "action=ok&seal=good"] {
            assert_eq!(judged(body), None, "{body}");
        }
        assert_eq!(judged("action=verify&action=reject&seal=good"), None);
    }
}
