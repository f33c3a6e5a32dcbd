//! The row of what was used.

use std::collections::BTreeMap;

use base::{Environment, TenantId, Time};

use crate::json_row::json_row;

json_row! {
    /// One month of one environment, as its plane counted it when it was asked last.
    #[derive(Clone, Debug, PartialEq)]
    UsageRow, slot 29, "usage", keep 5_000,
    key {
        of: TenantId,
        /// As [`base::Month`] is written.
        month: String,
        environment: Environment,
    }
    body {
        as_of: Time,
        meters: BTreeMap<String, u64>,
    }
}
