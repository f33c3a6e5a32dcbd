//! Many operations in one commit: what it costs, and that one bad operation takes nobody with it.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use base::Stop;
use kit::hold::{Hold, together};
use kit::place::in_a_database;
use kit::tables::{Item, schema};
use kit::transfer::{Accepted, Refusal, Transfer};
use kit::{account, fault, funded, journal, open};
use store::{Halt, Lane, TenantNo, Tx};

/// The store's three tables and the kit's.
const TABLES: u64 = 6;

#[tokio::test]
async fn the_statements_of_a_batch_do_not_grow_with_its_operations() {
    for operations in [1u64, 10, 256] {
        let dir = tempfile::tempdir().unwrap();
        funded(&open(dir.path()), 1, 1_000).await;
        let store = open(dir.path());
        // Makes the head under which the hold stands.
        store.submit(Lane::Client(0), |_| Ok::<_, Halt<()>>(())).await.unwrap();
        let hold = Hold::on(&store).await;
        let mut running = tokio::task::JoinSet::new();
        for at in 0..operations {
            let (store, transfer) = (store.clone(), Transfer::new(1, format!("k{at}"), 1));
            running.spawn(async move { kit::submit(&store, transfer).await.unwrap() });
        }
        kit::until("all are queued", || store.depth() as u64 == operations).await;
        let before = store.stats().figures();
        drop(hold);
        running.join_all().await;
        let after = store.stats().figures();
        assert_eq!(after.commits - before.commits, 1, "{operations} operations were to be one batch");
        // With those of the hold's own batch, which is counted at its end.
        let calls = after.engine_calls - before.engine_calls;
        assert!(calls <= 2 * TABLES + 3, "{operations} operations took {calls} calls");
        assert_eq!(journal(&store, 1).len() as u64, operations);
    }
}

#[tokio::test]
async fn ranges_of_a_whole_batch_are_one_statement() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let walk = |from: i64| {
        move |tx: &mut Tx<'_>| -> Result<usize, Halt<()>> {
            Ok(tx.walk::<Item>(&(from, String::new()), &(from + 10, String::new()), 5)?.len())
        }
    };
    // Items belong to no tenant. The first batch makes the head that stands for them.
    together(&store, vec![(0, walk(0))]).await;
    let before = store.stats().figures().engine_calls;
    together(&store, (0..200).map(|from| (0, walk(from))).collect()).await;
    let calls = store.stats().figures().engine_calls - before;
    // The hold's begin and end, the batch's begin and end, and one for all ranges; a database locks a head behind a begin.
    assert_eq!(calls, if in_a_database() { 7 } else { 5 });
}

#[tokio::test]
async fn a_row_that_one_operation_looks_up_and_another_walks_over_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let item = |rank: i64| Item { rank, name: "x".into(), note: Some(vec![7]) };
    let add = move |tx: &mut Tx<'_>| Ok::<_, Halt<()>>((0..5).chain([9]).for_each(|rank| tx.add(item(rank))));
    open(dir.path()).submit(Lane::Client(0), add).await.unwrap();
    // Opened again, so that both are loaded in one round, by key and by range.
    let store = open(dir.path());
    let look = (0, Box::new(|tx: &mut Tx<'_>| looked(tx)) as Look);
    let walk = |tx: &mut Tx<'_>| Ok(tx.walk::<Item>(&(0, String::new()), &(5, String::new()), 10)?);
    let outcomes = together(&store, vec![look, (0, Box::new(walk) as Look)]).await;
    let ranks = |at: usize| outcomes[at].as_ref().unwrap().iter().map(|row| row.rank).collect::<Vec<_>>();
    assert_eq!((ranks(0), ranks(1)), (vec![1, 3, 9], vec![0, 1, 2, 3, 4]));
}

type Look = Box<dyn Fn(&mut Tx<'_>) -> Result<Vec<Item>, Halt<()>> + Send>;

/// Some inside the other's range, some behind it, some nowhere.
fn looked(tx: &mut Tx<'_>) -> Result<Vec<Item>, Halt<()>> {
    let keys = [1, 3, 7, 9].map(|rank| (rank, "x".to_owned()));
    keys.iter().for_each(|key| tx.want::<Item>(key));
    let mut found = Vec::new();
    for key in &keys {
        found.extend(tx.get::<Item>(key)?);
    }
    Ok(found)
}

#[tokio::test]
async fn of_transfers_beyond_the_balance_exactly_the_covered_ones_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 40).await;
    let one = |at: i32| {
        let transfer = Transfer::new(1, format!("k{at}"), 1);
        (1, move |tx: &mut Tx<'_>| transfer.run(tx))
    };
    let outcomes = together(&store, (0..64).map(one).collect()).await;
    let refused = outcomes.iter().filter(|o| matches!(o, Err(Stop::Refused(Refusal::Insufficient)))).count();
    assert_eq!((outcomes.iter().filter(|o| o.is_ok()).count(), refused), (40, 24));
    assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (0, 40));
}

