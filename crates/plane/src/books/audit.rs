//! The auditor: folds every posting in the journal from nothing, by its own arithmetic, and compares with what is stored.
//! It shares no code with the ledger, so that the two can contradict each other.

use std::collections::BTreeMap;

use ::store::{Direction, Entry, Head, Reader, TenantNo};
use base::{Fault, Time};
use serde::{Deserialize, Serialize};

use super::AccountRow;
use super::state::AccountName;
use crate::payouts::{self, DueRow, TransferRow};
use crate::{Plane, grants};

/// What an audit found. `wrong` is empty when the books are right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    pub tenants: usize,
    /// Journal entries that were folded.
    pub entries: u64,
    /// Each names the tenant and says what contradicts what.
    pub wrong: Vec<String>,
}

/// Audits every tenant of the plane as of one instant, while the plane goes on working: accounts against the fold of the
/// journal, debits against credits, holds against open transfers, and the journal for gaps and for time running
/// backwards. Reads the journal whole, in pages.
pub fn audit(plane: &Plane) -> Result<Audit, Fault> {
    let tenants = grants::tenants(plane)?;
    let stored = Stored::read(plane)?;
    let mut audit = Audit::default();
    for tenant in &tenants {
        let Some(head) = stored.heads.get(&tenant.tenant) else { continue };
        let fold = Fold::of(plane, tenant.tenant, *head)?;
        let wrong = fold.against(&stored, tenant.tenant);
        audit.tenants += 1;
        audit.entries += fold.seq;
        // A reset meanwhile sweeps the journal away while it is being read.
        if !wrong.is_empty() && grants::tenant_no(plane, &tenant.id)? == Some(tenant.tenant) {
            audit.wrong.extend(wrong.into_iter().map(|wrong| format!("{}: {wrong}", tenant.id)));
        }
    }
    Ok(audit)
}

/// Debits posted, credits posted, debits held, credits held, in minor units.
type Totals = [i128; 4];

/// One instant of the store.
struct Stored {
    heads: BTreeMap<TenantNo, u64>,
    accounts: BTreeMap<(TenantNo, &'static str), Totals>,
    open: BTreeMap<TenantNo, Open>,
}

/// What is due of one tenant.
#[derive(Default)]
struct Open {
    /// What the transfers that are due keep reserved, in minor units.
    reserved: i128,
    /// Sequences of those that are due otherwise than their own row says.
    astray: Vec<u64>,
}

impl Open {
    fn read(reader: &Reader<'_>) -> Result<BTreeMap<TenantNo, Open>, Fault> {
        let mut open = BTreeMap::<TenantNo, Open>::new();
        payouts::each_open(reader, |page| {
            let keys: Vec<(TenantNo, u64)> = page.iter().map(|due| (due.tenant, due.seq)).collect();
            let mut transfers = payouts::by_key::<TransferRow>(reader, &keys)?.into_iter().peekable();
            for due in page {
                let transfer = transfers.next_if(|row| (row.tenant, row.seq) == (due.tenant, due.seq));
                open.entry(due.tenant).or_default().add(due, transfer.as_ref());
            }
            Ok(())
        })?;
        Ok(open)
    }

