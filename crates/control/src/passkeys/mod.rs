//! Passkeys, as a second factor: we are the relying party of WebAuthn, for keys that we ask for ourselves.
//!
//! A challenge is asked for, waits five minutes for its answer and is used up by it, right or wrong. It belongs to one
//! session and what that does, or to one login's second step; asked for again, the one before is worth nothing. No
//! attestation is asked for, since no model of authenticator is preferred to another.
//!
//! Refuses in this order: no fresh proof, a name that cannot be shown, too many, what does not answer the challenge,
//! there already, not there. Life: made → used, any number of times, its counter growing → removed.

mod ceremony;
mod said;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Fault, Stop, Time, UserId};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use self::ceremony::{answered, ask, draw};
use crate::Control;
use crate::factors::{self, Changed, Refusal};
use crate::proof::{Permit, StepUp};
use crate::recovery;
use crate::users::UserRow;

pub use ceremony::{Asked, Assertion, ask_for_second_step, ask_to_prove};
pub(crate) use ceremony::{For, Shown, shown};
pub use said::{ALGORITHMS, PublicKey};
pub use state::Site;
pub use store::{CeremonyRow, PasskeyRow};
pub(crate) use store::{all, read_all};

/// What a new passkey is made from.
pub struct Creation {
    pub user: UserId,
    pub email: String,
    pub name: String,
    /// In base64url.
    pub challenge: String,
    /// Ids of those that are there.
    pub known: Vec<String>,
}

/// A new passkey, as its browser hands it over.
pub struct Registration {
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
}

/// A passkey as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyView {
    pub id: String,
    pub name: String,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
}

/// Asks for a new passkey.
pub async fn options(control: &Control, permit: &Permit, step_up: &StepUp) -> Result<Creation, Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    let (person, of) = (permit.session().user().clone(), For::Adding(permit.session().id().clone()));
    let challenge = draw(control);
    let run = move |tx: &mut Tx<'_>| {
        tx.want::<UserRow>(&UserRow::keyed(&person));
        let known = ids(all(tx, &person)?);
        if known.len() >= state::PASSKEYS_MOST {
            return Err(Halt::Refused(Refusal::TooMany));
        }
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.ok_or_else(factors::gone)?;
        ask(tx, &of, &person, &challenge)?;
        let (name, challenge) = (format!("{} {}", user.first, user.last), challenge.clone());
        Ok(Creation { user: user.id, email: user.email, name, challenge, known })
    };
    control.run_by(permit, None, run).await
}

/// Keeps a new passkey. The user's other sessions end. Answers recovery codes where this is the first factor.
pub async fn add(
    control: &Control,
    permit: &Permit,
    step_up: &StepUp,
    site: &Site,
    name: &str,
    registration: Registration,
) -> Result<(PasskeyView, Option<recovery::Codes>), Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    if !state::is_name(name) {
        return Err(Stop::Refused(Refusal::NameUnusable));
    }
    let (person, of) = (permit.session().user().clone(), For::Adding(permit.session().id().clone()));
    let codes = recovery::draw(control, &person);
    let (changed, made) = (Changed::draw(control, permit, step_up), codes.clone());
    let (site, name) = (site.clone(), name.to_owned());
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        let there = all(tx, &person)?;
        if there.len() >= state::PASSKEYS_MOST {
            return Err(Halt::Refused(Refusal::TooMany));
        }
        // Used up right or wrong, so what is wrong is no refusal yet: that would write nothing.
        let Some(challenge) = answered(tx, &of, &person)? else { return Ok(Err(Refusal::PasskeyUnusable)) };
        let Some((id, public_key, counter)) = registration.read(&challenge, &site) else {
            return Ok(Err(Refusal::PasskeyUnusable));
        };
        if there.iter().any(|row| row.id == id) {
            return Ok(Err(Refusal::Already));
        }
        tx.get::<PasskeyRow>(&PasskeyRow::keyed(&person, &id))?;
        let (person, name) = (person.clone(), name.clone());
        let row = PasskeyRow { person, id, name, public_key, counter, created_at: now, last_used_at: None };
        tx.put(row.clone());
        let first = recovery::keep_first(tx, &row.person, &made)?;
        changed.keep(tx, "passkey_added", json!({"passkey": row.name, "recoveryCodes": first}))?;
        Ok(Ok((view(row), first)))
    };
    let (view, first) = control.run_by(permit, None, run).await?.map_err(Stop::Refused)?;
    Ok((view, first.then_some(codes)))
}

/// The user's passkeys, the oldest first.
pub fn list(control: &Control, permit: &Permit) -> Result<Vec<PasskeyView>, Fault> {
    let mut rows = control.store().read(|reader| read_all(reader, permit.session().user()))?;
    rows.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(rows.into_iter().map(view).collect())
}

/// Takes a passkey out of use. The user's other sessions end.
pub async fn remove(control: &Control, permit: &Permit, step_up: &StepUp, id: &str) -> Result<(), Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    if !state::is_id(id) {
        return Err(Stop::Refused(Refusal::NotThere));
    }
    let (key, changed) =
        (PasskeyRow::keyed(permit.session().user(), &id.to_owned()), Changed::draw(control, permit, step_up));
    let run = move |tx: &mut Tx<'_>| {
        let row = tx.get::<PasskeyRow>(&key)?.ok_or(Halt::Refused(Refusal::NotThere))?;
        tx.remove::<PasskeyRow>(&key);
        changed.keep(tx, "passkey_removed", json!({"passkey": row.name}))
    };
    control.run_by(permit, None, run).await
}

/// All of a user's passkeys go.
pub(crate) fn forget(tx: &mut Tx<'_>, person: &UserId) -> Result<(), Missing> {
    for row in all(tx, person)? {
        tx.remove::<PasskeyRow>(&PasskeyRow::keyed(person, &row.id));
    }
    Ok(())
}

impl Registration {
    /// The new passkey's id, key and counter, if this is an answer to the challenge.
    fn read(&self, challenge: &str, site: &Site) -> Option<(String, PublicKey, u32)> {
        if !said::is_for(&self.client_data, said::CREATE, challenge, site) {
            return None;
        }
        let authenticated = said::Authenticated::read(&self.authenticator_data, site)?;
        let (id, public_key) = authenticated.credential()?;
        Some((BASE64URL_NOPAD.encode(id), public_key, authenticated.counter))
    }
}

fn ids(rows: Vec<PasskeyRow>) -> Vec<String> {
    rows.into_iter().map(|row| row.id).collect()
}

fn view(row: PasskeyRow) -> PasskeyView {
    let PasskeyRow { id, name, created_at, last_used_at, .. } = row;
    PasskeyView { id, name, created_at, last_used_at }
}
