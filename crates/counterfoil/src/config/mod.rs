//! The configuration: one TOML file, environment overrides on top, checked as a whole before anything starts. Each
//! complaint names the key and what to do. `default.toml` is the only place where a default is written.

mod check;
mod corridors;
mod database;
mod environment;
mod file;
mod mail;
mod plans;
mod ranges;
mod secrets;
mod shape;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Environment, Secret};
use gate::Rate;
use ipnet::IpNet;
use plane::PlaneConfig;
use store::{Place, PostgresUrl};
use toml::{Table, Value};
use workers::{CashQRail, Post};

pub use database::veil;
pub use environment::Variables;

/// The defaults, with comments: what `config print` shows.
pub const DEFAULT: &str = include_str!("default.toml");

/// What one process can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    Control,
    Sandbox,
    Live,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Control, Role::Sandbox, Role::Live];

    /// The section of the file, the folder below the data directory, and the word in logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Role::Control => "control",
            Role::Sandbox => "sandbox",
            Role::Live => "live",
        }
    }

    pub fn of(environment: Environment) -> Role {
        match environment {
            Environment::Sandbox => Role::Sandbox,
            Environment::Live => Role::Live,
        }
    }
}

/// A checked configuration.
#[derive(Clone)]
pub struct Config {
    pub control: ControlRole,
    pub sandbox: PlaneRole,
    pub live: PlaneRole,
    pub metrics: Metrics,
    pub log: Log,
}

#[derive(Clone)]
pub struct ControlRole {
    pub listen: SocketAddr,
    pub data: PathBuf,
    /// The database that is the store; `None`: a file in `data`.
    pub database: Option<PostgresUrl>,
    pub public_url: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// For each network.
    pub rate: Rate,
    pub settings: control::Settings,
    pub checkout: Checkout,
    pub mail: Mail,
    /// The directories in which the planes have their intercoms.
    pub intercom: Intercom,
}

/// Where plans are paid.
#[derive(Clone)]
pub enum Checkout {
    /// Nowhere: the operator answers.
    None,
    Stripe {
        base_url: String,
        secret_key: Secret<String>,
        /// What its events are signed with.
        events: Secret<String>,
    },
    /// At a provider of our own that moves no money. It cannot be configured: `dev` has it.
    Fake,
}

/// How mails leave.
#[derive(Clone)]
pub struct Mail {
    /// Whom they are from, where that is said.
    pub from: Option<String>,
    pub post: Post,
}

#[derive(Clone, Debug)]
pub struct Intercom {
    pub sandbox: PathBuf,
    pub live: PathBuf,
}

impl Intercom {
    /// Beside control's own directory.
    pub fn beside(control: &Path) -> Intercom {
        let beside = |role: Role| control.parent().unwrap_or(Path::new("")).join(role.word());
        Intercom { sandbox: beside(Role::Sandbox), live: beside(Role::Live) }
    }
}

impl ControlRole {
    pub fn place(&self) -> Place {
        self.database.clone().map_or_else(|| Place::Directory(self.data.clone()), Place::Postgres)
    }

    /// Limits of one network that a whole team on one machine does not reach: for `dev`.
    pub fn open_wide(&mut self) {
        self.rate = Rate::new(1_000_000, 1_000_000);
        let limits = &mut self.settings.limits;
        for limit in [&mut limits.failures_per_net, &mut limits.registrations_per_hour, &mut limits.mails_per_net] {
            *limit = limit.saturating_mul(100);
        }
    }
}

/// One plane with its listener.
#[derive(Clone)]
pub struct PlaneRole {
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub limits: Limits,
    /// Who verifies receivers, and where.
    pub pages: hosted::Options,
    pub rail: Rail,
    /// Control's directory, where this plane asks at its start what it missed.
    pub control: PathBuf,
    pub plane: PlaneConfig,
}

impl PlaneRole {
    /// Limits that no load of one machine reaches: for `dev` and `bench`.
    pub fn open_wide(&mut self) {
        self.limits.requests_per_second = 1_000_000;
        self.limits.burst = 1_000_000;
        self.limits.denied_per_minute = 1_000_000;
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub threads: usize,
    pub connections: usize,
    pub requests_per_second: u32,
    pub burst: u32,
    pub denied_per_minute: u32,
    pub body_bytes: usize,
    pub body: Duration,
    pub request: Duration,
    pub header_read: Duration,
}

/// What pays. The simulated rail cannot be configured: a sandbox has it and live has not.
#[derive(Clone)]
pub enum Rail {
    Simulated,
    Manual,
    CashQ(CashQRail),
}

#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    pub control: SocketAddr,
    pub sandbox: SocketAddr,
    pub live: SocketAddr,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: tracing::Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Text,
    Json,
}

/// Everything that is wrong with a configuration, a line each.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<String>);

impl Problems {
    fn add(&mut self, path: &str, remedy: impl std::fmt::Display) {
        self.0.push(format!("`{path}` {remedy}"));
    }

    fn none_or<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// What a start reads: the defaults when there is no file, else the file, whole for every role in `needed`; then the
/// environment's variables.
pub struct Sources<'a> {
    pub file: Option<&'a Path>,
    pub variables: Variables,
    pub needed: &'a [Role],
}

impl Sources<'_> {
    /// Reads and checks. Nothing is opened or made.
    pub fn config(&self) -> Result<Config, Problems> {
        let tree = self.tree()?;
        let file: file::File = Value::Table(tree).try_into().map_err(|error| Problems(vec![format!("{error}")]))?;
        check::checked(file, self)
    }

    /// The values in force, for `config print`.
    pub fn tree(&self) -> Result<Table, Problems> {
        let defaults = defaults();
        let mut tree = match self.file {
            None => defaults.clone(),
            Some(path) => read(path)?,
        };
        let mut problems = Problems::default();
        self.variables.apply(&mut tree, &defaults, &mut problems);
        for role in Role::ALL.into_iter().filter(|role| !self.needed.contains(role)) {
            tree.entry(role.word()).or_insert_with(|| defaults[role.word()].clone());
        }
        shape::compare(&tree, &defaults, &mut problems);
        problems.none_or(tree)
    }
}

/// The host of an address, without its port.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

fn defaults() -> Table {
    DEFAULT.parse().unwrap_or_else(|error| unreachable!("the defaults are TOML: {error}"))
}

fn read(path: &Path) -> Result<Table, Problems> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problems(vec![format!("{shown} cannot be read ({error}): name the file with --config")]))?;
    text.parse().map_err(|error: toml::de::Error| Problems(vec![format!("{shown} is not TOML: {error}")]))
}
