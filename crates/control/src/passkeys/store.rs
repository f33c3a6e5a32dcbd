//! The rows of passkeys, and of the challenges that wait for their answers.

use ::store::{Direction, Missing, Reader, Tx};
use base::{Fault, Time, UserId};

use super::said::PublicKey;
use crate::json_row::{all_of, json_row};

json_row! {
    /// One passkey, named by what its authenticator calls it, in base64url.
    #[derive(Clone, Debug, PartialEq)]
    PasskeyRow, slot 24, "passkey", keep 5_000,
    key {
        person: UserId,
        id: String,
    }
    body {
        name: String,
        public_key: PublicKey,
        /// How often it was used, as its authenticator counts; 0 where that does not count.
        counter: u32,
        created_at: Time,
        last_used_at: Option<Time>,
    }
}

json_row! {
    /// One challenge. Asked anew for the same purpose, it is another.
    #[derive(Clone, Debug, PartialEq)]
    CeremonyRow, slot 25, "ceremony", keep 5_000,
    key {
        /// See [`super::For`].
        id: String,
    }
    body {
        person: UserId,
        challenge: String,
        expires_at: Time,
    }
}

/// Above what a user may have.
const WALKED_MOST: usize = 100;

pub(crate) fn all(tx: &mut Tx<'_>, person: &UserId) -> Result<Vec<PasskeyRow>, Missing> {
    let (from, to) = all_of(&person.to_string());
    tx.walk::<PasskeyRow>(&from, &to, WALKED_MOST)
}

/// As [`all`], as committed.
pub(crate) fn read_all(reader: &Reader<'_>, person: &UserId) -> Result<Vec<PasskeyRow>, Fault> {
    let (from, to) = all_of(&person.to_string());
    reader.walk::<PasskeyRow>(&from, &to, Direction::Ascending, WALKED_MOST)
}
