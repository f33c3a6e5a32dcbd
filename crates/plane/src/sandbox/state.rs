//! What the controls refuse, and which steps a wish about a transfer takes. Pure.

use std::collections::VecDeque;

use ::store::Halt;
use base::{Amount, Fault, Span, Stop};

use super::WeatherRefusal;
use crate::payouts::{Event, FailReason, Move, State};

/// Most that an agent account of a sandbox may hold, and its largest overdraft: a trillion dollars, so that every sum
/// stays an exact number in the clients' languages.
pub const FUNDS_MOST: Amount = Amount::cents(100_000_000_000_000);
/// Largest limit of a receiver.
pub const LIMIT_DOLLARS_MOST: u32 = 1_000_000;
/// Furthest that one call moves a clock: a leap year.
pub const CLOCK_MOST: Span = Span::days(366);
/// Furthest that a tenant's clock gets ahead, over all calls.
const AHEAD_MOST: Span = Span::days(366 * 100);

/// Why a control had no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the tenant's data was reset while the call was under way")]
    Reset,
    #[error("amount: give more than 0 and at most {FUNDS_MOST} dollars")]
    AmountUnusable,
    #[error("amount: the account would hold more than {FUNDS_MOST} dollars")]
    TooMuchMoney,
    #[error("amount: only {available} dollars can be taken out, overdraft included")]
    MoreThanAvailable { available: Amount },
    #[error("overdraft: give 0 to {FUNDS_MOST} dollars")]
    OverdraftUnusable,
    #[error("overdraft: {used} dollars of it are in use; fund the account first")]
    OverdraftInUse { used: Amount },
    #[error("limit: give at most {LIMIT_DOLLARS_MOST} whole dollars")]
    LimitTooLarge,
    #[error("no transfer has this id")]
    TransferUnknown,
    #[error("{}", not_from_here(*from, possible))]
    NotFromHere { from: State, possible: Vec<&'static str> },
    #[error("{0}")]
    Weather(WeatherRefusal),
    #[error("clock: it only goes forward; give more than nothing")]
    ClockBackward,
    #[error("clock: at most 366 days in one call")]
    ClockLeap,
    #[error("clock: it is as far ahead as it can be, 100 years; reset the data")]
    ClockEnd,
    #[error("this store has given out all its tenant numbers, one for each reset; the operator sets up a new one")]
    Worn,
}

impl From<Refusal> for Halt<Refusal> {
    fn from(refusal: Refusal) -> Halt<Refusal> {
        Halt::Refused(refusal)
    }
}

fn not_from_here(from: State, possible: &[&'static str]) -> String {
    let (state, substate) = from.numbers();
    match possible {
        [] => format!("the transfer is final in {state}/{substate}: nothing can happen to it any more"),
        possible => format!("not from {state}/{substate}; possible from there: {}", possible.join(", ")),
    }
}

pub(super) fn fits(amount: Amount) -> Result<(), Stop<Refusal>> {
    match amount.minor > 0 && amount.minor <= FUNDS_MOST.minor {
        true => Ok(()),
        false => Err(Stop::Refused(Refusal::AmountUnusable)),
    }
}

/// A refusal of the ledger in the control's words; one that has none is our fault.
pub(super) fn ledger(halt: Halt<ledger::Refusal>, short: impl FnOnce(i128) -> Option<Refusal>) -> Halt<Refusal> {
    match halt {
        Halt::NotLoaded => Halt::NotLoaded,
        Halt::Faulted(fault) => Halt::Faulted(fault),
        Halt::Refused(refusal) => match refusal {
            ledger::Refusal::Insufficient { short_by } => short(short_by),
            _ => None,
        }
        .map_or_else(|| Halt::Faulted(Fault::because("moving money by a sandbox control", refusal)), Halt::Refused),
    }
}

pub(super) fn forward(by: Span) -> Result<(), Stop<Refusal>> {
    match by {
        by if by.0 <= 0 => Err(Stop::Refused(Refusal::ClockBackward)),
        by if by > CLOCK_MOST => Err(Stop::Refused(Refusal::ClockLeap)),
        _ => Ok(()),
    }
}

/// How far ahead the clock is then, in microseconds.
pub(super) fn ahead(now: i64, by: Span) -> Result<i64, Halt<Refusal>> {
    now.checked_add(by.0).filter(|ahead| *ahead <= AHEAD_MOST.0).ok_or(Halt::Refused(Refusal::ClockEnd))
}

/// What a tester wants of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The next thing that would happen if nothing held it up.
    Step,
    Link,
    RunShort,
    Doubt,
    Retry,
    /// To 60.
    Pay,
    /// To 80, the money given back.
    Fail(FailReason),
    /// To exactly this state, by the shortest way.
    State(State),
}

