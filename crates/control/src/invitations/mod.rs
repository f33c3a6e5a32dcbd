//! Invitations to a seat. Inviting writes the same and answers the same whoever has the address, and nobody learns from it
//! whether somebody has; what the mail says is one text, too.
//!
//! An invitation is worth what who sent it may grant when it is accepted. It ends with that seat, and with one that whoever it
//! is for has already.
//!
//! Refuses in this order: a role that may not do this, a proof of another session, an inviter without a proved address, an
//! address that is none, too many open, throttled. Life of an invitation: sent → accepted, withdrawn, replaced by a later one
//! to the same address, ended with a seat, or past after seven days.

mod accept;
mod state;
mod store;

use ::store::{Direction, Halt, Missing, Tx};
use base::{Fault, Stop, TenantId, TicketId, Time, UserId};
use serde_json::json;

use crate::access::Role;
use crate::json_row::all_of;
use crate::mail::{self, Kind, Letter};
use crate::proof::{Permit, StepUp};
use crate::seats::{SeatRow, may_grant};
use crate::throttle::{self, Scope};
use crate::tickets::{self, NewTicket, Purpose};
use crate::users::{self, UserRow, email_key};
use crate::{Control, Tenant, audit};

pub use accept::{Accepted, Names, accept, join};
pub use state::Refusal;
pub use store::InvitationRow;

/// An open invitation as the tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationView {
    pub id: String,
    pub email: String,
    pub role: Role,
    pub by: UserId,
    pub created_at: Time,
    pub expires_at: Time,
}

/// Open invitations of one tenant.
const OPEN_MOST: usize = 100;

/// Invites an address. An open invitation to the same address is replaced, and its mailed link is worth nothing any more.
pub async fn invite(
    control: &Control,
    permit: &Permit,
    step_up: &StepUp,
    email: &str,
    role: Role,
) -> Result<InvitationView, Stop<Refusal>> {
    let session = permit.session();
    let new = New::check(permit, step_up, email, role).map_err(Stop::Refused)?;
    let to = Scope::mails_to(control, &new.email_key, Purpose::Invite);
    let limits = [Scope::mails_from(control, session.from().net), to];
    let (ticket, letter) = (TicketId::draw(control.chance()), mail::draw(control));
    let id = state::draw(control);
    let act = permit.act(Some(step_up));
    let keep = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let (tenant, from) = new.judged(tx)?;
        let kept = kept(tx, &new.of)?;
        let stays = |row: &InvitationRow| now < row.expires_at && row.email_key != new.email_key;
        let (others, over): (Vec<_>, Vec<_>) = kept.into_iter().partition(stays);
        if others.len() >= OPEN_MOST {
            return Err(Halt::Refused(Refusal::TooMany));
        }
        if let Some(throttled) = throttle::spend(tx, &limits, now)? {
            return Err(Halt::Refused(throttled.into()));
        }
        let facts = json!({"invitation": id, "email": new.email, "role": role.word()});
        audit::append::<Refusal>(tx, &act, Some(&new.of), "invited", facts)?;
        for row in over {
            close(tx, row)?;
        }
        let (key, of) = (new.email_key.clone(), Some(new.of.clone()));
        let issued =
            NewTicket { id: ticket.clone(), purpose: Purpose::Invite, person: None, email_key: key, tenant: of };
        let expires_at = tickets::issue(tx, issued)?;
        let facts = json!({"company": tenant.name, "by": from.email, "role": role.word()});
        let (kind, address, ticket) = (Kind::Invited, new.email.clone(), ticket.clone());
        let mailed = Some(ticket.clone());
        mail::put(tx, Letter { id: letter.clone(), kind, address, person: None, ticket: mailed, facts })?;
        let row = new.row(&id, ticket, now, expires_at);
        tx.get::<InvitationRow>(&InvitationRow::keyed(&row.of, &row.id))?;
        tx.put(row.clone());
        Ok(seen(row))
    };
    control.run(keep).await
}

/// The open invitations of the permit's tenant, the newest first.
pub fn list(control: &Control, permit: &Permit) -> Result<Vec<InvitationView>, Fault> {
    let (from, to) = all_of(&permit.session().tenant().to_string());
    let now = control.now();
    let walk = |reader: &::store::Reader<'_>| reader.walk(&from, &to, Direction::Ascending, KEPT_MOST);
    let mut rows: Vec<InvitationRow> = control.store().read(walk)?;
    rows.retain(|row| now < row.expires_at);
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(rows.into_iter().map(seen).collect())
}

