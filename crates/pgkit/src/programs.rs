//! Where PostgreSQL's programs are, and as whom they run.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The oldest major version of PostgreSQL that the store works with.
pub const VERSION_MIN: u32 = 15;

/// Where Debian keeps one folder for each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// One installation of PostgreSQL's server.
#[derive(Clone, Debug)]
pub struct Programs {
    bin: PathBuf,
    account: Option<Account>,
}

/// An account of this machine that programs run as when the test runs as root, which PostgreSQL refuses.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub user: u32,
    pub group: u32,
}

impl Programs {
    /// The newest installation, a versioned folder before what the `PATH` leads to, which may be a wrapper. `None` when there
    /// is none that is new enough.
    pub fn find() -> Option<Programs> {
        let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = versions
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|n| *n >= VERSION_MIN)
            .collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let versioned = numbers.into_iter().map(|number| Path::new(VERSIONS).join(number.to_string()).join("bin"));
        let bin = versioned.chain(on_path()).find(|bin| bin.join("initdb").exists() && is_new_enough(bin))?;
        Some(Programs { bin, account: Account::unprivileged().ok()? })
    }

    /// The folder with `postgres`, `initdb`, `pg_rewind` and the others.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// As whom everything runs; `None` when that is the one who runs the test.
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    /// One of the programs, told nothing by the environment, in a process group of its own: a terminal's Ctrl-C is for the
    /// tests, and the guard ends what they leave.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.process_group(0);
        own_settings_only(&mut command);
        if let Some(account) = self.account {
            account.runs(&mut command);
        }
        command
    }
}

impl Account {
    /// Whom to run servers as: `None` unless this is root, then `postgres`, or `nobody` where the package is not Debian's.
    pub fn unprivileged() -> anyhow::Result<Option<Account>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let known =
            ["postgres", "nobody"].into_iter().find_map(|name| Some((number("-u", name)?, number("-g", name)?)));
        let (user, group) =
            known.context("PostgreSQL refuses to run as root, and there is no user postgres or nobody")?;
        Ok(Some(Account { user, group }))
    }

    /// Makes `command` run as this account.
    pub fn runs(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Gives `path` to this account.
    pub fn owns(self, path: &Path) -> anyhow::Result<()> {
        std::os::unix::fs::chown(path, Some(self.user), Some(self.group))
            .with_context(|| format!("giving {} to user {}", path.display(), self.user))
    }
}

/// `psql`, which may be here without the server.
pub(crate) fn psql() -> Command {
    let versioned = Programs::find().map(|programs| programs.bin.join("psql")).filter(|psql| psql.exists());
    let mut command = Command::new(versioned.unwrap_or_else(|| PathBuf::from("psql")));
    own_settings_only(&mut command);
    command
}

/// What to tell someone without PostgreSQL.
pub(crate) fn missing() -> anyhow::Error {
    anyhow::anyhow!("PostgreSQL {VERSION_MIN} or newer is not installed: `cargo xtask test` does it as root on Debian")
}

/// `PGHOST`, `PGOPTIONS` and the like are for the caller's own clusters.
fn own_settings_only(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
}

fn on_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).filter_map(|folder| folder.join("initdb").canonicalize().ok());
    found.filter_map(|initdb| Some(initdb.parent()?.to_owned())).collect()
}

fn is_new_enough(bin: &Path) -> bool {
    let told =
        Command::new(bin.join("postgres")).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    // "postgres (PostgreSQL) 15.18 (Debian …)"
    let told = String::from_utf8_lossy(&told).into_owned();
    let version = told.split_whitespace().nth(2).and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    version.is_some_and(|version| version >= VERSION_MIN) && bin.join("pg_ctl").exists()
}

fn number(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, name]).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Runs `command` to its end; what it printed, or its complaint.
pub(crate) fn finish(mut command: Command, what: &str) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{what}: {} does not start", program(&command)))?;
    if !output.status.success() {
        bail!(
            "{what}: {} ended with {}: {}",
            program(&command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
