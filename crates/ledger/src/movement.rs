//! What happens to money: a named list of legs in one asset and one phase.

use base::{Amount, Asset};

use crate::Side;

/// One line of a movement. `minor` is above zero, in minor units of the movement's asset; the side says the direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg<K> {
    pub account: K,
    pub side: Side,
    pub minor: i128,
}

/// What the legs do to the totals of their accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Moves at once.
    Post,
    /// Reserves on the side that takes away, announces on the side that adds.
    Hold,
    /// Turns a hold into a posting, whole or in part; the rest stays held.
    Settle,
    /// Drops a hold, whole or in part.
    Release,
}

/// Something that happens to money, to be applied by [`crate::post`] as a whole or not at all.
///
/// Holds are totals of accounts and have no identity here: the caller remembers which hold it settles or releases,
/// and gives the same legs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement<K> {
    /// The word for it in the journal and in reports, such as `payout`.
    pub name: &'static str,
    pub asset: Asset,
    pub phase: Phase,
    /// The debits add up to the credits. One account may have several legs, on both sides too.
    pub legs: Vec<Leg<K>>,
}

impl<K: Clone> Movement<K> {
    /// The common one: `amount` from one account to another. (An amount that is not positive is refused by `post`.)
    pub fn between(name: &'static str, phase: Phase, debit: K, credit: K, amount: Amount) -> Movement<K> {
        let legs = vec![
            Leg { account: debit, side: Side::Debit, minor: amount.minor },
            Leg { account: credit, side: Side::Credit, minor: amount.minor },
        ];
        Movement { name, asset: amount.asset, phase, legs }
    }
}
