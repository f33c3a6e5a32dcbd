//! The table of an environment's life against its copy in `docs/lifecycles.md`. Its doors are walked in
//! `control/tests/machine.rs`.

use super::state::{Event, Status};

const LIFECYCLES: &str = include_str!("../../../../docs/lifecycles.md");
const STATES: [Status; 5] =
    [Status::NotProvisioned, Status::Provisioning, Status::Active, Status::Error, Status::Suspended];
const EVENTS: [Event; 5] = [Event::Wish, Event::Settle, Event::Fail, Event::Suspend, Event::Resume];

#[test]
fn every_state_and_event_goes_where_the_table_says() {
    let part = LIFECYCLES.split("\n## ").find(|part| part.starts_with("An environment\n")).unwrap();
    for state in STATES {
        let after = EVENTS.map(|event| state.after(event).map_or("–", Status::word));
        let line = format!("| {} | {} |", state.word(), after.join(" | "));
        assert!(part.lines().any(|documented| documented == line), "docs/lifecycles.md has no line {line}");
    }
    assert_eq!(part.lines().filter(|line| line.starts_with("| ")).count(), STATES.len() + 1);
}

#[test]
fn nothing_is_active_that_was_not_worked_on() {
    for state in STATES.into_iter().filter(|state| *state != Status::Active) {
        for event in EVENTS.into_iter().filter(|event| *event != Event::Settle) {
            assert_ne!(state.after(event), Some(Status::Active), "{state:?} and {event:?}");
        }
    }
}
