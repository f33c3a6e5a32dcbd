//! Ordered ranges, inside operations with everything pending and outside of them, against a sorted map.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::collections::BTreeMap;
use std::ops::Bound;

use kit::hold::together;
use kit::open;
use kit::tables::{Item, Progress};
use proptest::prelude::*;
use store::{Direction, Halt, Lane, Store, Tx};

type Key = (i64, String);

#[derive(Clone, Debug)]
enum Step {
    Put(Key, u8),
    Remove(Key),
    Walk(Key, Key, usize),
}

fn key() -> impl Strategy<Value = Key> {
    (0..6i64, prop_oneof!["a", "b", "ab", ""])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (key(), any::<u8>()).prop_map(|(key, note)| Step::Put(key, note)),
        3 => key().prop_map(Step::Remove),
        4 => (key(), key(), 0..8usize).prop_map(|(from, to, limit)| Step::Walk(from, to, limit)),
    ]
}

type Model = BTreeMap<Key, u8>;

fn expected(model: &Model, from: &Key, to: &Key, limit: usize) -> Vec<(Key, u8)> {
    if from >= to {
        return Vec::new();
    }
    let range = model.range((Bound::Included(from), Bound::Excluded(to)));
    range.take(limit).map(|(key, note)| (key.clone(), *note)).collect()
}

fn shown(rows: Vec<Item>) -> Vec<(Key, u8)> {
    rows.into_iter().map(|row| ((row.rank, row.name), row.note.unwrap()[0])).collect()
}

/// What each walk of one operation answered.
fn run(steps: &[Step], tx: &mut Tx<'_>) -> Result<Vec<Vec<(Key, u8)>>, Halt<()>> {
    let mut seen = Vec::new();
    for step in steps {
        match step {
            Step::Put(key, note) => {
                tx.get::<Item>(key)?;
                tx.put(Item { rank: key.0, name: key.1.clone(), note: Some(vec![*note]) });
            }
            Step::Remove(key) => {
                tx.get::<Item>(key)?;
                tx.remove::<Item>(key);
            }
            Step::Walk(from, to, limit) => seen.push(shown(tx.walk::<Item>(from, to, *limit)?)),
        }
    }
    Ok(seen)
}

fn run_on_model(steps: &[Step], model: &mut Model) -> Vec<Vec<(Key, u8)>> {
    let mut seen = Vec::new();
    for step in steps {
        match step {
            Step::Put(key, note) => drop(model.insert(key.clone(), *note)),
            Step::Remove(key) => drop(model.remove(key)),
            Step::Walk(from, to, limit) => seen.push(expected(model, from, to, *limit)),
        }
    }
    seen
}

