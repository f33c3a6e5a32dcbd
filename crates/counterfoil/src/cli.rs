//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::admin::Admin;
use crate::config::Role;

/// A self-hosted payments platform whose sandbox is really separate from its live side.
#[derive(Parser)]
#[command(name = "counterfoil", version, arg_required_else_help = true, after_help = CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const CODES: &str = "Exit codes: 0 done, 1 something broke, 2 wrong command line or configuration, 3 refused (bench: not \
judged), 70 the store is held by another process, damaged or not writable.";

#[derive(Subcommand)]
pub enum Command {
    /// Start everything on this machine, with a tenant and keys to try it with.
    Dev(Dev),
    /// Run one role from a configuration.
    Serve(Serve),
    /// Speak to a running server as the operator.
    Admin(Admin),
    /// Measure this machine: transfers, replays and balance reads against references in the same run.
    Bench(bench::Options),
    /// Servers that `bench` compares with.
    #[command(hide = true)]
    BenchReference(Reference),
    /// Copy stores on SQLite while they serve, with all that is needed to restore them.
    Backup(Backup),
    /// Put a backup in its place, after its books were added up and every row was read.
    Restore(Restore),
    /// Bring stores to the version that this program knows: plan, apply, verify.
    Migrate(Migrate),
    /// Move a stopped store from a file to a PostgreSQL database, or back, and prove that both are equal.
    Copy(Copy),
    /// Show or check a configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Args)]
pub struct Dev {
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7000")]
    pub control: SocketAddr,
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7001")]
    pub sandbox: SocketAddr,
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7002")]
    pub live: SocketAddr,
    /// Port 0, here and above, takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7003")]
    pub metrics: SocketAddr,
    /// Where everything is kept; made if missing.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Keep everything but secrets in PostgreSQL, such as postgres://me@localhost/pay: control, sandbox and live get
    /// the databases pay_control, pay_sandbox and pay_live, made if they are missing.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
}

#[derive(Args)]
pub struct Serve {
    #[arg(long, value_enum)]
    pub role: Role,
    #[command(flatten)]
    pub from: From,
}

/// Where a configuration comes from.
#[derive(Args)]
pub struct From {
    /// The configuration. Default: every default; then the environment's COUNTERFOIL_SECTION__KEY variables.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args)]
pub struct Backup {
    /// The directory that holds `control`, `sandbox` and `live`.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Where the backup goes: a directory for each store is made in it. It holds secrets.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    #[arg(long, value_enum, default_value = "all")]
    pub env: Which,
    /// One JSON object per store instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Restore {
    /// A directory that `backup` wrote.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The directory that holds `control`, `sandbox` and `live`, or shall.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    #[arg(long, value_enum, default_value = "all")]
    pub env: Which,
    /// Keep a store that is there under another name, and take its place.
    #[arg(long)]
    pub replace: bool,
    /// One JSON object per store instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct Migrate {
    #[command(subcommand)]
    pub step: MigrateStep,
    /// The directory that holds `control`, `sandbox` and `live`.
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    pub data: PathBuf,
    /// A database instead of a directory; --env says whose.
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    #[arg(long, value_enum, default_value = "all", global = true)]
    pub env: Which,
    /// One JSON object per line instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum MigrateStep {
    /// List the steps that each store lacks. Changes nothing.
    Plan,
    /// Do them, each whole or not at all. May be killed and run again.
    Apply,
    /// Compare every table with what this program knows, and read every row. Changes nothing.
    Verify,
}

#[derive(Args)]
pub struct Copy {
    /// The store as it is: sqlite:DIR, its own directory such as sqlite:data/live, or postgres://user@host/database.
    #[arg(long, value_name = "STORE")]
    pub from: String,
    /// The new store, empty: the other of the two. A plane's directory has its secret.
    #[arg(long, value_name = "STORE")]
    pub to: String,
    /// The outcome as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Which stores a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    All,
    Control,
    Sandbox,
    Live,
}

impl Which {
    pub fn roles(self) -> &'static [Role] {
        match self {
            Which::All => &Role::ALL,
            Which::Control => &[Role::Control],
            Which::Sandbox => &[Role::Sandbox],
            Which::Live => &[Role::Live],
        }
    }
}

#[derive(Args)]
pub struct Reference {
    #[command(subcommand)]
    pub kind: ReferenceKind,
}

#[derive(Subcommand)]
pub enum ReferenceKind {
    /// Append each request to a file with group sync, and answer.
    Append(bench::Append),
    /// Answer every balance read with the same bytes, behind the product's own gate.
    Constant {
        /// An empty directory for the store behind the gate.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print the whole configuration: the commented defaults, or what is in force with a file or variables.
    Print {
        #[command(flatten)]
        from: From,
        /// As one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say what is wrong with a configuration without starting anything.
    Check {
        #[command(flatten)]
        from: From,
        /// The role that it is for. Default: all.
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// The problems as JSON, one a line.
        #[arg(long)]
        json: bool,
    },
}
