//! The row of a signer.

use ::store::{Direction, Missing, Reader, Tx};
use base::{Fault, Time};

use crate::json_row::json_row;

json_row! {
    /// One of the key pairs that tokens are signed with, without the pair.
    #[derive(Clone, Debug, PartialEq)]
    SignerRow, slot 18, "signer", keep 100,
    key { epoch: u64, }
    body {
        created_at: Time,
        /// From when on nothing new is signed with it.
        retired_at: Option<Time>,
    }
}

const EPOCHS_MOST: usize = 1_000;

/// The signer of new tokens.
pub(super) fn present(tx: &mut Tx<'_>) -> Result<Option<SignerRow>, Missing> {
    let rows = tx.walk::<SignerRow>(&0, &i64::MAX, EPOCHS_MOST)?;
    Ok(rows.into_iter().rfind(|row| row.retired_at.is_none()))
}

/// Every signer there ever was, the first first.
pub(super) fn all(reader: &Reader<'_>) -> Result<Vec<SignerRow>, Fault> {
    reader.walk::<SignerRow>(&0, &i64::MAX, Direction::Ascending, EPOCHS_MOST)
}
