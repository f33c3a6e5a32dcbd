use base::{Span, Time};
use plane::payouts::{DueRow, Event, FailReason, RetryStep, State};
use plane::sandbox::magic::{AMOUNTS, Script};

use super::agenda::Agenda;
use super::next::{Answer, Next, next};
use crate::rail::simulated;

fn answers() -> Vec<Answer> {
    let mut answers = vec![
        Answer::Fine,
        Answer::Short,
        Answer::Doubtful,
        Answer::Silent,
        Answer::Underway,
        Answer::Trouble { note: Some("why".to_owned()) },
        Answer::Paid { trans: "T1".to_owned(), sum_prov: None },
    ];
    answers.extend(FailReason::ALL.map(|reason| Answer::Failed { reason, note: None }));
    answers
}

fn scripts() -> impl Iterator<Item = Script> {
    std::iter::once(Script::Pays).chain(AMOUNTS.iter().map(|(_, script)| *script))
}

#[test]
fn whatever_a_rail_says_in_whatever_state_the_event_is_lawful() {
    for state in State::ALL {
        for answer in answers() {
            if let Next::Move(event) = next(state, &answer) {
                assert!(state.after(event).is_ok(), "{state:?} {answer:?} {event:?}");
            }
        }
    }
}

#[test]
fn money_ends_only_by_the_rails_word_and_only_with_the_rail() {
    for state in State::ALL {
        for answer in answers() {
            let ends = matches!(next(state, &answer), Next::Move(Event::Pay | Event::Fail(_)));
            let said = matches!(answer, Answer::Paid { .. } | Answer::Failed { .. });
            assert_eq!(ends, said && state.is_with_the_rail(), "{state:?} {answer:?}");
        }
    }
}

#[test]
fn trouble_is_retried_and_never_a_failure() {
    let trouble = Answer::Trouble { note: None };
    for state in State::ALL.into_iter().filter(|state| state.is_with_the_rail()) {
        assert_eq!(next(state, &trouble), Next::Move(Event::Retry), "{state:?}");
    }
}

#[test]
fn what_the_rail_has_again_is_processing_again() {
    assert_eq!(next(State::Processing, &Answer::Underway), Next::AskAgain);
    assert_eq!(next(State::Processing, &Answer::Silent), Next::Leave);
    for step in [RetryStep::First, RetryStep::Fourth] {
        assert_eq!(next(State::Retrying(step), &Answer::Underway), Next::Move(Event::Step));
    }
}

/// The numbers through which a transfer goes by itself.
fn life(script: Script, from: State) -> Vec<(i64, i64)> {
    let (mut state, mut attempts) = (from, 0);
    let mut numbers = vec![state.numbers()];
    for _ in 0..20 {
        let due = DueRow { at: Time(0), tenant: 1, seq: 7, state, attempts, script };
        let Next::Move(event) = next(state, &simulated::answer(&due)) else { return numbers };
        attempts += u32::from(matches!(event, Event::RunShort | Event::Doubt | Event::Retry));
        state = state.after(event).expect("lawful");
        numbers.push(state.numbers());
    }
    panic!("{script:?} from {from:?} has no end: {numbers:?}");
}

#[test]
fn each_script_has_its_documented_life() {
    let way = [(0, 0), (20, 1), (30, 2), (40, 0)];
    let then = |rest: &[(i64, i64)]| [&way[..], rest].concat();
    let failing = |substate| then(&[(80, substate), (80, 0)]);
    let expected = [
        (Script::Pays, then(&[(60, 0)])),
        (Script::FailsInProcessing, failing(5)),
        (Script::FailsForFunds, failing(4)),
        (Script::CancelledBySupport, failing(1)),
        (Script::FailsOtherwise, failing(6)),
        (Script::Hangs, then(&[])),
        (Script::RetriesTwice, then(&[(40, 4), (40, 5), (60, 0)])),
        (Script::RunsShortOnce, vec![(0, 0), (20, 1), (20, 4), (20, 1), (30, 2), (40, 0), (60, 0)]),
        (Script::DoubtedOnce, vec![(0, 0), (20, 1), (30, 2), (30, 3), (30, 2), (40, 0), (60, 0)]),
        (Script::AwaitsLink, then(&[(60, 0)])),
    ];
    assert_eq!(scripts().count(), expected.len());
    for (script, numbers) in expected {
        assert_eq!(life(script, State::Created), numbers, "{script:?}");
    }
    assert_eq!(life(Script::AwaitsLink, State::AwaitingLink), [(0, 9)]);
}

