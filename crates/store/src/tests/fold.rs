//! The log is folded into the main file while work goes on, and starts again from its beginning.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::TestClock;

use super::kit::tables::schema;
use super::kit::transfer::Transfer;
use super::kit::{START, account, funded, journal, submit, until};
use crate::{Options, Store};

const FOLD_AT: u64 = 200;
const PAGE: u64 = 4_096;

fn open(dir: &Path) -> Store {
    let clock = Arc::new(TestClock::at(START));
    let options = Options::new(dir, "sandbox/main");
    Store::open_with(options, &schema(), clock, FOLD_AT, |engine| Box::new(engine)).unwrap()
}

fn log_pages(store: &Store) -> u64 {
    store.stats().figures().log_bytes / PAGE
}

/// One after another, so that each is a commit of several pages; answers the longest that the log was.
async fn transfers(store: &Store, next: &AtomicU64, count: u64) -> u64 {
    let mut longest = 0;
    for _ in 0..count {
        let key = next.fetch_add(1, Ordering::Relaxed).to_string();
        submit(store, Transfer::new(1, key, 1)).await.unwrap();
        longest = longest.max(log_pages(store));
    }
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_while_readers_and_writers_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 1 << 40).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (reading, stopped) = (store.clone(), Arc::clone(&stop));
    let reader = std::thread::spawn(move || {
        let mut seen = 0;
        while !stopped.load(Ordering::Relaxed) {
            let moves = account(&reading, 1).moves;
            assert!(moves >= seen, "a reader went back in time");
            seen = moves;
        }
    });
    let next = AtomicU64::new(0);
    // At least 6 pages each: eight times what the log may hold before it pushes back.
    let longest = transfers(&store, &next, 4_500).await;
    stop.store(true, Ordering::Relaxed);
    reader.join().unwrap();
    assert!(longest >= FOLD_AT, "the log was never long enough to be folded");
    assert!(longest <= 16 * FOLD_AT + 100, "the log grew to {longest} pages");
    assert_eq!(journal(&store, 1).len(), 4_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_read_holds_the_log_and_its_end_lets_it_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 1 << 40).await;
    let (next, reading) = (AtomicU64::new(0), store.clone());
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let long = std::thread::spawn(move || {
        reading
            .read(|reader| {
                let key = (1, "hot".into());
                let before = reader.get::<super::kit::tables::Account>(&key)?;
                let _ = enter.send(());
                let _ = released.recv();
                assert_eq!(reader.get::<super::kit::tables::Account>(&key)?, before);
                Ok(())
            })
            .unwrap();
    });
    entered.await.unwrap();
    let mut rounds = 0;
    while log_pages(&store) < 3 * FOLD_AT {
        transfers(&store, &next, 20).await;
        rounds += 1;
        assert!(rounds < 200, "the log does not grow behind a reader");
    }
    drop(release);
    long.join().unwrap();
    for _ in 0..1_000 {
        transfers(&store, &next, 1).await;
        if log_pages(&store) < FOLD_AT {
            return;
        }
        // Gives the folding thread its turn.
        let depth = || store.depth() == 0;
        until("the queue is empty", depth).await;
    }
    panic!("the log stayed at {} pages", log_pages(&store));
}
