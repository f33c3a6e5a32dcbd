//! What a request shows of whose session it is: one bearer token or one cookie. Whether that is anybody's is for control.

use base::Secret;
use control::{Carried, Denied, Presented, proof};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::Refusal;
use super::called::Coming;
use super::cookie::{self, Origin};

/// Headers in which keys come to a plane.
const KEY_HEADERS: [HeaderName; 2] = [HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];
const KEY_PREFIX: &str = "pk_";

/// The one bearer token of a request, or its one cookie. Whoever shows two shows none.
pub(super) fn presented<'a>(origin: &Origin, headers: &'a HeaderMap) -> Result<Presented<'a>, Refusal> {
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().collect();
    let token = match values[..] {
        [value] => value.to_str().ok().and_then(bearer),
        _ => None,
    };
    let is_key = token.is_some_and(|token| token.starts_with(KEY_PREFIX));
    if is_key || KEY_HEADERS.iter().any(|name| headers.contains_key(name)) {
        return Err(Refusal::KeyNotAccepted);
    }
    match (token, values.is_empty(), origin.cookies(headers).as_slice()) {
        (Some(token), _, []) => Ok(Presented::Bearer(token)),
        (None, true, [cookie]) => Ok(Presented::Cookie(cookie)),
        _ => Err(Refusal::Denied(Denied::Unauthenticated)),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// What is known of somebody who is not asked for a session.
pub(super) fn coming(origin: &Origin, from: proof::From, headers: &HeaderMap) -> Coming {
    let carried = match (cookie::is_marked(headers), origin.vouches(headers)) {
        (false, _) => Ok(Carried::Bearer),
        (true, true) => Ok(Carried::Cookie),
        (true, false) => Err(Refusal::CrossSite),
    };
    let cookies = origin.cookies(headers).into_iter().map(|cookie| Secret::new(cookie.to_owned())).collect();
    Coming { from, carried, cookies }
}
