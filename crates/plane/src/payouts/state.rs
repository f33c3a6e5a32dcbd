//! The life of a transfer. Every (state, event) pair is decided here and nowhere else; numbers are CashQ's
//! (facts: cashq 6).

use base::{Span, Time};

/// Where a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// 0/0: accepted, its money reserved.
    Created,
    /// 0/9: waits until its pay-in is linked or the operator confirms it.
    AwaitingLink,
    /// 20/1.
    ReadyToDebit,
    /// 20/4: the account at the rail lacks funds; tried again.
    ShortOfFunds,
    /// 30/2.
    Verifying,
    /// 30/3: verification came back without a result; asked again.
    VerificationUnknown,
    /// 40/0: handed to the rail, or about to be.
    Processing,
    /// 40/4 to 40/7: the rail had a passing trouble; tried again.
    Retrying(RetryStep),
    /// 80/1 to 80/6: failed, its money not yet given back. Not final.
    Failing(FailReason),
    /// 60/0, final: paid, its money settled.
    Paid,
    /// 80/0, final: failed, its money released.
    Failed,
}

/// Which of the four retry substates. The first trouble is `First`; the fourth and all later ones are `Fourth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryStep {
    First,
    Second,
    Third,
    Fourth,
}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// 80/1, by support.
    Cancelled,
    /// 80/4.
    Funds,
    /// 80/5.
    Processing,
    /// 80/6.
    Other,
}

/// What can happen to a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its pay-in was linked, or the operator confirmed it without one.
    Link,
    /// Nothing holds it up: one step on its way.
    Step,
    /// The account at the rail lacks funds.
    RunShort,
    /// Verification has no result.
    Doubt,
    /// The rail had a passing trouble.
    Retry,
    /// The rail paid.
    Pay,
    Fail(FailReason),
    /// Its money is given back.
    Close,
}

impl Event {
    /// Counts as one of the transfer's attempts and lengthens the wait before the next.
    pub fn is_trouble(self) -> bool {
        matches!(self, Event::RunShort | Event::Doubt | Event::Retry)
    }
}

/// This cannot happen to a transfer in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transfer in this state cannot do that")]
pub struct Illegal;

impl State {
    pub const ALL: [State; 17] = [
        State::Created,
        State::AwaitingLink,
        State::ReadyToDebit,
        State::ShortOfFunds,
        State::Verifying,
        State::VerificationUnknown,
        State::Processing,
        State::Retrying(RetryStep::First),
        State::Retrying(RetryStep::Second),
        State::Retrying(RetryStep::Third),
        State::Retrying(RetryStep::Fourth),
        State::Failing(FailReason::Cancelled),
        State::Failing(FailReason::Funds),
        State::Failing(FailReason::Processing),
        State::Failing(FailReason::Other),
        State::Paid,
        State::Failed,
    ];

    /// The state after `event`.
    pub fn after(self, event: Event) -> Result<State, Illegal> {
        use State as S;
        match (self, event) {
            (S::AwaitingLink, Event::Link) => Ok(S::Created),
            (S::Created | S::ShortOfFunds, Event::Step) => Ok(S::ReadyToDebit),
            (S::ReadyToDebit | S::VerificationUnknown, Event::Step) => Ok(S::Verifying),
            (S::Verifying | S::Retrying(_), Event::Step) => Ok(S::Processing),
            (S::ReadyToDebit, Event::RunShort) => Ok(S::ShortOfFunds),
            (S::Verifying, Event::Doubt) => Ok(S::VerificationUnknown),
            (S::Processing, Event::Retry) => Ok(S::Retrying(RetryStep::First)),
            (S::Retrying(step), Event::Retry) => Ok(S::Retrying(step.next())),
            (S::Processing | S::Retrying(_), Event::Pay) => Ok(S::Paid),
            (state, Event::Fail(reason)) if state.may_fail() => Ok(S::Failing(reason)),
            (S::Failing(_), Event::Close) => Ok(S::Failed),
            (
                S::Created
                | S::AwaitingLink
                | S::ReadyToDebit
                | S::ShortOfFunds
                | S::Verifying
                | S::VerificationUnknown
                | S::Processing
                | S::Retrying(_)
                | S::Failing(_)
                | S::Paid
                | S::Failed,
                _,
            ) => Err(Illegal),
        }
    }

    /// CashQ's state and substate.
    pub fn numbers(self) -> (i64, i64) {
        match self {
            State::Created => (0, 0),
            State::AwaitingLink => (0, 9),
            State::ReadyToDebit => (20, 1),
            State::ShortOfFunds => (20, 4),
            State::Verifying => (30, 2),
            State::VerificationUnknown => (30, 3),
            State::Processing => (40, 0),
            State::Retrying(step) => (40, step.number()),
            State::Failing(reason) => (80, reason.number()),
            State::Paid => (60, 0),
            State::Failed => (80, 0),
        }
    }

    pub fn from_numbers(state: i64, substate: i64) -> Option<State> {
        State::ALL.into_iter().find(|known| known.numbers() == (state, substate))
    }

    /// Nothing will change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, State::Paid | State::Failed)
    }

    /// The rail's by now, so that only the rail knows what comes next.
    pub fn is_with_the_rail(self) -> bool {
        matches!(self, State::Processing | State::Retrying(_))
    }

    /// Still on its way, so it can fail. A failed one cannot fail again, nor can a paid one.
    fn may_fail(self) -> bool {
        !matches!(self, State::Failing(_) | State::Paid | State::Failed)
    }

    /// When the worker should look at it: never, where it waits for a person.
    pub fn due(self, now: Time, stage: Span) -> Time {
        match self {
            State::AwaitingLink | State::Paid | State::Failed => Time(i64::MAX),
            State::Failing(_) => now,
            _ => now.plus(stage),
        }
    }
}

impl RetryStep {
    fn next(self) -> RetryStep {
        match self {
            RetryStep::First => RetryStep::Second,
            RetryStep::Second => RetryStep::Third,
            RetryStep::Third | RetryStep::Fourth => RetryStep::Fourth,
        }
    }

    fn number(self) -> i64 {
        match self {
            RetryStep::First => 4,
            RetryStep::Second => 5,
            RetryStep::Third => 6,
            RetryStep::Fourth => 7,
        }
    }
}

impl FailReason {
    pub const ALL: [FailReason; 4] =
        [FailReason::Cancelled, FailReason::Funds, FailReason::Processing, FailReason::Other];

    fn number(self) -> i64 {
        match self {
            FailReason::Cancelled => 1,
            FailReason::Funds => 4,
            FailReason::Processing => 5,
            FailReason::Other => 6,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            FailReason::Cancelled => "cancelled",
            FailReason::Funds => "funds",
            FailReason::Processing => "processing",
            FailReason::Other => "other",
        }
    }

    pub fn from_word(word: &str) -> Option<FailReason> {
        FailReason::ALL.into_iter().find(|reason| reason.word() == word)
    }
}
