//! The command line of `counterfoil admin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::client::Desk;
use super::print::{self, Column};
use super::{audit, key, live, money, payouts, tenant, user, wire};
use crate::config::Role;
use crate::failure::Failure;

#[derive(Args)]
pub struct Admin {
    /// The data directory of the running server: the one that holds `control`, `sandbox` and `live`.
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    data: PathBuf,
    /// One JSON object per line instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Customers of the platform.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Keys of a tenant in one environment.
    #[command(subcommand)]
    Key(key::Key),
    /// Let a tenant go live, with or without an application.
    Approve(live::Decide),
    /// Do not let a tenant go live. What is live already stays so: see suspend.
    Reject(live::Decide),
    /// Tenants that wait for your word: applications for live, and wishes for another plan.
    Approvals,
    /// Refuse all keys of a tenant in one environment, until it is resumed.
    Suspend(live::Suspend),
    Resume(live::Resume),
    /// Give a tenant a plan, whoever pays for it.
    Plan(live::Plan),
    /// Record money that has reached the operator for a tenant.
    Fund(money::Fund),
    /// Let a tenant's agent account go so far below zero.
    Overdraft(money::Overdraft),
    /// Show what a tenant's agent account holds.
    Balance(money::Balance),
    /// Add up all accounts of an environment: debits and credits must be equal.
    Books(money::Books),
    /// Receivers.
    #[command(subcommand)]
    Kyc(money::Kyc),
    /// Transfers that wait for the operator.
    Payouts(payouts::Payouts),
    /// The sandbox as a whole.
    #[command(subcommand)]
    Sandbox(Sandbox),
    /// People who sign in at the front office.
    #[command(subcommand)]
    User(user::User),
    /// What was changed in the front office, by whom.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What sessions are signed with.
    #[command(subcommand)]
    Signer(audit::Signer),
    /// The log of the running servers.
    #[command(subcommand)]
    Logs(Logs),
}

#[derive(Subcommand)]
enum Sandbox {
    /// Give every tenant of the sandbox a fresh start. Keys stay.
    Reset {
        /// Yes, all of it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
enum Logs {
    /// Change the level until the next start: error, warn, info, debug or trace.
    Level { level: String },
}

/// One of the two environments, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Env {
    Sandbox,
    Live,
}

/// What every command needs.
pub struct Call {
    data: PathBuf,
    json: bool,
}

impl Call {
    pub fn json(&self) -> bool {
        self.json
    }

    pub fn control(&self) -> Desk {
        Desk::new(&self.data, Role::Control)
    }

    pub fn plane(&self, env: Env) -> Desk {
        Desk::new(&self.data, env.role())
    }

    pub fn print_rows(&self, answer: &Value, columns: &[Column]) -> Result<(), Failure> {
        print::rows(answer, columns, self.json)
    }
}

impl Env {
    pub fn role(self) -> Role {
        match self {
            Env::Sandbox => Role::Sandbox,
            Env::Live => Role::Live,
        }
    }
}

pub fn run(admin: Admin) -> Result<(), Failure> {
    let call = Call { data: admin.data, json: admin.json };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match admin.command {
            Command::Tenant(tenant) => tenant.run(&call).await,
            Command::Key(key) => key.run(&call).await,
            Command::Approve(decide) => decide.run(&call, true).await,
            Command::Reject(decide) => decide.run(&call, false).await,
            Command::Approvals => live::waiting(&call).await,
            Command::Suspend(suspend) => suspend.run(&call).await,
            Command::Resume(resume) => resume.run(&call).await,
            Command::Plan(plan) => plan.run(&call).await,
            Command::Fund(fund) => fund.run(&call).await,
            Command::Overdraft(overdraft) => overdraft.run(&call).await,
            Command::Balance(balance) => balance.run(&call).await,
            Command::Books(books) => books.run(&call).await,
            Command::Kyc(kyc) => kyc.run(&call).await,
            Command::Payouts(payouts) => payouts.run(&call).await,
            Command::Sandbox(Sandbox::Reset { yes }) => reset(&call, yes).await,
            Command::User(user) => user.run(&call).await,
            Command::Audit(audit) => audit.run(&call).await,
            Command::Signer(signer) => signer.run(&call).await,
            Command::Logs(Logs::Level { level }) => set_level(&call, level).await,
        }
    })
}

async fn reset(call: &Call, yes: bool) -> Result<(), Failure> {
    if !yes {
        return Err(Failure::Usage("this removes every tenant's sandbox data; add --yes to mean it".to_owned()));
    }
    let answer = call.plane(Env::Sandbox).post("/reset", &serde_json::json!({})).await?;
    call.print_rows(&answer, &[("tenants reset", "tenants")])
}

/// Tells every server that has a socket in the directory.
async fn set_level(call: &Call, level: String) -> Result<(), Failure> {
    let desks: Vec<Desk> = Role::ALL.map(|role| Desk::new(&call.data, role)).into();
    let there: Vec<&Desk> = desks.iter().filter(|desk| desk.is_there()).collect();
    let Some((last, others)) = there.split_last() else {
        return call.control().reach().await;
    };
    let ask = wire::Level { level };
    for desk in others {
        desk.post("/log", &ask).await?;
    }
    call.print_rows(&last.post("/log", &ask).await?, &[("level", "level")])
}
