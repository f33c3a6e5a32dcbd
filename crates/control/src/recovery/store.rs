//! The row of a user's recovery codes.

use base::{Time, UserId};
use serde::{Deserialize, Serialize};

use crate::json_row::json_row;

json_row! {
    /// One user's recovery codes. Not `Debug`: it holds their MACs.
    #[derive(Clone, PartialEq)]
    RecoveryRow, slot 23, "recovery", keep 5_000,
    key { person: UserId, }
    body {
        made_at: Time,
        codes: Vec<KeptCode>,
    }
}

/// One code as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCode {
    /// Hex.
    pub mac: String,
    pub used_at: Option<Time>,
}
