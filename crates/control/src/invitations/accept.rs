//! Accepting an invitation. Its mailed ticket proves the address, so whoever accepts has proved it: a user who is signed in, a
//! user by his password, or somebody new, who chooses one. Nobody is signed in by it.

use ::store::{Halt, Tx};
use base::{Secret, Stop, TenantId, UserId};
use serde_json::json;

use super::{InvitationRow, Refusal, close, kept};
use crate::access::Role;
use crate::act::Act;
use crate::proof::{From, Permit};
use crate::seats::{self, SEATS_MOST, SeatRow, may_grant};
use crate::tickets::{self, Purpose, TicketRow};
use crate::users::{self, EmailRow, NewUser, Newcomer, UserRow};
use crate::{Control, Tenant, audit, sessions};

/// What somebody new is called.
pub struct Names {
    pub first: String,
    pub last: String,
}

/// A seat that was just taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub user: UserId,
    pub email: String,
    pub tenant: TenantId,
    pub name: String,
    pub role: Role,
}

/// By whoever has the address, with his password; or, with names, by somebody new, whose password this becomes.
pub async fn accept(
    control: &Control,
    from: &From,
    token: &str,
    password: Secret<String>,
    names: Option<Names>,
) -> Result<Accepted, Stop<Refusal>> {
    let ticket = look(control, token)?;
    match names {
        Some(names) => by_newcomer(control, from, ticket, password, names).await,
        None => by_password(control, from, ticket, password).await,
    }
}

/// By the permit's user, whose address it is.
pub async fn join(control: &Control, permit: &Permit, token: &str) -> Result<Accepted, Stop<Refusal>> {
    let ticket = look(control, token)?;
    let (person, act) = (permit.session().user().clone(), permit.act(None));
    control.run_by(permit, None, move |tx: &mut Tx<'_>| by_user(tx, &act, &ticket, &person)).await
}

fn look(control: &Control, token: &str) -> Result<TicketRow, Stop<Refusal>> {
    tickets::look(control, token, Purpose::Invite)?.ok_or(Stop::Refused(users::Refusal::TokenInvalid.into()))
}

async fn by_password(
    control: &Control,
    from: &From,
    ticket: TicketRow,
    password: Secret<String>,
) -> Result<Accepted, Stop<Refusal>> {
    // The tries are not forgiven: that is for a login, which may need a second step.
    let (known, _) = sessions::recognise(control, from, &ticket.email_key, password).await.map_err(refused)?;
    let act = from.act();
    let run = move |tx: &mut Tx<'_>| match known.stands(tx)? {
        true => by_user(tx, &act, &ticket, &known.person),
        false => Err(Halt::Refused(sessions::Refusal::Invalid.into())),
    };
    control.run(run).await
}

fn by_user(tx: &mut Tx<'_>, act: &Act, ticket: &TicketRow, person: &UserId) -> Result<Accepted, Halt<Refusal>> {
    let open = Open::of(tx, ticket)?;
    let user = tx.get::<UserRow>(&UserRow::keyed(person))?.ok_or_else(invalid)?;
    let holders = users::holders(tx, &user.email_key)?;
    let is_anothers = holders.proved.as_ref().is_some_and(|proved| proved != person);
    if user.email_key != open.row.email_key || is_anothers {
        return Err(Halt::Refused(Refusal::OtherAddress));
    }
    if tx.get::<SeatRow>(&SeatRow::keyed(&open.row.of, person))?.is_some() {
        return Err(Halt::Refused(Refusal::Already));
    }
    let at_home = tx.get::<SeatRow>(&SeatRow::keyed(&user.home, person))?;
    let (of, role, by) = (open.row.of.clone(), open.row.role, open.row.by.clone());
    let user = users::prove(tx, user, &holders);
    // A login leads to where its user has a seat.
    if at_home.is_none() {
        tx.put(UserRow { home: of.clone(), ..user.clone() });
    }
    seats::give(tx, &of, person, role, Some(by))?;
    open.taken(tx, act, &user)
}

