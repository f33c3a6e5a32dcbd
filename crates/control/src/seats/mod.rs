//! Seats: a user's place in a tenant, with a role. A user may have seats in several tenants; a session is in one.
//!
//! Refuses in this order: a role that may not do this, a proof of another session, a user without a seat here, the last owner.
//! Who asks is judged by the seat as the operation finds it, not as the request did. Life of a seat: given → another role, any
//! number of times → taken away, which ends its user's sessions in that tenant, and the open invitations there that were to
//! him or by him. Whose last seat it was is forgotten, so that the address is free again.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Direction, Halt, Missing, Reader, Tx};
use base::{Fault, Stop, TenantId, Time, UserId};
use serde_json::json;

use crate::access::Role;
use crate::act::Act;
use crate::json_row::all_of;
use crate::proof::{Permit, StepUp};
use crate::sessions::{self, LoggedIn};
use crate::users::UserRow;
use crate::{Control, Tenant, audit, invitations, prune};

pub use state::Refusal;
pub(crate) use state::may_grant;
pub use store::{SeatOfRow, SeatRow};

/// A seat as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatView {
    pub user: UserId,
    pub email: String,
    pub first: String,
    pub last: String,
    pub role: Role,
    pub since: Time,
}

/// A seat as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceView {
    pub tenant: TenantId,
    pub name: String,
    pub role: Role,
    /// Whether the session that asks is in it.
    pub current: bool,
}

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

/// Everybody with a seat in the permit's tenant, the longest there first.
pub fn list(control: &Control, permit: &Permit) -> Result<Vec<SeatView>, Fault> {
    let (from, to) = all_of(&permit.session().tenant().to_string());
    let mut views = control.store().read(|reader| {
        let rows = reader.walk::<SeatRow>(&from, &to, Direction::Ascending, SEATS_MOST)?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.extend(reader.get::<UserRow>(&UserRow::keyed(&row.person))?.map(|user| seen(&row, user)));
        }
        Ok(views)
    })?;
    views.sort_by(|a, b| (a.since, &a.user).cmp(&(b.since, &b.user)));
    Ok(views)
}

/// Gives a seat another role. One that it has already is no change.
pub async fn change_role(
    control: &Control,
    permit: &Permit,
    step_up: &StepUp,
    user: &str,
    role: Role,
) -> Result<SeatView, Stop<Refusal>> {
    let (at, user) = (Desk::of(permit, step_up)?, user.parse::<UserId>());
    let run = move |tx: &mut Tx<'_>| {
        if !may_grant(at.own_role(tx)?, role) {
            return Err(Halt::Refused(Refusal::RoleForbids));
        }
        let seat = at.seat(tx, user.as_ref().ok())?;
        let person = tx.get::<UserRow>(&UserRow::keyed(&seat.person))?.ok_or(Halt::Refused(Refusal::Unknown))?;
        if seat.role == role {
            return Ok(seen(&seat, person));
        }
        if role != Role::Owner {
            at.spare(tx, &seat)?;
        }
        let facts = json!({"user": seat.person.to_string(), "from": seat.role.word(), "to": role.word()});
        audit::append(tx, &at.act, Some(&at.tenant), "role_changed", facts)?;
        let seat = SeatRow { role, ..seat };
        tx.put(seat.clone());
        Ok(seen(&seat, person))
    };
    control.run(run).await
}

/// Takes a seat away. Its user's sessions in this tenant end with it; those elsewhere go on. Without another seat nobody could
/// sign in, and nobody else prove the address: such a user is forgotten.
pub async fn remove(control: &Control, permit: &Permit, step_up: &StepUp, user: &str) -> Result<(), Stop<Refusal>> {
    let (at, user) = (Desk::of(permit, step_up)?, user.parse::<UserId>());
    let run = move |tx: &mut Tx<'_>| {
        let seat = at.seat(tx, user.as_ref().ok())?;
        at.spare(tx, &seat)?;
        let person = tx.get::<UserRow>(&UserRow::keyed(&seat.person))?;
        let (from, to) = all_of(&seat.person.to_string());
        let others = tx.walk::<SeatOfRow>(&from, &to, SEATS_MOST)?;
        let elsewhere = others.into_iter().map(|other| other.of).find(|of| *of != at.tenant);
        // Its rows stay until they are past: they say that it was revoked.
        sessions::end_in(tx, &seat.person, &at.tenant)?;
        let email_key = person.as_ref().map(|person| person.email_key.as_str());
        let invitations = invitations::close_of(tx, &at.tenant, &seat.person, email_key)?;
        let (user, role, forgotten) = (seat.person.to_string(), seat.role.word(), elsewhere.is_none());
        let facts = json!({"user": user, "role": role, "invitations": invitations, "forgotten": forgotten});
        audit::append(tx, &at.act, Some(&at.tenant), "seat_taken", facts)?;
        tx.remove::<SeatOfRow>(&SeatOfRow::keyed(&seat.person, &seat.of));
        tx.remove::<SeatRow>(&SeatRow::keyed(&seat.of, &seat.person));
        match (person, elsewhere) {
            (Some(person), None) => prune::forget(tx, person)?,
            // A login leads to where its user still has a seat.
            (Some(person), Some(home)) if person.home == at.tenant => tx.put(UserRow { home, ..person }),
            _ => {}
        }
        Ok(())
    };
    control.run(run).await
}

