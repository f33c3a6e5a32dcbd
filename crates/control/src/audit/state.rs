//! How a line of the audit log leans on the one before it.

use ::store::Entry;
use base::{Time, mac};
use data_encoding::HEXLOWER;
use serde::Serialize;

use super::AuditRow;
use crate::json_row::text_of;

/// One line, in the form in which it is exported: whoever has all lines of a chain can verify it without us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// A tenant's id, or `operator`.
    pub of: String,
    /// From 1, without gaps.
    pub n: u64,
    /// Microseconds since 1970.
    pub at: Time,
    /// Noun and past participle.
    pub kind: String,
    /// JSON, as the hash takes it: `act` is who, from where and with which proof, `what` is what was changed.
    pub facts: String,
    /// The hash of the line before, empty for the first. A line that is listed alone has none.
    pub previous: String,
    /// SHA-256 in hex.
    pub hash: String,
}

/// The hash of a line: of six lines of text, which are the hash before it (empty for the first), whose chain it is, its number,
/// its time in microseconds since 1970, its kind and its facts.
pub(super) fn link(previous: &str, of: &str, n: u64, at: Time, kind: &str, facts: &str) -> [u8; 32] {
    mac::sha256(&[format!("{previous}\n{of}\n{n}\n{}\n{kind}\n{facts}", at.0).as_bytes()])
}

/// A chain as far as it has been followed.
pub(super) struct Chain<'a> {
    of: &'a str,
    n: u64,
    hash: String,
}

impl<'a> Chain<'a> {
    pub(super) fn new(of: &'a str) -> Chain<'a> {
        Chain { of, n: 0, hash: String::new() }
    }

    /// Follows it by one line, or says why that is not its next.
    pub(super) fn take(&mut self, line: &Line) -> Result<(), String> {
        let n = self.n + 1;
        if line.of != self.of || line.n != n {
            return Err(format!("line {n} is missing"));
        }
        if line.facts.is_empty() {
            return Err(format!("line {n} is without its entry"));
        }
        let hash = HEXLOWER.encode(&link(&self.hash, self.of, n, line.at, &line.kind, &line.facts));
        if line.previous != self.hash || line.hash != hash {
            return Err(format!("line {n} is not what was written after the line before it"));
        }
        (self.n, self.hash) = (n, hash);
        Ok(())
    }

    /// Whether nothing is missing behind the last line.
    pub(super) fn ends_at(&self, n: u64, hash: &str) -> Result<(), String> {
        match self.n == n && self.hash == hash {
            true => Ok(()),
            false => Err(format!("it ends at line {}, where line {n} was the last", self.n)),
        }
    }
}

impl Line {
    /// As it is exported, with its line break.
    pub fn exported(&self) -> String {
        let mut text = text_of(self);
        text.push('\n');
        text
    }

    /// An entry of another moment is not the line's.
    pub(super) fn of(row: &AuditRow, entry: Option<Entry>) -> Line {
        let entry = entry.filter(|entry| entry.at == row.at);
        let (kind, facts) = entry.map_or_else(Default::default, |entry| (entry.kind, entry.facts));
        Line { of: row.of.clone(), n: row.n, at: row.at, kind, facts, previous: String::new(), hash: row.hash.clone() }
    }
}
