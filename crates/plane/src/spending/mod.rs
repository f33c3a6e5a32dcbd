//! What a key has moved lately: an amount in any 24 hours, exact to the unit. Refuses what the key's policy does not let
//! through. The sum and the money are taken in one transaction, so that two asks at once never exceed it together.
//!
//! Life of a spend: counted when its transfer is accepted → given back when the transfer fails, or out of the window
//! after 24 hours. Time is the plane's: a tenant's clock that a sandbox moved ahead does not empty the window.

mod state;
mod store;

use ::store::{Halt, Missing, TenantNo, Tx};
use base::{Amount, KeyId, Time};

use crate::Caller;

pub use state::Refusal;
pub(crate) use state::allows;
pub use store::{SpendRow, WindowRow};

/// Whose window it is.
type Whose = (TenantNo, KeyId);

/// Old spends that are looked for at a time.
const CHUNK: usize = 256;

/// Asks for what [`spend`] needs, so that it comes with the first load.
pub(crate) fn want(tx: &mut Tx<'_>, caller: &Caller) {
    if caller.policy().daily_cents.is_none() {
        return;
    }
    let (whose, now) = (whose(caller), tx.now());
    tx.want::<SpendRow>(&(whose.0, whose.1, now));
    if let Ok(Some(window)) = tx.get::<WindowRow>(&whose) {
        let cut = state::cut(now);
        if window.tail < cut {
            // Only to have it loaded: `spend` asks again.
            let _ = old(tx, whose, window.tail, cut);
        }
    }
}

/// Counts `amount` against the key's 24 hours, or refuses: the sum over (now - 24 h, now] never exceeds the policy.
pub(crate) fn spend(tx: &mut Tx<'_>, caller: &Caller, amount: Amount) -> Result<(), Halt<Refusal>> {
    let Some(most) = caller.policy().daily_cents else { return Ok(()) };
    let whose = whose(caller);
    let window = advanced(tx, whose)?;
    let total = state::total_after(window.total, amount, most).map_err(Halt::Refused)?;
    tx.put(WindowRow { total, ..window });
    let (tenant, name, at) = (whose.0, whose.1, tx.now());
    let before = tx.get::<SpendRow>(&(tenant, name, at))?.map_or(0, |row| row.amount);
    tx.put(SpendRow { tenant, name, at, amount: before + amount.minor });
    Ok(())
}

/// Gives back what was spent at `at`, if it still counts. The caller does this once for each spend.
pub(crate) fn give_back(tx: &mut Tx<'_>, whose: Whose, at: Time, amount: Amount) -> Result<(), Missing> {
    let key = (whose.0, whose.1, at);
    tx.want::<WindowRow>(&whose);
    let Some(spend) = tx.get::<SpendRow>(&key)? else { return Ok(()) };
    let Some(window) = tx.get::<WindowRow>(&whose)? else { return Ok(()) };
    match spend.amount - amount.minor {
        0 => tx.remove::<SpendRow>(&key),
        left => tx.put(SpendRow { amount: left, ..spend }),
    }
    tx.put(WindowRow { total: window.total - amount.minor, ..window });
    Ok(())
}

fn whose(caller: &Caller) -> Whose {
    (caller.tenant(), caller.key())
}

/// The window with everything of 24 hours ago and earlier taken out.
fn advanced(tx: &mut Tx<'_>, whose: Whose) -> Result<WindowRow, Missing> {
    let fresh = WindowRow { tenant: whose.0, name: whose.1, total: 0, tail: Time(i64::MIN) };
    let mut window = tx.get::<WindowRow>(&whose)?.unwrap_or(fresh);
    let cut = state::cut(tx.now());
    while window.tail < cut {
        let old = old(tx, whose, window.tail, cut)?;
        for spend in &old {
            window.total -= spend.amount;
            tx.remove::<SpendRow>(&(spend.tenant, spend.name, spend.at));
        }
        if old.len() < CHUNK {
            window.tail = cut;
        }
    }
    Ok(window)
}

fn old(tx: &mut Tx<'_>, (tenant, name): Whose, from: Time, to: Time) -> Result<Vec<SpendRow>, Missing> {
    tx.walk::<SpendRow>(&(tenant, name, from), &(tenant, name, to), CHUNK)
}
