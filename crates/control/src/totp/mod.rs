//! The codes of an authenticator app, as a second factor.
//!
//! A code counts in its own 30 seconds and in those before and after, and once: nothing that is not later than the last
//! one used. The row decides that, so of any number of uses at once one succeeds.
//!
//! Refuses in this order: no fresh proof, there already, nothing was begun, a code that is wrong or was used. Life:
//! begun → confirmed by a first code → removed.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Fault, Secret, Stop, UserId};
use data_encoding::BASE32_NOPAD;
use serde_json::json;

use crate::factors::{self, Changed, Refusal};
use crate::proof::{Permit, StepUp};
use crate::users::UserRow;
use crate::{Control, audit, recovery, seal};

pub use store::TotpRow;

/// What an app is set up with. Shown once. Not `Debug`.
pub struct Begun {
    /// The seed in base32, for typing.
    pub secret: Secret<String>,
    /// The same as a picture carries it.
    pub url: Secret<String>,
}

const SEED_BYTES: usize = 20;

/// Draws a seed. Begun again before it is confirmed, the earlier one is worth nothing.
pub async fn begin(control: &Control, permit: &Permit, step_up: &StepUp) -> Result<Begun, Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    let person = permit.session().user().clone();
    let mut seed = vec![0u8; SEED_BYTES];
    control.chance().fill(&mut seed);
    let seed = Secret::new(seed);
    let sealed = seal::seal(&control.secrets().seal, control.chance(), &bound_to(&person), seed.expose())?;
    let (act, tenant) = (permit.act(Some(step_up)), permit.session().tenant().clone());
    let run = move |tx: &mut Tx<'_>| {
        tx.want::<UserRow>(&UserRow::keyed(&person));
        if tx.get::<TotpRow>(&TotpRow::keyed(&person))?.is_some_and(|row| row.confirmed_at.is_some()) {
            return Err(Halt::Refused(Refusal::Already));
        }
        let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.ok_or_else(factors::gone)?;
        audit::append(tx, &act, Some(&tenant), "totp_begun", json!({"user": person.to_string()}))?;
        let (sealed, begun_at) = (sealed.clone(), tx.now());
        tx.put(TotpRow { person: person.clone(), sealed, begun_at, confirmed_at: None, last_step: 0 });
        Ok(user.email)
    };
    let email = control.run_by(permit, None, run).await?;
    let secret = Secret::new(BASE32_NOPAD.encode(seed.expose()));
    let url = Secret::new(state::url(secret.expose(), &email));
    Ok(Begun { secret, url })
}

/// Takes the seed into use with a first code of it, which is used up. The user's other sessions end. Answers recovery
/// codes where this is the first factor.
pub async fn confirm(
    control: &Control,
    permit: &Permit,
    step_up: &StepUp,
    code: &Secret<String>,
) -> Result<Option<recovery::Codes>, Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    let person = permit.session().user().clone();
    let shown = shown(control, &person, code)?;
    let codes = recovery::draw(control, &person);
    let (changed, made) = (Changed::draw(control, permit, step_up), codes.clone());
    let run = move |tx: &mut Tx<'_>| {
        let row = tx.get::<TotpRow>(&TotpRow::keyed(&person))?.ok_or(Halt::Refused(Refusal::NothingBegun))?;
        if row.confirmed_at.is_some() {
            return Err(Halt::Refused(Refusal::Already));
        }
        let last_step = shown.step_after(&row).ok_or(Halt::Refused(Refusal::CodeInvalid))?;
        let first = recovery::keep_first(tx, &person, &made)?;
        let confirmed_at = Some(tx.now());
        tx.put(TotpRow { confirmed_at, last_step, ..row });
        changed.keep(tx, "totp_confirmed", json!({"recoveryCodes": first}))?;
        Ok(first)
    };
    Ok(control.run_by(permit, None, run).await?.then_some(codes))
}

/// Takes the app's codes out of use. The user's other sessions end.
pub async fn remove(control: &Control, permit: &Permit, step_up: &StepUp) -> Result<(), Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    let (person, changed) = (permit.session().user().clone(), Changed::draw(control, permit, step_up));
    let run = move |tx: &mut Tx<'_>| {
        let row = tx.get::<TotpRow>(&TotpRow::keyed(&person))?.filter(|row| row.confirmed_at.is_some());
        row.ok_or(Halt::Refused(Refusal::NotThere))?;
        tx.remove::<TotpRow>(&TotpRow::keyed(&person));
        changed.keep(tx, "totp_removed", json!({}))
    };
    control.run_by(permit, None, run).await
}

/// A code, compared with the seed that was there then.
#[derive(Clone)]
pub(crate) struct Shown {
    sealed: Option<String>,
    steps: Vec<i64>,
}

/// Compares a code, out of any operation. Whether it still counts is for [`Shown::use_up`].
pub(crate) fn shown(control: &Control, person: &UserId, code: &Secret<String>) -> Result<Shown, Fault> {
    let row = control.store().read(|reader| reader.get::<TotpRow>(&TotpRow::keyed(person)))?;
    let Some(row) = row else { return Ok(Shown { sealed: None, steps: vec![] }) };
    let seed = seal::open(&control.secrets().seal, &bound_to(person), &row.sealed)?;
    let typed = Secret::new(state::typed(code.expose()));
    let steps = state::steps_of(seed.expose(), typed.expose(), control.now());
    Ok(Shown { sealed: Some(row.sealed), steps })
}

impl Shown {
    /// Uses the code up. False: it is wrong, or it or a later one was used.
    pub(crate) fn use_up(&self, tx: &mut Tx<'_>, person: &UserId) -> Result<bool, Missing> {
        let row = tx.get::<TotpRow>(&TotpRow::keyed(person))?.filter(|row| row.confirmed_at.is_some());
        let Some((row, last_step)) = row.and_then(|row| self.step_after(&row).map(|step| (row, step))) else {
            return Ok(false);
        };
        tx.put(TotpRow { last_step, ..row });
        Ok(true)
    }

    /// The code's step, where it is of the row's seed and later than the last one used.
    fn step_after(&self, row: &TotpRow) -> Option<i64> {
        let same = self.sealed.as_ref() == Some(&row.sealed);
        self.steps.iter().copied().find(|step| same && *step > row.last_step)
    }
}

/// Whether an app's codes are in use.
pub(crate) fn is_on(tx: &mut Tx<'_>, person: &UserId) -> Result<bool, Missing> {
    Ok(tx.get::<TotpRow>(&TotpRow::keyed(person))?.is_some_and(|row| row.confirmed_at.is_some()))
}

/// The app's codes are worth nothing from now on.
pub(crate) fn forget(tx: &mut Tx<'_>, person: &UserId) -> Result<(), Missing> {
    if tx.get::<TotpRow>(&TotpRow::keyed(person))?.is_some() {
        tx.remove::<TotpRow>(&TotpRow::keyed(person));
    }
    Ok(())
}

fn bound_to(person: &UserId) -> String {
    format!("totp:{person}")
}
