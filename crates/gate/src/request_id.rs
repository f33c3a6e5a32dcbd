//! The name of one request, in every answer and every log line.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use base::Chance;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's own `x-request-id` where it is 1 to 64 of `A-Z a-z 0-9 . _ -`, else `req_` and 20 letters and digits.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId {
    value: HeaderValue,
    own: bool,
}

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.value.to_str().unwrap_or_default()
    }

    pub(crate) fn of(headers: &HeaderMap, ids: &Ids) -> RequestId {
        match headers.get(X_REQUEST_ID) {
            Some(value) if sane(value.as_bytes()) => RequestId { value: value.clone(), own: true },
            _ => ids.draw(),
        }
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.value.clone()
    }

    /// Whether the caller chose it.
    pub(crate) fn is_own(&self) -> bool {
        self.own
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn sane(text: &[u8]) -> bool {
    (1..=64).contains(&text.len()) && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// Unique ids without asking the operating system for each: a counter, mixed with a drawn seed. They are names, not
/// secrets.
pub(crate) struct Ids {
    seed: u64,
    next: AtomicU64,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX: &[u8; 4] = b"req_";

impl Ids {
    pub(crate) fn seeded(chance: &dyn Chance) -> Ids {
        let mut bytes = [0u8; 16];
        chance.fill(&mut bytes);
        let (seed, next) = bytes.split_at(8);
        let number = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
        Ids { seed: number(seed), next: AtomicU64::new(number(next)) }
    }

    fn draw(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [0u8; 24];
        text[..4].copy_from_slice(PREFIX);
        for (half, place) in [(mixed(count), 4), (mixed(count ^ self.seed), 14)] {
            let mut left = half;
            for byte in &mut text[place..place + 10] {
                *byte = ALPHABET[(left % 32) as usize];
                left /= 32;
            }
        }
        let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text));
        RequestId { value: value.unwrap_or_else(|_| HeaderValue::from_static("req_")), own: false }
    }
}

/// SplitMix64's finish: one to one, so different counts stay different.
fn mixed(count: u64) -> u64 {
    let mut mixed = count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use base::SeededChance;
    use http::{HeaderMap, HeaderValue};

    use super::{Ids, RequestId, X_REQUEST_ID};

    #[test]
    fn ids_are_kept_when_sane_and_drawn_otherwise() {
        let ids = Ids::seeded(&SeededChance::new(1));
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
            RequestId::of(&headers, &ids).as_str().to_owned()
        };
        for kept in ["a", "Order-7_b.c", &"x".repeat(64)] {
            assert_eq!(of(kept), kept);
        }
        for refused in ["", "two words", "a/b", "naïve", &"x".repeat(65)] {
            let drawn = of(refused);
            assert!(drawn.starts_with("req_") && drawn.len() == 24, "{refused:?} became {drawn}");
            assert!(drawn[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{drawn}");
        }
    }

    #[test]
    fn drawn_ids_differ() {
        let ids = Ids::seeded(&SeededChance::new(2));
        let drawn: HashSet<String> = (0..10_000).map(|_| ids.draw().as_str().to_owned()).collect();
        assert_eq!(drawn.len(), 10_000);
    }
}
