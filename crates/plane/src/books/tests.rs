//! The auditor finds what is wrong by a single unit.

use std::sync::Arc;

use ::store::{Draft, Halt, Lane, TenantNo, Tx};
use base::{Amount, Environment, Fault, OsChance, PlaneName, Stop, TestClock, Time};

use super::{AccountName, AccountRow, audit, deposit};
use crate::{Operator, Plane, PlaneConfig, grants};

async fn plane(dir: &std::path::Path) -> (Plane, TenantNo) {
    let config = PlaneConfig::new(PlaneName::main(Environment::Sandbox), dir);
    let plane = Plane::open(config, Arc::new(TestClock::at(Time(1_000_000))), Arc::new(OsChance)).unwrap();
    let id = "tnt_0123456789abcdef".parse().unwrap();
    let Ok(tenant) = grants::admit(&plane, &Operator::over_the_socket(), &id, "Test tenant").await else {
        panic!("not admitted")
    };
    (plane, tenant)
}

async fn run(plane: &Plane, change: impl Fn(&mut Tx<'_>) -> Result<(), Halt<ledger::Refusal>> + Send + 'static) {
    match plane.store().submit(Lane::Client(1), change).await {
        Ok(()) => {}
        Err(Stop::Refused(refusal)) => panic!("{refusal}"),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

#[tokio::test]
async fn right_books_are_found_right() -> Result<(), Fault> {
    let dir = tempfile::tempdir().unwrap();
    let (plane, tenant) = plane(dir.path()).await;
    run(&plane, move |tx| deposit(tx, tenant, Amount::cents(1 << 62), "test")).await;
    run(&plane, move |tx| deposit(tx, tenant, Amount::new(1 << 90, base::Asset::USD), "beyond 64 bits")).await;
    let audit = audit(&plane)?;
    assert_eq!((audit.tenants, audit.entries), (1, 3));
    assert_eq!(audit.wrong, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn one_unit_in_one_total_is_found() -> Result<(), Fault> {
    for total in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let (plane, tenant) = plane(dir.path()).await;
        run(&plane, move |tx| {
            let Some(mut row) = tx.get::<AccountRow>(&(tenant, AccountName::Agent))? else { panic!("no account") };
            let totals = &mut row.account;
            *[
                &mut totals.debits_posted,
                &mut totals.credits_posted,
                &mut totals.debits_held,
                &mut totals.credits_held,
            ][total] += 1;
            tx.put(row);
            Ok(())
        })
        .await;
        let wrong = audit(&plane)?.wrong;
        assert!(wrong.len() == 1 && wrong[0].contains("`agent` is stored as"), "{wrong:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_posting_that_no_account_knows_is_found() -> Result<(), Fault> {
    let forged = [
        ("unbalanced", r#"[{"name":"x","phase":"post","asset":"USD","legs":[["agent","credit","1"]]}]"#, "balance"),
        (
            "nothing held",
            r#"[{"name":"x","phase":"release","asset":"USD","legs":[["agent","debit","1"],["rail","credit","1"]]}]"#,
            "more than is held",
        ),
        (
            "negative",
            r#"[{"name":"x","phase":"post","asset":"USD","legs":[["agent","debit","-1"],["rail","credit","-1"]]}]"#,
            "moves `-1`",
        ),
        ("not JSON", "[", "cannot be read"),
    ];
    for (name, postings, word) in forged {
        let dir = tempfile::tempdir().unwrap();
        let (plane, tenant) = plane(dir.path()).await;
        run(&plane, move |tx| {
            let draft = Draft { kind: "forged", facts: "{}".to_owned(), postings: postings.to_owned(), answer: None };
            tx.append(tenant, draft).map(|_| ())
        })
        .await;
        let wrong = audit(&plane)?.wrong;
        assert!(wrong.iter().any(|wrong| wrong.contains(word)), "{name}: {wrong:?}");
    }
    Ok(())
}
