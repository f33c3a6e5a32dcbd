//! The tables of one store and how its file came to have them.

use crate::journal::{Claim, Entry, Head};
use crate::map::{AnyMap, RowMap};
use crate::maps::{MOST_TABLES, Maps};
use crate::row::{Corrupt, Row, Spec, Take};

/// One additive step, as each engine writes it. `version` counts from 1; a binary refuses a store whose version it does not know.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub version: u32,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// All tables of a store, in slot order, and the migrations that create them.
pub struct Schema {
    /// What kind of store this is: `plane` or `control`. A file of another kind is refused.
    pub kind: &'static str,
    pub migrations: &'static [Migration],
    tables: Vec<Table>,
}

/// A table with its row type forgotten.
pub(crate) struct Table {
    pub(crate) spec: &'static Spec,
    /// Whether the values of a stored row are one of its rows.
    pub(crate) check: fn(&mut dyn Take) -> Result<(), Corrupt>,
    map: fn() -> Box<dyn AnyMap>,
}

impl Schema {
    /// Starts with the store's own three tables (heads, journal, claims). Panics when the versions do not count from 1.
    pub fn new(kind: &'static str, migrations: &'static [Migration]) -> Schema {
        assert!(migrations.iter().map(|step| step.version).eq(1..=steps(migrations)), "migrations count from 1");
        Schema { kind, migrations, tables: Vec::new() }.with::<Head>().with::<Entry>().with::<Claim>()
    }

    /// Adds the next table. Panics when its `SLOT` is not the next one: a mistake of the programmer's, seen at start.
    pub fn with<R: Row>(mut self) -> Schema {
        assert_eq!(R::SLOT, self.tables.len(), "table {} is out of order", R::SPEC.name);
        assert!(R::SLOT < MOST_TABLES, "a store has at most {MOST_TABLES} tables");
        self.tables.push(Table {
            spec: const { &R::SPEC },
            check: |take| R::read(take).map(|_| ()),
            map: || Box::new(RowMap::<R>::default()),
        });
        self
    }

    pub(crate) fn maps(&self) -> Maps {
        Maps::new(self.tables.iter().map(|table| (table.map)()).collect())
    }

    /// In slot order.
    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The last migration that this program knows.
    pub fn version(&self) -> u32 {
        steps(self.migrations)
    }
}

fn steps(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

/// The store's own tables on SQLite, for every store's first migration. Each ends with the row's checksum.
#[macro_export]
macro_rules! own_tables {
    () => {
        "CREATE TABLE head (tenant INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE journal (pos INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
  postings TEXT NOT NULL, status INTEGER, answer BLOB, sum INTEGER NOT NULL) STRICT;
CREATE TABLE claim (tenant INTEGER NOT NULL, route INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL,
  fingerprint BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (tenant, route, key)) STRICT, WITHOUT ROWID;
"
    };
}

/// The store's own tables on PostgreSQL, for every store's first migration.
#[macro_export]
macro_rules! own_tables_postgres {
    () => {
        "CREATE TABLE head (tenant BIGINT PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL, sum BIGINT NOT NULL)
  WITH (fillfactor = 70);
CREATE TABLE journal (tenant BIGINT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
  postings TEXT NOT NULL, status BIGINT, answer BYTEA, sum BIGINT NOT NULL, PRIMARY KEY (tenant, seq));
CREATE TABLE claim (tenant BIGINT NOT NULL, route BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL, seq BIGINT NOT NULL,
  fingerprint BYTEA NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (tenant, route, key));
"
    };
}
