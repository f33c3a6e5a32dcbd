//! Second factors: what a user proves himself with besides the password, and the second step of a login, which asks for
//! it.
//!
//! A user has one when an authenticator app is confirmed or a passkey is there; recovery codes stand in for either.
//! From then on a login's right password leads to a ticket, and one proof with that ticket to a session. What is
//! guessable, six digits, is tried at most five times a ticket and thirty times an hour from one network; recovery
//! codes and passkeys are taken whatever was tried, so that nobody is locked out by others who guess.
//!
//! A change of a factor needs a fresh proof, ends the user's other sessions and is told by mail.

mod state;
mod tried;

use ::store::{Halt, Missing, Tx};
use base::{Fault, SessionId, Stop, TenantId, TicketId, Time, UserId};
use serde_json::{Value, json};

use self::tried::Try;
use crate::act::Act;
use crate::mail::{self, Kind, Letter};
use crate::passkeys;
use crate::proof::{Carried, From, Operator, Permit, Proved, StepUp};
use crate::recovery::{self, RecoveryRow};
use crate::sessions::{self, LoggedIn, New, Proof, Tries};
use crate::tickets::{self, NewTicket, Purpose};
use crate::totp::{self, TotpRow};
use crate::users::{self, EmailRow, UserRow};
use crate::{Control, audit};

pub use state::{Method, Refusal};

/// What a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub totp: bool,
    pub passkeys: usize,
    pub recovery_codes_left: usize,
}

pub fn held(control: &Control, permit: &Permit) -> Result<Held, Fault> {
    let person = permit.session().user();
    control.store().read(|reader| {
        let totp = reader.get::<TotpRow>(&TotpRow::keyed(person))?;
        let codes = reader.get::<RecoveryRow>(&RecoveryRow::keyed(person))?;
        Ok(Held {
            totp: totp.is_some_and(|row| row.confirmed_at.is_some()),
            passkeys: passkeys::read_all(reader, person)?.len(),
            recovery_codes_left: codes.map_or(0, |row| row.left()),
        })
    })
}

/// With what this user's login goes on after the password; nothing where the password is all.
pub(crate) fn methods(tx: &mut Tx<'_>, person: &UserId) -> Result<Vec<Method>, Missing> {
    tx.want::<TotpRow>(&TotpRow::keyed(person));
    tx.want::<RecoveryRow>(&RecoveryRow::keyed(person));
    let passkeys = passkeys::all(tx, person)?;
    let factors = [(totp::is_on(tx, person)?, Method::Totp), (!passkeys.is_empty(), Method::Passkey)];
    let mut methods: Vec<_> = factors.into_iter().filter_map(|(there, method)| there.then_some(method)).collect();
    if !methods.is_empty() && recovery::left(tx, person)? > 0 {
        methods.push(Method::Recovery);
    }
    Ok(methods)
}

/// A login's second step, before it is taken.
pub(crate) struct Half {
    pub(crate) methods: Vec<Method>,
    pub(crate) expires_at: Time,
}

/// Keeps the ticket of a login's second step, where its user has a factor. Tries at the password are not forgiven yet,
/// and the network is not known.
pub(crate) fn halve(
    tx: &mut Tx<'_>,
    act: &Act,
    person: &UserId,
    email_key: &str,
    ticket: &TicketId,
) -> Result<Option<Half>, Halt<sessions::Refusal>> {
    let methods = methods(tx, person)?;
    if methods.is_empty() {
        return Ok(None);
    }
    let user = tx.get::<UserRow>(&UserRow::keyed(person))?.ok_or(Halt::Refused(sessions::Refusal::Invalid))?;
    let (id, person, email_key) = (ticket.clone(), Some(user.id), email_key.to_owned());
    let facts = json!({"user": person});
    let new = NewTicket { id, purpose: Purpose::SecondStep, person, email_key, tenant: None };
    let expires_at = tickets::issue(tx, new)?;
    audit::append(tx, act, Some(&user.home), "second_step_asked", facts)?;
    Ok(Some(Half { methods, expires_at }))
}

/// Takes the second step of a login. Whatever is wrong with it, one word is answered.
pub async fn second_step(
    control: &Control,
    from: &From,
    ticket: &str,
    proof: Proof,
    carried: Carried,
) -> Result<LoggedIn, Stop<sessions::Refusal>> {
    let invalid = || Stop::Refused(sessions::Refusal::CodeInvalid);
    let row = tickets::look(control, ticket, Purpose::SecondStep)?.ok_or_else(invalid)?;
    let person = row.person.ok_or_else(invalid)?;
    let of = passkeys::For::SecondStep(row.id.clone());
    let tried = Try::of(control, from, &person, &row.email_key, proof, of)?.ok_or_else(invalid)?;
    let new = New::draw(control, from, person.clone(), carried).proved_by(tried.kind());
    let (begin, known, act) = (new.clone(), Tries::of(control, from, &row.email_key), from.act());
    let run = move |tx: &mut Tx<'_>| {
        let refused = || Halt::Refused(sessions::Refusal::CodeInvalid);
        if let Some(throttled) = tried.spend(tx)? {
            return Err(Halt::Refused(throttled.into()));
        }
        let now = tx.now();
        let ticket = tickets::good(tx, &row.id, Purpose::SecondStep, now)?.ok_or_else(refused)?;
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?;
        // A password that was changed since is another first step.
        let user = user.filter(|user| user.passwords_changed_at <= ticket.issued_at).ok_or_else(refused)?;
        if !tried.use_up(tx)? {
            let facts = json!({"user": person.to_string(), "by": tried.kind().word()});
            audit::append::<sessions::Refusal>(tx, &act, Some(&user.home), "second_step_failed", facts)?;
            tickets::failed(tx, ticket, state::TRIES_MOST);
            return Ok(None);
        }
        tickets::redeem(tx, &row.id, Purpose::SecondStep, now)?;
        known.forgive(tx)?;
        begin.in_operation(tx)?.ok_or_else(refused).map(Some)
    };
    let begun = control.run(run).await?.ok_or_else(invalid)?;
    Ok(new.issued(control, begun))
}

