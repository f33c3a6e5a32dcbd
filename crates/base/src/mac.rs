//! Keyed hashes: HMAC-SHA-256 for stored keys and for fingerprints of asks, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Secret;

/// HMAC-SHA-256 of `parts` in order. The caller separates parts itself where they could run together.
pub fn hmac(key: &Secret<[u8; 32]>, parts: &[&[u8]]) -> [u8; 32] {
    keyed(key.expose(), parts)
}

/// As [`hmac`], under a secret that was agreed with somebody outside: its bytes as they are written.
pub fn hmac_of(key: &Secret<String>, parts: &[&[u8]]) -> [u8; 32] {
    keyed(key.expose().as_bytes(), parts)
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256 of `parts` in order.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Compares without telling, by its time, where the two differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
