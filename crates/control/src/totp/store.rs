//! The row of an authenticator app's seed.

use base::{Time, UserId};

use crate::json_row::json_row;

json_row! {
    /// One user's seed. Not `Debug`: it holds the seed, sealed.
    #[derive(Clone, PartialEq)]
    TotpRow, slot 22, "totp", keep 5_000,
    key { person: UserId, }
    body {
        /// See [`crate::seal`]; sealed for `totp:{user}`.
        sealed: String,
        begun_at: Time,
        /// When a first code proved that an app has it. Until then it opens nothing.
        confirmed_at: Option<Time>,
        /// Of the last code that was used, in spans of 30 seconds since 1970. No earlier one counts any more.
        last_step: i64,
    }
}
