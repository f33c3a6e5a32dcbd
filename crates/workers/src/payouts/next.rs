//! What happens next to a transfer, from its state and the rail's answer alone. Pure: every pair is decided here.

use plane::payouts::{Event, FailReason, State};

/// What a rail says of one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No objection: the transfer goes on.
    Fine,
    /// The account at the rail lacks funds.
    Short,
    /// Verification has no result.
    Doubtful,
    /// The rail never answers by itself: a person will.
    Silent,
    /// The rail has it and is working on it.
    Underway,
    /// Not done, or not known to be done: tried again later. Never a reason to give up.
    Trouble { note: Option<String> },
    /// Paid, with the rail's reference and amount where it gives them.
    Paid { trans: String, sum_prov: Option<String> },
    /// Not paid, and never will be.
    Failed { reason: FailReason, note: Option<String> },
}

/// What the worker does with the transfer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Move(Event),
    /// The rail is asked again after a while.
    AskAgain,
    /// Nothing, until a person or a control moves it.
    Leave,
}

/// Total: whatever a rail says, whenever it says it, the event is one that the state allows.
pub fn next(state: State, answer: &Answer) -> Next {
    match state {
        State::AwaitingLink | State::Paid | State::Failed => Next::Leave,
        State::Created | State::ShortOfFunds | State::VerificationUnknown => Next::Move(Event::Step),
        State::ReadyToDebit if *answer == Answer::Short => Next::Move(Event::RunShort),
        State::Verifying if *answer == Answer::Doubtful => Next::Move(Event::Doubt),
        State::ReadyToDebit | State::Verifying => Next::Move(Event::Step),
        State::Failing(_) => Next::Move(Event::Close),
        State::Processing => with_the_rail(answer).unwrap_or(match answer {
            Answer::Silent => Next::Leave,
            _ => Next::AskAgain,
        }),
        // Whatever is not news means that the rail has it: it is processing again.
        State::Retrying(_) => with_the_rail(answer).unwrap_or(Next::Move(Event::Step)),
    }
}

fn with_the_rail(answer: &Answer) -> Option<Next> {
    match answer {
        Answer::Trouble { .. } => Some(Next::Move(Event::Retry)),
        Answer::Paid { .. } => Some(Next::Move(Event::Pay)),
        Answer::Failed { reason, .. } => Some(Next::Move(Event::Fail(*reason))),
        Answer::Fine | Answer::Short | Answer::Doubtful | Answer::Silent | Answer::Underway => None,
    }
}
