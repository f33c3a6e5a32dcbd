//! The checklist and the facts of an application. The doors are walked in `control/tests/live.rs`.

use base::Deed;

use super::state::check;
use super::{Fact, Facts, Point, Refusal, Standing, Status, Verdict, checklist};

const LIFECYCLES: &str = include_str!("../../../../docs/lifecycles.md");

fn deeds(of: &[Deed]) -> Option<u64> {
    Some(of.iter().fold(0, |all, deed| all | deed.bit()))
}

fn standings(deeds: Option<u64>, attested: &[Point]) -> [Standing; 7] {
    checklist(deeds, attested).map(|point| point.standing)
}

#[test]
fn what_was_seen_counts_before_what_is_said() {
    assert_eq!(standings(deeds(&[]), &[]), [Standing::Open; 7]);
    assert_eq!(standings(deeds(&[]), &Point::ALL), [Standing::Attested; 7]);
    let mut all = [Standing::Done; 7];
    all[5] = Standing::Attested;
    assert_eq!(standings(deeds(&Deed::ALL), &Point::ALL), all, "how keys are kept nobody can see");
    // A sandbox that does not answer has seen nothing that is known.
    let unknown = checklist(None, &[Point::Logging]);
    assert!(unknown.iter().all(|point| point.seen.is_none() && point.standing != Standing::Done));
}

#[test]
fn each_point_has_deeds_of_its_own() {
    let endpoints = [Deed::Balance, Deed::Receiver, Deed::Check, Deed::Transfer, Deed::Status];
    let errors = [Deed::MetInvalidRequest, Deed::MetInsufficientFunds, Deed::MetTransferNotFound];
    let cases: [(usize, &[Deed], &[Deed]); 6] = [
        (0, &endpoints, &endpoints[..4]),
        (1, &errors, &errors[..2]),
        (2, &[Deed::Weather], &[]),
        (3, &[Deed::OwnRequestId], &[]),
        (4, &[Deed::LimitedKey], &[]),
        (6, &[Deed::Replay], &[]),
    ];
    for (at, enough, too_little) in cases {
        let mut done = [Standing::Open; 7];
        done[at] = Standing::Done;
        assert_eq!(standings(deeds(enough), &[]), done, "{enough:?}");
        assert_eq!(standings(deeds(too_little), &[]), [Standing::Open; 7], "{too_little:?}");
    }
    let seen = checklist(deeds(&endpoints[1..4]), &[])[0].seen;
    assert_eq!(seen, Some((3, 5)));
    let many = checklist(deeds(&Deed::ALL), &[])[1].seen;
    assert_eq!(many, Some((3, 3)), "more than enough is enough");
}

#[test]
fn facts_that_say_nothing_are_refused_in_order() {
    let good = Facts {
        legal_name: "Doe & Co".to_owned(),
        country: "EG".to_owned(),
        website: "https://doe.example".to_owned(),
        use_case: "Payouts\nto drivers".to_owned(),
        monthly_volume: "25000.00".to_owned(),
        contact_name: "Jo".to_owned(),
    };
    assert_eq!(check(&good), Ok(()));
    let wrong = |field| Err(Refusal::FactUnusable { field });
    let mut facts = good;
    facts.contact_name = "Jo\u{7}".to_owned();
    assert_eq!(check(&facts), wrong(Fact::ContactName));
    facts.monthly_volume = "-1".to_owned();
    assert_eq!(check(&facts), wrong(Fact::MonthlyVolume));
    facts.use_case = "x".repeat(2_001);
    assert_eq!(check(&facts), wrong(Fact::UseCase));
    facts.website = "https://".to_owned();
    assert_eq!(check(&facts), wrong(Fact::Website));
    facts.country = "eg".to_owned();
    assert_eq!(check(&facts), wrong(Fact::Country));
    facts.legal_name = " ".to_owned();
    assert_eq!(check(&facts), wrong(Fact::LegalName));
}

#[test]
fn every_status_goes_where_the_table_says() {
    let part = LIFECYCLES.split("\n## ").find(|part| part.starts_with("An approval\n")).unwrap();
    let statuses = [Status::None, Status::Open, Status::Rejected, Status::Approved];
    for status in statuses {
        let decided = [Verdict::Approved, Verdict::Rejected].map(|verdict| Status::decided(verdict).word());
        let applied = status.applied().map_or("–", Status::word);
        let line = format!("| {} | {applied} | {} |", status.word(), decided.join(" | "));
        assert!(part.lines().any(|documented| documented == line), "docs/lifecycles.md has no line {line}");
    }
    assert_eq!(part.lines().filter(|line| line.starts_with("| ")).count(), statuses.len() + 1);
}
