//! Logging in: throttles, passwords, and the session that follows. An address that nobody has costs what one costs that
//! somebody has: the same rows are read, and two passwords are checked in any case.

use ::store::{Halt, Reader, Tx};
use base::{Fault, Secret, SessionId, Span, Stop, TenantId, TicketId, Time, UserId, mac};
use data_encoding::HEXLOWER;
use serde_json::json;

use super::store::{self, INSTALLATION, InstallationRow, SessionRow};
use super::{Carrier, Issued, LoggedIn, Refusal, SecondStep, state};
use crate::factors::{self, Half};
use crate::hashing::{self, Password};
use crate::proof::{Carried, From, Permit, ProofKind, Proved};
use crate::seats::SeatRow;
use crate::throttle::{self, Scope, Throttled};
use crate::tickets::{self, Purpose};
use crate::tokens::{self, Claims};
use crate::users::{self, EmailRow, PendingEmailRow, UserRow, UserView};
use crate::{Control, audit, signers};

/// Signs in. What an address costs and answers does not depend on whether somebody has it.
pub async fn log_in(
    control: &Control,
    from: &From,
    email: &str,
    password: Secret<String>,
    carried: Carried,
) -> Result<LoggedIn, Stop<Refusal>> {
    // What is no address is nobody's.
    let key = users::email_key(email).unwrap_or_default();
    let (known, tried) = recognise(control, from, &key, password).await?;
    let new = New::draw(control, from, known.person.clone(), carried);
    let (begin, ticket, asked) = (new.clone(), TicketId::draw(control.chance()), from.act());
    let run = move |tx: &mut Tx<'_>| {
        if !known.stands(tx)? {
            return Err(Halt::Refused(Refusal::Invalid));
        }
        if let Some(half) = factors::halve(tx, &asked, &begin.person, &key, &ticket)? {
            return Ok(First::Half(ticket.clone(), half));
        }
        let begun = begin.in_operation::<Refusal>(tx)?.ok_or(Halt::Refused(Refusal::Invalid))?;
        tried.forgive(tx)?;
        Ok(First::Whole(begun))
    };
    Ok(match control.run(run).await? {
        First::Whole(begun) => new.issued(control, begun),
        First::Half(ticket, Half { methods, expires_at }) => {
            let ticket = tickets::text(control, &ticket, Purpose::SecondStep);
            LoggedIn::SecondStep(SecondStep { ticket, methods, expires_at })
        }
    })
}

/// How far a right password leads.
enum First {
    Whole(Begun),
    Half(TicketId, Half),
}

/// Somebody whose password was right when it was looked at.
#[derive(Clone)]
pub(crate) struct Recognised {
    pub(crate) person: UserId,
    passwords_changed_at: Time,
}

impl Recognised {
    /// Whether it still is: to check a password takes long, and it may have been changed meanwhile.
    pub(crate) fn stands(&self, tx: &mut Tx<'_>) -> Result<bool, ::store::Missing> {
        let user = tx.get::<UserRow>(&UserRow::keyed(&self.person))?;
        Ok(user.is_some_and(|user| user.passwords_changed_at == self.passwords_changed_at))
    }
}

/// Whose address and password these are. The tries are forgiven by the operation that is let through.
pub(crate) async fn recognise(
    control: &Control,
    from: &From,
    email_key: &str,
    password: Secret<String>,
) -> Result<(Recognised, Tries), Stop<Refusal>> {
    let tried = Tries::of(control, from, email_key);
    tried.spend(control).await?;
    let holders = control.store().read(|reader| holders(reader, email_key))?;
    let mut found = None;
    for holder in holders {
        let (person, kept) = holder.unzip();
        let right = hashing::check(control, password.clone(), kept).await?;
        found = found.or(person.filter(|_| right));
    }
    let Some(known) = found else { return Err(tried.failed(control).await?) };
    users::keep_up(control, from, &known.person, password).await?;
    Ok((known, tried))
}

/// A session of the same user in another tenant, in place of the one that asks. It ends when that one would have, and nobody
/// has proved himself in it. `None`: its user has no seat there, or it is over.
pub(crate) async fn elsewhere(control: &Control, permit: &Permit, tenant: TenantId) -> Result<Option<LoggedIn>, Fault> {
    let session = permit.session();
    let (left, act) = (SessionRow::keyed(session.user(), session.id()), permit.act(None));
    let new = New::draw(control, session.from(), session.user().clone(), session.carried());
    let begin = new.clone();
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let Some(old) = tx.get::<SessionRow>(&left)?.filter(|row| state::live(row, now).is_ok()) else {
            return Ok(None);
        };
        let moved = Moved { tenant: tenant.clone(), expires_at: old.expires_at };
        let Some(begun) = (New { moved: Some(moved), ..begin.clone() }).in_operation(tx)? else { return Ok(None) };
        audit::append(tx, &act, Some(&old.tenant), "session_ended", json!({"session": old.id}))?;
        tx.put(SessionRow { revoked_at: Some(now), ..old });
        Ok(Some(begun))
    };
    Ok(control.change(run).await?.map(|begun| new.issued(control, begun)))
}

