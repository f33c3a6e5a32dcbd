//! Mails that are to be sent: kept with the change that they tell of, sent by a loop. Which of two texts an address gets is
//! decided when it is sent, so that no answer tells whether an address has an account.
//!
//! Life of a mail: put → taken (for a minute) → sent, or failed and due again later, at most 40 times.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Missing, Tx};
use base::{Fault, Secret, TicketId, Time, UserId};
use serde_json::Value;

use crate::Control;
use crate::agenda::{self, Duty};
use crate::tickets::{self, Purpose};
use crate::users::{self, Holders, UserRow};

pub use state::Kind;
pub use store::MailRow;

/// A mail that is wished for.
#[derive(Clone)]
pub(crate) struct Letter {
    /// Of [`draw`], before the operation.
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) address: String,
    pub(crate) person: Option<UserId>,
    pub(crate) ticket: Option<TicketId>,
    /// What its text says; nothing secret.
    pub(crate) facts: Value,
}

/// A mail that its taker sends now.
pub struct Outgoing {
    pub id: String,
    /// As decided now: see [`Kind`].
    pub kind: Kind,
    pub address: String,
    /// The ticket's text, for the link.
    pub token: Option<Secret<String>>,
    pub facts: Value,
}

/// An id for a letter.
pub(crate) fn draw(control: &Control) -> String {
    control.chance().text(base::id::ID_ALPHABET, 16)
}

/// Keeps a mail, due at once.
pub(crate) fn put(tx: &mut Tx<'_>, letter: Letter) -> Result<(), Missing> {
    let Letter { id, kind, address, person, ticket, facts } = letter;
    let now = tx.now();
    tx.want::<MailRow>(&id);
    agenda::moved(tx, Duty::Mail, &id, None, Some(now))?;
    tx.get::<MailRow>(&id)?;
    tx.put(MailRow {
        id,
        kind,
        address,
        person,
        ticket,
        facts,
        put_at: now,
        attempts: 0,
        last_error: None,
        taken_until: None,
        sent_at: None,
        due_at: Some(now),
    });
    Ok(())
}

/// The next mail that is due, for one minute this caller's: after that it is due again, so that a sender who died loses no
/// mail and may send one twice. Mails that turn out to be for nobody are settled here.
pub async fn take(control: &Control) -> Result<Option<Outgoing>, Fault> {
    for _ in 0..SETTLED_MOST {
        let due = control.store().read(|reader| agenda::until(reader, Duty::Mail, control.now(), 1))?;
        let Some(next) = due.into_iter().next() else { return Ok(None) };
        let taken = control.change(move |tx| Ok(taken(tx, &next.id)?)).await?;
        if let Some((row, purpose)) = taken {
            let token = row.ticket.as_ref().zip(purpose).map(|(id, purpose)| tickets::text(control, id, purpose));
            let MailRow { id, kind, address, facts, .. } = row;
            return Ok(Some(Outgoing { id, kind, address, token, facts }));
        }
    }
    Ok(None)
}

/// Mails that are neither sent nor given up; more than ten thousand count as so many.
pub fn waiting(control: &Control) -> Result<usize, Fault> {
    const COUNTED_MOST: usize = 10_000;
    let waiting = control.store().read(|reader| agenda::until(reader, Duty::Mail, Time(i64::MAX - 1), COUNTED_MOST))?;
    Ok(waiting.len())
}

pub async fn sent(control: &Control, id: &str) -> Result<(), Fault> {
    let settle = |row: MailRow, now| MailRow { sent_at: Some(now), last_error: None, due_at: None, ..row };
    changed(control, id, settle).await
}

/// It is due again later, or given up after the last try.
pub async fn failed(control: &Control, id: &str, why: &str) -> Result<(), Fault> {
    let why: String = why.chars().filter(|sign| !sign.is_control()).take(WHY_CHARACTERS_MOST).collect();
    let postpone = move |row: MailRow, now: Time| {
        let again = row.attempts < state::TRIES_MOST;
        let due_at = again.then(|| now.plus(state::pause(row.attempts)));
        MailRow { last_error: Some(why.clone()), taken_until: None, due_at, ..row }
    };
    changed(control, id, postpone).await
}

