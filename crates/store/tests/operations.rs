//! One operation: what it sees, when it runs again, and that it leaves nothing behind unless it succeeds.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use base::{Fault, Stop};
use kit::hold::together;
use kit::place::in_a_database;
use kit::tables::{Account, Item};
use kit::transfer::{Refusal, Transfer};
use kit::{account, fault, funded, head, journal, open, submit};
use store::{Halt, Lane, Row, Store, Tx};

async fn client<T: Send + 'static>(
    store: &Store,
    run: impl Fn(&mut Tx<'_>) -> Result<T, Halt<()>> + Send + 'static,
) -> Result<T, Stop<()>> {
    store.submit(Lane::Client(1), run).await
}

fn item(rank: i64, name: &str) -> Item {
    Item { rank, name: name.to_owned(), note: None }
}

#[tokio::test]
async fn a_read_after_the_answer_sees_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 1_000).await;
    for round in 1..=50u64 {
        let accepted = submit(&store, Transfer::new(1, format!("k{round}"), 2)).await.unwrap();
        assert_eq!((accepted.seq, head(&store, 1)), (round, round));
        assert_eq!(account(&store, 1).balance, 1_000 - 2 * i128::from(round));
    }
}

#[tokio::test]
async fn one_read_sees_one_state_whatever_is_committed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 10).await;
    let hot = (1, Box::from("hot"));
    let (begun, middle) = (store.clone(), store.clone());
    let runtime = tokio::runtime::Handle::current();
    let seen = tokio::task::spawn_blocking(move || {
        begun.read(|reader| {
            let before = reader.get::<Account>(&hot)?;
            runtime.block_on(submit(&middle, Transfer::new(1, "k", 3))).unwrap();
            Ok((before, reader.get::<Account>(&hot)?))
        })
    });
    let (before, after) = seen.await.unwrap().unwrap();
    assert_eq!(before.unwrap().balance, 10);
    assert_eq!(after.unwrap().balance, 10);
    assert_eq!(account(&store, 1).balance, 7);
}

#[tokio::test]
async fn a_refused_operation_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 5).await;
    submit(&store, Transfer::new(1, "a", 5)).await.unwrap();
    let before = (journal(&store, 1), account(&store, 1));
    let outcome = submit(&store, Transfer::new(1, "b", 5)).await;
    assert!(matches!(outcome, Err(Stop::Refused(Refusal::Insufficient))), "{outcome:?}");
    // Writes before a refusal, which no operation should do, are dropped all the same.
    let outcome = client(&store, |tx| {
        tx.append::<()>(1, draft())?;
        tx.add(item(1, "left"));
        Err::<(), _>(Halt::Refused(()))
    });
    assert!(matches!(outcome.await, Err(Stop::Refused(()))));
    assert_eq!((journal(&store, 1), account(&store, 1)), before);
    assert_eq!(store.read(|r| r.get::<Item>(&(1, "left".into()))).unwrap(), None);
    // The key of the refused one is free, and the next sequence follows without a gap.
    funded(&store, 1, 5).await;
    assert_eq!(submit(&store, Transfer::new(1, "b", 5)).await.unwrap().seq, 2);
}

fn draft() -> store::Draft {
    store::Draft { kind: "noted", facts: String::new(), postings: String::new(), answer: None }
}

#[tokio::test]
async fn dependent_reads_run_until_all_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let chain = ["a", "b", "c", "d"];
    client(&store, move |tx| {
        for (rank, name) in chain.iter().enumerate() {
            let rank = i64::try_from(rank).unwrap();
            tx.add(Item {
                note: chain.get(1 + rank as usize).map(|next| next.as_bytes().to_vec()),
                ..item(rank, name)
            });
        }
        Ok(())
    })
    .await
    .unwrap();
    drop(store);
    let store = open(dir.path());
    // Each row names the next one's key: nothing can be asked for beforehand.
    let end = client(&store, |tx| {
        let (mut rank, mut name) = (0, "a".to_owned());
        loop {
            let found = tx.get::<Item>(&(rank, name.clone()))?.ok_or_else(|| Fault::new("a link is missing"))?;
            match found.note {
                None => return Ok(name),
                Some(next) => (rank, name) = (rank + 1, String::from_utf8(next).unwrap()),
            }
        }
    });
    assert_eq!(end.await.unwrap(), "d");
}

#[tokio::test]
async fn what_is_wanted_beforehand_comes_in_one_load() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let calls = |store: &Store| store.stats().figures().engine_calls;
    let free = Lane::Client(0);
    // Items belong to no tenant. The first batch makes the head that stands for them.
    store.submit(free, |tx| Ok::<_, Halt<()>>(tx.add(item(100, "x")))).await.unwrap();
    let before = calls(&store);
    let look = |tx: &mut Tx<'_>| -> Result<(), Halt<()>> {
        (0..20).for_each(|rank| tx.want::<Item>(&(rank, "x".into())));
        for rank in 0..20 {
            assert_eq!(tx.get::<Item>(&(rank, "x".into()))?, None);
        }
        Ok(())
    };
    store.submit(free, look).await.unwrap();
    // One load, between the begin and the end of the transaction; a database locks the head behind the begin.
    assert_eq!(calls(&store) - before, if in_a_database() { 4 } else { 3 });
}

