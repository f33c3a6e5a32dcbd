//! A tenant's accounts and every way in which money moves between them. The only caller of `ledger::post`.
//!
//! `agent` is what we owe the tenant (it may go down to minus its overdraft); `rail` is what was handed to the payout
//! rail; `funding` is where money comes from and goes back to. All three belong to one tenant: no row is shared.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Halt, TenantNo, Tx};
use base::{Amount, Fault};
use ledger::{Account, Movement};

pub use state::AccountName;
pub use store::AccountRow;

pub(crate) use state::{release, reserve, settle};

/// What the agent account holds, in minor units of its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentBalance {
    /// What can be spent without the overdraft: posted minus held. Negative when the overdraft is used.
    pub spendable: Amount,
    pub overdraft: Amount,
    /// Posted, holds not taken off.
    pub posted: Amount,
    pub held: Amount,
}

/// Asks for the accounts of a payout, so that they come with the first load.
pub fn want(tx: &mut Tx<'_>, tenant: TenantNo) {
    tx.want::<AccountRow>(&(tenant, AccountName::Agent));
    tx.want::<AccountRow>(&(tenant, AccountName::Rail));
}

/// The account, opened with nothing in it when it was never used.
pub fn account(tx: &mut Tx<'_>, tenant: TenantNo, name: AccountName) -> Result<Account, ::store::Missing> {
    Ok(tx.get::<AccountRow>(&(tenant, name))?.map_or_else(|| state::fresh(name), |row| row.account))
}

/// Applies `movements` one after the other, all or none, and answers their journal text.
pub fn post(
    tx: &mut Tx<'_>,
    tenant: TenantNo,
    movements: &[Movement<AccountName>],
) -> Result<String, Halt<ledger::Refusal>> {
    let mut accounts: Vec<(AccountName, Account)> = Vec::with_capacity(3);
    for leg in movements.iter().flat_map(|movement| &movement.legs) {
        if !accounts.iter().any(|(name, _)| *name == leg.account) {
            accounts.push((leg.account, account(tx, tenant, leg.account)?));
        }
    }
    for movement in movements {
        ledger::post(&mut accounts, movement).map_err(Halt::Refused)?;
    }
    for (name, account) in accounts {
        tx.put(AccountRow { tenant, name, account });
    }
    Ok(state::journal_text(movements))
}

/// Changes how far the agent account may go below zero. Refuses less than is already used.
pub fn set_overdraft(tx: &mut Tx<'_>, tenant: TenantNo, overdraft: Amount) -> Result<(), Halt<ledger::Refusal>> {
    let account = account(tx, tenant, AccountName::Agent)?;
    let account = account.with_floor(ledger::Floor::Overdraft(overdraft.minor)).map_err(Halt::Refused)?;
    tx.put(AccountRow { tenant, name: AccountName::Agent, account });
    Ok(())
}

/// Money reaches the agent account, with the reason that the journal keeps.
pub fn deposit(tx: &mut Tx<'_>, tenant: TenantNo, amount: Amount, why: &str) -> Result<(), Halt<ledger::Refusal>> {
    record(tx, tenant, "agent_funded", state::fund(amount), why)
}

/// Money leaves the agent account the way it came. Refuses more than is available, overdraft included.
pub fn withdraw(tx: &mut Tx<'_>, tenant: TenantNo, amount: Amount, why: &str) -> Result<(), Halt<ledger::Refusal>> {
    record(tx, tenant, "agent_drained", state::drain(amount), why)
}

fn record(
    tx: &mut Tx<'_>,
    tenant: TenantNo,
    kind: &'static str,
    movement: Movement<AccountName>,
    why: &str,
) -> Result<(), Halt<ledger::Refusal>> {
    let postings = post(tx, tenant, &[movement])?;
    let facts = serde_json::json!({"why": why}).to_string();
    tx.append::<ledger::Refusal>(tenant, Draft { kind, facts, postings, answer: None })?;
    Ok(())
}

/// What the tenant's agent account holds now, as committed.
pub fn balance(plane: &crate::Plane, tenant: TenantNo) -> Result<AgentBalance, Fault> {
    let row = plane.store().read(|reader| reader.get::<AccountRow>(&(tenant, AccountName::Agent)))?;
    let account = row.map_or_else(|| state::fresh(AccountName::Agent), |row| row.account);
    let overdraft = match account.floor {
        ledger::Floor::Overdraft(minor) => minor,
        ledger::Floor::Unlimited => 0,
    };
    let amount = |minor| Amount::new(minor, account.asset);
    Ok(AgentBalance {
        spendable: amount(account.spendable()),
        overdraft: amount(overdraft),
        posted: amount(account.posted()),
        held: amount(account.held()),
    })
}
