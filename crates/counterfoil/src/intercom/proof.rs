//! The proof of a message: who speaks to whom, when, and what, under the pair's secret. A message of one pair or direction
//! is worth nothing in another, and none is taken twice.

use std::collections::HashMap;

use base::{Chance, Clock, OsChance, Secret, Span, SystemClock, Time, mac};
use parking_lot::Mutex;

/// How far the two clocks may be apart.
const APART: Span = Span::seconds(60);

pub type Key = Secret<[u8; 32]>;

/// Who asks whom, and at which door.
#[derive(Clone, Debug)]
pub struct Way {
    pub from: String,
    pub to: String,
    pub path: &'static str,
}

/// What an ask carries beside its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    at: Time,
    nonce: String,
    mac: String,
}

impl Said {
    /// The proof of an ask that is made now.
    pub fn now(key: &Key, way: &Way, body: &[u8]) -> Said {
        let mut nonce = [0; 16];
        OsChance.fill(&mut nonce);
        Said::of(key, way, SystemClock.now(), hex(&nonce), body)
    }

    fn of(key: &Key, way: &Way, at: Time, nonce: String, body: &[u8]) -> Said {
        let mac = hex(&mac_of_ask(key, way, at, &nonce, body));
        Said { at, nonce, mac }
    }

    pub fn header(&self) -> String {
        format!("t={} n={} m={}", self.at.0, self.nonce, self.mac)
    }

    pub fn parse(header: &str) -> Option<Said> {
        let mut parts = header.split(' ');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let at = Time(part("t")?.parse().ok()?);
        let nonce =
            part("n").filter(|nonce| nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(Said { at, nonce: nonce.to_owned(), mac: part("m")?.to_owned() })
    }

    /// The proof of the answer to this ask.
    pub fn answer(&self, key: &Key, way: &Way, status: u16, body: &[u8]) -> String {
        let head = format!("answer\n{}\n{}\n{}\n{status}\n", way.to, way.from, self.nonce);
        format!("m={}", hex(&mac::hmac(key, &[head.as_bytes(), body])))
    }
}

/// The asks that were taken lately.
#[derive(Default)]
pub struct Heard(Mutex<HashMap<String, Time>>);

impl Heard {
    /// Whether the ask came this way, is recent, and is heard for the first time.
    pub fn believes(&self, key: &Key, way: &Way, said: &Said, body: &[u8], now: Time) -> bool {
        let known = mac_of_ask(key, way, said.at, &said.nonce, body);
        let apart = Span(now.since(said.at).0.saturating_abs());
        if apart > APART || !mac::equal(hex(&known).as_bytes(), said.mac.as_bytes()) {
            return false;
        }
        let mut heard = self.0.lock();
        heard.retain(|_, at| now.since(*at) <= Span(APART.0 * 2));
        heard.insert(said.nonce.clone(), said.at).is_none()
    }
}

fn mac_of_ask(key: &Key, way: &Way, at: Time, nonce: &str, body: &[u8]) -> [u8; 32] {
    let head = format!("ask\n{}\n{}\n{}\n{}\n{nonce}\n", way.from, way.to, way.path, at.0);
    mac::hmac(key, &[head.as_bytes(), body])
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Time = Time(1_800_000_000_000_000);

    fn key(byte: u8) -> Key {
        Secret::new([byte; 32])
    }

    fn way(from: &str, to: &str, path: &'static str) -> Way {
        Way { from: from.to_owned(), to: to.to_owned(), path }
    }

    fn to_live() -> Way {
        way("control", "live/main", "/ask")
    }

    fn said(nonce: u8, body: &[u8]) -> Said {
        Said::of(&key(1), &to_live(), NOON, format!("{nonce:032x}"), body)
    }

    #[test]
    fn an_ask_is_believed_once_by_the_one_it_is_for() {
        let heard = Heard::default();
        let ask = Said::parse(&said(1, b"body").header()).unwrap();
        for (key, way, body) in [
            (key(2), to_live(), b"body"),
            (key(1), way("control", "sandbox/main", "/ask"), b"body"),
            (key(1), way("live/main", "control", "/ask"), b"body"),
            (key(1), way("control", "live/main", "/waiting"), b"body"),
            (key(1), to_live(), b"bodY"),
        ] {
            assert!(!heard.believes(&key, &way, &ask, body, NOON), "{way:?}");
        }
        assert!(heard.believes(&key(1), &to_live(), &ask, b"body", NOON));
        assert!(!heard.believes(&key(1), &to_live(), &ask, b"body", NOON), "a replay");
    }

    #[test]
    fn an_ask_from_another_hour_is_not_believed() {
        for (apart, believed) in [(-61, false), (-60, true), (60, true), (61, false)] {
            let heard = Heard::default();
            let now = NOON.plus(Span::seconds(apart));
            assert_eq!(heard.believes(&key(1), &to_live(), &said(1, b""), b"", now), believed, "{apart} s");
        }
    }

    #[test]
    fn what_is_no_proof_is_not_read() {
        let good = said(1, b"").header();
        for bad in ["", "t=1", "t=x n=y m=z", &good.replace("n=", "n=0"), &good.replace("t=", "T=")] {
            assert_eq!(Said::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_is_proved_for_its_ask_and_its_status() {
        let (one, other) = (said(1, b""), said(2, b""));
        let proof = one.answer(&key(1), &to_live(), 200, b"done");
        assert_eq!(proof, one.answer(&key(1), &to_live(), 200, b"done"));
        for another in [
            one.answer(&key(2), &to_live(), 200, b"done"),
            one.answer(&key(1), &way("control", "sandbox/main", "/ask"), 200, b"done"),
            one.answer(&key(1), &way("live/main", "control", "/ask"), 200, b"done"),
            one.answer(&key(1), &to_live(), 409, b"done"),
            one.answer(&key(1), &to_live(), 200, b"gone"),
            other.answer(&key(1), &to_live(), 200, b"done"),
        ] {
            assert_ne!(proof, another);
        }
    }
}