#[tokio::test]
async fn an_operation_that_asks_without_end_gets_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // Remembers across runs, which an operation must not: each run asks for another row.
    let asked = std::sync::atomic::AtomicI64::new(0);
    let outcome = client(&store, move |tx| {
        let rank = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tx.get::<Item>(&(rank, "x".into()))?;
        Ok(())
    });
    assert!(fault(outcome.await).chain().contains("without end"));
    client(&store, |tx| Ok(tx.add(item(1, "after")))).await.unwrap();
}

#[tokio::test]
async fn a_write_without_a_look_and_an_add_of_what_exists_fail_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    client(&store, |tx| Ok(tx.add(item(1, "a")))).await.unwrap();
    let blind_put = client(&store, |tx| Ok(tx.put(item(2, "b"))));
    assert!(fault(blind_put.await).chain().contains("panicked"));
    let blind_remove = client(&store, |tx| Ok(tx.remove::<Item>(&(2, "b".into()))));
    assert!(fault(blind_remove.await).chain().contains("panicked"));
    let absent = client(&store, |tx| {
        tx.get::<Item>(&(2, "b".into()))?;
        Ok(tx.remove_unseen::<Item>(&(2, "b".into())))
    });
    assert!(fault(absent.await).chain().contains("panicked"));
    let known = client(&store, |tx| {
        tx.get::<Item>(&(1, "a".into()))?;
        Ok(tx.add(Item { note: Some(vec![1]), ..item(1, "a") }))
    });
    assert!(fault(known.await).chain().contains("panicked"));
    let kept = store.read(|r| r.get::<Item>(&(1, "a".into()))).unwrap();
    assert_eq!(kept, Some(item(1, "a")));
}

#[tokio::test]
async fn an_operation_may_remove_and_add_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    client(&store, |tx| Ok(tx.add(item(1, "a")))).await.unwrap();
    let noted = Item { note: Some(vec![7]), ..item(1, "a") };
    let again = noted.clone();
    client(&store, move |tx| {
        tx.get::<Item>(&(1, "a".into()))?;
        tx.remove::<Item>(&(1, "a".into()));
        assert_eq!(tx.get::<Item>(&(1, "a".into()))?, None);
        Ok(tx.add(again.clone()))
    })
    .await
    .unwrap();
    assert_eq!(store.read(|r| r.get::<Item>(&(1, "a".into()))).unwrap(), Some(noted));
}

#[tokio::test]
async fn a_row_may_be_removed_unseen_and_added_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let key: <Item as Row>::Key = (1, "a".into());
    client(&store, |tx| Ok(tx.add(item(1, "a")))).await.unwrap();
    let removed = key.clone();
    let seen = client(&store, move |tx| {
        tx.remove_unseen::<Item>(&removed);
        Ok((tx.get::<Item>(&removed)?, tx.walk::<Item>(&(1, String::new()), &(2, String::new()), 9)?))
    });
    assert_eq!(seen.await.unwrap(), (None, vec![]));
    assert_eq!(store.read(|r| r.get::<Item>(&key)).unwrap(), None);

    client(&store, |tx| Ok(tx.add(item(1, "a")))).await.unwrap();
    let (removed, noted) = (key.clone(), Item { note: Some(vec![7]), ..item(1, "a") });
    let again = noted.clone();
    let outcome = client(&store, move |tx| {
        tx.remove_unseen::<Item>(&removed);
        tx.add(item(1, "a"));
        tx.remove_unseen::<Item>(&removed);
        Ok(tx.add(again.clone()))
    });
    outcome.await.unwrap();
    assert_eq!(store.read(|r| r.get::<Item>(&key)).unwrap(), Some(noted));
}

#[tokio::test]
async fn what_one_operation_adds_another_of_the_batch_may_remove_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    type Step = Box<dyn Fn(&mut Tx<'_>) -> Result<(), Halt<()>> + Send>;
    let steps: Vec<(u32, Step)> = vec![
        (1, Box::new(|tx| Ok(tx.add(item(1, "a"))))),
        (1, Box::new(|tx| Ok(tx.remove_unseen::<Item>(&(1, "a".into()))))),
    ];
    together(&store, steps).await.into_iter().for_each(Result::unwrap);
    assert_eq!(store.read(|r| r.get::<Item>(&(1, "a".into()))).unwrap(), None);
}

#[tokio::test]
async fn balances_of_any_size_come_back_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let amounts =
        [0, 1, -1, i128::from(i64::MAX), i128::from(i64::MAX) + 1, i128::from(i64::MIN) - 1, i128::MAX, i128::MIN];
    let row = move |at: usize| Account { tenant: 1, name: format!("a{at}").into(), balance: amounts[at], moves: 0 };
    let store = open(dir.path());
    client(&store, move |tx| Ok((0..amounts.len()).for_each(|at| tx.add(row(at))))).await.unwrap();
    drop(store);
    let store = open(dir.path());
    for (at, amount) in amounts.into_iter().enumerate() {
        let read = store.read(|r| r.get::<Account>(&row(at).key())).unwrap();
        assert_eq!(read.unwrap().balance, amount);
        let seen = client(&store, move |tx| Ok(tx.get::<Account>(&row(at).key())?)).await.unwrap();
        assert_eq!(seen.unwrap().balance, amount);
    }
}