const WHY_CHARACTERS_MOST: usize = 500;
/// In one look for a mail, so that no look lasts for ever.
const SETTLED_MOST: usize = 100;

/// Takes one mail and decides which of two texts it gets, and for which of its tickets a proof goes with it. `None`: it is not
/// due any more, or for nobody.
fn taken(tx: &mut Tx<'_>, id: &str) -> Result<Option<(MailRow, Option<Purpose>)>, Missing> {
    let now = tx.now();
    let Some(row) = tx.get::<MailRow>(&id.to_owned())? else { return Ok(None) };
    if row.due_at.is_none_or(|due| due > now) {
        return Ok(None);
    }
    let Some(meant) = meant(tx, &row)? else {
        let settled = MailRow { due_at: None, last_error: Some("nobody has this address".to_owned()), ..row.clone() };
        replace(tx, &row, settled)?;
        return Ok(None);
    };
    if let (Some(ticket), Some(_), Some(person)) = (&row.ticket, meant.purpose, &meant.person) {
        tickets::mailed(tx, ticket, person)?;
    }
    let until = now.plus(state::TAKEN);
    let kept = MailRow { attempts: row.attempts + 1, taken_until: Some(until), due_at: Some(until), ..row.clone() };
    replace(tx, &row, kept.clone())?;
    Ok(Some((MailRow { kind: meant.kind, address: meant.address, ..kept }, meant.purpose)))
}

/// What a mail turns out to be when it is sent.
struct Meant {
    kind: Kind,
    address: String,
    person: Option<UserId>,
    /// What its ticket is for, where a proof goes with it.
    purpose: Option<Purpose>,
}

/// `None`: it is for nobody.
fn meant(tx: &mut Tx<'_>, row: &MailRow) -> Result<Option<Meant>, Missing> {
    let purpose = match row.kind {
        Kind::Confirm => Purpose::Verify,
        Kind::Reset => Purpose::Reset,
        Kind::Invited => return invited(tx, row),
        kind => {
            let (address, person) = (row.address.clone(), row.person.clone());
            return Ok(Some(Meant { kind, address, person, purpose: None }));
        }
    };
    let Some(email_key) = users::email_key(&row.address) else { return Ok(None) };
    let Holders { proved, pending } = users::holders(tx, &email_key)?;
    let (kind, person) = match row.kind {
        Kind::Confirm if proved.is_some() => (Kind::AlreadyHere, proved),
        Kind::Confirm => (Kind::Confirm, row.person.clone().or(pending)),
        kind => (kind, proved.or(pending)),
    };
    let Some(person) = person else { return Ok(None) };
    let Some(user) = tx.get::<UserRow>(&UserRow::keyed(&person))? else { return Ok(None) };
    let purpose = (kind != Kind::AlreadyHere).then_some(purpose);
    Ok(Some(Meant { kind, address: user.email, person: Some(person), purpose }))
}

/// The same mail whoever has the address, as long as its ticket is good.
fn invited(tx: &mut Tx<'_>, row: &MailRow) -> Result<Option<Meant>, Missing> {
    let open = match &row.ticket {
        Some(ticket) => tickets::is_open(tx, ticket, Purpose::Invite)?,
        None => false,
    };
    let (kind, address, purpose) = (row.kind, row.address.clone(), Some(Purpose::Invite));
    Ok(open.then_some(Meant { kind, address, person: None, purpose }))
}

async fn changed<F>(control: &Control, id: &str, change: F) -> Result<(), Fault>
where
    F: Fn(MailRow, Time) -> MailRow + Send + 'static,
{
    let id = id.to_owned();
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        // One that is settled stays so: its lease may have ended while it was sent, and another have sent it.
        if let Some(row) = tx.get::<MailRow>(&id)?.filter(|row| row.due_at.is_some()) {
            replace(tx, &row, change(row.clone(), now))?;
        }
        Ok(())
    };
    control.change(run).await
}

fn replace(tx: &mut Tx<'_>, old: &MailRow, new: MailRow) -> Result<(), Missing> {
    agenda::moved(tx, Duty::Mail, &old.id, old.due_at, new.due_at)?;
    tx.put(new);
    Ok(())
}
