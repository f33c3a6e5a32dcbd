//! Passwords that are forgotten, reset and changed: the half of the door in which somebody proves an address or a password
//! that is there already. Each change of a password ends every session of its user and is told by mail.

use ::store::{Halt, Missing, Tx};
use base::{Fault, Secret, Stop, TicketId, UserId};
use serde_json::json;

use super::store::UserRow;
use super::{Refusal, email_key, state};
use crate::act::Act;
use crate::hashing::{self, Password};
use crate::mail::{self, Kind, Letter};
use crate::proof::{From, Permit};
use crate::sessions::{self, LoggedIn, New};
use crate::throttle::{self, Scope};
use crate::tickets::{self, NewTicket, Purpose};
use crate::{Control, audit};

/// Mails a way to a new password. The answer tells nothing.
pub async fn forgot(control: &Control, from: &From, email: &str) -> Result<(), Stop<Refusal>> {
    ask_for_mail(control, from, email, Kind::Reset, Purpose::Reset).await
}

/// One mail and its ticket, whoever has the address: for whom they are is found when the mail is sent. An address that has
/// been sent enough of them gets no further one, which the answer does not tell either.
pub(super) async fn ask_for_mail(
    control: &Control,
    from: &From,
    email: &str,
    kind: Kind,
    purpose: Purpose,
) -> Result<(), Stop<Refusal>> {
    let email_key = email_key(email).ok_or(Stop::Refused(Refusal::EmailUnusable))?;
    let (ticket, letter, act) = (TicketId::draw(control.chance()), mail::draw(control), from.act());
    let net = [Scope::mails_from(control, from.net)];
    let address = [Scope::mails_to(control, &email_key, purpose)];
    let keep = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        if let Some(throttled) = throttle::spend(tx, &net, now)? {
            return Err(Halt::Refused(throttled.into()));
        }
        if throttle::spend(tx, &address, now)?.is_some() {
            return Ok(());
        }
        audit::append(tx, &act, None, "mail_asked_for", json!({"email": email_key, "kind": kind.word()}))?;
        let (ticket, email_key) = (ticket.clone(), email_key.clone());
        let new = NewTicket { id: ticket.clone(), purpose, person: None, email_key: email_key.clone(), tenant: None };
        tickets::issue(tx, new)?;
        let (id, ticket) = (letter.clone(), Some(ticket));
        mail::put(tx, Letter { id, kind, address: email_key, person: None, ticket, facts: json!({}) })?;
        Ok(())
    };
    control.run(keep).await
}

/// Sets a new password by a mailed ticket and ends all sessions. It works whatever is throttled, and the network that it came
/// from may then sign in.
pub async fn reset(control: &Control, from: &From, token: &str, new: Secret<String>) -> Result<(), Stop<Refusal>> {
    state::check_password(&new, None).map_err(Stop::Refused)?;
    let row = tickets::look(control, token, Purpose::Reset)?.ok_or(Stop::Refused(Refusal::TokenInvalid))?;
    state::check_password(&new, Some(&row.email_key)).map_err(Stop::Refused)?;
    let (password, letter, act) = (hashing::hash(control, new).await?, mail::draw(control), from.act());
    let pair = [Scope::pair(control, &row.email_key, from.net)];
    let known = [Scope::known(control, &row.email_key, from.net)];
    let keep = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let redeemed = tickets::redeem(tx, &row.id, Purpose::Reset, now)?;
        let found = match redeemed.as_ref().and_then(|row| row.person.as_ref()) {
            Some(person) => user(tx, person)?,
            None => None,
        };
        // A password that was changed since makes older ways to a new one worthless.
        let Some(user) = found.filter(|user| user.passwords_changed_at <= row.issued_at) else {
            return Err(Halt::Refused(Refusal::TokenInvalid));
        };
        throttle::forgive(tx, &pair)?;
        throttle::forgive(tx, &known)?;
        throttle::spend(tx, &known, now)?;
        set(tx, &act, user, &password, &letter, "password_reset")
    };
    control.run(keep).await
}