fn everything(store: &Store) -> Vec<(Key, u8)> {
    let (from, to) = ((i64::MIN, String::new()), (i64::MAX, String::new()));
    shown(store.read(|r| r.walk::<Item>(&from, &to, Direction::Ascending, usize::MAX)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    // Operations of one batch run in some order (one that has to wait for rows runs later), so each writes and walks its
    // own ranks: what it sees of its own must not depend on the others.
    #[test]
    fn walks_agree_with_a_sorted_map(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(step(), 0..10), 1..5), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut model = Model::new();
        for batch in batches {
            let batch: Vec<Vec<Step>> = batch.into_iter().enumerate().map(|(at, steps)| apart(at, steps)).collect();
            let wanted: Vec<_> = batch.iter().map(|steps| run_on_model(steps, &mut model)).collect();
            let operations = batch.into_iter().map(|steps| (1, move |tx: &mut Tx<'_>| run(&steps, tx))).collect();
            let seen: Vec<_> = runtime.block_on(together(&store, operations)).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(seen, wanted);
            prop_assert_eq!(everything(&store), expected(&model, &(i64::MIN, String::new()), &(i64::MAX, String::new()), usize::MAX));
        }
    }

    // Operations after one another see each other's ranks.
    #[test]
    fn walks_over_kept_rows_agree_with_a_sorted_map(
        operations in prop::collection::vec(prop::collection::vec(step(), 0..10), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut model = Model::new();
        for steps in operations {
            let wanted = run_on_model(&steps, &mut model);
            let seen = runtime.block_on(store.submit(Lane::Client(1), move |tx| run(&steps, tx))).unwrap();
            prop_assert_eq!(seen, wanted);
        }
    }
}

/// The same steps on ranks that are the `at`-th operation's own.
fn apart(at: usize, steps: Vec<Step>) -> Vec<Step> {
    let shift = |(rank, name): Key| (rank + 10 * i64::try_from(at).unwrap(), name);
    let shifted = |step| match step {
        Step::Put(key, note) => Step::Put(shift(key), note),
        Step::Remove(key) => Step::Remove(shift(key)),
        Step::Walk(from, to, limit) => Step::Walk(shift(from), shift(to), limit),
    };
    steps.into_iter().map(shifted).collect()
}

type Ranks = Box<dyn Fn(&mut Tx<'_>) -> Result<Vec<i64>, Halt<()>> + Send>;

#[tokio::test]
async fn a_walk_sees_what_earlier_operations_of_its_batch_did() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let rank = |rank: i64| Item { rank, name: String::new(), note: Some(vec![0]) };
    let ranks = [1, 3, 5, 7, 9];
    store
        .submit(Lane::Client(1), move |tx| Ok::<_, Halt<()>>(ranks.iter().for_each(|r| tx.add(rank(*r)))))
        .await
        .unwrap();
    drop(store);
    let store = open(dir.path());
    // Nothing here has to wait before it writes: the operations run in the order in which they were queued.
    let steps: Vec<Ranks> = vec![
        Box::new(move |tx| {
            tx.add(rank(4));
            tx.add(rank(100));
            Ok(Vec::new())
        }),
        Box::new(move |tx| {
            let first = tx.walk::<Item>(&(0, String::new()), &(50, String::new()), 2)?;
            first.iter().for_each(|row| tx.remove::<Item>(&(row.rank, row.name.clone())));
            Ok(first.iter().map(|row| row.rank).collect())
        }),
        Box::new(move |tx| {
            let rows = tx.walk::<Item>(&(0, String::new()), &(50, String::new()), 2)?;
            Ok(rows.iter().map(|row| row.rank).collect())
        }),
    ];
    let seen = together(&store, steps.into_iter().map(|step| (1, step)).collect()).await;
    let seen: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
    assert_eq!(seen, [vec![], vec![1, 3], vec![4, 5]]);
}

#[tokio::test]
async fn a_tenants_walk_ends_at_the_tenant_in_both_directions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let row = |tenant, seq| Progress { tenant, seq, state: 0, next: 0 };
    let add = move |tx: &mut Tx<'_>| {
        for tenant in 1..=3 {
            (1..=4).for_each(|seq| tx.add(row(tenant, seq)));
        }
        Ok::<_, Halt<()>>(())
    };
    store.submit(Lane::Client(1), add).await.unwrap();
    let walk = |from, to, order, limit| store.read(|r| r.walk::<Progress>(&from, &to, order, limit)).unwrap();
    let keys = |rows: Vec<Progress>| rows.into_iter().map(|row| (row.tenant, row.seq)).collect::<Vec<_>>();
    let (up, down) = (Direction::Ascending, Direction::Descending);
    assert_eq!(keys(walk((2, 0), (2, u64::MAX), up, 10)), [(2, 1), (2, 2), (2, 3), (2, 4)]);
    assert_eq!(keys(walk((2, 0), (2, u64::MAX), down, 3)), [(2, 4), (2, 3), (2, 2)]);
    assert_eq!(keys(walk((2, 3), (3, 2), up, 10)), [(2, 3), (2, 4), (3, 1)]);
    let inside = move |tx: &mut Tx<'_>| Ok::<_, Halt<()>>(tx.walk::<Progress>(&(2, 0), &(2, u64::MAX), 3)?);
    assert_eq!(keys(store.submit(Lane::Client(1), inside).await.unwrap()), [(2, 1), (2, 2), (2, 3)]);
}
