//! The table of a transfer's life, written out, and its copy in `docs/lifecycles.md`.

use base::{Span, Time};

use super::state::{Event, FailReason, Illegal, RetryStep, State};

const EVENTS: [Event; 11] = [
    Event::Link,
    Event::Step,
    Event::RunShort,
    Event::Doubt,
    Event::Retry,
    Event::Pay,
    Event::Fail(FailReason::Cancelled),
    Event::Fail(FailReason::Funds),
    Event::Fail(FailReason::Processing),
    Event::Fail(FailReason::Other),
    Event::Close,
];

/// One line a state: its pair, then the pair after each of `EVENTS`; `-` where that cannot happen.
const TABLE: [&str; 17] = [
    //       Link  Step  Short Doubt Retry Pay   Fail: cancelled, funds, processing, other   Close
    "0/0   | -     20/1  -     -     -     -     80/1  80/4  80/5  80/6  -",
    "0/9   | 0/0   -     -     -     -     -     80/1  80/4  80/5  80/6  -",
    "20/1  | -     30/2  20/4  -     -     -     80/1  80/4  80/5  80/6  -",
    "20/4  | -     20/1  -     -     -     -     80/1  80/4  80/5  80/6  -",
    "30/2  | -     40/0  -     30/3  -     -     80/1  80/4  80/5  80/6  -",
    "30/3  | -     30/2  -     -     -     -     80/1  80/4  80/5  80/6  -",
    "40/0  | -     -     -     -     40/4  60/0  80/1  80/4  80/5  80/6  -",
    "40/4  | -     40/0  -     -     40/5  60/0  80/1  80/4  80/5  80/6  -",
    "40/5  | -     40/0  -     -     40/6  60/0  80/1  80/4  80/5  80/6  -",
    "40/6  | -     40/0  -     -     40/7  60/0  80/1  80/4  80/5  80/6  -",
    "40/7  | -     40/0  -     -     40/7  60/0  80/1  80/4  80/5  80/6  -",
    "80/1  | -     -     -     -     -     -     -     -     -     -     80/0",
    "80/4  | -     -     -     -     -     -     -     -     -     -     80/0",
    "80/5  | -     -     -     -     -     -     -     -     -     -     80/0",
    "80/6  | -     -     -     -     -     -     -     -     -     -     80/0",
    "60/0  | -     -     -     -     -     -     -     -     -     -     -",
    "80/0  | -     -     -     -     -     -     -     -     -     -     -",
];

/// Every pair that the contract documents (facts: cashq 6); a row without a substate is written with 0.
const DOCUMENTED: [(i64, i64); 30] = [
    (0, 0),
    (0, 1),
    (0, 2),
    (0, 9),
    (20, 1),
    (20, 2),
    (20, 3),
    (20, 4),
    (30, 0),
    (30, 1),
    (30, 2),
    (30, 3),
    (40, 0),
    (40, 1),
    (40, 2),
    (40, 3),
    (40, 4),
    (40, 5),
    (40, 6),
    (40, 7),
    (60, 0),
    (80, 0),
    (80, 1),
    (80, 2),
    (80, 3),
    (80, 4),
    (80, 5),
    (80, 6),
    (-1, 0),
    (-2, 0),
];

/// Those of them that no transfer enters; `docs/lifecycles.md` says why.
const NOT_ENTERED: [(i64, i64); 13] =
    [(0, 1), (0, 2), (20, 2), (20, 3), (30, 0), (30, 1), (40, 1), (40, 2), (40, 3), (80, 2), (80, 3), (-1, 0), (-2, 0)];

const LIFECYCLES: &str = include_str!("../../../../docs/lifecycles.md");

fn pair((state, substate): (i64, i64)) -> String {
    format!("{state}/{substate}")
}

fn after(state: State, event: Event) -> Option<String> {
    state.after(event).ok().map(|after| pair(after.numbers()))
}

#[test]
fn every_state_and_event_goes_where_the_table_says() {
    assert_eq!(TABLE.len(), State::ALL.len());
    for (line, state) in TABLE.iter().zip(State::ALL) {
        let (from, cells) = line.split_once('|').unwrap();
        assert_eq!(from.trim(), pair(state.numbers()));
        let cells: Vec<&str> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), EVENTS.len(), "{line}");
        for (cell, event) in cells.into_iter().zip(EVENTS) {
            let expected = (cell != "-").then(|| cell.to_owned());
            assert_eq!(after(state, event), expected, "{state:?} and {event:?}");
        }
    }
}

