//! `counterfoil copy`: a stopped environment moves from a file to a database or back. The copy is called unfinished, which
//! no server opens, until it is proved equal: the same digest of every table, and books that add up to the same.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use base::{Environment, Fault, OsChance, PlaneName, SystemClock};
use plane::books::{self, TrialBalance};
use plane::{Plane, PlaneConfig};
use serde_json::json;
use store::{Inspection, Inspector, Place, PostgresUrl};

use crate::admin::print;
use crate::backup::{self, environment, schema};
use crate::cli;
use crate::config::Role;
use crate::failure::Failure;
use crate::migrate::identity_of;

/// One end of a copy, as the command line says it.
#[derive(Clone)]
pub struct End(Place);

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<End, String> {
        if let Some(dir) = text.strip_prefix("sqlite:") {
            return Ok(End(Place::Directory(PathBuf::from(dir))));
        }
        // Only our own words: what lies beneath may quote the address, and that may hold a password.
        let url = PostgresUrl::parse(text);
        url.map(|url| End(Place::Postgres(url))).map_err(|fault| format!("{fault}; or sqlite:DIR"))
    }
}

/// What both stores have to agree on besides their rows.
#[derive(PartialEq)]
struct Books {
    tenants: usize,
    entries: u64,
    balance: TrialBalance,
}

pub fn run(options: &cli::Copy) -> Result<(), Failure> {
    let (from, to) = (end("--from", &options.from)?, end("--to", &options.to)?);
    let dir = match (&from, &to) {
        (Place::Directory(dir), Place::Postgres(_)) | (Place::Postgres(_), Place::Directory(dir)) => dir.clone(),
        _ => return Err(Failure::Usage("one end is sqlite:DIR, the other is postgres://…".to_owned())),
    };
    let role = source(&from)?;
    ready(role, &to)?;
    if !dir.join("secret").exists() {
        let (dir, role) = (dir.display(), role.word());
        return Err(Failure::Refused(format!(
            "{dir} has no `secret`: put that of {role} there, without it no key and no password works"
        )));
    }
    // While it is open nobody else opens a file's store.
    let (held, before) = opened(role, &from, &dir, MAIN)?;
    let mut reading = inspector(&from)?;
    let mut told = |table: &'static str, rows: u64| {
        if rows.is_multiple_of(100_000) {
            eprintln!("{}: {rows} rows of {table} copied", role.word());
        }
    };
    let unfinished = format!("{}/{UNFINISHED}", role.word());
    store::pump(&mut reading, &to, &unfinished, &schema(role), &mut told).map_err(Failure::Store)?;
    eprintln!("{}: copied; comparing every row and folding the journal again", role.word());
    let rows = equal(role, &mut reading, &to)?;
    let (copy, after) = opened(role, &to, &dir, UNFINISHED)?;
    drop(copy);
    if before != after {
        return Err(Failure::Store(Fault::new(
            "the books of the copy are not those of the source: it stays unfinished",
        )));
    }
    stopped(&from, &mut reading, held.is_some())?;
    drop((reading, held));
    store::rename(&to, &unfinished_of(role), &identity_of(role)).map_err(Failure::Store)?;
    let row = json!({
        "environment": role.word(), "tenants": after.tenants, "entries": after.entries, "rows": rows,
        "from": shown(&from), "to": shown(&to),
    });
    let columns = [("environment", "environment"), ("tenants", "tenants"), ("entries", "entries"), ("rows", "rows")];
    print::rows(&row, &[&columns[..], &[("copied to", "to")]].concat(), options.json)
}

const MAIN: &str = "main";
/// The name of a copy that is not proved yet. A server asks for `main` and refuses it.
const UNFINISHED: &str = "unfinished";

fn unfinished_of(role: Role) -> String {
    let whole = identity_of(role);
    format!("{}{UNFINISHED}", whole.strip_suffix(MAIN).unwrap_or(&whole))
}

fn end(name: &str, text: &str) -> Result<Place, Failure> {
    let end: End = text.parse().map_err(|why| Failure::Usage(format!("{name}: {why}")))?;
    Ok(end.0)
}

fn shown(place: &Place) -> String {
    match place {
        Place::Directory(dir) => dir.display().to_string(),
        Place::Postgres(url) => url.shown().to_owned(),
    }
}

fn inspector(place: &Place) -> Result<Inspector, Failure> {
    let found = Inspector::of(place).map_err(Failure::Store)?;
    found.ok_or_else(|| Failure::Refused(format!("{} holds no store", shown(place))))
}

