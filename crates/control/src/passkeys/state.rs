//! Where passkeys are valid, what they may be called, and how their counters go, pure.

use base::Span;
use data_encoding::BASE64URL_NOPAD;

/// The site that passkeys are made for, as browsers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The host.
    pub id: String,
    /// Scheme, host and port.
    pub origin: String,
}

impl Site {
    /// The site at an origin as browsers write it. They make passkeys for names alone: at an IP address there are none.
    pub fn at(origin: &str) -> Site {
        let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
        let host = authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host);
        Site { id: host.to_owned(), origin: origin.to_owned() }
    }
}

pub(super) const PASSKEYS_MOST: usize = 10;
pub(super) const CHALLENGE_BYTES: usize = 32;
pub(super) const CHALLENGE_LIFE: Span = Span::seconds(5 * 60);
const NAME_CHARACTERS_MOST: usize = 100;
/// Of 1,023 bytes in base64url.
const ID_CHARACTERS_MOST: usize = 1_364;

pub(super) fn is_name(name: &str) -> bool {
    let shown = !name.trim().is_empty() && !name.chars().any(char::is_control);
    shown && name.chars().count() <= NAME_CHARACTERS_MOST
}

/// Whether this can be a passkey's id, so that it may be looked for.
pub(super) fn is_id(id: &str) -> bool {
    (1..=ID_CHARACTERS_MOST).contains(&id.len()) && BASE64URL_NOPAD.decode(id.as_bytes()).is_ok()
}

/// Whether an authenticator's count goes on from the last one: it grows, or there is none at all. One that does not may
/// be a copy.
pub(super) fn goes_on(last: u32, counter: u32) -> bool {
    counter > last || (counter == 0 && last == 0)
}