/// One step of a plan: it happens only if the transfer stands in `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) from: State,
    event: Event,
    pub(super) to: State,
}

impl Planned {
    fn new(from: State, event: Event) -> Option<Planned> {
        from.after(event).ok().map(|to| Planned { from, event, to })
    }

    pub(super) fn of(&self, seq: u64) -> Move {
        let trans = (self.event == Event::Pay).then(|| format!("sandbox-{seq}"));
        let note = Some("forced by a sandbox control".to_owned());
        Move { trans, note, ..Move::new(seq, self.from, self.event) }
    }
}

/// The steps from `from` to what is wished, none when it is there already; `None` when no way leads there.
pub(super) fn plan(from: State, wish: Wish) -> Option<Vec<Planned>> {
    match wish {
        Wish::Step => Some(vec![Planned::new(from, next(from)?)?]),
        Wish::Link => Some(vec![Planned::new(from, Event::Link)?]),
        Wish::RunShort => then(from, Event::RunShort),
        Wish::Doubt => then(from, Event::Doubt),
        Wish::Retry => then(from, Event::Retry),
        Wish::Pay => way(from, &EVENTS, |state| state == State::Paid).filter(|way| !way.is_empty()),
        Wish::Fail(reason) => {
            let failing = State::Failing(reason);
            let mut steps = if from == failing { Vec::new() } else { vec![Planned::new(from, Event::Fail(reason))?] };
            steps.push(Planned::new(failing, Event::Close)?);
            Some(steps)
        }
        Wish::State(wished) => way(from, &EVENTS, |state| state == wished),
    }
}

/// Every wish that has an effect from here, in words.
pub(super) fn possible(from: State) -> Vec<&'static str> {
    let wishes = [
        ("step", Wish::Step),
        ("link", Wish::Link),
        ("run_short", Wish::RunShort),
        ("doubt", Wish::Doubt),
        ("retry", Wish::Retry),
        ("pay", Wish::Pay),
        ("fail", Wish::Fail(FailReason::Processing)),
    ];
    wishes.into_iter().filter(|(_, wish)| plan(from, *wish).is_some()).map(|(word, _)| word).collect()
}

/// What happens next if nothing holds the transfer up.
fn next(from: State) -> Option<Event> {
    match from {
        State::AwaitingLink => Some(Event::Link),
        State::Created
        | State::ReadyToDebit
        | State::ShortOfFunds
        | State::Verifying
        | State::VerificationUnknown
        | State::Retrying(_) => Some(Event::Step),
        State::Processing => Some(Event::Pay),
        State::Failing(_) => Some(Event::Close),
        State::Paid | State::Failed => None,
    }
}

/// `event`, after as many plain steps as it takes to get where it can happen.
fn then(from: State, event: Event) -> Option<Vec<Planned>> {
    let mut steps = way(from, &[Event::Link, Event::Step], |state| state.after(event).is_ok())?;
    let at = steps.last().map_or(from, |step| step.to);
    steps.push(Planned::new(at, event)?);
    Some(steps)
}

