//! A stored value that is not what was written never becomes an answer.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::path::Path;

use base::{Stop, TestClock};
use kit::hold::together;
use kit::place::{alter, alter_either, only_in_a_file};
use kit::tables::{Account, Item, schema};
use kit::transfer::Transfer;
use kit::{START, fault, funded, journal, open, options, submit};
use store::{Direction, Entry, Halt, Lane, Store, Tx};

async fn with_rows(dir: &Path) {
    let store = open(dir);
    for tenant in [1, 2] {
        funded(&store, tenant, 100).await;
        submit(&store, Transfer::new(tenant, "first", 1)).await.unwrap();
    }
    let add = |tx: &mut Tx<'_>| {
        (0..5).for_each(|rank| tx.add(Item { rank, name: "x".into(), note: None }));
        Ok::<_, Halt<()>>(())
    };
    store.submit(Lane::Client(1), add).await.unwrap();
}

#[tokio::test]
async fn an_operation_that_needs_a_damaged_row_fails_and_its_neighbours_do_not() {
    let dir = tempfile::tempdir().unwrap();
    with_rows(dir.path()).await;
    alter(dir.path(), "UPDATE account SET balance = balance + 256 WHERE tenant = 1");
    let store = open(dir.path());
    let run = |tenant| {
        let transfer = Transfer::new(tenant, "second", 1);
        (tenant, move |tx: &mut Tx<'_>| transfer.run(tx))
    };
    let mut outcomes = together(&store, vec![run(1), run(2)]).await;
    assert_eq!(outcomes.pop().unwrap().unwrap().seq, 2);
    let why = fault(outcomes.pop().unwrap()).chain();
    assert!(why.contains("account") && why.contains("checksum"), "{why}");
    // It is asked for again and refused again: a damaged row is never taken for a missing one.
    fault(submit(&store, Transfer::new(1, "third", 1)).await);
    let why = store.read(|r| r.get::<Account>(&(1, "hot".into()))).unwrap_err().chain();
    assert!(why.contains("checksum"), "{why}");
}

#[tokio::test]
async fn each_kind_of_damage_is_seen_by_readers() {
    // Sequence 1 of tenant 1, as each engine keeps it.
    let (file, database) = ("pos = (1 << 40) | 1", "tenant = 1 AND seq = 1");
    for damage in [
        "facts = 'F' || substr(facts, 2)",
        "answer = NULL",
        "facts = postings || 'x', postings = facts",
        "sum = sum + 1",
        "PLACE",
        "at = at - 1",
    ] {
        let dir = tempfile::tempdir().unwrap();
        with_rows(dir.path()).await;
        let sql = |place: &str, row: &str| format!("UPDATE journal SET {} WHERE {row}", damage.replace("PLACE", place));
        alter_either(dir.path(), &sql("pos = (1 << 40) | 2", file), &sql("seq = 2", database));
        let store = open(dir.path());
        let whole = store.read(|r| r.walk::<Entry>(&(1, 0), &(1, u64::MAX), Direction::Ascending, 10));
        let why = whole.map(|rows| rows.len()).unwrap_err().chain();
        assert!(why.contains("journal") && why.contains("checksum"), "{damage}: {why}");
    }
}

#[tokio::test]
async fn a_walk_over_a_damaged_row_fails_and_one_beside_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    with_rows(dir.path()).await;
    alter_either(
        dir.path(),
        "UPDATE item SET note = x'00' WHERE rank = 3",
        "UPDATE item SET note = '\\x00' WHERE rank = 3",
    );
    let store = open(dir.path());
    let walk = |to: i64| {
        let walk = move |tx: &mut Tx<'_>| {
            let rows = tx.walk::<Item>(&(0, String::new()), &(to, String::new()), 10)?;
            Ok::<_, Halt<()>>(rows.len())
        };
        (1, walk)
    };
    let mut outcomes = together(&store, vec![walk(3), walk(5)]).await;
    let why = fault(outcomes.pop().unwrap()).chain();
    assert!(why.contains("item") && why.contains("checksum"), "{why}");
    assert_eq!(outcomes.pop().unwrap().unwrap(), 3);
}

#[tokio::test]
async fn a_damaged_claim_is_not_a_free_key() {
    let dir = tempfile::tempdir().unwrap();
    with_rows(dir.path()).await;
    alter(dir.path(), "UPDATE claim SET seq = 77 WHERE tenant = 1");
    let store = open(dir.path());
    let again = submit(&store, Transfer::new(1, "first", 1)).await;
    assert!(matches!(&again, Err(Stop::Faulted(fault)) if fault.chain().contains("claim")), "{again:?}");
}

#[tokio::test]
async fn a_damaged_head_fails_its_tenant_and_gives_nobody_its_time() {
    let dir = tempfile::tempdir().unwrap();
    with_rows(dir.path()).await;
    alter(dir.path(), "UPDATE head SET at = at + 1000000000000 WHERE tenant = 1");
    let store = open(dir.path());
    let run = |tenant| {
        let transfer = Transfer::new(tenant, "second", 1);
        (tenant, move |tx: &mut Tx<'_>| transfer.run(tx))
    };
    let mut outcomes = together(&store, vec![run(1), run(2)]).await;
    assert_eq!(outcomes.pop().unwrap().unwrap().seq, 2);
    let why = fault(outcomes.pop().unwrap()).chain();
    assert!(why.contains("head") && why.contains("checksum"), "{why}");
    assert_eq!(journal(&store, 2).last().unwrap().at, START);
}

#[tokio::test]
async fn a_damaged_stamp_is_refused_at_the_opening() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    with_rows(dir.path()).await;
    alter(dir.path(), "UPDATE identity SET at = at + (1 << 52)");
    let opened = Store::open(options(dir.path()), &schema(), std::sync::Arc::new(TestClock::at(START)));
    assert!(opened.map(|_| ()).unwrap_err().chain().contains("stamp"));
}
