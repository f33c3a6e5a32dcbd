//! Notifications: what a tenant is told by mail of one of its environments, and who. Mails go to the proved addresses of people
//! with a seat in the tenant alone: the owners, until others are chosen. Who did something is told of it too.
//!
//! Refuses in this order: too many addresses, one that is nobody's with a seat. Life of a choice: as usual → chosen, any number
//! of times.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Environment, Fault, Stop, TenantId, UserId};
use serde_json::{Value, json};

use crate::mail::{self, Letter};
use crate::proof::Placed;
use crate::seats::{self, SeatRow};
use crate::users::{self, EmailRow, UserRow};
use crate::{Control, Role, audit};

use self::state::ADDRESSES_MOST;
pub use state::{Change, Events, Refusal};
pub use store::NotificationRow;

/// A choice as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub environment: Environment,
    /// Of who was chosen and still has a seat. Empty: the owners.
    pub addresses: Vec<String>,
    pub events: Events,
}

/// Something to be told.
pub(crate) struct News<'a> {
    pub(crate) of: &'a TenantId,
    pub(crate) environment: Environment,
    /// Who did it, where that was a person.
    pub(crate) by: Option<&'a UserId>,
    pub(crate) kind: mail::Kind,
    /// What the mail's text says; nothing secret.
    pub(crate) facts: &'a Value,
}

pub fn get(control: &Control, placed: &Placed) -> Result<View, Fault> {
    let (of, environment) = (placed.session().tenant(), placed.environment());
    control.store().read(|reader| {
        let row = reader.get::<NotificationRow>(&NotificationRow::keyed(of, &environment))?;
        let (people, events) = chosen(row, environment);
        let mut addresses = Vec::new();
        for person in &people {
            let seated = seats::role_of(reader, of, person)?.is_some();
            let user = reader.get::<UserRow>(&UserRow::keyed(person))?.filter(|user| seated && told(user));
            addresses.extend(user.map(|user| user.email));
        }
        Ok(View { environment, addresses, events })
    })
}

/// Chooses who is told and of what; `None` leaves the addresses as they are, an empty list means the owners.
pub async fn set(
    control: &Control,
    placed: &Placed,
    addresses: Option<Vec<String>>,
    change: Change,
) -> Result<View, Stop<Refusal>> {
    if addresses.as_ref().is_some_and(|addresses| addresses.len() > ADDRESSES_MOST) {
        return Err(Stop::Refused(Refusal::TooMany));
    }
    let (of, environment, act) = (placed.session().tenant().clone(), placed.environment(), placed.act(None));
    let run = move |tx: &mut Tx<'_>| {
        let row = tx.get::<NotificationRow>(&NotificationRow::keyed(&of, &environment))?;
        let (before, now) = chosen(row, environment);
        let people = match &addresses {
            None => before.clone(),
            Some(addresses) => members(tx, &of, addresses)?.ok_or(Halt::Refused(Refusal::NotAMember))?,
        };
        let events = now.after(change);
        if (&people, events) == (&before, now) {
            return Ok(());
        }
        let facts = json!({"people": people.iter().map(UserId::to_string).collect::<Vec<_>>(), "events": events});
        audit::append::<Refusal>(tx, &act, Some(&of), "notifications_chosen", facts)?;
        tx.put(NotificationRow { of: of.clone(), environment, people, events });
        Ok(())
    };
    control.run_by(placed.permit(), Some(environment), run).await?;
    Ok(get(control, placed)?)
}

/// Puts a mail for each who is to be told, if the environment's choice is to tell it. `letter` is drawn before the operation.
pub(crate) fn tell(tx: &mut Tx<'_>, letter: &str, news: &News<'_>) -> Result<(), Missing> {
    let row = tx.get::<NotificationRow>(&NotificationRow::keyed(news.of, &news.environment))?;
    let (people, events) = chosen(row, news.environment);
    if !events.tell(news.kind) {
        return Ok(());
    }
    let seats = seats::of(tx, news.of)?;
    let left = !seats.iter().any(|seat| people.contains(&seat.person));
    let wanted = |seat: &&SeatRow| if left { seat.role == Role::Owner } else { people.contains(&seat.person) };
    let chosen = seats.iter().filter(wanted).map(|seat| &seat.person).filter(|person| Some(*person) != news.by);
    let who: Vec<&UserId> = news.by.into_iter().chain(chosen).take(ADDRESSES_MOST + 1).collect();
    for person in &who {
        tx.want::<UserRow>(&UserRow::keyed(person));
    }
    for (at, person) in who.into_iter().enumerate() {
        let Some(user) = tx.get::<UserRow>(&UserRow::keyed(person))?.filter(told) else { continue };
        let (id, kind, facts) = (format!("{letter}{at}"), news.kind, news.facts.clone());
        mail::put(tx, Letter { id, kind, address: user.email, person: Some(person.clone()), ticket: None, facts })?;
    }
    Ok(())
}

/// Who was chosen, and for what.
fn chosen(row: Option<NotificationRow>, environment: Environment) -> (Vec<UserId>, Events) {
    row.map_or_else(|| (Vec::new(), Events::usual(environment)), |row| (row.people, row.events))
}

/// An address that nobody proved may be anybody's.
fn told(user: &UserRow) -> bool {
    user.verified_at.is_some()
}

/// Who proved these addresses, each once; `None` where one of them is nobody's with a seat in the tenant.
fn members(tx: &mut Tx<'_>, of: &TenantId, addresses: &[String]) -> Result<Option<Vec<UserId>>, Missing> {
    let keys: Vec<_> = addresses.iter().map(|address| users::email_key(address).unwrap_or_default()).collect();
    for key in &keys {
        tx.want::<EmailRow>(key);
    }
    let mut people = Vec::new();
    for key in &keys {
        let Some(person) = tx.get::<EmailRow>(key)?.map(|row| row.person) else { return Ok(None) };
        if tx.get::<SeatRow>(&SeatRow::keyed(of, &person))?.is_none() {
            return Ok(None);
        }
        if !people.contains(&person) {
            people.push(person);
        }
    }
    Ok(Some(people))
}
