//! Sessions: signing in, what a request's token is worth, proving oneself again, signing out.
//!
//! Refuses in this order: busy, throttled, and one word for an unknown address, a wrong password and a user who may not sign
//! in. Life of a session: begun by a login → proved again, any number of times → ended, revoked or past its time.

mod begin;
mod shown;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Fault, Secret, SessionId, Stop, Time, UserId};
use serde_json::json;

use self::begin::Tries;
use self::shown::Shown;
use crate::proof::{Denied, From, Operator, Permit, Presented, ProofKind, Proved, Session, StepUp};
use crate::users::{UserRow, UserView};
use crate::{Control, audit, hashing, tokens};

pub(crate) use begin::begin;
pub use begin::log_in;
pub use state::Refusal;
pub use store::{InstallationRow, SessionRow, SignerRow};

/// What a login leads to.
pub enum LoggedIn {
    In { view: UserView, issued: Issued },
}

/// A session in its client's hands. Not `Debug`.
pub struct Issued {
    pub carrier: Carrier,
    pub expires_at: Time,
}

pub enum Carrier {
    Token(Secret<String>),
    Cookie(Secret<String>),
}

/// With what somebody proves himself. Not `Debug`.
pub enum Proof {
    Password(Secret<String>),
}

/// A session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    pub id: SessionId,
    pub created_at: Time,
    pub expires_at: Time,
    pub ip: String,
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Whose session a request shows. One read, and none for what this control never signed.
pub fn authenticate(control: &Control, presented: Presented<'_>, from: &From) -> Result<Session, Stop<Denied>> {
    let (shown, now) = (Shown::of(control, presented).ok_or(Stop::Refused(Denied::Unauthenticated))?, control.now());
    let found = control.store().read(|reader| shown.session(control, reader, from, now))?;
    found.map_err(Stop::Refused)
}

/// The proof that this session's user proved himself within the last ten minutes.
pub fn step_up(permit: &Permit, now: Time) -> Result<StepUp, Denied> {
    let session = permit.session();
    let proved = state::fresh(session.proved(), now).ok_or(Denied::StepUpRequired)?;
    Ok(StepUp { session: session.id().clone(), user: session.user().clone(), by: proved.kind, at: proved.at })
}

/// Proves the session's user again; the answer says until when that is fresh. Tries count as those of a login do.
pub async fn prove(control: &Control, permit: &Permit, proof: Proof) -> Result<(Proved, Time), Stop<Refusal>> {
    let (session, Proof::Password(password)) = (permit.session(), proof);
    let user = control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(session.user())))?;
    let user = user.ok_or(Stop::Refused(Refusal::Invalid))?;
    let tried = Tries::of(control, session.from(), &user.email_key);
    tried.spend(control).await?;
    if !hashing::check(control, password, Some(user.password)).await? {
        return Err(tried.failed(control).await?);
    }
    let (key, tenant) = (SessionRow::keyed(session.user(), session.id()), session.tenant().clone());
    let act = permit.act(None);
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let row = tx.get::<SessionRow>(&key)?.filter(|row| state::live(row, now).is_ok());
        let row = row.ok_or(Halt::Refused(Refusal::Invalid))?;
        let proved = Proved { kind: ProofKind::Password, at: now };
        audit::append::<Refusal>(tx, &act, Some(&tenant), "session_proved", json!({"by": proved.kind.word()}))?;
        tried.forgive(tx)?;
        tx.put(SessionRow { proved: Some(proved), ..row });
        Ok((proved, state::fresh_until(proved)))
    };
    control.run(run).await
}

pub async fn log_out(control: &Control, permit: &Permit) -> Result<(), Fault> {
    let id = permit.session().id().clone();
    end_one(control, permit, id).await.map(|_| ())
}

/// The user's live sessions, the newest first.
pub fn list(control: &Control, permit: &Permit) -> Result<Vec<SessionView>, Fault> {
    let (session, now) = (permit.session(), control.now());
    let mut rows = control.store().read(|reader| store::read_all(reader, session.user()))?;
    rows.retain(|row| state::live(row, now).is_ok());
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    let view = |row: SessionRow| SessionView {
        current: row.id == *session.id(),
        id: row.id,
        created_at: row.created_at,
        expires_at: row.expires_at,
        ip: row.ip,
        agent: row.agent,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Ends one of the user's own sessions. Another's, and one that is over, are unknown.
pub async fn revoke(control: &Control, permit: &Permit, id: &str) -> Result<(), Stop<Denied>> {
    let id = id.parse().map_err(|_| Stop::Refused(Denied::Unknown))?;
    if end_one(control, permit, id).await? { Ok(()) } else { Err(Stop::Refused(Denied::Unknown)) }
}

async fn end_one(control: &Control, permit: &Permit, id: SessionId) -> Result<bool, Fault> {
    let (key, act) = (SessionRow::keyed(permit.session().user(), &id), permit.act(None));
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let row = tx.get::<SessionRow>(&key)?.filter(|row| state::live(row, now).is_ok());
        let Some(row) = row else { return Ok(false) };
        audit::append(tx, &act, Some(&row.tenant), "session_ended", json!({"session": row.id}))?;
        tx.put(SessionRow { revoked_at: Some(now), ..row });
        Ok(true)
    };
    control.change(run).await
}

/// Ends all of a user's sessions but `but`. For operations that change how a user proves himself.
pub(crate) fn end_all(tx: &mut Tx<'_>, person: &UserId, but: Option<&SessionId>) -> Result<(), Missing> {
    let now = tx.now();
    for row in store::all(tx, person)? {
        if Some(&row.id) != but && row.revoked_at.is_none() {
            tx.put(SessionRow { revoked_at: Some(now), ..row });
        }
    }
    Ok(())
}

/// Begins another epoch, which signs from now on. What the one before has signed is good until it expires.
pub async fn rotate_signer(control: &Control, operator: &Operator) -> Result<u64, Fault> {
    let act = operator.act();
    let run = move |tx: &mut Tx<'_>| {
        let (now, present) = (tx.now(), store::present(tx)?);
        let epoch = present.as_ref().map_or(1, |present| present.epoch + 1);
        audit::append(tx, &act, None, "signer_rotated", json!({"epoch": epoch}))?;
        if let Some(present) = present {
            tx.put(SignerRow { retired_at: Some(now), ..present });
        }
        tx.add(SignerRow { epoch, created_at: now, retired_at: None });
        Ok(epoch)
    };
    control.change(run).await
}

/// The public halves of all live epochs' signers: (epoch, public key).
pub fn signers(control: &Control) -> Result<Vec<(u64, [u8; 32])>, Fault> {
    let (now, session) = (control.now(), control.settings().session);
    let rows = control.store().read(store::signers)?.into_iter();
    let live = rows.filter(|row| state::verifies(row, session, now));
    Ok(live.map(|row| (row.epoch, tokens::public(&control.secrets().signer, row.epoch))).collect())
}
