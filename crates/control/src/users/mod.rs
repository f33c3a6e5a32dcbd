//! Dashboard users: who they are, how their address is proved and how their password changes.
//!
//! An address belongs to who proved it. Registering writes the same rows and gives the same answer whether or not the address
//! has an account; the difference is in the mail alone.
//!
//! Refuses in this order: throttled, an unusable address, password or name, a ticket that is not good, a wrong password.
//! Life of a user: registered → verified. One who does not verify within a week is gone.

mod newcomer;
mod passwords;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use ::store::{Halt, Tx};
use base::{ContractId, Fault, Secret, Stop, TenantId, TicketId, UserId};
pub(crate) use newcomer::Newcomer;
use serde_json::json;

use crate::access::Role;
use crate::environments;
use crate::mail::{self, Kind, Letter};
use crate::proof::{From, Operator, Permit, Placed};
use crate::throttle::{self, Scope};
use crate::tickets::{self, NewTicket, Purpose};
use crate::{Control, Tenant, audit};

pub(crate) use passwords::keep_up;
pub use passwords::{change_password, forgot, reset};
pub(crate) use state::email_key;
pub use state::{NameField, Refusal};
pub use store::{EmailRow, PendingEmailRow, UserRow, UserView};
pub(crate) use store::{Holders, holders};

/// Who registers. Not `Debug`: it holds a password.
pub struct NewUser {
    pub email: String,
    pub password: Secret<String>,
    pub first: String,
    pub last: String,
    pub company: String,
}

/// Who has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub user: UserId,
    pub tenant: TenantId,
    pub email: String,
    pub first: String,
    pub last: String,
}

/// Makes a user, a tenant, the owner's seat and the sandbox environment, which the loop then provisions.
pub async fn register(control: &Control, from: &From, new: NewUser) -> Result<Registered, Stop<Refusal>> {
    let limit = [Scope::registrations(control, from.net)];
    // Looked at before the password is hashed, which is dear, and taken with the change.
    if let Some(throttled) = throttle::standing(control, &limit, control.now())? {
        return Err(Stop::Refused(throttled.into()));
    }
    let newcomer = Newcomer::draw(control, from.act(), new).await?;
    let letter = mail::draw(control);
    let (tenant, ticket) = (TenantId::draw(control.chance()), TicketId::draw(control.chance()));
    let contracts = [ContractId::draw(control.chance()), ContractId::draw(control.chance())];
    let keep = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        if let Some(throttled) = throttle::spend(tx, &limit, now)? {
            return Err(Halt::Refused(throttled.into()));
        }
        let (id, email_key) = (newcomer.id.clone(), newcomer.email_key.clone());
        tx.want::<PendingEmailRow>(&email_key);
        if tx.get::<Tenant>(&tenant.to_string())?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a tenant id that is taken; try again")));
        }
        let facts = json!({"user": id.to_string(), "email": newcomer.email, "company": newcomer.company});
        audit::append(tx, &newcomer.act, Some(&tenant), "registered", facts)?;
        tx.put(Tenant { id: tenant.clone(), name: newcomer.company.clone(), created_at: now });
        newcomer.keep::<Refusal>(tx, &tenant, false, Role::Owner, None)?;
        environments::open(tx, &tenant, &contracts, false)?;
        tx.get::<PendingEmailRow>(&email_key)?;
        tx.put(PendingEmailRow { email_key: email_key.clone(), person: id.clone() });
        let (person, home) = (Some(id.clone()), Some(tenant.clone()));
        let new = NewTicket { id: ticket.clone(), purpose: Purpose::Verify, person, email_key, tenant: home };
        tickets::issue(tx, new)?;
        let (address, ticket) = (newcomer.email.clone(), Some(ticket.clone()));
        let (id, person) = (letter.clone(), Some(id));
        mail::put(tx, Letter { id, kind: Kind::Confirm, address, person, ticket, facts: json!({}) })?;
        Ok(newcomer.registered(&tenant))
    };
    control.run(keep).await
}

