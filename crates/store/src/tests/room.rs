//! No room: nobody is told that something was kept, nothing is half done, and work goes on when there is room again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::TestClock;

use super::kit::hold::together;
use super::kit::place::only_in_a_file;
use super::kit::tables::schema;
use super::kit::transfer::Transfer;
use super::kit::{START, account, fault, funded, journal, open, options, submit};
use super::scripted::{Script, Scripted};
use crate::sqlite::FOLD_AT_PAGES;
use crate::{Store, Tx};

fn scripted(dir: &Path) -> (Store, Arc<Script>) {
    let script = Arc::new(Script::default());
    let given = Arc::clone(&script);
    let wrap = move |inner| Box::new(Scripted { inner, script: given }) as Box<dyn crate::engine::Engine>;
    let clock = Arc::new(TestClock::at(START));
    (Store::open_with(options(dir), &schema(), clock, FOLD_AT_PAGES, wrap).unwrap(), script)
}

#[tokio::test]
async fn a_full_disk_refuses_whole_batches_until_there_is_room() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (store, script) = scripted(dir.path());
    funded(&store, 1, 10_000).await;
    // 40 pages hold a part of what follows: some batches fit and a later one does not.
    script.pages.store(40, Ordering::SeqCst);
    let mut accepted = 0;
    let refusal = loop {
        let batch: Vec<_> = (0..10).map(|at| transfer(format!("{accepted} {at}"))).collect();
        let outcomes = together(&store, batch).await;
        match outcomes.iter().filter(|outcome| outcome.is_ok()).count() {
            10 => accepted += 10,
            0 => break outcomes.into_iter().map(fault).next_back().unwrap(),
            some => panic!("{some} of a batch of 10 were kept"),
        }
    };
    assert!(refusal.busy && refusal.chain().contains("full"), "{}", refusal.chain());
    assert!(accepted > 0);
    assert_eq!(store.stats().figures().read_only, 1);
    assert_eq!((journal(&store, 1).len(), account(&store, 1).balance), (accepted, 10_000 - accepted as i128));
    script.pages.store(0, Ordering::SeqCst);
    let seq = submit(&store, Transfer::new(1, "room again", 1)).await.unwrap().seq;
    assert_eq!((seq, store.stats().figures().read_only), (accepted as u64 + 1, 0));
    drop(store);
    let store = open(dir.path());
    assert_eq!((journal(&store, 1).len(), account(&store, 1).moves), (accepted + 1, accepted as i64 + 1));
}

fn transfer(key: String) -> (u32, impl Fn(&mut Tx<'_>) -> Answer + Send + 'static) {
    let transfer = Transfer::new(1, key, 1);
    (1, move |tx: &mut Tx<'_>| transfer.run(tx))
}

type Answer = Result<super::kit::transfer::Accepted, crate::Halt<super::kit::transfer::Refusal>>;

#[tokio::test]
async fn no_room_at_the_commit_and_a_locked_file_are_busy_faults_without_a_trace() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (store, script) = scripted(dir.path());
    funded(&store, 1, 10).await;
    for trouble in [&script.full_at_commit, &script.locked] {
        trouble.store(true, Ordering::SeqCst);
        let refused = fault(submit(&store, Transfer::new(1, "key", 1)).await);
        assert!(refused.busy, "{}", refused.chain());
        assert_eq!((journal(&store, 1).len(), account(&store, 1).balance), (0, 10));
    }
    assert_eq!(submit(&store, Transfer::new(1, "key", 1)).await.unwrap().seq, 1);
}
