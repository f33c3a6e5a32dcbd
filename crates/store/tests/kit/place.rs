//! Where a test's store is, and what can be done to it from outside, on either engine.

use std::path::Path;
use std::sync::Arc;

use base::{Clock, TestClock};
use rusqlite::Connection;
use store::{Options, Place, PostgresUrl, Store};

use super::START;
use super::tables::schema;

/// In its directory, or, in a run on PostgreSQL, in a database that belongs to the directory.
pub fn place(dir: &Path) -> Place {
    match in_a_database() {
        true => at(&pgkit::database_of(dir)),
        false => Place::Directory(dir.to_owned()),
    }
}

fn at(url: &str) -> Place {
    Place::Postgres(PostgresUrl::parse(url).unwrap())
}

/// Whether this run keeps its stores on PostgreSQL.
pub fn in_a_database() -> bool {
    pgkit::wanted()
}

/// True, and said, in a run on PostgreSQL: the test that asks is about the file that SQLite keeps.
pub fn only_in_a_file() -> bool {
    if in_a_database() {
        println!("not run: this store is in a database, and the test is about a file");
    }
    in_a_database()
}

/// With SQLite on either run.
pub fn options_in_a_file(dir: &Path) -> Options {
    Options { run_twice: true, ..Options::new(dir, "sandbox/main") }
}

/// Changes one row of the closed store behind its back, as a fault of disk or memory would, with one text for both engines.
pub fn alter(dir: &Path, sql: &str) {
    alter_either(dir, sql, sql);
}

/// As [`alter`], where the engines write it differently.
pub fn alter_either(dir: &Path, sqlite: &str, postgres: &str) {
    if in_a_database() {
        alter_at(&pgkit::database_of(dir), postgres);
    } else {
        let changed = Connection::open(dir.join("store.db")).unwrap().execute(sqlite, []).unwrap();
        assert_eq!(changed, 1, "{sqlite}");
    }
}

/// As [`alter`], in the database at `url`, which may be open.
pub fn alter_at(url: &str, sql: &str) {
    let counted = format!("WITH changed AS ({sql} RETURNING 1) SELECT count(*) FROM changed");
    assert_eq!(pgkit::query(url, &counted).unwrap().trim(), "1", "{sql}");
}

/// All that the closed store holds, to be compared: nothing changed it when it is the same.
pub fn content(dir: &Path) -> Vec<u8> {
    match in_a_database() {
        true => content_at(&pgkit::database_of(dir)),
        false => std::fs::read(dir.join("store.db")).unwrap(),
    }
}

/// Every table of a database with its columns and rows.
pub fn content_at(url: &str) -> Vec<u8> {
    let sql = "SELECT table_name, query_to_xml(format('SELECT * FROM %I', table_name), true, false, ''), \
               (SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) \
               FROM information_schema.columns c WHERE c.table_name = t.table_name AND c.table_schema = 'public') \
               FROM information_schema.tables t WHERE table_schema = 'public' ORDER BY 1";
    pgkit::query(url, sql).unwrap().into_bytes()
}

/// The store in the database at `url`. Two of them are as two processes.
pub fn opened(url: &str) -> Store {
    opened_with(url, Arc::new(TestClock::at(START)))
}

pub fn opened_with(url: &str, clock: Arc<dyn Clock>) -> Store {
    Store::open(options_at(url), &schema(), clock).unwrap()
}

pub fn options_at(url: &str) -> Options {
    Options { run_twice: true, ..Options::at(at(url), "sandbox/main") }
}

/// Markers of batches that are stored, for all processes together.
pub fn markers(url: &str) -> usize {
    pgkit::query(url, "SELECT count(*) FROM batch").unwrap().trim().parse().unwrap()
}
