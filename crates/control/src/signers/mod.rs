//! Signers: the key pairs that session tokens are signed with, one for each epoch. None is kept: its seed follows from control's
//! secret and the epoch's number.
//!
//! Refuses nothing. Life of a signer: present → retired, by the operator or after a month → of no use when the last session that
//! it signed is over.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Fault, Time};
use serde_json::json;

use crate::act::Act;
use crate::{Control, Operator, audit, tokens};

pub(crate) use state::verifies;
pub use store::SignerRow;

/// The epoch that signs now; the first session of all begins the first.
pub(crate) fn present(tx: &mut Tx<'_>) -> Result<u64, Missing> {
    if let Some(signer) = store::present(tx)? {
        return Ok(signer.epoch);
    }
    tx.add(SignerRow { epoch: 1, created_at: tx.now(), retired_at: None });
    Ok(1)
}

/// Begins another epoch, which signs from now on. What the one before has signed is good until it expires.
pub async fn rotate(control: &Control, operator: &Operator) -> Result<u64, Fault> {
    let act = operator.act();
    control.change(move |tx: &mut Tx<'_>| next(tx, &act)).await
}

/// The same where the present epoch has signed for a month.
pub async fn rotate_in_time(control: &Control) -> Result<Option<u64>, Fault> {
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        match store::present(tx)?.filter(|signer| state::is_old(signer, now)) {
            Some(_) => next(tx, &Act::of_the_system()).map(Some),
            None => Ok(None),
        }
    };
    control.change(run).await
}

/// The public halves of all signers whose tokens may be good: (epoch, public key).
pub fn list(control: &Control) -> Result<Vec<(u64, [u8; 32])>, Fault> {
    let (now, session) = (control.now(), control.settings().session);
    let rows = control.store().read(store::all)?.into_iter();
    let live = rows.filter(|row| verifies(row, session, now));
    Ok(live.map(|row| (row.epoch, tokens::public(&control.secrets().signer, row.epoch))).collect())
}

fn next<R>(tx: &mut Tx<'_>, act: &Act) -> Result<u64, Halt<R>> {
    let (now, present): (Time, _) = (tx.now(), store::present(tx)?);
    let epoch = present.as_ref().map_or(1, |present| present.epoch + 1);
    audit::append(tx, act, None, "signer_rotated", json!({"epoch": epoch}))?;
    if let Some(present) = present {
        tx.put(SignerRow { retired_at: Some(now), ..present });
    }
    tx.add(SignerRow { epoch, created_at: now, retired_at: None });
    Ok(epoch)
}
