//! New, empty databases for tests: in the cluster that `cargo xtask test` started, or in one that this process starts when
//! it needs the first.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;
use rustix::process::Pid;

use crate::cluster::Cluster;
use crate::programs::{self, Programs};

/// The variable with the address of a cluster for tests: any database in it, as a superuser.
pub const CLUSTER: &str = "COUNTERFOIL_TEST_POSTGRES";

/// This process's own cluster. A static is never dropped; its guard ends it with the process.
static OWN: LazyLock<Cluster> = LazyLock::new(Cluster::start);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Whether tests can have PostgreSQL here. When not, says so on standard error, and panics if `CI` is `true`: what CI does
/// not run, nobody runs.
pub fn available() -> bool {
    if named().is_some() || Programs::find().is_some() {
        return true;
    }
    let missing = programs::missing();
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
    eprintln!("NOT RUN ON POSTGRESQL: {missing}");
    false
}

/// The address of the tests' cluster, in it the database `postgres`. Starts one for this process when
/// `COUNTERFOIL_TEST_POSTGRES` names none. Panics where [`available`] is false.
pub fn test_cluster_url() -> String {
    named().unwrap_or_else(|| OWN.url("postgres"))
}

/// The address of a new, empty database in the tests' cluster. Each call makes another; nobody else has it.
pub fn fresh_database() -> String {
    let cluster = test_cluster_url();
    loop {
        let name = format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        match query(&cluster, &format!("CREATE DATABASE {name}")) {
            Ok(_) => return with_database(&cluster, &name),
            // A cluster that outlives test runs sees process ids again.
            Err(error) if error.to_string().contains("already exists") => (),
            Err(error) => panic!("{error:#}"),
        }
    }
}

/// The address of the database that belongs to a test's directory: made at the first call, the same one for every process
/// that is given the directory.
pub fn database_of(dir: &Path) -> String {
    let note = dir.join("database.url");
    if let Ok(url) = std::fs::read_to_string(&note) {
        return url;
    }
    let url = fresh_database();
    std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&note, &url)).expect("a test's directory can be written");
    url
}

/// The address of the database beside the one at `url` whose name ends with `_<suffix>`; made when it is missing.
pub fn beside(url: &str, suffix: &str) -> String {
    let path = url.split('?').next().unwrap_or(url);
    let name = format!("{}_{suffix}", path.rsplit('/').next().unwrap_or_default());
    match query(url, &format!("CREATE DATABASE {name}")) {
        Err(error) if !error.to_string().contains("already exists") => panic!("{error:#}"),
        _ => with_database(url, &name),
    }
}

/// Whether this run of the tests keeps its stores in PostgreSQL: `COUNTERFOIL_TEST_STORE` is `postgres`.
pub fn wanted() -> bool {
    std::env::var("COUNTERFOIL_TEST_STORE").as_deref() == Ok("postgres")
}

/// What `sql` answers at `url`: a line for each row, `|` between columns, through `psql`. Several statements are one
/// transaction. Fails with psql's own words.
pub fn query(url: &str, sql: &str) -> anyhow::Result<String> {
    let mut psql = client(url);
    psql.args(["--command", sql]);
    programs::finish(psql, sql)
}

/// Drops the databases that [`fresh_database`] made in the cluster at `url` for processes of this machine that have ended.
pub fn drop_abandoned(url: &str) -> anyhow::Result<()> {
    let made = query(url, "SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'")?;
    let abandoned: Vec<&str> = made.lines().filter(|name| maker(name).is_some_and(|pid| !runs(pid))).collect();
    if abandoned.is_empty() {
        return Ok(());
    }
    let mut psql = client(url);
    for name in abandoned {
        // One command each: a database cannot be dropped inside a transaction.
        psql.args(["--command", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
    }
    programs::finish(psql, "dropping databases").map(drop)
}

fn client(url: &str) -> Command {
    let mut psql = programs::psql();
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname", url]);
    psql
}

/// The process that made the database called `name`.
fn maker(name: &str) -> Option<Pid> {
    Pid::from_raw(name.strip_prefix("test_")?.split_once('_')?.0.parse().ok()?)
}

fn runs(process: Pid) -> bool {
    rustix::process::test_kill_process(process) != Err(Errno::SRCH)
}

fn named() -> Option<String> {
    std::env::var(CLUSTER).ok().filter(|url| !url.is_empty())
}

/// `url` with another database: the path between the host and the options.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = match url.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (url, String::new()),
    };
    let host_from = address.find("://").map_or(0, |at| at + 3);
    let host_to = address[host_from..].find('/').map_or(address.len(), |at| host_from + at);
    format!("{}/{name}{options}", &address[..host_to])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_an_address_changes() {
        assert_eq!(with_database("postgres://a@h:1/postgres", "t"), "postgres://a@h:1/t");
        assert_eq!(with_database("postgresql://a:b@h", "t"), "postgresql://a:b@h/t");
        assert_eq!(with_database("postgres://h:1,i:2/x?sslmode=disable", "t"), "postgres://h:1,i:2/t?sslmode=disable");
    }
}
