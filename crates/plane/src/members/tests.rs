//! The rules over rows and passed times, their copies in `docs/lifecycles.md`, and a heartbeat that a change overtakes.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::IpAddr;
use std::sync::Arc;

use base::{Clock, Environment, OsChance, PlaneName, Span, Stop, TestClock, Time};

use super::state::{
    Ask, BURIED, GONE, HELD, Look, RENEWED, RUN_OUT, Stamp, TRUSTED, Watch, given_back, taken, trusts, waits_for,
};
use super::store::{LeaseRow, ProcessRow};
use super::{Beat, Pulse, beat, beat_after, look};
use crate::grants::{self, Denied, KeyChange, KeyKind, KeyLimits, NewKey};
use crate::{Operator, Plane, PlaneConfig};

const LIFECYCLES: &str = include_str!("../../../../docs/lifecycles.md");

/// The cells of the line whose first cell is `first`, under the heading.
fn documented(heading: &str, first: &str) -> Vec<String> {
    let part = LIFECYCLES.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let line = part.lines().map(cells).find(|cells| cells.get(1).is_some_and(|cell| cell == first));
    let line = line.unwrap_or_else(|| panic!("docs/lifecycles.md has no line for {first}"));
    line[2..line.len() - 1].to_vec()
}

fn process(id: &str, seen: i64) -> ProcessRow {
    ProcessRow { id: id.to_owned(), seen, beat: 1 }
}

fn lease(holder: &str, epoch: i64, beat: i64) -> LeaseRow {
    LeaseRow { name: "payouts".to_owned(), holder: holder.to_owned(), epoch, beat }
}

fn at(begun: i64, ended: i64) -> Look {
    Look { begun: Time(begun), ended: Time(ended) }
}

#[test]
fn a_presence_is_trusted_by_itself_for_less_time_than_others_wait_for_it() {
    let periods = [
        ("up to 1.5 s", [Span(0), Span(TRUSTED.0 - 1)]),
        ("1.5 s to 3 s", [TRUSTED, Span(GONE.0 - 1)]),
        ("from 3 s", [GONE, Span(i64::MAX)]),
    ];
    assert_eq!((TRUSTED, GONE), (Span::millis(1_500), Span::seconds(3)));
    for (period, ends) in periods {
        for since in ends {
            let word = |is: bool| if is { "yes" } else { "no" }.to_owned();
            let waited_for = waits_for(&process("b", 0), "a", 1, since);
            assert_eq!(documented("A presence", period), [word(trusts(since)), word(waited_for)], "{since:?}");
        }
    }
    assert!(GONE < BURIED);
}

