//! Receivers and amounts that stand for a case in a sandbox. Documented in `docs/sandbox.md`; unknown to live.

use base::Amount;

use crate::Phone;

/// What a magic receiver stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Verified from the start.
    Verified,
    /// Unverified with a limit of nothing.
    MayReceiveNothing,
    /// Refused as nobody's number.
    NotOnTheNetwork,
}

/// What the simulated rail does with a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Script {
    #[default]
    Pays = 0,
    /// 80/5, then 80.
    FailsInProcessing = 1,
    /// 80/4, then 80.
    FailsForFunds = 2,
    /// 80/1, then 80.
    CancelledBySupport = 3,
    /// 80/6, then 80.
    FailsOtherwise = 4,
    /// Stays in 40/0 until it is forced.
    Hangs = 5,
    /// 40/4 and 40/5 before it pays.
    RetriesTwice = 6,
    /// 20/4 once on its way.
    RunsShortOnce = 7,
    /// 30/3 once on its way.
    DoubtedOnce = 8,
    /// Waits in 0/9 for its pay-in to be linked.
    AwaitsLink = 9,
}

/// (digits, what it stands for). Numbers reserved for fiction in the North American plan.
pub const RECEIVERS: [(&str, Receiver); 3] = [
    ("12025550101", Receiver::Verified),
    ("12025550102", Receiver::MayReceiveNothing),
    ("12025550103", Receiver::NotOnTheNetwork),
];

/// (cents, what the rail does).
pub const AMOUNTS: [(i64, Script); 9] = [
    (66_01, Script::FailsInProcessing),
    (66_02, Script::FailsForFunds),
    (66_03, Script::CancelledBySupport),
    (66_04, Script::FailsOtherwise),
    (66_05, Script::Hangs),
    (66_06, Script::RetriesTwice),
    (66_07, Script::RunsShortOnce),
    (66_08, Script::DoubtedOnce),
    (66_09, Script::AwaitsLink),
];

pub(crate) fn receiver(phone: &Phone) -> Option<Receiver> {
    RECEIVERS.iter().find(|(digits, _)| *digits == phone.digits()).map(|(_, stands_for)| *stands_for)
}

pub(crate) fn script(amount: Amount) -> Script {
    AMOUNTS.iter().find(|(cents, _)| amount.minor == i128::from(*cents)).map_or(Script::Pays, |(_, script)| *script)
}

impl Receiver {
    /// For people.
    pub fn meaning(self) -> &'static str {
        match self {
            Receiver::Verified => "verified from the start",
            Receiver::MayReceiveNothing => "unverified with a limit of 0",
            Receiver::NotOnTheNetwork => "refused: nobody's number on the network",
        }
    }
}

impl Script {
    /// For people.
    pub fn meaning(self) -> &'static str {
        match self {
            Script::Pays => "paid",
            Script::FailsInProcessing => "fails while processing: 80/5, then 80",
            Script::FailsForFunds => "fails for lack of funds: 80/4, then 80",
            Script::CancelledBySupport => "cancelled by support: 80/1, then 80",
            Script::FailsOtherwise => "fails otherwise: 80/6, then 80",
            Script::Hangs => "stays in 40/0 until it is forced",
            Script::RetriesTwice => "40/4 and 40/5, then paid",
            Script::RunsShortOnce => "20/4 once, then paid",
            Script::DoubtedOnce => "30/3 once, then paid",
            Script::AwaitsLink => "waits in 0/9 until its pay-in is linked",
        }
    }

    /// From its stored number.
    pub(crate) fn from_number(number: i64) -> Option<Script> {
        std::iter::once(Script::Pays)
            .chain(AMOUNTS.iter().map(|(_, script)| *script))
            .find(|script| *script as i64 == number)
    }
}
