//! One account: four running totals, the side that increases it, and how far it may fall.

use base::Asset;

use crate::Refusal;

/// One of the two sides of an entry; as an account's `normal`, the side that increases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Debit,
    Credit,
}

/// How far an account may go below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Floor {
    /// At most this many minor units below zero, holds included. Zero or more; a negative number counts as zero.
    Overdraft(i128),
    /// Any distance: where money enters or leaves the books (card, rail, operator cash).
    Unlimited,
}

/// Totals since the account was opened, in minor units of `asset`, none ever negative. [`crate::post`] keeps
/// `posted + held` of each side within `i128`, so what is held can always be settled and no reading here overflows.
/// (On totals written by hand beyond that range, readings stop at the ends of `i128`.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub asset: Asset,
    pub normal: Side,
    pub floor: Floor,
    pub debits_posted: i128,
    pub credits_posted: i128,
    pub debits_held: i128,
    pub credits_held: i128,
}

impl Account {
    /// A new account: all totals zero.
    pub fn open(asset: Asset, normal: Side, floor: Floor) -> Account {
        Account { asset, normal, floor, debits_posted: 0, credits_posted: 0, debits_held: 0, credits_held: 0 }
    }

    /// What the account holds or owes, in minor units: posted on the normal side less posted on the other.
    pub fn posted(&self) -> i128 {
        match self.normal {
            Side::Debit => self.debits_posted.saturating_sub(self.credits_posted),
            Side::Credit => self.credits_posted.saturating_sub(self.debits_posted),
        }
    }

    /// What open holds would take away, in minor units: held on the side opposite to the normal one. Holds that would
    /// add are not counted; they are only announced.
    pub fn held(&self) -> i128 {
        match self.normal {
            Side::Debit => self.credits_held,
            Side::Credit => self.debits_held,
        }
    }

    /// What can be spent without the overdraft, in minor units; negative while the overdraft is in use. CashQ's wire
    /// `balance` (facts: contracts/README section 4).
    pub fn spendable(&self) -> i128 {
        self.posted().saturating_sub(self.held())
    }

    /// What can be spent with the overdraft, in minor units; `None` when nothing limits it.
    pub fn available(&self) -> Option<i128> {
        match self.floor {
            Floor::Overdraft(overdraft) => Some(self.spendable().saturating_add(overdraft.max(0))),
            Floor::Unlimited => None,
        }
    }

    /// This account with another floor. Refused with [`Refusal::OutOfRange`] when the overdraft is negative, and with
    /// [`Refusal::Insufficient`] when it is smaller than what is used or reserved of it already: the account is paid
    /// up first, or the floor stays.
    pub fn with_floor(&self, floor: Floor) -> Result<Account, Refusal> {
        if matches!(floor, Floor::Overdraft(overdraft) if overdraft < 0) {
            return Err(Refusal::OutOfRange);
        }
        let account = Account { floor, ..self.clone() };
        match account.shortfall() {
            0 => Ok(account),
            short_by => Err(Refusal::Insufficient { short_by }),
        }
    }

    /// How far below its floor the account is, in minor units; zero when it is not.
    pub(crate) fn shortfall(&self) -> i128 {
        match self.available() {
            Some(available) if available < 0 => available.saturating_neg(),
            _ => 0,
        }
    }
}
