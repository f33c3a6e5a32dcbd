//! Migrations that are killed: each step is done once, whole, and the next start does the rest.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod kit;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::TestClock;
use kit::START;
use kit::place::options_in_a_file;
use kit::tables::{Account, Badge, Item, MIGRATIONS, Progress};
use store::{Inspector, Migration, Schema, Store};

const DIR: &str = "STORE_TEST_MIGRATED_DIR";
const STEPS: u32 = 60;

/// The kit's tables, and steps behind them that fail when they are run twice.
fn schema(steps: u32) -> Schema {
    let own = MIGRATIONS.iter().copied();
    let first = u32::try_from(MIGRATIONS.len()).unwrap();
    let more = (first + 1..=first + steps).map(|version| {
        let table = if version == first + 1 { "CREATE TABLE step (number INTEGER PRIMARY KEY);" } else { "" };
        let text: &'static str = Box::leak(format!("{table} INSERT INTO step VALUES ({version})").into_boxed_str());
        Migration { version, sqlite: text, postgres: text }
    });
    let all: &'static [Migration] = Box::leak(own.chain(more).collect::<Vec<_>>().into_boxed_slice());
    Schema::new("kit", all).with::<Account>().with::<Progress>().with::<Item>().with::<Badge>()
}

fn migrate(dir: &Path, steps: u32) -> Result<Store, base::Fault> {
    Store::open(options_in_a_file(dir), &schema(steps), Arc::new(TestClock::at(START)))
}

#[test]
fn a_migration_that_is_killed_at_any_moment_is_finished_by_the_next_start() {
    if let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) {
        return drop(migrate(&dir, STEPS).unwrap());
    }
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut ended = false;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let test = "a_migration_that_is_killed_at_any_moment_is_finished_by_the_next_start";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(DIR, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_millis(random.u64(5..40));
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        ended = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        let there = Inspector::of_directory(dir.path()).unwrap();
        let found = there.and_then(|mut inspector| inspector.inspection().unwrap());
        seen.extend(found.map(|inspection| inspection.version));
        if ended {
            break;
        }
    }
    println!("versions seen between kills: {seen:?}");
    drop(migrate(dir.path(), STEPS).unwrap());
    let connection = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    let steps: u32 = connection.query_row("SELECT count(*) FROM step", [], |row| row.get(0)).unwrap();
    assert_eq!(steps, STEPS);
    assert!(ended || !seen.is_empty());
}

#[test]
fn an_old_program_refuses_what_a_new_one_migrated_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(migrate(dir.path(), 3).unwrap());
    let before = std::fs::read(dir.path().join("store.db")).unwrap();
    let Err(fault) = migrate(dir.path(), 2) else { panic!("it was opened") };
    assert!(fault.chain().contains("use a newer program"), "{}", fault.chain());
    assert_eq!(std::fs::read(dir.path().join("store.db")).unwrap(), before);
}

#[test]
fn what_differs_from_the_schema_is_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(migrate(dir.path(), 0).unwrap());
    let mut inspector = Inspector::of_directory(dir.path()).unwrap().unwrap();
    assert_eq!(inspector.differences(&schema(0)).unwrap(), Vec::<String>::new());
    let connection = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    connection
        .execute_batch("ALTER TABLE head ADD COLUMN more INTEGER; DROP TABLE claim; CREATE TABLE other (a)")
        .unwrap();
    let differences = inspector.differences(&schema(0)).unwrap();
    assert_eq!(differences, ["column `head.more` is unknown", "table `claim` is missing", "table `other` is unknown"]);
}
