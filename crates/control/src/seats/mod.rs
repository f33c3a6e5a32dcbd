//! Seats: a user's place in a tenant, with a role. A user may have seats in several tenants; a session is in one.
//!
//! Refuses nothing. Life of a seat, so far: given.

mod store;
#[cfg(test)]
mod tests;

use ::store::{Missing, Reader, Tx};
use base::{Fault, TenantId, UserId};

use crate::access::Role;
use crate::json_row::all_of;

pub use store::{SeatOfRow, SeatRow};

/// Gives a user a seat, with its place in the user's own list. Who has one already keeps the time since when, and gets this
/// role.
pub(crate) fn give(
    tx: &mut Tx<'_>,
    of: &TenantId,
    person: &UserId,
    role: Role,
    invited_by: Option<UserId>,
) -> Result<(), Missing> {
    let (key, listed) = (SeatRow::keyed(of, person), SeatOfRow::keyed(person, of));
    tx.want::<SeatRow>(&key);
    tx.want::<SeatOfRow>(&listed);
    let since = tx.get::<SeatRow>(&key)?.map_or(tx.now(), |row| row.since);
    tx.get::<SeatOfRow>(&listed)?;
    tx.put(SeatRow { of: of.clone(), person: person.clone(), role, since, invited_by });
    tx.put(SeatOfRow { person: person.clone(), of: of.clone() });
    Ok(())
}

/// The role of a user's seat.
pub(crate) fn role_of(reader: &Reader<'_>, of: &TenantId, person: &UserId) -> Result<Option<Role>, Fault> {
    let row = reader.get::<SeatRow>(&SeatRow::keyed(of, person))?;
    Ok(row.map(|row| row.role))
}

/// Who holds a tenant's seats, at most [`SEATS_MOST`].
pub(crate) fn of(tx: &mut Tx<'_>, of: &TenantId) -> Result<Vec<SeatRow>, Missing> {
    let (from, to) = all_of(&of.to_string());
    tx.walk::<SeatRow>(&from, &to, SEATS_MOST)
}

const SEATS_MOST: usize = 1_000;