async fn by_newcomer(
    control: &Control,
    from: &From,
    ticket: TicketRow,
    password: Secret<String>,
    names: Names,
) -> Result<Accepted, Stop<Refusal>> {
    let company = company(control, &ticket)?;
    let Names { first, last } = names;
    let new = NewUser { email: ticket.email_key.clone(), password, first, last, company };
    let newcomer = Newcomer::draw(control, from.act(), new).await.map_err(refused)?;
    let act = from.act();
    let run = move |tx: &mut Tx<'_>| {
        let open = Open::of(tx, &ticket)?;
        if tx.get::<EmailRow>(&ticket.email_key)?.is_some() {
            return Err(Halt::Refused(Refusal::AddressTaken));
        }
        let InvitationRow { of, role, by, .. } = open.row.clone();
        let user = newcomer.keep::<Refusal>(tx, &of, true, role, Some(by))?;
        open.taken(tx, &act, &user)
    };
    control.run(run).await
}

/// Looked at before the password is hashed, which is dear: whose tenant it is, and that nobody has the address.
fn company(control: &Control, ticket: &TicketRow) -> Result<String, Stop<Refusal>> {
    let of = ticket.tenant.as_ref().map(TenantId::to_string).unwrap_or_default();
    let (tenant, proved) =
        control.store().read(|reader| Ok((reader.get::<Tenant>(&of)?, reader.get::<EmailRow>(&ticket.email_key)?)))?;
    if proved.is_some() {
        return Err(Stop::Refused(Refusal::AddressTaken));
    }
    tenant.map(|tenant| tenant.name).ok_or(Stop::Refused(users::Refusal::TokenInvalid.into()))
}

/// An invitation that holds.
struct Open {
    row: InvitationRow,
    tenant: Tenant,
}

impl Open {
    fn of(tx: &mut Tx<'_>, ticket: &TicketRow) -> Result<Open, Halt<Refusal>> {
        let now = tx.now();
        let of = ticket.tenant.as_ref().ok_or_else(invalid)?;
        let row = kept(tx, of)?.into_iter().find(|row| row.ticket == ticket.id && now < row.expires_at);
        let row = row.ok_or_else(invalid)?;
        let tenant = tx.get::<Tenant>(&of.to_string())?.ok_or_else(invalid)?;
        let by = tx.get::<SeatRow>(&SeatRow::keyed(of, &row.by))?;
        if !by.is_some_and(|by| may_grant(by.role, row.role)) {
            return Err(invalid());
        }
        if seats::of(tx, of)?.len() >= SEATS_MOST {
            return Err(Halt::Refused(Refusal::TooMany));
        }
        Ok(Open { row, tenant })
    }

    /// The invitation is used up, which is one line of the audit log.
    fn taken(self, tx: &mut Tx<'_>, act: &Act, user: &UserRow) -> Result<Accepted, Halt<Refusal>> {
        let Open { row, tenant } = self;
        let role = row.role;
        let facts =
            json!({"invitation": row.id, "user": user.id.to_string(), "email": user.email, "role": role.word()});
        audit::append::<Refusal>(tx, act, Some(&tenant.id), "invitation_accepted", facts)?;
        close(tx, row)?;
        let (user, email) = (user.id.clone(), user.email.clone());
        Ok(Accepted { user, email, tenant: tenant.id, name: tenant.name, role })
    }
}

fn invalid() -> Halt<Refusal> {
    Halt::Refused(users::Refusal::TokenInvalid.into())
}

fn refused<R: Into<Refusal>>(stop: Stop<R>) -> Stop<Refusal> {
    match stop {
        Stop::Refused(refusal) => Stop::Refused(refusal.into()),
        Stop::Faulted(fault) => Stop::Faulted(fault),
    }
}
