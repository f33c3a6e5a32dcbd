//! Somebody leaves: the user and all that hangs on it goes. Who never proved an address does after a week, and what the tenant
//! has is suspended.

use ::store::{Missing, Tx};
use base::{Fault, UserId};
use serde_json::json;

use super::UNPROVED;
use crate::act::Act;
use crate::json_row::all_of;
use crate::seats::{self, SeatOfRow, SeatRow};
use crate::users::{self, EmailRow, Holders, PendingEmailRow, UserRow};
use crate::{Control, audit, environments, factors, sessions};

/// Whether the user left: not who has proved the address meanwhile, and not who shares the tenant with others, who would be
/// left without an owner.
pub(super) async fn leave(control: &Control, person: UserId) -> Result<bool, Fault> {
    control
        .change(move |tx: &mut Tx<'_>| {
            let now = tx.now();
            let user = tx.get::<UserRow>(&UserRow::keyed(&person))?;
            let user = user.filter(|user| user.verified_at.is_none() && user.created_at.plus(UNPROVED) <= now);
            let Some(user) = user else { return Ok(false) };
            if seats::of(tx, &user.home)?.iter().any(|seat| seat.person != person) {
                return Ok(false);
            }
            let act = Act::of_the_system();
            environments::close(tx, &act, &user.home)?;
            audit::append(tx, &act, Some(&user.home), "user_left", json!({"user": person, "email": user.email}))?;
            sessions::remove_all(tx, &user.id)?;
            Ok(forget(tx, user).map(|()| true)?)
        })
        .await
}

/// The user, his factors, his seats and his hold on the address. What becomes of his sessions the caller says.
pub(crate) fn forget(tx: &mut Tx<'_>, user: UserRow) -> Result<(), Missing> {
    let Holders { proved, pending } = users::holders(tx, &user.email_key)?;
    factors::forget(tx, &user.id)?;
    let (from, to) = all_of(&user.id.to_string());
    for seat in tx.walk::<SeatOfRow>(&from, &to, MOST)? {
        let key = SeatRow::keyed(&seat.of, &user.id);
        tx.get::<SeatRow>(&key)?;
        tx.remove::<SeatRow>(&key);
        tx.remove::<SeatOfRow>(&SeatOfRow::keyed(&user.id, &seat.of));
    }
    if proved.as_ref() == Some(&user.id) {
        tx.remove::<EmailRow>(&user.email_key);
    }
    if pending.as_ref() == Some(&user.id) {
        tx.remove::<PendingEmailRow>(&user.email_key);
    }
    tx.remove::<UserRow>(&UserRow::keyed(&user.id));
    Ok(())
}

const MOST: usize = 1_000;
