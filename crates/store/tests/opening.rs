//! What a store finds when it is opened: its own file and nobody else's, whole, and time where it was left.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Clock, Fault, Span, TestClock, Time};
use kit::place::{content, content_at, only_in_a_file, options_at};
use kit::tables::{Account, Item, MIGRATIONS, schema};
use kit::transfer::Transfer;
use kit::{START, account, fault, funded, journal, open, options, submit};
use rusqlite::Connection;
use store::{Halt, Lane, Migration, Options, Schema, Store, Tx};

fn refused(opened: Result<Store, Fault>) -> String {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(fault) => fault.chain(),
    }
}

fn reopen(dir: &Path) -> Result<Store, Fault> {
    Store::open(options(dir), &schema(), Arc::new(TestClock::at(START)))
}

/// SQLite's write-ahead log.
fn log(dir: &Path) -> PathBuf {
    dir.join("store.db-wal")
}

async fn now(store: &Store) -> Time {
    store.submit(Lane::Client(1), |tx| Ok::<_, Halt<()>>(tx.now())).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    for at in 0..30 {
        submit(&store, Transfer::new(1, format!("k{at}"), 1)).await.unwrap();
    }
    let before = (journal(&store, 1), account(&store, 1));
    drop(store);
    let store = open(dir.path());
    assert_eq!((journal(&store, 1), account(&store, 1)), before);
    assert_eq!(submit(&store, Transfer::new(1, "next", 1)).await.unwrap().seq, 31);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_more_and_leaves_no_log_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 100).await;
    store.close();
    let late = submit(&store, Transfer::new(1, "late", 1)).await;
    assert!(fault(late).busy);
    drop(store);
    assert!(!log(dir.path()).exists(), "the log was not folded at the end");
}

#[tokio::test]
async fn time_never_runs_backwards_not_even_across_a_restart() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(START));
    let store = Store::open(options(dir.path()), &schema(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    // No head is touched: the stamp is kept for any batch that changes something.
    let add =
        |rank: i64| move |tx: &mut Tx<'_>| Ok::<_, Halt<()>>(tx.add(Item { rank, name: String::new(), note: None }));
    clock.advance(Span::hours(1));
    store.submit(Lane::Client(1), add(1)).await.unwrap();
    let reached = START.plus(Span::hours(1));
    clock.advance(Span::hours(-3));
    assert_eq!(now(&store).await, reached);
    drop(store);
    let store = Store::open(options(dir.path()), &schema(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    assert_eq!(now(&store).await, reached);
    clock.advance(Span::hours(3));
    clock.advance(Span::seconds(1));
    assert_eq!(now(&store).await, reached.plus(Span::seconds(1)));
}

#[tokio::test]
async fn a_tenants_time_never_runs_backwards() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(START));
    let open = || Store::open(options(dir.path()), &schema(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let store = open();
    funded(&store, 1, 100).await;
    clock.advance(Span::hours(1));
    submit(&store, Transfer::new(1, "late", 1)).await.unwrap();
    drop(store);
    clock.advance(Span::hours(-3));
    let store = open();
    assert_eq!(now(&store).await, START.plus(Span::hours(1)));
    submit(&store, Transfer::new(1, "early", 1)).await.unwrap();
    assert!(journal(&store, 1).is_sorted_by_key(|entry| entry.at));
}

#[test]
fn a_second_opening_of_the_same_directory_is_refused_until_the_first_is_dropped() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let why = refused(reopen(dir.path()));
    assert!(why.contains("another process has the store"), "{why}");
    drop(store);
    open(dir.path());
}

#[test]
fn the_file_is_its_owners_alone() {
    if only_in_a_file() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("new").join("store");
    let _store = open(&dir);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("store.db")), mode(&log(&dir))), (0o700, 0o600, 0o600));
}

#[test]
fn a_store_of_another_identity_or_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = Options { identity: "live/main".to_owned(), ..options(dir.path()) };
    let why = refused(Store::open(other, &schema(), Arc::new(TestClock::at(START))));
    assert!(why.contains("sandbox/main") && why.contains("live/main"), "{why}");
    let other = Schema::new("other", MIGRATIONS);
    let why = refused(Store::open(options(dir.path()), &other, Arc::new(TestClock::at(START))));
    assert!(why.contains("kit/sandbox/main") && why.contains("other/sandbox/main"), "{why}");
}

const NEXT: &[Migration] = &[
    MIGRATIONS[0],
    Migration {
        version: 2,
        sqlite: "CREATE TABLE more (id INTEGER PRIMARY KEY, sum INTEGER) STRICT",
        postgres: "CREATE TABLE more (id BIGINT PRIMARY KEY, sum BIGINT)",
    },
];

#[tokio::test]
async fn an_older_store_is_migrated_and_a_newer_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    funded(&open(dir.path()), 1, 7).await;
    let newer = Schema::new("kit", NEXT).with::<Account>();
    let store = Store::open(options(dir.path()), &newer, Arc::new(TestClock::at(START))).unwrap();
    assert_eq!(account(&store, 1).balance, 7);
    drop(store);
    assert!(!log(dir.path()).exists());
    let before = content(dir.path());
    let why = refused(reopen(dir.path()));
    assert!(why.contains("version 2") && why.contains("knows 1"), "{why}");
    assert!(content(dir.path()) == before, "it was changed");
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    if !pgkit::available() {
        return;
    }
    for theirs in ["theirs (id INTEGER)", "batch (job TEXT)"] {
        let url = pgkit::fresh_database();
        pgkit::query(&url, &format!("CREATE TABLE {theirs}")).unwrap();
        let before = content_at(&url);
        let why = refused(Store::open(options_at(&url), &schema(), Arc::new(TestClock::at(START))));
        assert!(why.contains("tables of another program"), "{why}");
        assert!(content_at(&url) == before, "it was changed");
    }
}

#[test]
fn another_programs_file_is_refused_and_left_as_it_is() {
    if only_in_a_file() {
        return;
    }
    let sqlite = |path: &Path| {
        Connection::open(path)
            .unwrap()
            .execute_batch("CREATE TABLE theirs (id INTEGER); INSERT INTO theirs VALUES (1)")
            .unwrap();
    };
    let marked = |path: &Path| Connection::open(path).unwrap().execute_batch("PRAGMA application_id = 77").unwrap();
    let text = |path: &Path| {
        std::fs::write(path, "not a database at all, but long enough to be read as one\n".repeat(40)).unwrap()
    };
    let makers: [&dyn Fn(&Path); 3] = [&sqlite, &marked, &text];
    for make in makers {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.db");
        make(&file);
        let before = std::fs::read(&file).unwrap();
        let why = refused(reopen(dir.path()));
        assert!(why.contains("not a Counterfoil store") || why.contains("not a database"), "{why}");
        assert!(std::fs::read(&file).unwrap() == before, "it was changed");
    }
}

#[tokio::test]
async fn a_cut_off_file_is_refused() {
    if only_in_a_file() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    funded(&store, 1, 1_000).await;
    for at in 0..100 {
        submit(&store, Transfer::new(1, format!("k{at}"), 1)).await.unwrap();
    }
    drop(store);
    let file = std::fs::File::options().write(true).open(dir.path().join("store.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let why = refused(reopen(dir.path()));
    assert!(why.contains("malformed"), "{why}");
}