/// Proves an address. Asked again with the same ticket it is proved already, which is no error: whoever scans mails for
/// harm opens their links first.
pub async fn verify(control: &Control, from: &From, token: &str) -> Result<(), Stop<Refusal>> {
    let ticket = tickets::parse(control, token, Purpose::Verify).ok_or(Stop::Refused(Refusal::TokenInvalid))?;
    let act = from.act();
    let keep = move |tx: &mut Tx<'_>| {
        let (now, invalid) = (tx.now(), || Halt::Refused(Refusal::TokenInvalid));
        let good = tickets::redeem(tx, &ticket, Purpose::Verify, now)?;
        let fresh = good.is_some();
        let row = match good {
            Some(row) => row,
            None => tickets::used(tx, &ticket, Purpose::Verify)?.ok_or_else(invalid)?,
        };
        let person = row.person.ok_or_else(invalid)?;
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.ok_or_else(invalid)?;
        let holders = holders(tx, &user.email_key)?;
        match &holders.proved {
            Some(holder) if *holder == person => return Ok(()),
            None if fresh => {}
            _ => return Err(invalid()),
        }
        let facts = json!({"user": person.to_string(), "email": user.email});
        audit::append(tx, &act, Some(&user.home), "email_verified", facts)?;
        prove(tx, user, &holders);
        Ok(())
    };
    control.run(keep).await
}

/// From now on the address is this user's. The caller has made sure that nobody else has proved it.
pub(crate) fn prove(tx: &mut Tx<'_>, user: UserRow, holders: &Holders) -> UserRow {
    if holders.pending.as_ref() == Some(&user.id) {
        tx.remove::<PendingEmailRow>(&user.email_key);
    }
    tx.put(EmailRow { email_key: user.email_key.clone(), person: user.id.clone() });
    let user = UserRow { verified_at: user.verified_at.or(Some(tx.now())), ..user };
    tx.put(user.clone());
    user
}

/// Mails the proof of an address again. The answer tells nothing.
pub async fn resend(control: &Control, from: &From, email: &str) -> Result<(), Stop<Refusal>> {
    passwords::ask_for_mail(control, from, email, Kind::Confirm, Purpose::Verify).await
}

/// Which environment the user's dashboard shows first. Refuses one that is not active.
pub async fn prefer(control: &Control, placed: &Placed) -> Result<UserView, Stop<Refusal>> {
    let (session, act, preferred) = (placed.session(), placed.act(None), placed.environment());
    let (person, of, role) = (session.user().clone(), session.tenant().clone(), session.role());
    let keep = move |tx: &mut Tx<'_>| {
        tx.want::<UserRow>(&UserRow::keyed(&person));
        if !environments::is_active(tx, &of, preferred)? {
            return Err(Halt::Refused(Refusal::NotActive));
        }
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.ok_or_else(gone)?;
        if user.preferred == preferred {
            return Ok(user.view(&of, role));
        }
        audit::append(tx, &act, Some(&of), "environment_preferred", json!({"user": person.to_string()}))?;
        let user = UserRow { preferred, ..user };
        tx.put(user.clone());
        Ok(user.view(&of, role))
    };
    control.run(keep).await
}

pub fn me(control: &Control, permit: &Permit) -> Result<UserView, Fault> {
    let session = permit.session();
    Ok(row(control, session.user())?.view(session.tenant(), session.role()))
}

/// A verified owner of a tenant that the operator has made. Faulted where the tenant is unknown or the address is taken.
pub async fn seed(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    new: NewUser,
) -> Result<UserId, Stop<Refusal>> {
    let newcomer = Newcomer::draw(control, operator.act(), new).await?;
    let tenant = tenant.clone();
    let keep = move |tx: &mut Tx<'_>| {
        let (person, email_key) = (newcomer.id.clone(), newcomer.email_key.clone());
        if tx.get::<Tenant>(&tenant.to_string())?.is_none() {
            return Err(Halt::Faulted(Fault::new(format!("no tenant is called {tenant}"))));
        }
        if tx.get::<EmailRow>(&email_key)?.is_some() {
            return Err(Halt::Faulted(Fault::new("somebody has this e-mail address already")));
        }
        let facts = json!({"user": person.to_string(), "email": newcomer.email});
        audit::append(tx, &newcomer.act, Some(&tenant), "user_seeded", facts)?;
        newcomer.keep::<Refusal>(tx, &tenant, true, Role::Owner, None)?;
        Ok(person)
    };
    control.run(keep).await
}

/// A user who has a session, as committed.
fn row(control: &Control, person: &UserId) -> Result<UserRow, Fault> {
    control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(person)))?.ok_or_else(gone)
}

fn gone() -> Fault {
    Fault::busy("the user of a session is gone")
}
