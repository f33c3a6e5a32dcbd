//! The rows of the audit log. What a line says is in the journal, under its sequence.

use ::store::{Direction, Reader};
use base::{Fault, Time};

use crate::json_row::json_row;

json_row! {
    /// One line.
    #[derive(Clone, Debug, PartialEq)]
    AuditRow, slot 16, "audit", keep 0,
    key {
        /// A tenant's id, or `operator`.
        of: String,
        /// From 1, without gaps.
        n: u64,
    }
    body {
        /// The journal's sequence.
        seq: u64,
        at: Time,
        /// SHA-256, in hex.
        hash: String,
    }
}

json_row! {
    /// The last line of a chain.
    #[derive(Clone, Debug, PartialEq)]
    AuditHeadRow, slot 17, "audit_head", keep 5_000,
    key { of: String, }
    body {
        n: u64,
        hash: String,
    }
}

/// The newest lines of a chain below a number, at most `limit`.
pub(super) fn newest(reader: &Reader<'_>, of: &str, below: u64, limit: usize) -> Result<Vec<AuditRow>, Fault> {
    let below = i64::try_from(below).unwrap_or(i64::MAX);
    reader.walk(&(of.to_owned(), 0), &(of.to_owned(), below), Direction::Descending, limit)
}

/// The lines of a chain from one number on and below another.
pub(super) fn oldest(reader: &Reader<'_>, of: &str, from: u64, below: u64) -> Result<Vec<AuditRow>, Fault> {
    let key = |n: u64| (of.to_owned(), i64::try_from(n).unwrap_or(i64::MAX));
    reader.walk(&key(from), &key(below), Direction::Ascending, usize::try_from(below - from).unwrap_or(usize::MAX))
}
