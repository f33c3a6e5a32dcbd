//! Tickets: mailed single-use words, and the second step of a login. A ticket's text is its id and a proof under
//! control's secret, computed anew when it is mailed and never kept.
//!
//! Refuses, in one word, what is unknown, used, past or for another purpose. Life of a ticket: issued → used or past.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Missing, Tx};
use base::{Fault, Secret, TenantId, TicketId, Time, UserId, mac};

use crate::Control;

pub use state::Purpose;
pub use store::TicketRow;

/// A ticket that is wished for. Its id is drawn before the operation.
#[derive(Clone)]
pub(crate) struct NewTicket {
    pub(crate) id: TicketId,
    pub(crate) purpose: Purpose,
    pub(crate) person: Option<UserId>,
    pub(crate) email_key: String,
    pub(crate) tenant: Option<TenantId>,
}

/// Keeps a ticket for as long as its purpose allows, and answers until when.
pub(crate) fn issue(tx: &mut Tx<'_>, new: NewTicket) -> Result<Time, Missing> {
    let NewTicket { id, purpose, person, email_key, tenant } = new;
    let now = tx.now();
    tx.get::<TicketRow>(&TicketRow::keyed(&id))?;
    let expires_at = now.plus(purpose.life());
    tx.put(TicketRow { id, purpose, person, email_key, tenant, issued_at: now, expires_at, used_at: None, wrong: 0 });
    Ok(expires_at)
}

/// A ticket goes out now: it is this user's from now on, and its life begins anew.
pub(crate) fn mailed(tx: &mut Tx<'_>, id: &TicketId, person: &UserId) -> Result<(), Missing> {
    let now = tx.now();
    if let Some(row) = tx.get::<TicketRow>(&TicketRow::keyed(id))?
        && row.used_at.is_none()
    {
        tx.put(TicketRow { person: Some(person.clone()), expires_at: now.plus(row.purpose.life()), ..row });
    }
    Ok(())
}

/// Uses a ticket up. `None`: it is not good, for whatever reason.
pub(crate) fn redeem(
    tx: &mut Tx<'_>,
    id: &TicketId,
    purpose: Purpose,
    now: Time,
) -> Result<Option<TicketRow>, Missing> {
    let row = tx.get::<TicketRow>(&TicketRow::keyed(id))?.filter(|row| row.is_good(purpose, now));
    if let Some(row) = &row {
        tx.put(TicketRow { used_at: Some(now), ..row.clone() });
    }
    Ok(row)
}

/// A ticket that is good, and stays so.
pub(crate) fn good(tx: &mut Tx<'_>, id: &TicketId, purpose: Purpose, now: Time) -> Result<Option<TicketRow>, Missing> {
    Ok(tx.get::<TicketRow>(&TicketRow::keyed(id))?.filter(|row| row.is_good(purpose, now)))
}

/// Counts a wrong answer to a ticket. Of so many the last uses it up.
pub(crate) fn failed(tx: &mut Tx<'_>, row: TicketRow, most: u32) {
    let (now, wrong) = (tx.now(), row.wrong + 1);
    tx.put(TicketRow { wrong, used_at: (wrong >= most).then_some(now), ..row });
}

/// Whether a ticket could be used now.
pub(crate) fn is_open(tx: &mut Tx<'_>, id: &TicketId, purpose: Purpose) -> Result<bool, Missing> {
    let now = tx.now();
    Ok(tx.get::<TicketRow>(&TicketRow::keyed(id))?.is_some_and(|row| row.is_good(purpose, now)))
}

/// A ticket that was used for this purpose before.
pub(crate) fn used(tx: &mut Tx<'_>, id: &TicketId, purpose: Purpose) -> Result<Option<TicketRow>, Missing> {
    let row = tx.get::<TicketRow>(&TicketRow::keyed(id))?;
    Ok(row.filter(|row| row.purpose == purpose && row.used_at.is_some()))
}

/// The ticket that this text names while it is good, as committed. Using it up is [`redeem`]'s.
pub(crate) fn look(control: &Control, text: &str, purpose: Purpose) -> Result<Option<TicketRow>, Fault> {
    let Some(id) = parse(control, text, purpose) else { return Ok(None) };
    let row = control.store().read(|reader| reader.get::<TicketRow>(&TicketRow::keyed(&id)))?;
    Ok(row.filter(|row| row.is_good(purpose, control.now())))
}

/// The ticket as it is mailed.
pub(crate) fn text(control: &Control, id: &TicketId, purpose: Purpose) -> Secret<String> {
    Secret::new(format!("{id}{}", proof(control, id, purpose).expose()))
}

/// The id in a ticket's text, if we wrote it for this purpose.
pub(crate) fn parse(control: &Control, text: &str, purpose: Purpose) -> Option<TicketId> {
    let (id, shown) = text.split_at_checked(TicketId::LENGTH)?;
    let id = id.parse().ok()?;
    let proof = proof(control, &id, purpose);
    mac::equal(proof.expose().as_bytes(), shown.as_bytes()).then_some(id)
}

fn proof(control: &Control, id: &TicketId, purpose: Purpose) -> Secret<String> {
    let parts = [id.to_string().as_bytes(), b"\n", purpose.word().as_bytes()].concat();
    let mac = mac::hmac(&control.secrets().ticket, &[&parts]);
    Secret::new(state::proof_text(&mac))
}

impl TicketRow {
    fn is_good(&self, purpose: Purpose, now: Time) -> bool {
        self.purpose == purpose && self.used_at.is_none() && now < self.expires_at
    }
}