    fn add(&mut self, due: &DueRow, transfer: Option<&TransferRow>) {
        self.reserved += transfer.map_or(0, |row| row.amount.minor);
        if transfer.is_none_or(|row| (row.state, row.due_at, row.attempts) != (due.state, due.at, due.attempts)) {
            self.astray.push(due.seq);
        }
    }
}

impl Stored {
    fn read(plane: &Plane) -> Result<Stored, Fault> {
        let (heads, accounts, open) = plane.store().read(|reader| {
            let heads = reader.walk::<Head>(&0, &TenantNo::MAX, Direction::Ascending, usize::MAX)?;
            let (from, to) = ((0, AccountName::Agent), (TenantNo::MAX, AccountName::Agent));
            let accounts = reader.walk::<AccountRow>(&from, &to, Direction::Ascending, usize::MAX)?;
            Ok((heads, accounts, Open::read(reader)?))
        })?;
        let heads = heads.into_iter().map(|head| (head.tenant, head.seq)).collect();
        let totals = |row: &AccountRow| {
            let account = &row.account;
            [account.debits_posted, account.credits_posted, account.debits_held, account.credits_held]
        };
        let accounts = accounts.iter().map(|row| ((row.tenant, row.name.word()), totals(row))).collect();
        Ok(Stored { heads, accounts, open })
    }
}

/// A journal's postings, added up.
#[derive(Default)]
struct Fold {
    seq: u64,
    at: Time,
    accounts: BTreeMap<String, Totals>,
    wrong: Vec<String>,
}

/// A movement as the journal keeps it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posting<'a> {
    name: &'a str,
    phase: &'a str,
    asset: &'a str,
    /// (account, side, minor units)
    #[serde(borrow)]
    legs: Vec<(&'a str, &'a str, &'a str)>,
}

const PAGE: usize = 500;

impl Fold {
    fn of(plane: &Plane, tenant: TenantNo, head: u64) -> Result<Fold, Fault> {
        let mut fold = Fold::default();
        while fold.seq < head {
            let (from, to) = ((tenant, fold.seq + 1), (tenant, head + 1));
            let page = plane.store().read(|reader| reader.walk::<Entry>(&from, &to, Direction::Ascending, PAGE))?;
            if page.is_empty() {
                fold.wrong.push(format!("the journal ends at {} and its head says {head}", fold.seq));
                break;
            }
            page.iter().for_each(|entry| fold.entry(entry));
        }
        Ok(fold)
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.seq != self.seq + 1 {
            self.wrong.push(format!("entry {} follows entry {}", entry.seq, self.seq));
        }
        if entry.at < self.at {
            self.wrong.push(format!("entry {} is earlier than the one before it", entry.seq));
        }
        (self.seq, self.at) = (entry.seq, entry.at);
        match serde_json::from_str::<Vec<Posting<'_>>>(&entry.postings) {
            Ok(postings) => postings.iter().for_each(|posting| self.post(posting)),
            Err(error) => self.wrong.push(format!("entry {}: its postings cannot be read: {error}", entry.seq)),
        }
    }

    fn post(&mut self, posting: &Posting<'_>) {
        let (mut debits, mut credits) = (0i128, 0i128);
        for (account, side, minor) in &posting.legs {
            let Some(minor) = minor.parse::<i128>().ok().filter(|minor| *minor > 0) else {
                self.wrong.push(format!("entry {}: `{}` moves `{minor}`", self.seq, posting.name));
                continue;
            };
            let totals = self.accounts.entry((*account).to_owned()).or_default();
            let at = usize::from(*side == "credit");
            *[&mut debits, &mut credits][at] += minor;
            match posting.phase {
                "post" => totals[at] += minor,
                "hold" => totals[at + 2] += minor,
                "settle" => {
                    totals[at + 2] -= minor;
                    totals[at] += minor;
                }
                "release" => totals[at + 2] -= minor,
                phase => self.wrong.push(format!("entry {}: no phase is called `{phase}`", self.seq)),
            }
            if totals[at + 2] < 0 {
                self.wrong.push(format!("entry {}: `{}` takes more than is held", self.seq, posting.name));
            }
        }
        if debits != credits || debits == 0 || posting.asset != crate::corridor::AGENT_ASSET.code() {
            self.wrong.push(format!("entry {}: `{}` does not balance in one asset", self.seq, posting.name));
        }
    }

    /// Everything in which the fold and the store differ.
    fn against(&self, stored: &Stored, tenant: TenantNo) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        for name in AccountName::ALL.map(AccountName::word) {
            let folded = self.accounts.get(name).copied().unwrap_or_default();
            let kept = stored.accounts.get(&(tenant, name)).copied().unwrap_or_default();
            if folded != kept {
                wrong.push(format!("`{name}` is stored as {kept:?} and its journal adds up to {folded:?}"));
            }
        }
        let sum = |at: usize| self.accounts.values().map(|totals| totals[at]).sum::<i128>();
        if sum(0) != sum(1) || sum(2) != sum(3) {
            wrong.push("debits and credits differ".to_owned());
        }
        let none = Open::default();
        let open = stored.open.get(&tenant).unwrap_or(&none);
        let held = self.accounts.get(AccountName::Agent.word()).map_or(0, |totals| totals[2]);
        if open.reserved != held {
            wrong.push(format!("{held} is held and open transfers add up to {}", open.reserved));
        }
        wrong.extend(open.astray.iter().map(|seq| format!("transfer {seq} is not due as its row says")));
        wrong
    }
}