/// Where the permit's user has seats.
pub fn places(control: &Control, permit: &Permit) -> Result<Vec<PlaceView>, Fault> {
    let session = permit.session();
    let (from, to) = all_of(&session.user().to_string());
    control.store().read(|reader| {
        let mut views = Vec::new();
        for SeatOfRow { person, of } in reader.walk::<SeatOfRow>(&from, &to, Direction::Ascending, SEATS_MOST)? {
            let tenant = reader.get::<Tenant>(&of.to_string())?;
            let Some((tenant, role)) = tenant.zip(role_of(reader, &of, &person)?) else { continue };
            views.push(PlaceView { current: of == *session.tenant(), tenant: of, name: tenant.name, role });
        }
        Ok(views)
    })
}

/// A session of the same user in another tenant, in place of the one that asks. Nobody proves himself by it, and it lives no
/// longer. A tenant in which the user has no seat is as unknown as one that is not there.
pub async fn switch(control: &Control, permit: &Permit, tenant: &str) -> Result<LoggedIn, Stop<Refusal>> {
    let unknown = || Stop::Refused(Refusal::Unknown);
    let tenant = tenant.parse().map_err(|_| unknown())?;
    sessions::elsewhere(control, permit, tenant).await?.ok_or_else(unknown)
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

pub(crate) const SEATS_MOST: usize = 1_000;

/// Who changes seats, and where.
struct Desk {
    tenant: TenantId,
    asker: UserId,
    act: Act,
}

impl Desk {
    fn of(permit: &Permit, step_up: &StepUp) -> Result<Desk, Stop<Refusal>> {
        let session = permit.session();
        if !step_up.is_of(session) {
            return Err(Stop::Refused(Refusal::StepUpRequired));
        }
        let (tenant, asker) = (session.tenant().clone(), session.user().clone());
        Ok(Desk { tenant, asker, act: permit.act(Some(step_up)) })
    }

    fn own_role(&self, tx: &mut Tx<'_>) -> Result<Role, Halt<Refusal>> {
        let own = tx.get::<SeatRow>(&SeatRow::keyed(&self.tenant, &self.asker))?;
        own.map(|row| row.role).ok_or(Halt::Refused(Refusal::RoleForbids))
    }

    /// A seat that the asker may change.
    fn seat(&self, tx: &mut Tx<'_>, person: Option<&UserId>) -> Result<SeatRow, Halt<Refusal>> {
        let own = self.own_role(tx)?;
        let found = match person {
            Some(person) => tx.get::<SeatRow>(&SeatRow::keyed(&self.tenant, person))?,
            None => None,
        };
        let row = found.ok_or(Halt::Refused(Refusal::Unknown))?;
        if may_grant(own, row.role) { Ok(row) } else { Err(Halt::Refused(Refusal::RoleForbids)) }
    }

    /// Refuses where this is the last owner's seat.
    fn spare(&self, tx: &mut Tx<'_>, seat: &SeatRow) -> Result<(), Halt<Refusal>> {
        let another = |row: &SeatRow| row.role == Role::Owner && row.person != seat.person;
        let stays = seat.role != Role::Owner || of(tx, &self.tenant)?.iter().any(another);
        if stays { Ok(()) } else { Err(Halt::Refused(Refusal::LastOwner)) }
    }
}

fn seen(row: &SeatRow, user: UserRow) -> SeatView {
    let UserRow { email, first, last, .. } = user;
    SeatView { user: row.person.clone(), email, first, last, role: row.role, since: row.since }
}