#[test]
fn what_is_final_stays_as_it_is() {
    let last: Vec<State> = State::ALL.into_iter().filter(|state| state.is_final()).collect();
    assert_eq!(last, [State::Paid, State::Failed]);
    for state in last {
        assert!(EVENTS.into_iter().all(|event| state.after(event) == Err(Illegal)), "{state:?}");
        assert_eq!(state.due(Time(0), Span::seconds(1)), Time(i64::MAX), "nobody looks at it again");
    }
}

#[test]
fn every_other_state_can_still_end() {
    let mut ends = vec![State::Paid, State::Failed];
    for _ in State::ALL {
        let more = State::ALL.into_iter().filter(|state| {
            EVENTS.into_iter().any(|event| state.after(event).is_ok_and(|after| ends.contains(&after)))
        });
        let more: Vec<State> = more.filter(|state| !ends.contains(state)).collect();
        ends.extend(more);
    }
    assert_eq!(ends.len(), State::ALL.len());
}

#[test]
fn money_moves_once() {
    for state in State::ALL {
        let into = |goal| EVENTS.into_iter().filter(|event| state.after(*event) == Ok(goal)).count();
        // Settling is entered by paying alone, releasing by closing a failed one alone, and nothing leads from one to
        // the other.
        assert_eq!(into(State::Paid), usize::from(state.after(Event::Pay).is_ok()));
        assert_eq!(into(State::Failed), usize::from(state.after(Event::Close).is_ok()));
        assert!(state.after(Event::Pay).is_err() || state.after(Event::Close).is_err());
    }
}

#[test]
fn numbers_and_states_stand_for_each_other() {
    for state in State::ALL {
        let (number, substate) = state.numbers();
        assert_eq!(State::from_numbers(number, substate), Some(state));
    }
    for numbers in NOT_ENTERED {
        assert_eq!(State::from_numbers(numbers.0, numbers.1), None, "{numbers:?}");
    }
    for reason in FailReason::ALL {
        assert_eq!(FailReason::from_word(reason.word()), Some(reason));
    }
}

#[test]
fn every_documented_pair_is_ours_or_explained() {
    for numbers in DOCUMENTED {
        let ours = State::from_numbers(numbers.0, numbers.1).is_some();
        assert_ne!(ours, NOT_ENTERED.contains(&numbers), "{numbers:?}");
        let explained = LIFECYCLES.lines().any(|line| line.starts_with(&format!("| {} | ", pair(numbers))));
        assert!(explained, "docs/lifecycles.md has no line for {}", pair(numbers));
    }
    assert!(State::ALL.into_iter().all(|state| DOCUMENTED.contains(&state.numbers())), "a pair of our own invention");
}

/// The doc's lines, made from the code: all four reasons to fail share a column.
fn documented_line(state: State) -> String {
    let mut line = format!("| {} |", pair(state.numbers()));
    for event in
        EVENTS.into_iter().filter(|event| !matches!(event, Event::Fail(reason) if *reason != FailReason::Other))
    {
        let cell = match (event, after(state, event)) {
            (Event::Fail(_), Some(_)) => "80/1, 80/4 to 80/6".to_owned(),
            (_, Some(pair)) => pair,
            (_, None) => "–".to_owned(),
        };
        line.push_str(&format!(" {cell} |"));
    }
    line
}

#[test]
fn the_documents_table_is_the_codes() {
    let start = LIFECYCLES.lines().position(|line| line.starts_with("| from | link |")).unwrap();
    let written: Vec<&str> = LIFECYCLES.lines().skip(start + 2).take_while(|line| line.starts_with('|')).collect();
    let coded: Vec<String> = State::ALL.into_iter().map(documented_line).collect();
    assert_eq!(written, coded, "\n{}\n", coded.join("\n"));
}

#[test]
fn waits_for_a_person_are_not_due_and_failures_are_due_at_once() {
    let (now, stage) = (Time(1_000), Span(300));
    assert_eq!(State::AwaitingLink.due(now, stage), Time(i64::MAX));
    assert_eq!(State::Failing(FailReason::Funds).due(now, stage), now);
    assert_eq!(State::Retrying(RetryStep::First).due(now, stage), Time(1_300));
}
