//! `counterfoil migrate`: which steps a store lacks, doing them, and whether it is then what this program knows. A server
//! does the same steps at its start; the command lets an operator look first, and do them at a time of choosing.

use std::sync::Arc;

use base::{Environment, Fault, SystemClock};
use serde_json::{Value, json};
use store::{Inspection, Inspector, Options, Place, PostgresUrl, Store};

use crate::admin::print;
use crate::backup::{self, environment, schema};
use crate::cli::{self, MigrateStep};
use crate::config::Role;
use crate::failure::Failure;

pub fn run(options: &cli::Migrate) -> Result<(), Failure> {
    let stores = stores(options)?;
    match options.step {
        MigrateStep::Plan => print_plan(&stores, options.json),
        MigrateStep::Apply => {
            for store in stores.iter().filter(|store| !store.missing().is_empty()) {
                store.apply()?;
            }
            print_plan(&self::stores(options)?, options.json)
        }
        MigrateStep::Verify => verify(&stores, options.json),
    }
}

/// One store as it is.
struct Found {
    role: Role,
    place: Place,
    /// `None`: an empty database.
    inspection: Option<Inspection>,
}

fn stores(options: &cli::Migrate) -> Result<Vec<Found>, Failure> {
    let places = match &options.store {
        Some(store) => vec![database(store, options.env)?],
        None => {
            let roles = backup::there(&options.data, options.env)?;
            roles.into_iter().map(|role| (role, Place::Directory(options.data.join(role.word())))).collect()
        }
    };
    places.into_iter().map(|(role, place)| Found::at(role, place)).collect()
}

fn database(store: &str, env: cli::Which) -> Result<(Role, Place), Failure> {
    let [role] = env.roles() else {
        return Err(Failure::Usage("--store: say whose database it is with --env control, sandbox or live".to_owned()));
    };
    let url = PostgresUrl::parse(store).map_err(|fault| Failure::Usage(format!("--store: {fault}")))?;
    Ok((*role, Place::Postgres(url)))
}

impl Found {
    /// Refuses the store of another role, and one that is newer than this program.
    fn at(role: Role, place: Place) -> Result<Found, Failure> {
        let inspected = Inspector::of(&place).and_then(|found| found.map_or(Ok(None), |mut found| found.inspection()));
        let found = Found { role, place, inspection: inspected.map_err(Failure::Store)? };
        if let Some(Inspection { identity, version, .. }) = &found.inspection {
            let (wanted, knows) = (identity_of(role), schema(role).version());
            if *identity != wanted {
                let shown = found.shown();
                return Err(Failure::Refused(format!("{shown} is the store of `{identity}`, not of `{wanted}`")));
            }
            if *version > knows {
                return Err(Failure::Store(Fault::new(format!(
                    "{} has version {version} and this program knows {knows}: use a newer program",
                    found.shown()
                ))));
            }
        }
        Ok(found)
    }

    fn version(&self) -> u32 {
        self.inspection.as_ref().map_or(0, |inspection| inspection.version)
    }

    fn missing(&self) -> Vec<u32> {
        (self.version() + 1..=schema(self.role).version()).collect()
    }

    fn shown(&self) -> String {
        match &self.place {
            Place::Directory(dir) => dir.display().to_string(),
            Place::Postgres(url) => url.shown().to_owned(),
        }
    }

    /// What every opening does, and nothing else. A kill leaves whole steps; the next run does the rest.
    fn apply(&self) -> Result<(), Failure> {
        eprintln!("{}: applying {}", self.role.word(), words(&self.missing()));
        let identity = identity_of(self.role);
        let mut options = Options::at(self.place.clone(), identity.split_once('/').map_or("", |(_, name)| name));
        options.strict = environment(self.role) == Some(Environment::Live);
        let store = Store::open(options, &schema(self.role), Arc::new(SystemClock)).map_err(Failure::Store)?;
        store.close();
        Ok(())
    }
}

/// Kind, environment and name of a role's store.
pub fn identity_of(role: Role) -> String {
    match environment(role) {
        Some(environment) => format!("plane/{}/main", environment.word()),
        None => "control/control/main".to_owned(),
    }
}

fn words(steps: &[u32]) -> String {
    match steps {
        [] => "-".to_owned(),
        steps => steps.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn print_plan(stores: &[Found], json: bool) -> Result<(), Failure> {
    let row = |store: &Found| {
        let missing = store.missing();
        json!({
            "environment": store.role.word(),
            "store": store.shown(),
            "version": store.version(),
            "knows": schema(store.role).version(),
            "missing": if json { json!(missing) } else { json!(words(&missing)) },
        })
    };
    let columns = [
        ("environment", "environment"),
        ("store", "store"),
        ("version", "version"),
        ("known", "knows"),
        ("to apply", "missing"),
    ];
    print::rows(&stores.iter().map(row).collect(), &columns, json)
}

fn verify(stores: &[Found], json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for store in stores {
        let (role, missing) = (store.role.word(), store.missing());
        if !missing.is_empty() {
            let missing = words(&missing);
            return Err(Failure::Refused(format!(
                "{role}: steps {missing} are missing: run `counterfoil migrate apply`"
            )));
        }
        let inspector = Inspector::of(&store.place).map_err(Failure::Store)?;
        let mut inspector = inspector.ok_or_else(|| Failure::Refused(format!("{} is gone", store.shown())))?;
        let tables = backup::read(store.role, &mut inspector).map_err(Failure::Store)?;
        let row = |table: &store::TableRead| {
            let (table, rows, digest) = (table.table, table.rows, &table.digest);
            json!({"environment": role, "store": store.shown(), "table": table, "rows": rows, "digest": digest})
        };
        rows.extend(tables.iter().map(row));
    }
    print::rows(&Value::Array(rows), &[("environment", "environment"), ("table", "table"), ("rows", "rows")], json)
}
