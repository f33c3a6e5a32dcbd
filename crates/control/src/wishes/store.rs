//! The row of a wish.

use base::{Environment, KeyId, TenantId, Time};
use serde::{Deserialize, Serialize};

use crate::json_row::json_row;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Nothing lives under this wish.
    Void {
        wish: String,
    },
    Revoke {
        key: KeyId,
    },
}

json_row! {
    /// One wish.
    #[derive(Clone, Debug, PartialEq)]
    WishRow, slot 15, "wish", keep 5_000,
    key { id: String, }
    body {
        of: TenantId,
        environment: Environment,
        what: What,
        since: Time,
        attempts: u32,
        /// Its place on the agenda.
        due_at: Time,
    }
}
