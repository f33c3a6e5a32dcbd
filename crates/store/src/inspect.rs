//! Looking at a store without opening it: which one it is, whether its tables are what this program knows, and whether
//! every row can be read. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base::Fault;

use crate::engine::EngineError;
use crate::handle::Place;
use crate::journal::Head;
use crate::postgres;
use crate::row::{Corrupt, Row, Spec, Take};
use crate::schema::{Schema, Table};
use crate::sqlite;
use crate::value::{RowDigest, TakeValues, values};

/// Complaints about single rows that are kept; the rest is counted.
const COMPLAINTS_KEPT: usize = 20;

/// What an engine must do to be looked at.
pub(crate) trait Look {
    /// The store's name; `None` when nothing has been made of it yet.
    fn identity(&mut self) -> Result<Option<String>, Fault>;
    /// The last migration that was applied.
    fn version(&mut self) -> Result<u32, Fault>;
    /// The columns of every table that holds rows.
    fn columns(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, Fault>;
    /// The columns that this engine gives a table.
    fn expected(&self, spec: &Spec) -> BTreeSet<String>;
    /// Every row of a table, in the order of its key.
    fn scan(
        &mut self,
        spec: &'static Spec,
        found: &mut dyn FnMut(Result<&mut dyn Take, Corrupt>),
    ) -> Result<(), EngineError>;
    /// Other connections of this program to the store, as far as the engine can tell.
    fn others(&mut self) -> Result<u64, Fault>;
    /// What the engine's own check finds wrong.
    fn damage(&mut self) -> Result<Vec<String>, Fault>;
}

/// What a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Kind, environment and name, such as `plane/sandbox/main`.
    pub identity: String,
    /// The last migration that was applied.
    pub version: u32,
    /// Tenants with a journal.
    pub heads: u64,
    /// The sum of their sequences.
    pub entries: u64,
}

/// What was read of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    pub table: &'static str,
    pub rows: u64,
    /// SHA-256 over the values of all rows in key order, in hexadecimal; the same on every engine.
    pub digest: String,
    pub unreadable: u64,
    /// The first complaints about rows that cannot be read.
    pub complaints: Vec<String>,
}

/// A store that is looked at.
pub struct Inspector {
    look: Box<dyn Look>,
}

impl Inspector {
    /// The SQLite store in `dir`, which may be open and written elsewhere. `None` when there is none.
    pub fn of_directory(dir: &Path) -> Result<Option<Inspector>, Fault> {
        let file = dir.join("store.db");
        let there = file.try_exists();
        match there.map_err(|error| Fault::because(format!("looking for {}", file.display()), error))? {
            true => Ok(Some(Inspector { look: Box::new(sqlite::look_at(&file)?) })),
            false => Ok(None),
        }
    }

    /// A store wherever it is; `None` when a directory holds none. A database may be empty. Blocks; must not be called
    /// from a task.
    pub fn of(place: &Place) -> Result<Option<Inspector>, Fault> {
        match place {
            Place::Directory(dir) => Inspector::of_directory(dir),
            Place::Postgres(url) => Ok(Some(Inspector { look: Box::new(postgres::look_at(url)?) })),
        }
    }

    /// A SQLite file that nobody writes, such as a backup: nothing is made beside it.
    pub fn of_file(file: &Path) -> Result<Inspector, Fault> {
        Ok(Inspector { look: Box::new(sqlite::look_at_still(file)?) })
    }

    /// Which store it is; `None` when nothing has been made of it yet.
    pub fn inspection(&mut self) -> Result<Option<Inspection>, Fault> {
        let Some(identity) = self.look.identity()? else { return Ok(None) };
        let version = self.look.version()?;
        let (mut heads, mut entries) = (0, 0);
        if version > 0 {
            self.read::<Head>(&mut |head| {
                heads += 1;
                entries += head.seq;
            })?;
        }
        Ok(Some(Inspection { identity, version, heads, entries }))
    }

    /// How the tables differ from the schema's: nothing, when its version is the schema's and all is well.
    pub fn differences(&mut self, schema: &Schema) -> Result<Vec<String>, Fault> {
        let mut found = self.look.columns()?;
        let mut differences = Vec::new();
        for Table { spec, .. } in schema.tables() {
            let expected = self.look.expected(spec);
            match found.remove(spec.name) {
                None => differences.push(format!("table `{}` is missing", spec.name)),
                Some(columns) => {
                    let missing = expected.difference(&columns).map(|name| (name, "is missing"));
                    let unknown = columns.difference(&expected).map(|name| (name, "is unknown"));
                    let both = missing.chain(unknown);
                    differences.extend(both.map(|(name, how)| format!("column `{}.{name}` {how}", spec.name)));
                }
            }
        }
        differences.extend(found.keys().map(|name| format!("table `{name}` is unknown")));
        Ok(differences)
    }

    /// Reads every row: its checksum, and whether its values are what its table can hold. `told` hears of rows read so
    /// far, now and then. A row that cannot be read is counted and does not end the reading.
    pub fn rows(&mut self, schema: &Schema, told: &mut dyn FnMut(&'static str, u64)) -> Result<Vec<TableRead>, Fault> {
        schema.tables().iter().map(|table| self.table(table, told)).collect()
    }

    /// Other connections of this program to the same database. A file's store is locked instead: none.
    pub fn others(&mut self) -> Result<u64, Fault> {
        self.look.others()
    }

    pub(crate) fn look(&mut self) -> &mut dyn Look {
        self.look.as_mut()
    }

    /// What the engine's own check finds wrong, such as an index that does not fit its table. Reads everything.
    pub fn damage(&mut self) -> Result<Vec<String>, Fault> {
        self.look.damage()
    }

    fn table(&mut self, table: &Table, told: &mut dyn FnMut(&'static str, u64)) -> Result<TableRead, Fault> {
        let name = table.spec.name;
        let mut digest = RowDigest::default();
        let (mut rows, mut unreadable, mut complaints) = (0u64, 0, Vec::new());
        let scanned = self.look.scan(table.spec, &mut |take| {
            rows += 1;
            if rows.is_multiple_of(100_000) {
                told(name, rows);
            }
            if let Err(corrupt) = take.and_then(|take| read_one(table, take, &mut digest)) {
                unreadable += 1;
                if complaints.len() < COMPLAINTS_KEPT {
                    complaints.push(corrupt.to_string());
                }
            }
        });
        scanned.map_err(|error| Fault::because(format!("reading table `{name}`"), error))?;
        Ok(TableRead { table: name, rows, digest: digest.finish(), unreadable, complaints })
    }

    fn read<R: Row>(&mut self, found: &mut dyn FnMut(R)) -> Result<(), Fault> {
        let mut complaint = None;
        let fault = |error| Fault::because(format!("reading table `{}`", R::SPEC.name), error);
        let scanned = self.look.scan(const { &R::SPEC }, &mut |take| match take.and_then(|take| R::read(take)) {
            Ok(row) => found(row),
            Err(corrupt) => complaint = Some(corrupt),
        });
        scanned.map_err(fault)?;
        complaint.map_or(Ok(()), |corrupt| Err(fault(EngineError::Corrupt(corrupt))))
    }
}

fn read_one(table: &Table, take: &mut dyn Take, digest: &mut RowDigest) -> Result<(), Corrupt> {
    let values = values(table.spec, take)?;
    digest.add(&values);
    (table.check)(&mut TakeValues::new(table.spec, &values))
}
