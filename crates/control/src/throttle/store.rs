//! The row of a throttle.

use base::Time;

use crate::json_row::json_row;

json_row! {
    /// How far ahead of time a scope has been used.
    #[derive(Clone, Debug, PartialEq)]
    ThrottleRow, slot 11, "throttle", keep 20_000,
    key {
        /// The keyed hash of what is counted, in hex.
        name: String,
    }
    body {
        /// When the next one would come if all came evenly.
        tat: Time,
    }
}
