//! `admin approve`, `reject`, `suspend`, `resume`, `approvals`, `plan` and `tenant show`: the operator's word about a tenant's
//! way to live.

use clap::Args;
use serde_json::json;

use super::commands::{Call, Env};
use super::print::Column;
use super::wire;
use crate::failure::Failure;

#[derive(Args)]
pub struct Decide {
    tenant: String,
    /// The tenant's owners read it in their mail.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Suspend {
    tenant: String,
    #[arg(long, value_enum, default_value = "live")]
    env: Env,
    /// The tenant's owners read it in their mail.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Resume {
    tenant: String,
    #[arg(long, value_enum, default_value = "live")]
    env: Env,
}

#[derive(Args)]
pub struct Plan {
    tenant: String,
    tier: String,
    /// pacspace or paychain.
    #[arg(long, default_value = "pacspace")]
    product: String,
}

const WAITING: &[Column] = &[("tenant", "tenant"), ("name", "name"), ("waits for", "waits_for"), ("since", "since")];
const DECIDED: &[Column] = &[("tenant", "tenant"), ("name", "name"), ("approval", "approval"), ("reason", "reason")];
const STANDS: &[Column] = &[("tenant", "tenant"), ("environment", "environment"), ("status", "status")];
const PLAN: &[Column] = &[("tenant", "tenant"), ("product", "product"), ("tier", "tier")];
const SHOWN: &[Column] = &[("what", "what"), ("is", "is"), ("since", "since"), ("note", "note")];

impl Decide {
    pub async fn run(self, call: &Call, approve: bool) -> Result<(), Failure> {
        let ask = wire::Decide { tenant: self.tenant, approve, reason: self.reason };
        call.print_rows(&call.control().post("/approvals/decide", &ask).await?, DECIDED)
    }
}

impl Suspend {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let environment = self.env.role().word().to_owned();
        let ask = wire::Stand { tenant: self.tenant, environment, suspend: true, reason: self.reason };
        call.print_rows(&call.control().post("/environments/stand", &ask).await?, STANDS)
    }
}

impl Resume {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let environment = self.env.role().word().to_owned();
        let ask = wire::Stand { tenant: self.tenant, environment, suspend: false, reason: None };
        call.print_rows(&call.control().post("/environments/stand", &ask).await?, STANDS)
    }
}

impl Plan {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let ask = wire::SetPlan { tenant: self.tenant, product: self.product, tier: self.tier };
        call.print_rows(&call.control().post("/plans", &ask).await?, PLAN)
    }
}

/// Applications and wishes for a plan that wait for the operator.
pub async fn waiting(call: &Call) -> Result<(), Failure> {
    call.print_rows(&call.control().get("/approvals", &json!({})).await?, WAITING)
}

/// All that control knows of one tenant: as one object for programs, a line each for people.
pub async fn show(call: &Call, tenant: String) -> Result<(), Failure> {
    let shown = call.control().get("/tenants/show", &wire::OfTenant { tenant }).await?;
    call.print_rows(if call.json() { &shown } else { &shown["lines"] }, SHOWN)
}
