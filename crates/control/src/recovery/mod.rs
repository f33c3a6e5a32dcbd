//! Recovery codes: ten words on paper, each of which stands in for a second factor once.
//!
//! They come with a user's first factor and go with the last. Their MACs are kept, so they are shown once.
//!
//! Refuses in this order: no fresh proof, no factor that they could stand in for. Life of a code: made → used, or
//! replaced.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Secret, Stop, UserId, mac};
use data_encoding::HEXLOWER;
use serde_json::json;

use crate::Control;
use crate::factors::{self, Changed, Refusal};
use crate::proof::{Permit, StepUp};

pub use store::{KeptCode, RecoveryRow};

/// Ten codes on their way to their user. Not `Debug`.
#[derive(Clone)]
pub struct Codes {
    /// As they are shown: `ABCD-EFGH-IJKL`.
    pub written: Vec<Secret<String>>,
    macs: Vec<String>,
}

/// Ten codes, drawn before the operation that keeps them.
pub(crate) fn draw(control: &Control, person: &UserId) -> Codes {
    let codes: Vec<_> = (0..state::CODES).map(|_| Secret::new(state::draw(control.chance()))).collect();
    let macs = codes.iter().map(|code| mac_of(control, person, code)).collect();
    Codes { written: codes.iter().map(|code| Secret::new(state::written(code.expose()))).collect(), macs }
}

/// Ten new codes in place of those that are left. The user's other sessions end.
pub async fn regenerate(control: &Control, permit: &Permit, step_up: &StepUp) -> Result<Codes, Stop<Refusal>> {
    factors::proved(permit, step_up)?;
    let person = permit.session().user().clone();
    let codes = draw(control, &person);
    let (changed, made) = (Changed::draw(control, permit, step_up), codes.clone());
    let run = move |tx: &mut Tx<'_>| {
        if factors::methods(tx, &person)?.is_empty() {
            return Err(Halt::Refused(Refusal::NoFactor));
        }
        tx.get::<RecoveryRow>(&RecoveryRow::keyed(&person))?;
        keep(tx, &person, &made);
        changed.keep(tx, "recovery_codes_made", json!({}))
    };
    control.run_by(permit, None, run).await?;
    Ok(codes)
}

/// Keeps codes where there are none yet; answers whether it did.
pub(crate) fn keep_first(tx: &mut Tx<'_>, person: &UserId, codes: &Codes) -> Result<bool, Missing> {
    let first = tx.get::<RecoveryRow>(&RecoveryRow::keyed(person))?.is_none();
    if first {
        keep(tx, person, codes);
    }
    Ok(first)
}

fn keep(tx: &mut Tx<'_>, person: &UserId, codes: &Codes) {
    let codes = codes.macs.iter().map(|mac| KeptCode { mac: mac.clone(), used_at: None }).collect();
    tx.put(RecoveryRow { person: person.clone(), made_at: tx.now(), codes });
}

/// The codes go with the last factor.
pub(crate) fn forget(tx: &mut Tx<'_>, person: &UserId) -> Result<(), Missing> {
    if tx.get::<RecoveryRow>(&RecoveryRow::keyed(person))?.is_some() {
        tx.remove::<RecoveryRow>(&RecoveryRow::keyed(person));
    }
    Ok(())
}

/// A code that somebody typed, as it would be kept.
#[derive(Clone)]
pub(crate) struct Shown {
    mac: Option<String>,
}

pub(crate) fn shown(control: &Control, person: &UserId, code: &Secret<String>) -> Shown {
    Shown { mac: state::typed(code).map(|code| mac_of(control, person, &code)) }
}

impl Shown {
    /// Uses the code up. False: it is wrong or was used.
    pub(crate) fn use_up(&self, tx: &mut Tx<'_>, person: &UserId) -> Result<bool, Missing> {
        let now = tx.now();
        let (Some(shown), Some(mut row)) = (&self.mac, tx.get::<RecoveryRow>(&RecoveryRow::keyed(person))?) else {
            return Ok(false);
        };
        let same = |kept: &&mut KeptCode| kept.used_at.is_none() && mac::equal(kept.mac.as_bytes(), shown.as_bytes());
        let Some(kept) = row.codes.iter_mut().find(same) else { return Ok(false) };
        kept.used_at = Some(now);
        tx.put(row);
        Ok(true)
    }
}

impl RecoveryRow {
    /// How many codes are left.
    pub fn left(&self) -> usize {
        self.codes.iter().filter(|code| code.used_at.is_none()).count()
    }
}

/// How many codes a user has left.
pub(crate) fn left(tx: &mut Tx<'_>, person: &UserId) -> Result<usize, Missing> {
    Ok(tx.get::<RecoveryRow>(&RecoveryRow::keyed(person))?.map_or(0, |row| row.left()))
}

fn mac_of(control: &Control, person: &UserId, code: &Secret<String>) -> String {
    let parts = [person.to_string().as_bytes(), b"\n", code.expose().as_bytes()].concat();
    HEXLOWER.encode(&mac::hmac(&control.secrets().recovery, &[&parts]))
}
