//! What a file is, before a store is made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base::Fault;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::engine::drain;
use super::open::{APPLICATION_ID, open_second, open_with, version};
use super::text;
use crate::engine::EngineError;
use crate::inspect::Look;
use crate::row::{Corrupt, Spec, Take};

/// A connection for looking at a file.
struct SqliteLook(Connection);

/// A store that may be open and written elsewhere.
pub(crate) fn look_at(file: &Path) -> Result<impl Look + use<>, Fault> {
    open_with(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX).map(SqliteLook)
}

/// A file that nobody writes: its log is not looked for, and nothing is made beside it.
pub(crate) fn look_at_still(file: &Path) -> Result<impl Look + use<>, Fault> {
    let mut uri = "file:".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            // Writing to a String cannot fail.
            other => drop(write!(uri, "%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    open_with(&PathBuf::from(uri), flags).map(SqliteLook)
}

/// Gives the store another identity.
pub(crate) fn rename(file: &Path, from: &str, to: &str) -> Result<(), Fault> {
    let connection = open_second(file)?;
    let renamed = connection.execute("UPDATE identity SET name = ?2 WHERE name = ?1", (from, to));
    match renamed.map_err(|error| Fault::because("renaming the store", error))? {
        1 => Ok(()),
        _ => Err(Fault::new(format!("the store is not `{from}`: it was left as it is"))),
    }
}

impl Look for SqliteLook {
    fn identity(&mut self) -> Result<Option<String>, Fault> {
        let fault = |error| Fault::because("reading the store's identity", error);
        let number = |sql| self.0.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault);
        let (application, tables) = (number("PRAGMA application_id")?, number("SELECT count(*) FROM sqlite_schema")?);
        if application == 0 && tables == 0 {
            return Ok(None);
        }
        if application != i64::from(APPLICATION_ID) {
            return Err(Fault::new("the file is not a Counterfoil store"));
        }
        self.0.query_row("SELECT name FROM identity", [], |row| row.get(0)).optional().map_err(fault)
    }

    fn version(&mut self) -> Result<u32, Fault> {
        version(&self.0).map_err(|error| Fault::because("reading the store's version", error))
    }

    fn columns(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, Fault> {
        let read = || {
            let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
                       WHERE t.type = 'table' AND t.name <> 'identity' AND t.name NOT LIKE 'sqlite_%'";
            let mut statement = self.0.prepare(sql)?;
            let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for pair in pairs {
                let (table, column): (String, String) = pair?;
                tables.entry(table).or_default().insert(column);
            }
            Ok(tables)
        };
        read().map_err(|error: rusqlite::Error| Fault::because("reading the store's tables", error))
    }

    fn expected(&self, spec: &Spec) -> BTreeSet<String> {
        text::columns(spec).into_iter().chain(["sum"]).map(str::to_owned).collect()
    }

    fn scan(
        &mut self,
        spec: &'static Spec,
        found: &mut dyn FnMut(Result<&mut dyn Take, Corrupt>),
    ) -> Result<(), EngineError> {
        drain(&mut self.0.prepare(&text::select_all(spec))?, spec, found)
    }

    fn others(&mut self) -> Result<u64, Fault> {
        Ok(0)
    }

    fn damage(&mut self) -> Result<Vec<String>, Fault> {
        let read = || {
            let mut statement = self.0.prepare("PRAGMA integrity_check(20)")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.filter(|line| line.as_ref().map_or(true, |line| line != "ok")).collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| Fault::because("checking the store's file", error))
    }
}
