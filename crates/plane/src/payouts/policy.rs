//! What an agent key may move: corridors, an amount per transfer, and an amount in any 24 hours, exact to the unit.

use ::store::{Halt, Missing, Tx};
use base::{Amount, KeyId, Span, Time};

use super::NewTransfer;
use super::store::{SpendRow, TransferRow, WindowRow};
use crate::Caller;
use crate::corridor::AGENT_ASSET;
use crate::grants::AgentPolicy;

/// What the key's policy does not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Service,
    PerTransfer { most: Amount },
    Daily { left: Amount },
}

/// What can be judged without state.
pub(super) fn allows(policy: &AgentPolicy, ask: &NewTransfer) -> Result<(), Refusal> {
    if !policy.services.is_empty() && !policy.services.contains(&ask.service) {
        return Err(Refusal::Service);
    }
    match policy.per_transfer_cents.map(Amount::cents) {
        Some(most) if ask.amount.minor > most.minor => Err(Refusal::PerTransfer { most }),
        _ => Ok(()),
    }
}

/// Spends of one key that are taken out of its window at a time.
const CHUNK: usize = 256;

/// Counts `amount` against the key's 24 hours, or refuses: the sum over (now - 24 h, now] never exceeds the policy.
pub(super) fn spend(tx: &mut Tx<'_>, caller: &Caller, amount: Amount, seq: u64) -> Result<(), Halt<super::Refusal>> {
    let Some(most) = caller.policy().daily_cents else { return Ok(()) };
    let (tenant, name, now) = (caller.tenant(), caller.key(), tx.now());
    let window = advanced(tx, tenant, name, now)?;
    let total = window.total + amount.minor;
    if total > i128::from(most) {
        let left = Amount::new((i128::from(most) - window.total).max(0), AGENT_ASSET);
        return Err(Halt::Refused(super::Refusal::Policy(Refusal::Daily { left })));
    }
    tx.put(WindowRow { total, ..window });
    tx.add(SpendRow { tenant, name, at: now, seq, amount: amount.minor });
    Ok(())
}

/// The window with everything of 24 hours ago and earlier taken out.
fn advanced(tx: &mut Tx<'_>, tenant: crate::TenantNo, name: KeyId, now: Time) -> Result<WindowRow, Missing> {
    let empty = WindowRow { tenant, name, total: 0, tail: Time(0) };
    let mut window = tx.get::<WindowRow>(&(tenant, name))?.unwrap_or(empty);
    let cut = Time(now.0 - Span::days(1).0 + 1);
    loop {
        let old = tx.walk::<SpendRow>(&(tenant, name, window.tail, 0), &(tenant, name, cut, 0), CHUNK)?;
        for spend in &old {
            window.total -= spend.amount;
            tx.remove::<SpendRow>(&(tenant, name, spend.at, spend.seq));
        }
        if old.len() < CHUNK {
            window.tail = window.tail.max(cut);
            return Ok(window);
        }
    }
}

/// A transfer failed: what it spent is given back once, if it still counts.
pub(super) fn give_back(tx: &mut Tx<'_>, row: &TransferRow) -> Result<(), Missing> {
    let Some(name) = row.spender else { return Ok(()) };
    let key = (row.tenant, name, row.accepted_at, row.seq);
    let Some(spend) = tx.get::<SpendRow>(&key)? else { return Ok(()) };
    let Some(window) = tx.get::<WindowRow>(&(row.tenant, name))? else { return Ok(()) };
    tx.remove::<SpendRow>(&key);
    tx.put(WindowRow { total: window.total - spend.amount, ..window });
    Ok(())
}