/// Who might have this password: who has proved the address, and who registered last without proving it.
fn holders(reader: &Reader<'_>, key: &str) -> Result<[Option<(Recognised, Password)>; 2], Fault> {
    let proved = reader.get::<EmailRow>(&key.to_owned())?.map(|row| row.person);
    let pending = reader.get::<PendingEmailRow>(&key.to_owned())?.map(|row| row.person);
    let user = |person: Option<UserId>| {
        // Nobody has the empty id: that look costs what one at a user does.
        let key = person.map_or_else(String::new, |person| UserRow::keyed(&person));
        let known = |row: UserRow| {
            let UserRow { id: person, passwords_changed_at, password, .. } = row;
            (Recognised { person, passwords_changed_at }, password)
        };
        Ok::<_, Fault>(reader.get::<UserRow>(&key)?.map(known))
    };
    Ok([user(proved)?, user(pending)?])
}

/// What a try at a password is counted in.
#[derive(Clone)]
pub(crate) struct Tries {
    /// Failures of the network; only failures are counted.
    net: Scope,
    /// Tries at this address from this network; a success makes them undone.
    pair: Scope,
    /// Tries at this address from anywhere, for networks without a success.
    address: Scope,
    /// There where a login from this network to this address succeeded.
    known: Scope,
}

impl Tries {
    pub(crate) fn of(control: &Control, from: &From, key: &str) -> Tries {
        Tries {
            net: Scope::net(control, from.net),
            pair: Scope::pair(control, key, from.net),
            address: Scope::address(control, key),
            known: Scope::known(control, key, from.net),
        }
    }

    /// Counts a try before the password is looked at: of many at once no more are let through than one after the other.
    pub(super) async fn spend(&self, control: &Control) -> Result<(), Stop<Refusal>> {
        let now = control.now();
        if let Some(throttled) = throttle::standing(control, std::slice::from_ref(&self.net), now)? {
            return Err(refused(throttled));
        }
        let known = throttle::standing(control, std::slice::from_ref(&self.known), now)?.is_some();
        let mut scopes = vec![self.pair.clone()];
        scopes.extend((!known).then(|| self.address.clone()));
        let spent = move |tx: &mut Tx<'_>| Ok(throttle::spend(tx, &scopes, tx.now())?);
        control.change(spent).await?.map_or(Ok(()), |throttled| Err(refused(throttled)))
    }

    /// Counts a failure, and is the answer to it.
    pub(super) async fn failed(&self, control: &Control) -> Result<Stop<Refusal>, Fault> {
        let net = [self.net.clone()];
        control.change(move |tx: &mut Tx<'_>| Ok(throttle::spend(tx, &net, tx.now())?)).await?;
        Ok(Stop::Refused(Refusal::Invalid))
    }

    /// After a success: this network is known to this address from now on.
    pub(crate) fn forgive(&self, tx: &mut Tx<'_>) -> Result<(), ::store::Missing> {
        throttle::forgive(tx, &[self.pair.clone(), self.known.clone()])?;
        let now = tx.now();
        throttle::spend(tx, std::slice::from_ref(&self.known), now).map(|_| ())
    }
}

fn refused(throttled: Throttled) -> Stop<Refusal> {
    Stop::Refused(Refusal::Throttled { retry_after: throttled.retry_after })
}

/// A session that is to begin, with all that is drawn for it. Nothing of a presented session is taken over. Not `Debug`.
#[derive(Clone)]
pub(crate) struct New {
    person: UserId,
    /// What its user proved himself with last.
    by: ProofKind,
    id: SessionId,
    carried: Carried,
    cookie: Option<Secret<String>>,
    cookie_mac: Option<String>,
    from: From,
    life: Span,
    /// Where it continues another session.
    moved: Option<Moved>,
    /// For the first session of all.
    installation: String,
}

#[derive(Clone)]
struct Moved {
    tenant: TenantId,
    expires_at: Time,
}

/// What the operation found and decided.
pub(crate) struct Begun {
    view: UserView,
    installation: String,
    epoch: u64,
    expires_at: Time,
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const COOKIE_CHARACTERS: usize = 30;
const INSTALLATION_CHARACTERS: usize = 16;

impl New {
    pub(crate) fn draw(control: &Control, from: &From, person: UserId, carried: Carried) -> New {
        let (chance, id) = (control.chance(), SessionId::draw(control.chance()));
        let cookie = (carried == Carried::Cookie)
            .then(|| Secret::new(format!("{person}.{id}.{}", chance.text(BASE62, COOKIE_CHARACTERS))));
        let cookie_mac = cookie.as_ref().map(|cookie| mac_of(control, cookie.expose()));
        let (life, from) = (control.settings().session, from.clone());
        let installation = chance.text(base::id::ID_ALPHABET, INSTALLATION_CHARACTERS);
        let by = ProofKind::Login;
        New { person, by, id, carried, cookie, cookie_mac, from, life, moved: None, installation }
    }

