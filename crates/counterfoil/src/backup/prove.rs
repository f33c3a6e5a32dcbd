//! The proof that a store in a directory is whole: it opens, its books are right, and every row of it can be read.

use std::path::Path;
use std::sync::Arc;

use base::{Environment, Fault, OsChance, PlaneName, SystemClock};
use control::{Control, Operator, Settings, audit};
use plane::{Plane, PlaneConfig, books};
use store::{Inspector, Schema, TableRead};

use crate::config::Role;
use crate::failure::Failure;

/// What was found right.
pub struct Proof {
    /// Tenants whose journal was folded again; for control, its tenants.
    pub tenants: usize,
    /// Journal entries that were folded; for control, those that its audit log leans on.
    pub entries: u64,
    pub tables: Vec<TableRead>,
}

impl Proof {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// Opens the store in `dir`, which migrates it, folds its journal and adds up its accounts, closes it, and then reads
/// every row. The error says what is wrong first.
pub fn prove(role: Role, dir: &Path) -> Result<Proof, Failure> {
    let (tenants, entries) = match environment(role) {
        Some(environment) => audited(dir, environment)?,
        None => opened(dir)?,
    };
    let inspector = Inspector::of_directory(dir).map_err(Failure::Store)?;
    let mut inspector = inspector.ok_or_else(|| wrong("the store has no file"))?;
    let tables = read(role, &mut inspector).map_err(Failure::Store)?;
    Ok(Proof { tenants, entries, tables })
}

/// Reads every row of a store of this role, and compares its tables with what this program knows.
pub fn read(role: Role, inspector: &mut Inspector) -> Result<Vec<TableRead>, Fault> {
    let schema = schema(role);
    let mut complaints = inspector.differences(&schema)?;
    if complaints.is_empty() {
        complaints = inspector.damage()?;
    }
    let tables = match complaints.is_empty() {
        true => {
            inspector.rows(&schema, &mut |table, rows| eprintln!("{}: {rows} rows of {table} read", role.word()))?
        }
        false => Vec::new(),
    };
    complaints.extend(tables.iter().flat_map(|table| table.complaints.clone()));
    match complaints.is_empty() {
        true => Ok(tables),
        false => Err(Fault::new(format!("the store is damaged: {}", complaints.join("; ")))),
    }
}

/// The tables of a role's store.
pub fn schema(role: Role) -> Schema {
    if role == Role::Control { control::schema() } else { plane::schema() }
}

/// `None` for control.
pub fn environment(role: Role) -> Option<Environment> {
    match role {
        Role::Control => None,
        Role::Sandbox => Some(Environment::Sandbox),
        Role::Live => Some(Environment::Live),
    }
}

fn audited(dir: &Path, environment: Environment) -> Result<(usize, u64), Failure> {
    let config = PlaneConfig::new(PlaneName::main(environment), dir);
    let plane = Plane::open(config, Arc::new(SystemClock), Arc::new(OsChance)).map_err(Failure::Store)?;
    let audited = books::audit(&plane).and_then(|audit| Ok((audit, books::trial_balance(&plane)?)));
    plane.close();
    let (audit, balance) = audited.map_err(Failure::Store)?;
    if let Some(first) = audit.wrong.first() {
        return Err(wrong(&format!("the books are wrong in {} places, first: {first}", audit.wrong.len())));
    }
    match balance.is_zero() {
        true => Ok((audit.tenants, audit.entries)),
        false => Err(wrong("the books are wrong: debits and credits differ")),
    }
}

fn opened(dir: &Path) -> Result<(usize, u64), Failure> {
    let control = Control::open(dir, dir, Settings::default(), Arc::new(SystemClock), Arc::new(OsChance));
    let control = control.map_err(Failure::Store)?;
    let found = control::tenants::list(&control)
        .and_then(|tenants| Ok((tenants.len(), audit::verify(&control, &Operator::over_the_socket())?)));
    control.close();
    let (tenants, verified) = found.map_err(Failure::Store)?;
    match verified.wrong.first() {
        None => Ok((tenants, verified.entries)),
        Some(first) => {
            Err(wrong(&format!("the audit log is wrong in {} places, first: {first}", verified.wrong.len())))
        }
    }
}

fn wrong(what: &str) -> Failure {
    Failure::Store(Fault::new(what))
}