/// In the order in which ways of the same length are preferred.
const EVENTS: [Event; 11] = [
    Event::Link,
    Event::Step,
    Event::RunShort,
    Event::Doubt,
    Event::Retry,
    Event::Pay,
    Event::Fail(FailReason::Processing),
    Event::Fail(FailReason::Cancelled),
    Event::Fail(FailReason::Funds),
    Event::Fail(FailReason::Other),
    Event::Close,
];

/// The shortest way by these events to a state that is a goal.
fn way(from: State, events: &[Event], goal: impl Fn(State) -> bool) -> Option<Vec<Planned>> {
    let mut seen = vec![from];
    let mut ways = VecDeque::from([(from, Vec::new())]);
    while let Some((at, steps)) = ways.pop_front() {
        if goal(at) {
            return Some(steps);
        }
        for step in events.iter().filter_map(|event| Planned::new(at, *event)) {
            if !seen.contains(&step.to) {
                seen.push(step.to);
                let steps = steps.iter().copied().chain([step]).collect();
                ways.push_back((step.to, steps));
            }
        }
    }
    None
}

/// States that a wish can name: those of the table, by CashQ's numbers.
impl Wish {
    /// The wish for the state with these numbers; `None` when no transfer is ever in it.
    pub fn state(state: i64, substate: i64) -> Option<Wish> {
        State::from_numbers(state, substate).map(Wish::State)
    }

    /// A wish by its word; a failure names its reason.
    pub fn from_word(word: &str, reason: Option<FailReason>) -> Option<Wish> {
        match word {
            "step" => Some(Wish::Step),
            "link" => Some(Wish::Link),
            "run_short" => Some(Wish::RunShort),
            "doubt" => Some(Wish::Doubt),
            "retry" => Some(Wish::Retry),
            "pay" => Some(Wish::Pay),
            "fail" => Some(Wish::Fail(reason.unwrap_or(FailReason::Processing))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod plans {
    use super::*;
    use crate::payouts::RetryStep;

    #[test]
    fn every_plan_is_a_chain_of_lawful_steps_to_its_goal() {
        for from in State::ALL {
            for wished in State::ALL {
                let Some(steps) = plan(from, Wish::State(wished)) else { continue };
                let mut at = from;
                for step in &steps {
                    assert_eq!(step.from, at, "{from:?} to {wished:?}: {steps:?}");
                    assert_eq!(at.after(step.event), Ok(step.to));
                    at = step.to;
                }
                assert_eq!(at, wished);
            }
        }
    }

    #[test]
    fn paying_walks_every_step_on_the_way() {
        let steps = plan(State::Created, Wish::Pay).expect("a way");
        let states: Vec<_> = steps.iter().map(|step| step.to.numbers()).collect();
        assert_eq!(states, [(20, 1), (30, 2), (40, 0), (60, 0)]);
        let retrying = plan(State::Retrying(RetryStep::Second), Wish::Pay).expect("a way");
        assert_eq!(retrying.len(), 1);
    }

    #[test]
    fn what_is_final_stays() {
        for state in [State::Paid, State::Failed] {
            assert!(possible(state).is_empty());
            assert_eq!(plan(state, Wish::Pay), None);
            assert_eq!(plan(state, Wish::Fail(FailReason::Other)), None);
        }
    }

    #[test]
    fn troubles_are_met_where_they_can_happen() {
        let last = |from, wish| plan(from, wish).and_then(|steps| steps.last().map(|step| step.to.numbers()));
        assert_eq!(last(State::Created, Wish::RunShort), Some((20, 4)));
        assert_eq!(last(State::AwaitingLink, Wish::Doubt), Some((30, 3)));
        assert_eq!(last(State::Created, Wish::Retry), Some((40, 4)));
        assert_eq!(last(State::Retrying(RetryStep::First), Wish::Retry), Some((40, 5)));
        assert_eq!(last(State::Processing, Wish::RunShort), None, "no way leads back");
        assert_eq!(last(State::Failing(FailReason::Other), Wish::Fail(FailReason::Funds)), None);
        assert_eq!(possible(State::Processing), ["step", "retry", "pay", "fail"]);
    }
}
