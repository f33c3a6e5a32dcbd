//! Moving a whole store from one engine to the other, table by table, whatever the tables are. Equality is proved
//! afterwards, by the digests that [`Inspector::rows`] gives of both.

use std::path::Path;

use base::{Fault, Time};

use crate::engine::{Engine, EngineError};
use crate::handle::Place;
use crate::inspect::Inspector;
use crate::journal::Head;
use crate::postgres;
use crate::row::{Bind, Row, Spec};
use crate::schema::Schema;
use crate::sqlite::{self, Checkpointer, FOLD_AT_PAGES, Hold, SqliteEngine, held};
use crate::value::{Value, values};

/// Rows that are written at once.
const BATCH: usize = 1_000;

/// Copies every row of the store `from` into a new store at `to`, which gets this `identity` (such as
/// `sandbox/unfinished`) and must be empty. Nobody may write either meanwhile: a directory is locked here, of a database
/// the caller sees to it. `told` hears of rows of a table, batch after batch. Blocks; must not be called from a task.
pub fn pump(
    from: &mut Inspector,
    to: &Place,
    identity: &str,
    schema: &Schema,
    told: &mut dyn FnMut(&'static str, u64),
) -> Result<(), Fault> {
    let mut target = Target::open(to, identity, schema)?;
    let mut latest = None;
    for table in schema.tables() {
        let mut rows = Rows { spec: table.spec, waiting: Vec::new(), written: 0, failed: None };
        let scanned = from.look().scan(table.spec, &mut |take| {
            if rows.failed.is_some() {
                return;
            }
            match take.and_then(|take| values(table.spec, take)) {
                Ok(row) => {
                    latest = latest.max(head_time(table.spec, &row));
                    rows.add(row, target.engine.as_mut(), told);
                }
                Err(corrupt) => rows.failed = Some(EngineError::from(corrupt)),
            }
        });
        let ended = scanned.and_then(|()| rows.end(target.engine.as_mut(), told));
        ended.map_err(|error| Fault::because(format!("copying table `{}`", table.spec.name), error))?;
    }
    // On SQLite the store's time goes on from the last entry's; on PostgreSQL the heads themselves say it.
    let stamped = target.engine.begin(&[]).and_then(|_| target.engine.commit(latest));
    stamped.map_err(|error| Fault::because("keeping the time of the last entry", error))
}

/// Gives a store another identity: kind, environment and name. Nobody may have it open. Blocks; must not be called from
/// a task.
pub fn rename(place: &Place, from: &str, to: &str) -> Result<(), Fault> {
    match place {
        Place::Directory(dir) => sqlite::rename(&dir.join("store.db"), from, to),
        Place::Postgres(url) => postgres::rename(url, from, to),
    }
}

/// Removes the store of this identity, kind included, and nothing else. Blocks; must not be called from a task.
pub fn remove(place: &Place, identity: &str) -> Result<(), Fault> {
    let found = Inspector::of(place)?.map_or(Ok(None), |mut inspector| inspector.inspection())?;
    match found {
        Some(found) if found.identity == identity => {}
        _ => return Err(Fault::new(format!("the store is not `{identity}`: it was left as it is"))),
    }
    match place {
        Place::Directory(dir) => remove_files(dir),
        Place::Postgres(url) => postgres::remove(url),
    }
}

/// The log goes first: without its main file it would be taken for another's.
fn remove_files(dir: &Path) -> Result<(), Fault> {
    let _held = held(dir)?;
    for name in ["store.db-wal", "store.db-shm", "store.db"] {
        let file = dir.join(name);
        if file.exists() {
            let removed = std::fs::remove_file(&file);
            removed.map_err(|error| Fault::because(format!("removing {}", file.display()), error))?;
        }
    }
    Ok(())
}

/// The time of an entry's head; `None` for rows of other tables.
fn head_time(spec: &Spec, row: &[Value]) -> Option<Time> {
    match row {
        [_, _, Value::Int(at)] if spec.name == Head::SPEC.name => Some(Time(*at)),
        _ => None,
    }
}

/// A new store that is written.
struct Target {
    engine: Box<dyn Engine>,
    // Last: the engine closes its files first.
    _held: Option<Hold>,
}

impl Target {
    fn open(to: &Place, identity: &str, schema: &Schema) -> Result<Target, Fault> {
        match to {
            Place::Directory(dir) => {
                let held = held(dir)?;
                let file = dir.join("store.db");
                let (writer, _) = sqlite::open_writer(&file, schema, identity)?;
                let checkpointer = Checkpointer::start(&file, identity, FOLD_AT_PAGES)?;
                Ok(Target { engine: Box::new(SqliteEngine::new(writer, checkpointer)), _held: Some(held) })
            }
            Place::Postgres(url) => {
                let opened = postgres::open(url, schema, identity, false)?;
                Ok(Target { engine: opened.engine, _held: None })
            }
        }
    }
}

/// One table's rows on their way.
struct Rows {
    spec: &'static Spec,
    waiting: Vec<Vec<Value>>,
    written: u64,
    failed: Option<EngineError>,
}

impl Rows {
    fn add(&mut self, row: Vec<Value>, engine: &mut dyn Engine, told: &mut dyn FnMut(&'static str, u64)) {
        self.waiting.push(row);
        if self.waiting.len() == BATCH {
            self.failed = self.write(engine, told).err();
        }
    }

    fn end(mut self, engine: &mut dyn Engine, told: &mut dyn FnMut(&'static str, u64)) -> Result<(), EngineError> {
        match self.failed.take() {
            Some(failed) => Err(failed),
            None => self.write(engine, told),
        }
    }

    fn write(&mut self, engine: &mut dyn Engine, told: &mut dyn FnMut(&'static str, u64)) -> Result<(), EngineError> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        engine.begin(&[])?;
        engine.insert(self.spec, rows.len(), &|at, out| bind(&rows[at], out))?;
        engine.commit(None)?;
        engine.rest();
        self.written += rows.len() as u64;
        told(self.spec.name, self.written);
        Ok(())
    }
}

/// Writes values as a row type writes its columns.
fn bind(values: &[Value], out: &mut dyn Bind) {
    for value in values {
        match value {
            Value::Null => out.null(),
            Value::Int(value) => out.int(*value),
            Value::Big(value) => out.big(*value),
            Value::Text(text) => out.text(text),
            Value::Blob(bytes) => out.blob(bytes),
        }
    }
}
