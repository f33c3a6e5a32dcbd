//! Why a movement is not applied.

use std::error::Error;
use std::fmt;

/// The rules say no, and nothing was changed. In the order in which [`crate::post`] checks them: each is looked for in
/// all legs before the next one is, so the answer does not depend on the order of the legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The movement has no legs.
    NoLegs,
    /// A leg's amount is zero or negative.
    NotPositive,
    /// The debits do not add up to the credits.
    Unbalanced,
    /// A leg names an account that was not given.
    AccountMissing,
    /// An account counts another asset than the movement moves.
    WrongAsset,
    /// More would be settled or released than is held, on that side of that account.
    HoldMissing,
    /// A total, holds included, would leave the range of 128 bits.
    OutOfRange,
    /// An account would fall below its floor, by `short_by` minor units; of several, the one whose leg comes first.
    Insufficient { short_by: i128 },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoLegs => f.write_str("the movement has no legs"),
            Refusal::NotPositive => f.write_str("an amount is not above zero"),
            Refusal::Unbalanced => f.write_str("debits and credits differ"),
            Refusal::AccountMissing => f.write_str("an account is missing"),
            Refusal::WrongAsset => f.write_str("an account counts another asset"),
            Refusal::HoldMissing => f.write_str("less is held than this would settle or release"),
            Refusal::OutOfRange => f.write_str("a total leaves the representable range"),
            Refusal::Insufficient { short_by } => write!(f, "an account is short by {short_by} minor units"),
        }
    }
}

impl Error for Refusal {}
