//! The caller's key: one effect, the same answer again, and no second content under it.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use base::Stop;
use kit::hold::together;
use kit::place::in_a_database;
use kit::transfer::{Refusal, Transfer};
use kit::{account, fault, funded, journal, open, submit};
use store::Tx;

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again_and_another_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    let first = submit(&store, Transfer::new(1, "key", 10)).await.unwrap();
    let again = submit(&store, Transfer::new(1, "key", 10)).await.unwrap();
    assert_eq!(first, again);
    let other = submit(&store, Transfer::new(1, "key", 11)).await;
    assert!(matches!(other, Err(Stop::Refused(Refusal::KeyUsed))), "{other:?}");
    assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (90, 1));
    drop(store);
    let store = open(dir.path());
    assert_eq!(submit(&store, Transfer::new(1, "key", 10)).await.unwrap(), first);
    assert_eq!(journal(&store, 1).len(), 1);
}

#[tokio::test]
async fn keys_of_different_tenants_and_spellings_are_different_keys() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for tenant in [1, 2] {
        funded(&store, tenant, 100).await;
        for key in ["7", "007", " 7", "7\u{1}", ""] {
            submit(&store, Transfer::new(tenant, key, 1)).await.unwrap();
        }
        assert_eq!(journal(&store, tenant).len(), 5);
    }
}

/// SQLite keeps the character 0; PostgreSQL cannot, and says so before anything is written.
#[tokio::test]
async fn a_key_with_the_character_0_is_a_key_of_its_own_or_a_fault_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    let run = |key: &str| {
        let transfer = Transfer::new(1, key, 1);
        (1, move |tx: &mut Tx<'_>| transfer.run(tx))
    };
    let mut outcomes = together(&store, vec![run("7"), run("7\u{0}"), run("8")]).await;
    let odd = outcomes.remove(1);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    if in_a_database() {
        let why = fault(odd).chain();
        assert!(why.contains("claim") && why.contains("character 0"), "{why}");
    } else {
        odd.unwrap();
    }
    let kept = if in_a_database() { 2 } else { 3 };
    assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (100 - kept as i128, kept));
}

#[tokio::test]
async fn sixty_four_copies_in_one_batch_are_one_effect_with_equal_answers() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    let copy = |_| {
        let transfer = Transfer::new(1, "key", 1);
        (1, move |tx: &mut Tx<'_>| transfer.run(tx))
    };
    let answers: Vec<_> = together(&store, (0..64).map(copy).collect()).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!((account(&store, 1).balance, journal(&store, 1).len()), (99, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_concurrent_copies_are_one_effect_with_equal_answers() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 1_000).await;
    for round in 1..=20 {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (store, transfer) = (store.clone(), Transfer::new(1, format!("key {round}"), 1));
            running.spawn(async move { submit(&store, transfer).await.unwrap() });
        }
        let answers = running.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(
            (account(&store, 1).balance, journal(&store, 1).len()),
            (1_000 - round, usize::try_from(round).unwrap())
        );
    }
}