#[test]
fn forced_into_any_state_every_script_comes_to_rest() {
    for script in scripts() {
        for from in State::ALL {
            let end = *life(script, from).last().expect("a state");
            let rests = [(60, 0), (80, 0), (0, 9)].contains(&end) || (script == Script::Hangs && end == (40, 0));
            assert!(rests, "{script:?} from {from:?} ends in {end:?}");
        }
    }
}

#[test]
fn a_reference_is_the_transfers_own() {
    let of = |tenant, seq| {
        let state = State::Processing;
        match simulated::answer(&DueRow { at: Time(0), tenant, seq, state, attempts: 0, script: Script::Pays }) {
            Answer::Paid { trans, .. } => trans,
            other => panic!("{other:?}"),
        }
    };
    assert!(of(1, 2).starts_with("SIM-"));
    assert_eq!(of(1, 2), of(1, 2));
    assert_ne!(of(1, 2), of(2, 1));
    assert_ne!(of(1, 2), of(1, 3));
}

const NOT_AHEAD: fn(u32) -> Span = |_| Span(0);

#[test]
fn the_earliest_that_was_noted_counts_until_the_store_was_asked() {
    let mut agenda = Agenda::default();
    [30, 10, 20].into_iter().for_each(|at| agenda.note(1, Time(at)));
    assert_eq!(agenda.wait(Time(4), NOT_AHEAD), Some(Span(6)));
    assert!(agenda.turn(Time(9), 16, NOT_AHEAD).is_empty());
    assert_eq!(agenda.turn(Time(10), 16, NOT_AHEAD), [1]);
    agenda.set(1, Some(Time(20)));
    assert_eq!(agenda.wait(Time(10), NOT_AHEAD), Some(Span(10)));
    agenda.set(1, None);
    assert!(agenda.is_empty());
}

#[test]
fn a_tenants_clock_that_is_ahead_makes_its_transfers_due() {
    let mut agenda = Agenda::default();
    [1, 2].into_iter().for_each(|tenant| agenda.note(tenant, Time(100)));
    let ahead = |tenant| Span(if tenant == 2 { 90 } else { 0 });
    assert_eq!(agenda.wait(Time(5), ahead), Some(Span(5)));
    assert_eq!(agenda.turn(Time(10), 16, ahead), [2]);
}

#[test]
fn every_tenant_has_its_turn_before_any_has_two() {
    let mut agenda = Agenda::default();
    (0..64).for_each(|tenant| agenda.note(tenant, Time(0)));
    for _ in 0..3 {
        let mut served = Vec::new();
        while served.len() < 64 {
            let turn = agenda.turn(Time(0), 16, NOT_AHEAD);
            assert_eq!(turn.len(), 16);
            served.extend(turn);
        }
        served.sort_unstable();
        assert_eq!(served, (0..64).collect::<Vec<_>>());
    }
}

#[test]
fn what_waits_for_a_person_is_not_noted() {
    let mut agenda = Agenda::default();
    agenda.note(1, Time(i64::MAX));
    agenda.set(2, Some(Time(i64::MAX)));
    agenda.note(3, Time(0));
    assert_eq!(agenda.len(), 1);
    agenda.forget(3);
    assert_eq!(agenda.wait(Time(0), NOT_AHEAD), None);
}