#[test]
fn a_change_waits_for_others_that_are_there_and_have_not_seen_it() {
    let (unseen, seen, there, over) = (4, 5, Span(GONE.0 - 1), GONE);
    type Row = (&'static str, i64, Span);
    let cases: [(&[Row], bool); 9] = [
        (&[], false),
        (&[("me", unseen, there)], false),
        (&[("b", seen, there)], false),
        (&[("b", unseen, there)], true),
        (&[("b", unseen, over)], false),
        (&[("b", seen, there), ("c", seen, there)], false),
        (&[("b", seen, there), ("c", unseen, there)], true),
        (&[("b", unseen, over), ("c", seen + 1, there)], false),
        (&[("b", unseen, over), ("c", unseen, there)], true),
    ];
    for (rows, waits) in cases {
        let waited = rows.iter().any(|(id, seen, still)| waits_for(&process(id, *seen), "me", 5, *still));
        assert_eq!(waited, waits, "{rows:?}");
    }
}

#[test]
fn standing_still_counts_from_the_end_of_one_look_to_the_beginning_of_another() {
    let mut watch = Watch::default();
    assert_eq!(watch.still("b", (0, 1), at(0, 10)), Span(0), "never seen before");
    assert_eq!(watch.still("b", (0, 1), at(10, 500)), Span(0));
    assert_eq!(watch.still("b", (0, 1), at(3_010, 9_000)), Span(3_000), "how long the look took is not counted");
    assert_eq!(watch.still("b", (0, 2), at(9_000, 9_001)), Span(0), "a sign of life");
    assert_eq!(watch.still("b", (0, 2), at(5, 6)), Span(0), "a look that began before");
    assert_eq!(watch.still("c", (0, 2), at(9_500, 9_501)), Span(0), "each by itself");
    watch.keep(|id| id == "c");
    assert_eq!(watch.still("b", (0, 2), at(20_000, 20_001)), Span(0), "forgotten");
    assert_eq!(watch.still("c", (0, 2), at(20_000, 20_001)), Span(20_000 - 9_501));
}

#[test]
fn a_lease_has_one_holder_an_epoch() {
    let present = lease("b", 7, 40);
    let runs_out: Option<Stamp> = Some(present.stamp());
    let states: [(&str, Option<LeaseRow>, Option<Stamp>); 6] = [
        ("never held", None, None),
        ("free", Some(lease("", 7, 40)), None),
        ("mine", Some(lease("a", 7, 40)), None),
        ("another's", Some(present.clone()), None),
        ("another's, run out", Some(present.clone()), runs_out),
        ("another's, renewed since", Some(lease("b", 7, 41)), runs_out),
    ];
    for (state, row, run_out) in states {
        let said = |after: Option<LeaseRow>| {
            let Some(after) = after.filter(|after| Some(after) != row.as_ref()) else { return "–".to_owned() };
            let holder = match after.holder.as_str() {
                "a" => "mine",
                "" => "free",
                _ => "another's",
            };
            let before = row.as_ref().map_or(0, |row| row.epoch);
            format!("{holder}, {}", if after.epoch == before { "same epoch" } else { "next epoch" })
        };
        let ask = Ask { name: "payouts", me: "a", beat: 41, run_out };
        let asked = taken(row.clone(), &ask);
        assert!(asked.as_ref().is_none_or(|after| after.beat == 41 && after.name == "payouts"));
        assert_eq!(documented("A lease", state), [said(asked), said(given_back(row.clone(), "a"))], "{state}");
    }
}

#[test]
fn a_holder_lets_go_before_another_may_take() {
    assert!(RENEWED < HELD && HELD < RUN_OUT);
}

#[test]
fn the_measure_of_time_goes_forward() {
    let pulse = Pulse::default();
    let first = pulse.now();
    assert!(first >= Time(0));
    while pulse.now() == first {}
    assert!(pulse.now() > first);
}

fn accepted(plane: &Plane, key: &str) -> Result<(), Denied> {
    match grants::authenticate(plane, key, IpAddr::from([127, 0, 0, 1])) {
        Ok(_) => Ok(()),
        Err(Stop::Refused(denied)) => Err(denied),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

#[tokio::test]
async fn a_heartbeat_that_a_change_overtook_makes_nothing_trustworthy() {
    let dir = tempfile::tempdir().unwrap();
    let config = PlaneConfig::new(PlaneName::main(Environment::Live), dir.path());
    let opened = Plane::open(config, Arc::new(TestClock::at(Time(1_000_000))), Arc::new(OsChance)).unwrap();
    let pulse = Arc::new(TestClock::default());
    let another = || opened.as_another_process(Arc::clone(&pulse) as _).unwrap();
    let (one, two) = (another(), another());
    let (operator, tenant) = (Operator::over_the_socket(), "tnt_0123456789abcdef".parse().unwrap());
    grants::admit(&one, &operator, &tenant, "Test tenant").await.unwrap();
    let new =
        NewKey { tenant: tenant.clone(), kind: KeyKind::Standard, name: "k".to_owned(), limits: KeyLimits::default() };
    let minted = grants::mint(&one, &operator, new).await.unwrap();
    let key = minted.reveal().expose().clone();
    beat(&one).await.unwrap();
    beat(&two).await.unwrap();
    assert_eq!(accepted(&two, &key), Ok(()), "and remembered");

    // The second process is silent until the first does not wait for it any more. It looks, and is halted.
    beat(&one).await.unwrap();
    pulse.advance(GONE);
    let before = look(&two).unwrap();
    grants::change(&one, &operator, &tenant, minted.id, KeyChange::Revoke).await.unwrap();
    assert_eq!(beat_after(&two, before).await.unwrap(), Beat::Overtaken);
    assert!(!two.members().trusted());
    assert_eq!(accepted(&two, &key), Err(Denied::Revoked));
    assert_eq!(beat(&two).await.unwrap(), Beat::Kept);
    assert!(two.members().trusted());
    assert_eq!(accepted(&two, &key), Err(Denied::Revoked));
}
