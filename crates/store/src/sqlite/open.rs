//! Opening a store's file: settings, identity, migrations.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{Fault, Time};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::schema::Schema;

/// "CoFo": other programs' files are refused.
const APPLICATION_ID: i32 = 0x436f_466f;

/// The committer's connection, with what SQLite tells of its log.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// Pages in the log after the last commit.
    pub(crate) log_pages: Arc<AtomicU32>,
}

/// The committer's connection, migrated. Answers the last committed stamp too.
pub(crate) fn open_writer(file: &Path, schema: &Schema, identity: &str) -> Result<(Writer, Time), Fault> {
    let fault = |error: rusqlite::Error| Fault::because(format!("opening the store {}", file.display()), error);
    let mut connection = Connection::open(file).map_err(fault)?;
    settings(&connection, 24).map_err(fault)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(fault)?;
    let log_pages = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&log_pages);
    let note = move |_: &mut Wal, pages: std::ffi::c_int| {
        seen.store(pages.unsigned_abs(), Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(note)).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(256);
    identify(&connection, schema, identity)?;
    migrate(&mut connection, schema).map_err(|error| Fault::because("migrating the store", error))?;
    let last =
        connection.query_row("SELECT max(at) FROM head", [], |row| row.get::<_, Option<i64>>(0)).map_err(fault)?;
    Ok((Writer { connection, log_pages }, Time(last.unwrap_or(0))))
}

/// A connection that reads what is committed and can write nothing.
pub(crate) fn open_reader(file: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open_with(file, flags)
}

/// The checkpointer's connection.
pub(super) fn open_second(file: &Path) -> Result<Connection, Fault> {
    open_with(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn open_with(file: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let fault = |error| Fault::because(format!("opening the store {}", file.display()), error);
    let connection = Connection::open_with_flags(file, flags).map_err(fault)?;
    connection.pragma_update(None, "cache_size", -2_048).map_err(fault)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn settings(connection: &Connection, cache_mb: i64) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -1_024 * cache_mb)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))
}

/// Refuses a file that belongs to another program, another kind of store or another plane.
fn identify(connection: &Connection, schema: &Schema, identity: &str) -> Result<(), Fault> {
    let fault = |error| Fault::because("reading the store's identity", error);
    let wanted = format!("{}/{identity}", schema.kind);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
    if tables == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
        connection
            .execute_batch("CREATE TABLE identity (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
            .and_then(|()| connection.execute("INSERT INTO identity VALUES (?1)", [&wanted]))
            .map_err(fault)?;
        return Ok(());
    }
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fault)?;
    if application != APPLICATION_ID {
        return Err(Fault::new("the file is not a Counterfoil store: choose another data directory"));
    }
    let found: Option<String> =
        connection.query_row("SELECT name FROM identity", [], |row| row.get(0)).optional().map_err(fault)?;
    match found {
        Some(found) if found == wanted => Ok(()),
        found => Err(Fault::new(format!(
            "the file is the store of `{}`, not of `{wanted}`: check the data directory",
            found.unwrap_or_default()
        ))),
    }
}

fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let has: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if has > schema.version() {
        let knows = schema.version();
        return Err(format!("the store has version {has} and this program knows {knows}: use a newer program").into());
    }
    for migration in schema.migrations.iter().filter(|migration| migration.version > has) {
        let step = connection.transaction()?;
        step.execute_batch(migration.sqlite)?;
        step.pragma_update(None, "user_version", migration.version)?;
        step.commit()?;
    }
    Ok(())
}