/// Proves the user of a session again, by a factor.
pub(crate) async fn prove(
    control: &Control,
    permit: &Permit,
    proof: Proof,
) -> Result<(Proved, Time), Stop<sessions::Refusal>> {
    let invalid = || Stop::Refused(sessions::Refusal::CodeInvalid);
    let session = permit.session();
    let user = control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(session.user())))?;
    let user = user.ok_or_else(invalid)?;
    let of = passkeys::For::Proving(session.id().clone());
    let tried = Try::of(control, session.from(), session.user(), &user.email_key, proof, of)?.ok_or_else(invalid)?;
    let permit = permit.clone();
    let run = move |tx: &mut Tx<'_>| {
        if let Some(throttled) = tried.spend(tx)? {
            return Err(Halt::Refused(throttled.into()));
        }
        if !tried.use_up(tx)? {
            return Ok(None);
        }
        sessions::renew(tx, &permit, tried.kind()).map(Some)
    };
    control.run(run).await?.ok_or_else(invalid)
}

/// By the operator, who has made sure of the person in another way: every factor of whoever has this address goes, and his
/// sessions end. The password alone signs in again, and he is told by mail.
pub async fn take_away(
    control: &Control,
    operator: &Operator,
    email: &str,
    reason: Option<&str>,
) -> Result<UserId, Stop<Refusal>> {
    let key = users::email_key(email).unwrap_or_default();
    let (act, letter, reason) = (operator.act(), mail::draw(control), reason.map(str::to_owned));
    let run = move |tx: &mut Tx<'_>| {
        let person = tx.get::<EmailRow>(&key)?.ok_or(Halt::Refused(Refusal::NotThere))?.person;
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.ok_or_else(gone)?;
        if methods(tx, &person)?.is_empty() {
            return Err(Halt::Refused(Refusal::NotThere));
        }
        forget(tx, &person)?;
        sessions::end_all(tx, &person, None)?;
        let facts = json!({"user": person.to_string(), "reason": reason});
        audit::append(tx, &act, Some(&user.home), "factors_taken_away", facts)?;
        tell(tx, &letter, user, "factors_taken_away")?;
        Ok(person)
    };
    control.run(run).await
}

/// Whatever a user has, recovery codes included.
pub(crate) fn forget(tx: &mut Tx<'_>, person: &UserId) -> Result<(), Missing> {
    totp::forget(tx, person)?;
    passkeys::forget(tx, person)?;
    recovery::forget(tx, person)
}

fn tell(tx: &mut Tx<'_>, letter: &str, user: UserRow, what: &str) -> Result<(), Missing> {
    let (id, address, person) = (letter.to_owned(), user.email, Some(user.id));
    let facts = json!({"what": what});
    mail::put(tx, Letter { id, kind: Kind::FactorsChanged, address, person, ticket: None, facts })
}

/// What every change of a user's factors brings with it.
pub(crate) struct Changed {
    person: UserId,
    tenant: TenantId,
    session: SessionId,
    act: Act,
    letter: String,
}

impl Changed {
    pub(crate) fn draw(control: &Control, permit: &Permit, step_up: &StepUp) -> Changed {
        let session = permit.session();
        let (person, tenant, id) = (session.user().clone(), session.tenant().clone(), session.id().clone());
        Changed { person, tenant, session: id, act: permit.act(Some(step_up)), letter: mail::draw(control) }
    }

    /// Last in its operation: recovery codes that stand in for nothing go, other sessions end, and it is written down
    /// and told.
    pub(crate) fn keep(&self, tx: &mut Tx<'_>, kind: &'static str, mut facts: Value) -> Result<(), Halt<Refusal>> {
        let user = tx.get::<UserRow>(&UserRow::keyed(&self.person))?.ok_or_else(gone)?;
        if methods(tx, &self.person)?.is_empty() {
            recovery::forget(tx, &self.person)?;
        }
        sessions::end_all(tx, &self.person, Some(&self.session))?;
        facts["user"] = json!(self.person.to_string());
        audit::append(tx, &self.act, Some(&self.tenant), kind, facts)?;
        Ok(tell(tx, &self.letter, user, kind)?)
    }
}

/// Refuses a proof of another session.
pub(crate) fn proved(permit: &Permit, step_up: &StepUp) -> Result<(), Stop<Refusal>> {
    if step_up.is_of(permit.session()) { Ok(()) } else { Err(Stop::Refused(Refusal::StepUpRequired)) }
}

pub(crate) fn gone() -> Fault {
    Fault::busy("the user of a session is gone")
}
