//! The rows of sessions, and of the installation that they belong to.

use ::store::{Direction, Missing, Reader, Tx};
use base::{Fault, SessionId, TenantId, Time, UserId};

use crate::json_row::{all_of, json_row};
use crate::proof::{Carried, Proved};

json_row! {
    /// One sign-in. Not `Debug`: it holds the MAC of a cookie.
    #[derive(Clone, PartialEq)]
    SessionRow, slot 7, "session", keep 5_000,
    key {
        person: UserId,
        id: SessionId,
    }
    body {
        created_at: Time,
        expires_at: Time,
        revoked_at: Option<Time>,
        carried: Carried,
        /// Hex; of a session that is carried by a cookie.
        cookie_mac: Option<String>,
        tenant: TenantId,
        proved: Option<Proved>,
        ip: String,
        agent: String,
    }
}

json_row! {
    /// What tells this installation's tokens from another's.
    #[derive(Clone, Debug, PartialEq)]
    InstallationRow, slot 19, "installation", keep 1,
    key {
        /// `main`.
        name: String,
    }
    body { id: String, }
}

/// The one row of its table.
pub(super) const INSTALLATION: &str = "main";
/// Above what a user's next login leaves, with those that were ended since.
const SESSIONS_MOST: usize = 10_000;

/// All of a user's sessions, live or not.
pub(super) fn all(tx: &mut Tx<'_>, person: &UserId) -> Result<Vec<SessionRow>, Missing> {
    let (from, to) = all_of(&person.to_string());
    tx.walk::<SessionRow>(&from, &to, SESSIONS_MOST)
}

/// As [`all`], as committed.
pub(super) fn read_all(reader: &Reader<'_>, person: &UserId) -> Result<Vec<SessionRow>, Fault> {
    let (from, to) = all_of(&person.to_string());
    reader.walk::<SessionRow>(&from, &to, Direction::Ascending, SESSIONS_MOST)
}
