//! How a line of the audit log leans on the one before it.

use base::{Time, mac};

/// The hash of a line: over the hash before it (empty for the first), whose chain it is, its number, time, kind and facts.
pub(super) fn link(before: &str, of: &str, n: u64, at: Time, kind: &str, facts: &str) -> [u8; 32] {
    let (n, at) = (n.to_be_bytes(), at.0.to_be_bytes());
    mac::sha256(&[before.as_bytes(), b"\n", of.as_bytes(), b"\n", &n, &at, kind.as_bytes(), b"\n", facts.as_bytes()])
}