type Boxed = Box<dyn Fn(&mut Tx<'_>) -> Result<Accepted, Halt<Refusal>> + Send>;

fn transfer(tenant: TenantNo, key: String) -> (TenantNo, Boxed) {
    let transfer = Transfer::new(tenant, key, 1);
    (tenant, Box::new(move |tx| transfer.run(tx)))
}

#[tokio::test]
async fn a_panic_in_one_operation_leaves_the_others_of_its_batch_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    let mut operations: Vec<_> = (0..20).map(|at| transfer(1, format!("k{at}"))).collect();
    let broken = Transfer::new(1, "k-broken", 1);
    operations[7] = (
        1,
        Box::new(move |tx| {
            broken.run(tx)?;
            panic!("on purpose, after the writes")
        }),
    );
    let mut outcomes = together(&store, operations).await;
    assert!(fault(outcomes.remove(7)).chain().contains("panicked"));
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (81, 19));
}

#[tokio::test]
async fn a_broken_constraint_fails_the_guilty_operation_and_keeps_all_others() {
    for guilty in [0, 13, 31] {
        let dir = tempfile::tempdir().unwrap();
        let exists = |tx: &mut Tx<'_>| Ok::<_, Halt<()>>(tx.add(Item { rank: 1, name: "a".into(), note: None }));
        let first = open(dir.path());
        first.submit(Lane::Client(1), exists).await.unwrap();
        funded(&first, 1, 100).await;
        drop(first);
        // Opened again: the row exists and nobody has seen it, so that only the store's constraint can know.
        let store = open(dir.path());
        let mut operations: Vec<_> = (0..32).map(|at| transfer(1, format!("k{at}"))).collect();
        let broken = Transfer::new(1, "k-broken", 1);
        operations[guilty] = (
            1,
            Box::new(move |tx| {
                tx.add(Item { rank: 1, name: "a".into(), note: Some(vec![1]) });
                broken.run(tx)
            }),
        );
        let mut outcomes = together(&store, operations).await;
        let named = fault(outcomes.remove(guilty)).chain();
        assert!(named.contains("constraint item"), "{named}");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (69, 31));
        assert_eq!(store.read(|r| r.get::<Item>(&(1, "a".into()))).unwrap().unwrap().note, None);
    }
}

#[tokio::test]
async fn two_that_add_the_same_row_in_one_batch_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let add = |note: u8| {
        (1, move |tx: &mut Tx<'_>| -> Result<(), Halt<()>> {
            Ok(tx.add(Item { rank: 1, name: "a".into(), note: Some(vec![note]) }))
        })
    };
    let mut outcomes = together(&store, vec![add(1), add(2)]).await;
    fault(outcomes.remove(1));
    assert!(outcomes.remove(0).is_ok());
    assert_eq!(store.read(|r| r.get::<Item>(&(1, "a".into()))).unwrap().unwrap().note, Some(vec![1]));
}

#[tokio::test]
async fn operations_beyond_a_batch_of_rows_are_run_in_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let wide = |from: i64| {
        (1, move |tx: &mut Tx<'_>| -> Result<(), Halt<()>> {
            Ok((from..from + 500).for_each(|rank| tx.add(Item { rank, name: "x".into(), note: None })))
        })
    };
    let before = store.stats().figures().commits;
    let outcomes = together(&store, (0..10).map(|at| wide(at * 500)).collect()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    // 5,000 rows, at most 2,000 a batch.
    assert_eq!(store.stats().figures().commits - before, 3);
    let rows = store.read(|r| r.select::<Item>("name = 'x'")).unwrap();
    assert_eq!(rows.len(), 5_000);
}

#[test]
#[should_panic(expected = "out of order")]
fn a_schema_with_a_table_in_the_wrong_slot_is_refused() {
    schema().with::<Item>();
}