/// Whose store the source is. Refuses one that is used, and one whose version is not this program's.
fn source(from: &Place) -> Result<Role, Failure> {
    let mut inspector = inspector(from)?;
    let shown = shown(from);
    let found = inspector.inspection().map_err(Failure::Store)?;
    let Some(Inspection { identity, version, .. }) = found else {
        return Err(Failure::Refused(format!("{shown} holds no store")));
    };
    let role = Role::ALL.into_iter().find(|role| identity_of(*role) == identity);
    let role =
        role.ok_or_else(|| Failure::Refused(format!("{shown} is the store of `{identity}`: it cannot be copied")))?;
    let knows = schema(role).version();
    if version > knows {
        let why = format!("{shown} has version {version} and this program knows {knows}: use a newer program");
        return Err(Failure::Store(Fault::new(why)));
    }
    if version < knows {
        return Err(Failure::Refused(format!("{shown} lacks migrations: run `counterfoil migrate apply` first")));
    }
    stopped(from, &mut inspector, false)?;
    Ok(role)
}

/// Refuses a store that a server has. A file is `held` here, or its lock tells.
fn stopped(place: &Place, inspector: &mut Inspector, held: bool) -> Result<(), Failure> {
    let free = match place {
        Place::Directory(dir) => held || store::hold(dir).map_err(Failure::Store)?.is_some(),
        Place::Postgres(_) => inspector.others().map_err(Failure::Store)? == 0,
    };
    match free {
        true => Ok(()),
        false => Err(Failure::Store(Fault::new(format!("a server runs on {}: stop it first", shown(place))))),
    }
}

/// Makes the target ready: empty, or cleared of an earlier copy that did not end. Everything else is refused.
fn ready(role: Role, to: &Place) -> Result<(), Failure> {
    let found = Inspector::of(to).and_then(|found| found.map_or(Ok(None), |mut found| found.inspection()));
    let Some(found) = found.map_err(Failure::Store)? else { return Ok(()) };
    if found.identity != unfinished_of(role) {
        let (shown, identity) = (shown(to), found.identity);
        return Err(Failure::Refused(format!("{shown} is not empty: it is the store of `{identity}`")));
    }
    eprintln!("{}: removing a copy that was not finished", role.word());
    store::remove(to, &found.identity).map_err(Failure::Store)
}

/// Every table has the same rows on both sides; answers how many.
fn equal(role: Role, from: &mut Inspector, to: &Place) -> Result<u64, Failure> {
    let before = backup::read(role, from).map_err(Failure::Store)?;
    let after = backup::read(role, &mut inspector(to)?).map_err(Failure::Store)?;
    for (one, other) in before.iter().zip(&after) {
        if one != other {
            let (table, one, other) = (one.table, one.rows, other.rows);
            let why =
                format!("table `{table}` differs ({one} and {other} rows): the source was written, or is damaged");
            return Err(Failure::Store(Fault::new(why)));
        }
    }
    Ok(after.iter().map(|table| table.rows).sum())
}

/// Opens a plane's store under a name and folds its journal. The plane, which holds a file's lock until it is dropped, and
/// what was found; control has no books.
fn opened(role: Role, place: &Place, dir: &Path, name: &str) -> Result<(Option<Held>, Books), Failure> {
    let Some(environment) = environment(role) else {
        let held = match place {
            Place::Directory(dir) => store::hold(dir).map_err(Failure::Store)?.map(Held::File),
            Place::Postgres(_) => None,
        };
        return Ok((held, Books { tenants: 0, entries: 0, balance: TrialBalance::default() }));
    };
    let plane = open(environment, place, dir, name).map_err(Failure::Store)?;
    let audited = books::audit(&plane).and_then(|audit| Ok((audit, books::trial_balance(&plane)?)));
    let (audit, balance) = audited.map_err(Failure::Store)?;
    if let Some(first) = audit.wrong.first() {
        let why = format!("the books of {} are wrong in {} places, first: {first}", shown(place), audit.wrong.len());
        return Err(Failure::Store(Fault::new(why)));
    }
    let books = Books { tenants: audit.tenants, entries: audit.entries, balance };
    match place {
        Place::Directory(_) => Ok((Some(Held::Plane(plane)), books)),
        Place::Postgres(_) => {
            plane.close();
            Ok((None, books))
        }
    }
}

/// What keeps a file's store from being opened elsewhere.
enum Held {
    Plane(#[allow(dead_code, reason = "it is held, not read")] Plane),
    File(#[allow(dead_code, reason = "it is held, not read")] store::Hold),
}

fn open(environment: Environment, place: &Place, dir: &Path, name: &str) -> Result<Plane, Fault> {
    let mut config = PlaneConfig::new(PlaneName { environment, name: name.to_owned() }, dir);
    if let Place::Postgres(url) = place {
        config.database = Some(url.clone());
    }
    Plane::open(config, Arc::new(SystemClock), Arc::new(OsChance))
}
