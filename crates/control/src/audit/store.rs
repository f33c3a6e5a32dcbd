//! The rows of the audit log. What a line says is in the journal, under its sequence.

use base::Time;

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
