//! Opening a store's file: settings, identity, migrations. A file that is not ours is left as it is.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base::{Fault, Time};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::read::SqliteReadSide;
use crate::schema::Schema;
use crate::sum::RowSum;

/// "CoFo": other programs' files are refused.
pub(super) const APPLICATION_ID: i32 = 0x436f_466f;
/// The upper pages of every tree fit. A larger cache was slower: SQLite looks through all of it at many commits, and the
/// leaves that random keys need are found in the operating system's cache as well.
const WRITER_CACHE_KIB: i64 = 8 * 1_024;
/// How long a connection waits for a lock that another program holds.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The committer's connection, with what SQLite tells of its log.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// Pages in the log after the last commit.
    pub(crate) log_pages: Arc<AtomicU32>,
}

/// The committer's connection, migrated. Answers the last committed stamp too.
pub(crate) fn open_writer(file: &Path, schema: &Schema, identity: &str) -> Result<(Writer, Time), Fault> {
    let fault = |error: rusqlite::Error| Fault::because(format!("opening the store {}", file.display()), error);
    make_private(file)?;
    let mut connection = Connection::open(file).map_err(fault)?;
    connection.busy_timeout(LOCK_WAIT).map_err(fault)?;
    let name = format!("{}/{identity}", schema.kind);
    let found = identify(&connection, &name)?;
    refuse_newer(&connection, schema)?;
    settings(&connection, WRITER_CACHE_KIB).map_err(fault)?;
    durable(&connection)?;
    if found == Found::Empty {
        christen(&mut connection, &name).map_err(fault)?;
    }
    migrate(&mut connection, schema).map_err(|error| Fault::because("migrating the store", error))?;
    let last = last_stamp(&connection)?;
    let log_pages = watch_log(&mut connection).map_err(fault)?;
    Ok((Writer { connection, log_pages }, last))
}

/// A connection that reads what is committed and can write nothing.
pub(crate) fn open_reader(file: &Path) -> Result<SqliteReadSide, Fault> {
    open_with(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX).map(SqliteReadSide::new)
}

/// The checkpointer's connection.
pub(super) fn open_second(file: &Path) -> Result<Connection, Fault> {
    let connection = open_with(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(|error| Fault::because("opening the store", error))?;
    Ok(connection)
}

/// The checksum that is kept beside the stamp.
pub(super) fn stamp_sum(at: Time) -> i64 {
    let mut sum = RowSum::new();
    sum.int(at.0);
    sum.finish()
}

pub(super) fn open_with(file: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let fault = |error| Fault::because(format!("opening the store {}", file.display()), error);
    let connection = Connection::open_with_flags(file, flags).map_err(fault)?;
    connection.pragma_update(None, "cache_size", -2_048).map_err(fault)?;
    connection.pragma_update(None, "mmap_size", 0).map_err(fault)?;
    connection.busy_timeout(LOCK_WAIT).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Nobody but the owner reads the file; SQLite gives its log the same mode.
fn make_private(file: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::File::options().create_new(true).write(true).mode(0o600).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Fault::because(format!("making {}", file.display()), error))
        }
        _ => Ok(()),
    }
}

fn settings(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "cache_spill", false)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(())
}

/// Settings are read back: a file system that cannot have a shared log would silently get a weaker mode.
fn durable(connection: &Connection) -> Result<(), Fault> {
    let fault = |error| Fault::because("reading the store's settings", error);
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(fault)?;
    let level: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(fault)?;
    if mode == "wal" && level == 2 {
        return Ok(());
    }
    Err(Fault::new(format!("the store cannot be durable here: journal_mode is {mode}, synchronous is {level}")))
}

#[derive(PartialEq, Eq)]
enum Found {
    Empty,
    Ours,
}

/// Refuses a file that belongs to another program, another kind of store or another plane.
fn identify(connection: &Connection, name: &str) -> Result<Found, Fault> {
    let fault = |error| Fault::because("reading the store's identity", error);
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let application = number("PRAGMA application_id")?;
    if tables == 0 && application == 0 {
        return Ok(Found::Empty);
    }
    if application != i64::from(APPLICATION_ID) {
        return Err(Fault::new("the file is not a Counterfoil store: choose another data directory"));
    }
    let found: Option<String> =
        connection.query_row("SELECT name FROM identity", [], |row| row.get(0)).optional().map_err(fault)?;
    match found {
        Some(found) if found == name => Ok(Found::Ours),
        found => Err(Fault::new(format!(
            "the file is the store of `{}`, not of `{name}`: check the data directory",
            found.unwrap_or_default()
        ))),
    }
}

/// Gives a new file its name, in one transaction: a kill leaves it empty or named.
fn christen(connection: &mut Connection, name: &str) -> rusqlite::Result<()> {
    let step = connection.transaction()?;
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.execute_batch(
        "CREATE TABLE identity (name TEXT PRIMARY KEY, at INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    step.execute("INSERT INTO identity VALUES (?1, 0, ?2)", (name, stamp_sum(Time(0))))?;
    step.commit()
}

fn refuse_newer(connection: &Connection, schema: &Schema) -> Result<(), Fault> {
    let (has, knows) =
        (version(connection).map_err(|error| Fault::because("reading the version", error))?, schema.version());
    if has > knows {
        return Err(Fault::new(format!(
            "the store has version {has} and this program knows {knows}: use a newer program"
        )));
    }
    Ok(())
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn migrate(connection: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    let has = version(connection)?;
    for migration in schema.migrations.iter().filter(|migration| migration.version > has) {
        let step = connection.transaction()?;
        step.execute_batch(migration.sqlite)?;
        step.pragma_update(None, "user_version", migration.version)?;
        step.commit()?;
    }
    Ok(())
}

fn last_stamp(connection: &Connection) -> Result<Time, Fault> {
    let fault = |error| Fault::because("reading the store's last stamp", error);
    let (at, sum): (i64, i64) = connection
        .query_row("SELECT at, sum FROM identity", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(fault)?;
    if sum == stamp_sum(Time(at)) {
        return Ok(Time(at));
    }
    Err(Fault::new("the store's last stamp is damaged: restore the store from a backup"))
}

fn watch_log(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicU32>> {
    let log_pages = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&log_pages);
    let note = move |_: &mut Wal, pages: std::ffi::c_int| {
        seen.store(pages.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(note))?;
    Ok(log_pages)
}
