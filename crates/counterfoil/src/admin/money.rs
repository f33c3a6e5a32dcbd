//! `admin fund`, `overdraft`, `balance`, `books` and `kyc`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::commands::{Call, Env};
use super::print::Column;
use super::wire;
use crate::failure::Failure;

#[derive(Args)]
pub struct Fund {
    #[arg(long)]
    tenant: String,
    #[arg(long, value_enum)]
    env: Env,
    /// Dollars above zero, such as 100.00.
    #[arg(long)]
    amount: String,
    /// Where the money came from; the journal keeps it.
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub struct Overdraft {
    #[arg(long)]
    tenant: String,
    #[arg(long, value_enum)]
    env: Env,
    /// Dollars, such as 20.00. Not less than is used of it already.
    #[arg(long)]
    amount: String,
}

#[derive(Args)]
pub struct Balance {
    #[arg(long)]
    tenant: String,
    #[arg(long, value_enum)]
    env: Env,
}

#[derive(Args)]
pub struct Books {
    #[arg(long, value_enum)]
    env: Env,
}

#[derive(Subcommand)]
pub enum Kyc {
    /// Say whether a receiver is verified with a tenant.
    Set {
        #[arg(long)]
        tenant: String,
        #[arg(long, value_enum)]
        env: Env,
        /// With the country code.
        #[arg(long)]
        phone: String,
        #[arg(long, action = clap::ArgAction::Set)]
        verified: bool,
        /// Most in one transfer, in whole dollars. Default: the environment's limit for that standing.
        #[arg(long)]
        limit: Option<u32>,
    },
}

const BALANCE: &[Column] = &[
    ("tenant", "tenant"),
    ("spendable", "spendable"),
    ("overdraft", "overdraft"),
    ("posted", "posted"),
    ("held", "held"),
];
const BOOKS: &[Column] = &[
    ("balanced", "balanced"),
    ("accounts", "accounts"),
    ("debits posted", "debits_posted"),
    ("credits posted", "credits_posted"),
    ("debits held", "debits_held"),
    ("credits held", "credits_held"),
];
const RECEIVER: &[Column] = &[("phone", "phone"), ("verified", "verified"), ("limit", "limit")];

impl Fund {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let ask = wire::Fund { tenant: self.tenant, amount: self.amount, reason: self.reason };
        call.print_rows(&call.plane(self.env).post("/fund", &ask).await?, BALANCE)
    }
}

impl Overdraft {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let ask = wire::Overdraft { tenant: self.tenant, amount: self.amount };
        call.print_rows(&call.plane(self.env).post("/overdraft", &ask).await?, BALANCE)
    }
}

impl Balance {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let ask = wire::OfTenant { tenant: self.tenant };
        call.print_rows(&call.plane(self.env).get("/balance", &ask).await?, BALANCE)
    }
}

impl Books {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let sums = call.plane(self.env).get("/books", &json!({})).await?;
        call.print_rows(&sums, BOOKS)?;
        match sums["balanced"].as_bool() {
            Some(true) => Ok(()),
            _ => Err(Failure::Refused("the books do not balance: stop the server and ask for help".to_owned())),
        }
    }
}

impl Kyc {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let Kyc::Set { tenant, env, phone, verified, limit } = self;
        let ask = wire::Kyc { tenant, phone, verified, limit };
        call.print_rows(&call.plane(env).post("/kyc", &ask).await?, RECEIVER)
    }
}
