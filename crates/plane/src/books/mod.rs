//! A tenant's accounts and every way in which money moves between them. The only caller of `ledger::post`.
//!
//! `agent` is what we owe the tenant (it may go down to minus its overdraft); `rail` is what was handed to the payout
//! rail; `funding` is where money comes from and goes back to. All three belong to one tenant: no row is shared.

mod audit;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Halt, Lane, TenantNo, Tx};
use base::{Amount, Fault, Stop, TenantId};
use ledger::{Account, Movement};

use crate::{Operator, Plane, grants};

pub use audit::{Audit, audit};
pub use state::AccountName;
pub use store::AccountRow;

pub(crate) use state::{Written, release, reserve, settle};

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
    apply(tx, tenant, movements)?;
    Ok(state::journal_text(movements))
}

/// [`post`] of movements whose journal text was written before the queue.
pub(crate) fn post_written(
    tx: &mut Tx<'_>,
    tenant: TenantNo,
    written: &Written,
) -> Result<String, Halt<ledger::Refusal>> {
    apply(tx, tenant, &written.movements)?;
    Ok(written.text.clone())
}

fn apply(tx: &mut Tx<'_>, tenant: TenantNo, movements: &[Movement<AccountName>]) -> Result<(), Halt<ledger::Refusal>> {
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
    Ok(())
}

/// Changes how far the agent account may go below zero, which the caller says in the journal. Refuses less than is already
/// used.
pub fn set_overdraft(tx: &mut Tx<'_>, tenant: TenantNo, overdraft: Amount) -> Result<(), Halt<ledger::Refusal>> {
    let account = account(tx, tenant, AccountName::Agent)?;
    if overdraft.asset != account.asset {
        return Err(Halt::Refused(ledger::Refusal::WrongAsset));
    }
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
pub fn balance(plane: &Plane, tenant: TenantNo) -> Result<AgentBalance, Fault> {
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

/// Money that has reached the operator outside this platform becomes the tenant's to spend. In force when this returns.
pub async fn fund_by_operator(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    amount: Amount,
    why: String,
) -> Result<AgentBalance, Stop<grants::Refusal>> {
    let apply = move |tx: &mut Tx<'_>, tenant| deposit(tx, tenant, amount, &why);
    by_operator(plane, tenant, apply).await
}

/// The operator lets the tenant's agent account go so far below zero. Refuses less than is already used.
pub async fn set_overdraft_by_operator(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    overdraft: Amount,
) -> Result<AgentBalance, Stop<grants::Refusal>> {
    let apply = move |tx: &mut Tx<'_>, tenant| {
        set_overdraft(tx, tenant, overdraft)?;
        let facts = serde_json::json!({"cents": overdraft.minor.to_string()}).to_string();
        tx.append(tenant, Draft { kind: "overdraft_set", facts, postings: "[]".to_owned(), answer: None }).map(|_| ())
    };
    by_operator(plane, tenant, apply).await
}

async fn by_operator(
    plane: &Plane,
    tenant: &TenantId,
    apply: impl Fn(&mut Tx<'_>, TenantNo) -> Result<(), Halt<ledger::Refusal>> + Send + 'static,
) -> Result<AgentBalance, Stop<grants::Refusal>> {
    let id = tenant.clone();
    let run = move |tx: &mut Tx<'_>| {
        let tenant = grants::tenant_of(tx, &id)?;
        apply(tx, tenant).map_err(grants::Refusal::from_ledger)?;
        Ok(tenant)
    };
    let tenant = plane.store().submit(Lane::Client(0), run).await?;
    Ok(balance(plane, tenant)?)
}

/// All totals of all present tenants' accounts, in minor units: in each pair both are equal, or money came from nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    pub accounts: usize,
    pub debits_posted: i128,
    pub credits_posted: i128,
    pub debits_held: i128,
    pub credits_held: i128,
}

impl TrialBalance {
    pub fn is_zero(&self) -> bool {
        self.debits_posted == self.credits_posted && self.debits_held == self.credits_held
    }
}

/// Adds up every account, as committed. Reads all of them: for the operator and for tests.
pub fn trial_balance(plane: &Plane) -> Result<TrialBalance, Fault> {
    let present: Vec<TenantNo> = grants::tenants(plane)?.iter().map(|row| row.tenant).collect();
    let rows = plane.store().read(|reader| reader.select::<AccountRow>("1 = 1 ORDER BY tenant, name"))?;
    let mut sum = TrialBalance::default();
    for AccountRow { account, .. } in rows.iter().filter(|row| present.binary_search(&row.tenant).is_ok()) {
        let add = |total: i128, more: i128| {
            total.checked_add(more).ok_or_else(|| Fault::new("the sum of all accounts leaves the range of 128 bits"))
        };
        sum.accounts += 1;
        sum.debits_posted = add(sum.debits_posted, account.debits_posted)?;
        sum.credits_posted = add(sum.credits_posted, account.credits_posted)?;
        sum.debits_held = add(sum.debits_held, account.debits_held)?;
        sum.credits_held = add(sum.credits_held, account.credits_held)?;
    }
    Ok(sum)
}
