//! Logging in: throttles, passwords, and the session that follows. An address that nobody has costs what one costs that
//! somebody has: the same rows are read, and two passwords are checked in any case.

use ::store::{Halt, Reader, Tx};
use base::{Fault, Secret, SessionId, Span, Stop, Time, UserId, mac};
use data_encoding::HEXLOWER;
use serde_json::json;

use super::store::{self, INSTALLATION, InstallationRow, SessionRow, SignerRow};
use super::{Carrier, Issued, LoggedIn, Refusal, state};
use crate::hashing::{self, Password};
use crate::proof::{Carried, From, ProofKind, Proved};
use crate::seats::SeatRow;
use crate::throttle::{self, Scope, Throttled};
use crate::tokens::{self, Claims};
use crate::users::{self, EmailRow, PendingEmailRow, UserRow, UserView};
use crate::{Control, audit};

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
    let tried = Tries::of(control, from, &key);
    tried.spend(control).await?;
    let holders = control.store().read(|reader| holders(reader, &key))?;
    let mut found = None;
    for holder in holders {
        let (person, kept) = holder.unzip();
        let right = hashing::check(control, password.clone(), kept).await?;
        found = found.or(person.filter(|_| right));
    }
    let Some(person) = found else { return Err(tried.failed(control).await?) };
    let new = New::draw(control, from, person, carried);
    let (begin, tried) = (new.clone(), tried.clone());
    let run = move |tx: &mut Tx<'_>| {
        let begun = begin.in_operation::<Refusal>(tx)?.ok_or(Halt::Refused(Refusal::Invalid))?;
        tried.forgive(tx)?;
        Ok(begun)
    };
    let begun = control.run(run).await?;
    Ok(new.issued(control, begun))
}

/// A new session for who has just proved himself, in an operation of its own. The password was checked by the caller.
pub(crate) async fn begin(
    control: &Control,
    from: &From,
    person: &UserId,
    carried: Carried,
) -> Result<LoggedIn, Fault> {
    let new = New::draw(control, from, person.clone(), carried);
    let begin = new.clone();
    let begun = control.change(move |tx: &mut Tx<'_>| begin.in_operation(tx)).await?;
    begun
        .map(|begun| new.issued(control, begun))
        .ok_or_else(|| Fault::new("beginning a session of a user without a seat"))
}

/// Who might have this password: who has proved the address, and who registered last without proving it.
fn holders(reader: &Reader<'_>, key: &str) -> Result<[Option<(UserId, Password)>; 2], Fault> {
    let proved = reader.get::<EmailRow>(&key.to_owned())?.map(|row| row.person);
    let pending = reader.get::<PendingEmailRow>(&key.to_owned())?.map(|row| row.person);
    let user = |person: Option<UserId>| {
        // Nobody has the empty id: that look costs what one at a user does.
        let key = person.map_or_else(String::new, |person| UserRow::keyed(&person));
        Ok::<_, Fault>(reader.get::<UserRow>(&key)?.map(|row| (row.id, row.password)))
    };
    Ok([user(proved)?, user(pending)?])
}

/// What a try at a password is counted in.
#[derive(Clone)]
pub(super) struct Tries {
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
    pub(super) fn of(control: &Control, from: &From, key: &str) -> Tries {
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
    pub(super) fn forgive(&self, tx: &mut Tx<'_>) -> Result<(), ::store::Missing> {
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
struct New {
    person: UserId,
    id: SessionId,
    carried: Carried,
    cookie: Option<Secret<String>>,
    cookie_mac: Option<String>,
    from: From,
    life: Span,
    /// For the first session of all.
    installation: String,
}

/// What the operation found and decided.
struct Begun {
    view: UserView,
    installation: String,
    epoch: u64,
    expires_at: Time,
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const COOKIE_CHARACTERS: usize = 30;
const INSTALLATION_CHARACTERS: usize = 16;

impl New {
    fn draw(control: &Control, from: &From, person: UserId, carried: Carried) -> New {
        let (chance, id) = (control.chance(), SessionId::draw(control.chance()));
        let cookie = (carried == Carried::Cookie)
            .then(|| Secret::new(format!("{person}.{id}.{}", chance.text(BASE62, COOKIE_CHARACTERS))));
        let cookie_mac = cookie.as_ref().map(|cookie| mac_of(control, cookie.expose()));
        let (life, from) = (control.settings().session, from.clone());
        let installation = chance.text(base::id::ID_ALPHABET, INSTALLATION_CHARACTERS);
        New { person, id, carried, cookie, cookie_mac, from, life, installation }
    }

    /// `None`: there is no such user, or no seat at home.
    fn in_operation<R>(&self, tx: &mut Tx<'_>) -> Result<Option<Begun>, Halt<R>> {
        let now = tx.now();
        let Some(user) = tx.get::<UserRow>(&UserRow::keyed(&self.person))? else { return Ok(None) };
        let seat = tx.get::<SeatRow>(&SeatRow::keyed(&user.home, &self.person))?;
        let Some(seat) = seat else { return Ok(None) };
        let (installation, epoch) = self.signed_with(tx)?;
        make_room(tx, &self.person, now)?;
        let expires_at = now.plus(self.life);
        let act = self.from.act_of(&self.person, &self.id);
        audit::append::<R>(tx, &act, Some(&user.home), "session_begun", json!({"carried": self.carried}))?;
        tx.add(SessionRow {
            person: self.person.clone(),
            id: self.id.clone(),
            created_at: now,
            expires_at,
            revoked_at: None,
            carried: self.carried,
            cookie_mac: self.cookie_mac.clone(),
            tenant: user.home.clone(),
            proved: Some(Proved { kind: ProofKind::Login, at: now }),
            ip: self.from.ip.to_string(),
            agent: self.from.agent.to_string(),
        });
        let view = user.view(&user.home, seat.role);
        Ok(Some(Begun { view, installation, epoch, expires_at }))
    }

    /// The installation's name and the present epoch; the first session makes both.
    fn signed_with(&self, tx: &mut Tx<'_>) -> Result<(String, u64), ::store::Missing> {
        let row = tx.get::<InstallationRow>(&INSTALLATION.to_owned())?;
        let (id, new) = row.map_or_else(|| (self.installation.clone(), true), |row| (row.id, false));
        if new {
            tx.put(InstallationRow { name: INSTALLATION.to_owned(), id: id.clone() });
        }
        if let Some(signer) = store::present(tx)? {
            return Ok((id, signer.epoch));
        }
        tx.add(SignerRow { epoch: 1, created_at: tx.now(), retired_at: None });
        Ok((id, 1))
    }

    fn issued(self, control: &Control, begun: Begun) -> LoggedIn {
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
