//! The rows of sessions, and of what their tokens are signed with.

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
    /// One of the key pairs that tokens are signed with: its seed follows from control's secret and the epoch.
    #[derive(Clone, Debug, PartialEq)]
    SignerRow, slot 18, "signer", keep 100,
    key { epoch: u64, }
    body {
        created_at: Time,
        /// From when on nothing new is signed with it.
        retired_at: Option<Time>,
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
const EPOCHS_MOST: usize = 1_000;

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

/// The signer of new tokens.
pub(super) fn present(tx: &mut Tx<'_>) -> Result<Option<SignerRow>, Missing> {
    let rows = tx.walk::<SignerRow>(&0, &i64::MAX, EPOCHS_MOST)?;
    Ok(rows.into_iter().rfind(|row| row.retired_at.is_none()))
}

/// Every signer there ever was, the first first.
pub(super) fn signers(reader: &Reader<'_>) -> Result<Vec<SignerRow>, Fault> {
    reader.walk::<SignerRow>(&0, &i64::MAX, Direction::Ascending, EPOCHS_MOST)
}