/// Sets a new password, ends all sessions and answers a new one.
pub async fn change_password(
    control: &Control,
    permit: &Permit,
    current: Secret<String>,
    new: Secret<String>,
) -> Result<LoggedIn, Stop<Refusal>> {
    let (session, act) = (permit.session(), permit.act(None));
    let kept = super::row(control, session.user())?;
    let pair = [Scope::pair(control, &kept.email_key, session.from().net)];
    try_once(control, pair.clone()).await?;
    state::check_password(&new, Some(&kept.email_key)).map_err(Stop::Refused)?;
    if !hashing::check(control, current, Some(kept.password.clone())).await? {
        return Err(Stop::Refused(Refusal::WrongPassword));
    }
    let (password, letter) = (hashing::hash(control, new).await?, mail::draw(control));
    let new = New::draw(control, session.from(), session.user().clone(), session.carried());
    let begin = new.clone();
    let keep = move |tx: &mut Tx<'_>| {
        // What was checked is not what counts any more when another change came between.
        let Some(user) = user(tx, &kept.id)?.filter(|user| user.password == kept.password) else {
            return Err(Halt::Refused(Refusal::WrongPassword));
        };
        throttle::forgive(tx, &pair)?;
        set(tx, &act, user, &password, &letter, "password_changed")?;
        Ok(begin.in_operation(tx)?.ok_or_else(|| Fault::new("beginning a session of a user without a seat"))?)
    };
    let begun = control.run_by(permit, None, keep).await?;
    Ok(new.issued(control, begun))
}

/// Hashes a password that was right just now as new ones are hashed, where it was kept otherwise.
pub(crate) async fn keep_up(
    control: &Control,
    from: &From,
    person: &UserId,
    right: Secret<String>,
) -> Result<(), Fault> {
    let kept = control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(person)))?;
    let Some(kept) = kept.filter(|user| !user.password.is_up_to_date()) else { return Ok(()) };
    let (password, act) = (hashing::hash(control, right).await?, from.act());
    let keep = move |tx: &mut Tx<'_>| {
        // Changed meanwhile, it is another password.
        let found = user(tx, &kept.id)?.filter(|user| user.password == kept.password);
        let Some(user) = found else { return Ok(()) };
        audit::append(tx, &act, Some(&user.home), "password_hashed_anew", json!({"user": user.id}))?;
        tx.put(UserRow { password: password.clone(), ..user });
        Ok(())
    };
    control.change(keep).await
}

/// Counts one try against a password before it is checked, so that tries at the same time are no more than one by one.
async fn try_once(control: &Control, scopes: [Scope; 1]) -> Result<(), Stop<Refusal>> {
    let spend = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        match throttle::spend(tx, &scopes, now)? {
            Some(throttled) => Err(Halt::Refused(throttled.into())),
            None => Ok(()),
        }
    };
    control.run(spend).await
}

fn set(
    tx: &mut Tx<'_>,
    act: &Act,
    user: UserRow,
    password: &Password,
    letter: &str,
    kind: &'static str,
) -> Result<(), Halt<Refusal>> {
    let passwords_changed_at = tx.now();
    sessions::end_all(tx, &user.id, None)?;
    audit::append(tx, act, Some(&user.home), kind, json!({"user": user.id.to_string()}))?;
    let (id, kind, address, person) =
        (letter.to_owned(), Kind::PasswordChanged, user.email.clone(), Some(user.id.clone()));
    mail::put(tx, Letter { id, kind, address, person, ticket: None, facts: json!({}) })?;
    tx.put(UserRow { password: password.clone(), passwords_changed_at, ..user });
    Ok(())
}

fn user(tx: &mut Tx<'_>, person: &UserId) -> Result<Option<UserRow>, Missing> {
    tx.get::<UserRow>(&UserRow::keyed(person))
}
