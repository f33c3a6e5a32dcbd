//! `counterfoil backup` and `counterfoil restore`: a store on SQLite, copied while it serves, and put back.
//!
//! A running server copies its own store when it is asked over the operator's socket (`desk`); when none runs, the
//! command holds the store's lock and copies. What comes out is a directory a store: the file, its secret, and a
//! manifest by which `restore` knows a whole one.

pub mod desk;
mod files;
mod manifest;
mod prove;
mod restore;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use store::{Copied, Watch};

use self::manifest::Manifest;
use crate::admin::{Desk, print};
use crate::cli;
use crate::config::Role;
use crate::failure::Failure;
use crate::house::make_private_dir;

pub use self::prove::{environment, read, schema};
pub use self::restore::run as restore;

/// The names inside a store's directory, and inside its backup.
const STORE: &str = "store.db";
const SECRET: &str = "secret";
const MANIFEST: &str = "manifest.json";

/// Backs up what the command line names.
pub fn run(options: &cli::Backup) -> Result<(), Failure> {
    let roles = there(&options.data, options.env)?;
    make_private_dir(&options.to)?;
    let to = options.to.canonicalize()?;
    let _alone = files::alone_in(&to)?;
    let mut rows = Vec::new();
    for role in roles {
        let manifest = back_up(&options.data, &to, role)?;
        rows.push(row(role, &to.join(role.word()), &manifest)?);
    }
    let columns = [("environment", "environment"), ("entries", "entries"), ("bytes", "bytes"), ("kept in", "kept_in")];
    print::rows(&Value::Array(rows), &columns, options.json)
}

/// The roles that were asked for and have a SQLite store here. One that was named has to have one.
pub fn there(data: &Path, env: cli::Which) -> Result<Vec<Role>, Failure> {
    let has = |role: &Role| data.join(role.word()).join(STORE).exists();
    let found: Vec<Role> = env.roles().iter().copied().filter(has).collect();
    for role in env.roles().iter().filter(|role| !found.contains(role)) {
        let why = format!("{} has no SQLite store", data.join(role.word()).display());
        if env != cli::Which::All {
            return Err(Failure::Refused(format!("{why}: name the data directory with --data")));
        }
        eprintln!("{}: left out: {why}", role.word());
    }
    match found.is_empty() {
        true => Err(Failure::Refused(format!("no store is in {}: name the directory with --data", data.display()))),
        false => Ok(found),
    }
}

/// Beside its place until it is whole and on the disk; then it takes its place under its name.
fn back_up(data: &Path, to: &Path, role: Role) -> Result<Manifest, Failure> {
    let (from, place) = (data.join(role.word()), to.join(role.word()));
    if place.exists() {
        return Err(Failure::Refused(format!("{} is there already: choose another directory", place.display())));
    }
    let part = to.join(format!("{}.part", role.word()));
    files::fresh_dir(&part)?;
    let written = fill(data, &from, &part, role).and_then(|manifest| {
        files::settle(&part, &place)?;
        Ok(manifest)
    });
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&part);
    }
    written
}

fn fill(data: &Path, from: &Path, part: &Path, role: Role) -> Result<Manifest, Failure> {
    let mut told = progress(role);
    let file = part.join(STORE);
    let held = store::hold(from).map_err(Failure::Store)?;
    match held {
        Some(_held) => {
            let mut told = |copied| {
                told(copied);
                true
            };
            store::copy_store(from, &file, Watch { log_bytes: None, told: &mut told }).map_err(Failure::Store)?;
        }
        None => ask(data, role, &file, &mut told)?,
    }
    files::copy(&from.join(SECRET), &part.join(SECRET))?;
    let manifest = Manifest::of(part)?;
    manifest.write(part)?;
    Ok(manifest)
}

/// Has the running server copy, and hears how far it is.
fn ask(data: &Path, role: Role, file: &Path, told: &mut (dyn FnMut(Copied) + Send)) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut outcome =
        Err(Failure::Fault(anyhow::anyhow!("the {} server ended while it copied its store", role.word())));
    let mut heard = |line: Value| match serde_json::from_value(line) {
        Ok(desk::Line::Copied { bytes, of }) => told(Copied { bytes, of }),
        Ok(desk::Line::Done) => outcome = Ok(()),
        Ok(desk::Line::Failed { why }) => {
            outcome =
                Err(Failure::Fault(anyhow::anyhow!("the {} server could not copy its store: {why}", role.word())));
        }
        Err(_) => {}
    };
    let ask = desk::BackUp { to: file.to_owned() };
    runtime.block_on(Desk::new(data, role).post_lines("/backup", &ask, &mut heard))?;
    outcome
}

/// A line on stderr for each tenth of the way.
fn progress(role: Role) -> impl FnMut(Copied) {
    let mut tenths = 0;
    move |Copied { bytes, of }| {
        let now = bytes * 10 / of.max(1);
        if now > tenths {
            tenths = now;
            eprintln!("{}: {}0 % of {} KiB copied", role.word(), now, of >> 10);
        }
    }
}

fn row(role: Role, kept_in: &PathBuf, manifest: &Manifest) -> Result<Value, Failure> {
    let mut row = serde_json::to_value(manifest).map_err(|error| Failure::Fault(error.into()))?;
    row["environment"] = json!(role.word());
    row["kept_in"] = json!(kept_in);
    Ok(row)
}
