//! A copy of a store that is written all the time: it ends, and it is one state of the store.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod kit;

use std::cell::Cell;
use std::collections::BTreeMap;

use kit::place::options_in_a_file;
use kit::tables::schema;
use kit::transfer::Transfer;
use kit::{START, funded, submit};
use store::{Copied, Inspector, Store, Watch, copy_store};

fn in_directory(dir: &std::path::Path) -> Store {
    Store::open(options_in_a_file(dir), &schema(), std::sync::Arc::new(base::TestClock::at(START))).unwrap()
}

/// Rows by table, of a copy that is whole.
fn rows(file: &std::path::Path) -> BTreeMap<&'static str, u64> {
    let mut inspector = Inspector::of_file(file).unwrap();
    assert_eq!(inspector.differences(&schema()).unwrap(), Vec::<String>::new());
    assert_eq!(inspector.damage().unwrap(), Vec::<String>::new());
    let tables = inspector.rows(&schema(), &mut |_, _| ()).unwrap();
    assert!(tables.iter().all(|table| table.unreadable == 0), "{tables:?}");
    tables.iter().map(|table| (table.table, table.rows)).collect()
}

#[test]
fn a_copy_ends_although_every_step_of_it_meets_a_commit() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = in_directory(&dir.path().join("store"));
    let send = |key: String| runtime.block_on(submit(&store, Transfer::new(1, key, 1))).unwrap().seq;
    runtime.block_on(funded(&store, 1, 1_000_000_000));
    let filled = runtime.block_on(async {
        let mut sent = tokio::task::JoinSet::new();
        for at in 0..8_000 {
            let (store, key) = (store.clone(), format!("{at}-{}", "x".repeat(400)));
            sent.spawn(async move { submit(&store, Transfer::new(1, key, 1)).await.unwrap().seq });
            if sent.len() > 1_000 {
                sent.join_next().await.unwrap().unwrap();
            }
        }
        sent.join_all().await.into_iter().max().unwrap()
    });

    let (steps, last) = (Cell::new(0u64), Cell::new(filled));
    let to = dir.path().join("copy.db");
    let mut told = |_: Copied| {
        steps.set(steps.get() + 1);
        last.set(send(format!("during {}", steps.get())));
        true
    };
    let log_bytes = || store.stats().figures().log_bytes;
    let copied =
        copy_store(&dir.path().join("store"), &to, Watch { log_bytes: Some(&log_bytes), told: &mut told }).unwrap();
    assert!(steps.get() >= 8, "{} steps are too few to meet a commit between two", steps.get());
    assert_eq!(copied.bytes, copied.of);
    assert_eq!(last.get(), filled + steps.get());
    // It is the state in which it began.
    let found = rows(&to);
    assert_eq!(found["journal"], filled);
    let inspection = Inspector::of_file(&to).unwrap().inspection().unwrap().unwrap();
    assert_eq!((inspection.identity.as_str(), inspection.heads, inspection.entries), ("kit/sandbox/main", 1, filled));

    // It opens as a store, and the store that was copied folds its log again.
    store.close();
    drop(store);
    assert!(!dir.path().join("store/store.db-wal").exists());
    std::fs::create_dir(dir.path().join("again")).unwrap();
    std::fs::rename(&to, dir.path().join("again/store.db")).unwrap();
    let again = in_directory(&dir.path().join("again"));
    assert_eq!(runtime.block_on(submit(&again, Transfer::new(1, "after", 1))).unwrap().seq, filled + 1);
}