/// Its mailed link is worth nothing any more.
pub async fn withdraw(control: &Control, permit: &Permit, id: &str) -> Result<(), Stop<Refusal>> {
    if !state::is_id(id) {
        return Err(Stop::Refused(Refusal::Unknown));
    }
    let (of, person) = (permit.session().tenant().clone(), permit.session().user().clone());
    let (key, act) = (InvitationRow::keyed(&of, &id.to_owned()), permit.act(None));
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let own = tx.get::<SeatRow>(&SeatRow::keyed(&of, &person))?;
        let row = tx.get::<InvitationRow>(&key)?.filter(|row| now < row.expires_at);
        let row = row.ok_or(Halt::Refused(Refusal::Unknown))?;
        if !own.is_some_and(|own| may_grant(own.role, row.role)) {
            return Err(Halt::Refused(Refusal::RoleForbids));
        }
        let facts = json!({"invitation": row.id, "email": row.email});
        audit::append::<Refusal>(tx, &act, Some(&of), "invitation_withdrawn", facts)?;
        Ok(close(tx, row)?)
    };
    control.run(run).await
}

/// Closes whatever this person sent here and whatever was sent here to this address, and answers how much that was. Of a
/// seat that is taken away, so that no mailed link gives it back.
pub(crate) fn close_of(
    tx: &mut Tx<'_>,
    of: &TenantId,
    person: &UserId,
    email_key: Option<&str>,
) -> Result<usize, Missing> {
    let mut gone = kept(tx, of)?;
    gone.retain(|row| row.by == *person || Some(row.email_key.as_str()) == email_key);
    let count = gone.len();
    gone.into_iter().try_for_each(|row| close(tx, row))?;
    Ok(count)
}

/// Open ones, and those that are past and have not been swept by a later one.
const KEPT_MOST: usize = 1_000;

fn kept(tx: &mut Tx<'_>, of: &TenantId) -> Result<Vec<InvitationRow>, Missing> {
    let (from, to) = all_of(&of.to_string());
    tx.walk::<InvitationRow>(&from, &to, KEPT_MOST)
}

/// It is not open any more, and its ticket is used up.
fn close(tx: &mut Tx<'_>, row: InvitationRow) -> Result<(), Missing> {
    let now = tx.now();
    tickets::redeem(tx, &row.ticket, Purpose::Invite, now)?;
    tx.remove::<InvitationRow>(&InvitationRow::keyed(&row.of, &row.id));
    Ok(())
}

/// Who is to be invited, to where, by whom.
struct New {
    of: TenantId,
    by: UserId,
    email: String,
    email_key: String,
    role: Role,
}

impl New {
    fn check(permit: &Permit, step_up: &StepUp, email: &str, role: Role) -> Result<New, Refusal> {
        let session = permit.session();
        if !may_grant(session.role(), role) {
            return Err(Refusal::RoleForbids);
        }
        if !step_up.is_of(session) {
            return Err(Refusal::StepUpRequired);
        }
        if !session.verified() {
            return Err(Refusal::NotVerified);
        }
        let email_key = email_key(email).ok_or(users::Refusal::EmailUnusable)?;
        let (of, by) = (session.tenant().clone(), session.user().clone());
        Ok(New { of, by, email: email.to_owned(), email_key, role })
    }

    /// The tenant and who invites, whose seat may have changed since the request came.
    fn judged(&self, tx: &mut Tx<'_>) -> Result<(Tenant, UserRow), Halt<Refusal>> {
        let own = tx.get::<SeatRow>(&SeatRow::keyed(&self.of, &self.by))?;
        let from = tx.get::<UserRow>(&UserRow::keyed(&self.by))?;
        let tenant = tx.get::<Tenant>(&self.of.to_string())?;
        let own = own.filter(|own| may_grant(own.role, self.role));
        own.and(tenant.zip(from)).ok_or(Halt::Refused(Refusal::RoleForbids))
    }

    fn row(&self, id: &str, ticket: TicketId, now: Time, expires_at: Time) -> InvitationRow {
        InvitationRow {
            of: self.of.clone(),
            id: id.to_owned(),
            email: self.email.clone(),
            email_key: self.email_key.clone(),
            role: self.role,
            ticket,
            by: self.by.clone(),
            created_at: now,
            expires_at,
        }
    }
}

fn seen(row: InvitationRow) -> InvitationView {
    let InvitationRow { id, email, role, by, created_at, expires_at, .. } = row;
    InvitationView { id, email, role, by, created_at, expires_at }
}
