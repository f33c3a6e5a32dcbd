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
use base::{Environment, Fault, Secret, SessionId, Stop, TenantId, Time, UserId};
use serde_json::json;

use self::shown::Shown;
use crate::access::Reach;
use crate::act::Act;
use crate::factors::{self, Method};
use crate::passkeys::Assertion;
use crate::proof::{Denied, From, Permit, Presented, ProofKind, Proved, Session, StepUp};
use crate::seats::SeatRow;
use crate::users::{UserRow, UserView};
use crate::{Control, audit, hashing};

pub use begin::log_in;
pub(crate) use begin::{New, Tries, elsewhere, recognise};
pub use state::Refusal;
pub use store::{InstallationRow, SessionRow};

/// What a login leads to.
pub enum LoggedIn {
    In {
        view: UserView,
        issued: Issued,
    },
    /// The password was right, and its user has a second factor.
    SecondStep(SecondStep),
}

/// What is left of a login after its first step. Not `Debug`.
pub struct SecondStep {
    pub ticket: Secret<String>,
    pub methods: Vec<Method>,
    pub expires_at: Time,
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
    /// Of an authenticator app.
    Code(Secret<String>),
    Recovery(Secret<String>),
    Passkey(Assertion),
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
    let password = match proof {
        Proof::Password(password) => password,
        factor => return factors::prove(control, permit, factor).await,
    };
    let session = permit.session();
    let user = control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(session.user())))?;
    let user = user.ok_or(Stop::Refused(Refusal::Invalid))?;
    let tried = Tries::of(control, session.from(), &user.email_key);
    tried.spend(control).await?;
    if !hashing::check(control, password, Some(user.password)).await? {
        return Err(tried.failed(control).await?);
    }
    let permit = permit.clone();
    let run = move |tx: &mut Tx<'_>| {
        tried.forgive(tx)?;
        renew(tx, &permit, ProofKind::Password)
    };
    control.run(run).await
}

/// Whether a permit would be given now: its session lives, and its user's role still reaches as far.
pub(crate) fn holds(tx: &mut Tx<'_>, permit: &Permit, environment: Option<Environment>) -> Result<bool, Missing> {
    let (session, now) = (permit.session(), tx.now());
    let (key, seat) =
        (SessionRow::keyed(session.user(), session.id()), SeatRow::keyed(session.tenant(), session.user()));
    tx.want::<SessionRow>(&key);
    tx.want::<SeatRow>(&seat);
    let lives = tx.get::<SessionRow>(&key)?.is_some_and(|row| state::live(&row, now).is_ok());
    let reach = tx.get::<SeatRow>(&seat)?.map_or(Reach::No, |seat| permit.row().reach(seat.role));
    Ok(lives && environment.map_or(reach != Reach::No, |environment| reach.covers(environment)))
}

/// The session's user has proved himself just now. Refused where the session is over.
pub(crate) fn renew(tx: &mut Tx<'_>, permit: &Permit, kind: ProofKind) -> Result<(Proved, Time), Halt<Refusal>> {
    let (session, now) = (permit.session(), tx.now());
    let row = tx.get::<SessionRow>(&SessionRow::keyed(session.user(), session.id()))?;
    let row = row.filter(|row| state::live(row, now).is_ok()).ok_or(Halt::Refused(Refusal::Invalid))?;
    let proved = Proved { kind, at: now };
    let facts = json!({"by": kind.word()});
    audit::append::<Refusal>(tx, &permit.act(None), Some(session.tenant()), "session_proved", facts)?;
    tx.put(SessionRow { proved: Some(proved), ..row });
    Ok((proved, state::fresh_until(proved)))
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

/// Ends the session that a login replaces in its browser. What is none, or over, is left alone.
pub async fn replaced(control: &Control, from: &From, cookie: &str) -> Result<(), Fault> {
    match authenticate(control, Presented::Cookie(cookie), from) {
        Ok(session) => {
            end(control, SessionRow::keyed(&session.user, &session.id), from.act_of(&session.user, &session.id))
                .await
                .map(|_| ())
        }
        Err(Stop::Refused(_)) => Ok(()),
        Err(Stop::Faulted(fault)) => Err(fault),
    }
}

async fn end_one(control: &Control, permit: &Permit, id: SessionId) -> Result<bool, Fault> {
    end(control, SessionRow::keyed(permit.session().user(), &id), permit.act(None)).await
}

async fn end(control: &Control, key: (String, String), act: Act) -> Result<bool, Fault> {
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

/// Removes all of a user's sessions, of whom nothing is left.
pub(crate) fn remove_all(tx: &mut Tx<'_>, person: &UserId) -> Result<(), Missing> {
    for row in store::all(tx, person)? {
        tx.remove::<SessionRow>(&SessionRow::keyed(&row.person, &row.id));
    }
    Ok(())
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

/// Ends a user's sessions in one tenant.
pub(crate) fn end_in(tx: &mut Tx<'_>, person: &UserId, tenant: &TenantId) -> Result<(), Missing> {
    let now = tx.now();
    for row in store::all(tx, person)? {
        if row.tenant == *tenant && row.revoked_at.is_none() {
            tx.put(SessionRow { revoked_at: Some(now), ..row });
        }
    }
    Ok(())
}
