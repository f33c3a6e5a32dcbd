//! The chart of accounts and the movements over it, by name.

use std::fmt::Write;

use base::Amount;
use ledger::{Account, Floor, Movement, Phase, Side};

use crate::corridor::AGENT_ASSET;

/// An account of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountName {
    Agent = 1,
    Rail = 2,
    Funding = 3,
}

impl AccountName {
    pub const ALL: [AccountName; 3] = [AccountName::Agent, AccountName::Rail, AccountName::Funding];

    pub fn word(self) -> &'static str {
        match self {
            AccountName::Agent => "agent",
            AccountName::Rail => "rail",
            AccountName::Funding => "funding",
        }
    }
}

/// The account as it is before its first posting.
pub(super) fn fresh(name: AccountName) -> Account {
    match name {
        AccountName::Agent => Account::open(AGENT_ASSET, Side::Credit, Floor::Overdraft(0)),
        AccountName::Rail => Account::open(AGENT_ASSET, Side::Credit, Floor::Unlimited),
        AccountName::Funding => Account::open(AGENT_ASSET, Side::Debit, Floor::Unlimited),
    }
}

/// Money reaches the agent account.
pub(crate) fn fund(amount: Amount) -> Movement<AccountName> {
    Movement::between("agent_funded", Phase::Post, AccountName::Funding, AccountName::Agent, amount)
}

/// Money leaves the agent account the way it came.
pub(crate) fn drain(amount: Amount) -> Movement<AccountName> {
    Movement::between("agent_drained", Phase::Post, AccountName::Agent, AccountName::Funding, amount)
}

/// An accepted transfer takes its money out of reach.
pub(crate) fn reserve(amount: Amount) -> Movement<AccountName> {
    Movement::between("payout_reserved", Phase::Hold, AccountName::Agent, AccountName::Rail, amount)
}

/// Paid: the reserved money is the rail's.
pub(crate) fn settle(amount: Amount) -> Movement<AccountName> {
    Movement::between("payout_settled", Phase::Settle, AccountName::Agent, AccountName::Rail, amount)
}

/// Not paid: the reserved money is the agent's again.
pub(crate) fn release(amount: Amount) -> Movement<AccountName> {
    Movement::between("payout_released", Phase::Release, AccountName::Agent, AccountName::Rail, amount)
}

/// Movements with their journal text: what can be made before the queue is not made on the committer.
pub(crate) struct Written {
    pub(super) movements: Vec<Movement<AccountName>>,
    pub(super) text: String,
}

impl Written {
    pub(crate) fn new(movements: Vec<Movement<AccountName>>) -> Written {
        Written { text: journal_text(&movements), movements }
    }
}

/// The movements as the journal keeps them: enough to fold the accounts again from nothing.
pub(super) fn journal_text(movements: &[Movement<AccountName>]) -> String {
    let mut text = String::with_capacity(160 * movements.len() + 2);
    text.push('[');
    for (at, movement) in movements.iter().enumerate() {
        let phase = match movement.phase {
            Phase::Post => "post",
            Phase::Hold => "hold",
            Phase::Settle => "settle",
            Phase::Release => "release",
        };
        let comma = if at == 0 { "" } else { "," };
        let asset = movement.asset.code();
        // Writing to a String cannot fail.
        let _ = write!(text, r#"{comma}{{"name":"{}","phase":"{phase}","asset":"{asset}","legs":["#, movement.name);
        for (at, leg) in movement.legs.iter().enumerate() {
            let side = if leg.side == Side::Debit { "debit" } else { "credit" };
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(text, r#"{comma}["{}","{side}","{}"]"#, leg.account.word(), leg.minor);
        }
        text.push_str("]}");
    }
    text.push(']');
    text
}