    /// By another proof than the password.
    pub(crate) fn proved_by(self, by: ProofKind) -> New {
        New { by, ..self }
    }

    /// `None`: there is no such user, or no seat at home or where the session is to be.
    pub(crate) fn in_operation<R>(&self, tx: &mut Tx<'_>) -> Result<Option<Begun>, Halt<R>> {
        let now = tx.now();
        let Some(user) = tx.get::<UserRow>(&UserRow::keyed(&self.person))? else { return Ok(None) };
        let tenant = self.moved.as_ref().map_or(&user.home, |moved| &moved.tenant).clone();
        let seat = tx.get::<SeatRow>(&SeatRow::keyed(&tenant, &self.person))?;
        let Some(seat) = seat else { return Ok(None) };
        let (installation, epoch) = self.signed_with(tx)?;
        make_room(tx, &self.person, now)?;
        let expires_at = self.moved.as_ref().map_or(now.plus(self.life), |moved| moved.expires_at);
        let act = self.from.act_of(&self.person, &self.id);
        let by = self.moved.is_none().then(|| self.by.word());
        audit::append::<R>(tx, &act, Some(&tenant), "session_begun", json!({"carried": self.carried, "by": by}))?;
        tx.add(SessionRow {
            person: self.person.clone(),
            id: self.id.clone(),
            created_at: now,
            expires_at,
            revoked_at: None,
            carried: self.carried,
            cookie_mac: self.cookie_mac.clone(),
            tenant: tenant.clone(),
            proved: self.moved.is_none().then_some(Proved { kind: self.by, at: now }),
            ip: self.from.ip.to_string(),
            agent: self.from.agent.to_string(),
        });
        let view = user.view(&tenant, seat.role);
        Ok(Some(Begun { view, installation, epoch, expires_at }))
    }

    /// The installation's name and the present epoch; the first session makes both.
    fn signed_with(&self, tx: &mut Tx<'_>) -> Result<(String, u64), ::store::Missing> {
        let row = tx.get::<InstallationRow>(&INSTALLATION.to_owned())?;
        let (id, new) = row.map_or_else(|| (self.installation.clone(), true), |row| (row.id, false));
        if new {
            tx.put(InstallationRow { name: INSTALLATION.to_owned(), id: id.clone() });
        }
        Ok((id, signers::present(tx)?))
    }

    pub(crate) fn issued(self, control: &Control, begun: Begun) -> LoggedIn {
        let Begun { view, installation, epoch, expires_at } = begun;
        let carrier = match self.cookie {
            Some(cookie) => Carrier::Cookie(cookie),
            None => {
                let claims = Claims::new(&installation, self.person, self.id, control.now(), expires_at);
                Carrier::Token(tokens::sign(&control.secrets().signer, epoch, &claims))
            }
        };
        LoggedIn::In { view, issued: Issued { carrier, expires_at } }
    }
}

/// What a cookie is kept as, in hex.
pub(super) fn mac_of(control: &Control, cookie: &str) -> String {
    HEXLOWER.encode(&mac::hmac(&control.secrets().cookie, &[cookie.as_bytes()]))
}

/// Sessions that are over go; of as many live ones as there may be, the oldest does.
fn make_room(tx: &mut Tx<'_>, person: &UserId, now: Time) -> Result<(), ::store::Missing> {
    let (mut live, over): (Vec<_>, Vec<_>) =
        store::all(tx, person)?.into_iter().partition(|row| state::live(row, now).is_ok());
    live.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    for row in over.iter().chain(live.iter().skip(state::LIVE_MOST - 1)) {
        tx.remove::<SessionRow>(&SessionRow::keyed(&row.person, &row.id));
    }
    Ok(())
}
