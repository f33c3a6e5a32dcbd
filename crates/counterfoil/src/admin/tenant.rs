//! `admin tenant`: made in control, then made known to both planes.

use clap::Subcommand;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::Desk;
use super::commands::{Call, Env};
use super::print::Column;
use super::{live, wire};
use crate::failure::Failure;

#[derive(Subcommand)]
pub enum Tenant {
    /// Make tenants, make both planes know them, and mint the three kinds of key in each (shown once).
    Create {
        #[arg(long, default_value = "Tenant")]
        name: String,
        /// How many; each gets its number behind the name.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        count: u32,
        /// Mint no keys.
        #[arg(long)]
        no_keys: bool,
    },
    /// Make both planes know a tenant that control knows: what `create` does after control, again.
    Provision {
        #[arg(long)]
        tenant: String,
        /// Mint one key of each kind too.
        #[arg(long)]
        keys: bool,
    },
    /// Every tenant, the oldest first.
    List,
    /// One tenant: its environments, plans, approval and checklist.
    Show { tenant: String },
    /// Whether transfers without a pay-in's number wait in 0/9 until they are linked or confirmed.
    LinkPayIns {
        #[arg(long)]
        tenant: String,
        #[arg(long, value_enum)]
        env: Env,
        #[arg(long, action = clap::ArgAction::Set)]
        on: bool,
    },
}

/// Tenants that are under way at once.
const AT_ONCE: usize = 16;

impl Tenant {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        match self {
            Tenant::Create { name, count, no_keys } => create(call, &name, count, !no_keys).await,
            Tenant::Provision { tenant, keys } => {
                let known = call.control().get("/tenants", &json!({})).await?;
                let known = known.as_array().into_iter().flatten().find(|row| row["tenant"] == tenant.as_str());
                let known = known.ok_or_else(|| Failure::Refused("control knows no tenant with this id".to_owned()))?;
                let planes = [call.plane(Env::Sandbox), call.plane(Env::Live)];
                print(call, &provisioned(&planes, known, keys).await?)
            }
            Tenant::List => {
                let columns: &[Column] = &[("tenant", "tenant"), ("name", "name"), ("created at", "created_at")];
                call.print_rows(&call.control().get("/tenants", &json!({})).await?, columns)
            }
            Tenant::Show { tenant } => live::show(call, tenant).await,
            Tenant::LinkPayIns { tenant, env, on } => {
                let ask = wire::LinkPayIns { tenant, link: on };
                let answer = call.plane(env).post("/tenants/link-pay-ins", &ask).await?;
                call.print_rows(&answer, &[("tenant", "tenant"), ("link pay-ins", "link_pay_ins")])
            }
        }
    }
}

async fn create(call: &Call, name: &str, count: u32, keys: bool) -> Result<(), Failure> {
    // All three are there before anything is made.
    for desk in [call.control(), call.plane(Env::Sandbox), call.plane(Env::Live)] {
        desk.reach().await?;
    }
    let mut under_way = JoinSet::new();
    let mut made: Vec<Option<Value>> = vec![None; count as usize];
    for number in 0..count as usize {
        if under_way.len() == AT_ONCE {
            keep(&mut made, under_way.join_next().await)?;
        }
        let name = if count == 1 { name.to_owned() } else { format!("{name} {}", number + 1) };
        let (control, planes) = (call.control(), [call.plane(Env::Sandbox), call.plane(Env::Live)]);
        under_way.spawn(async move {
            let tenant = control.post("/tenants", &wire::NewTenant { name }).await?;
            Ok((number, provisioned(&planes, &tenant, keys).await?))
        });
    }
    while let Some(one) = under_way.join_next().await {
        keep(&mut made, Some(one))?;
    }
    print(call, &Value::Array(made.into_iter().flatten().collect()))
}

type Made = Result<(usize, Value), Failure>;

fn keep(made: &mut [Option<Value>], one: Option<Result<Made, tokio::task::JoinError>>) -> Result<(), Failure> {
    let Some(one) = one else { return Ok(()) };
    let (number, tenant) = one.map_err(|error| Failure::Fault(error.into()))??;
    made[number] = Some(tenant);
    Ok(())
}

/// What is printed of a tenant that both planes know now.
async fn provisioned(planes: &[Desk; 2], tenant: &Value, keys: bool) -> Result<Value, Failure> {
    let text = |key: &str| tenant[key].as_str().unwrap_or_default().to_owned();
    let ask = wire::Admit { tenant: text("tenant"), name: text("name"), keys };
    let (sandbox, live) = tokio::try_join!(planes[0].post("/tenants", &ask), planes[1].post("/tenants", &ask))?;
    let keys = json!({"sandbox": sandbox["keys"], "live": live["keys"]});
    Ok(json!({"tenant": tenant["tenant"], "business": tenant["business"], "name": tenant["name"], "keys": keys}))
}

fn print(call: &Call, made: &Value) -> Result<(), Failure> {
    if call.json() {
        return call.print_rows(made, &[]);
    }
    let tenants = made.as_array().map_or_else(|| std::slice::from_ref(made), Vec::as_slice);
    let mut rows = Vec::new();
    for tenant in tenants {
        let row = |env: &Value, kind: &Value, key: &Value| json!({"tenant": tenant["tenant"], "name": tenant["name"], "env": env, "kind": kind, "key": key});
        let mut keys = Vec::new();
        for env in ["sandbox", "live"] {
            for kind in ["standard", "payout", "agent"] {
                keys.extend(tenant["keys"][env].get(kind).map(|key| row(&env.into(), &kind.into(), key)));
            }
        }
        if keys.is_empty() {
            keys.push(row(&Value::Null, &Value::Null, &Value::Null));
        }
        rows.extend(keys);
    }
    call.print_rows(
        &Value::Array(rows),
        &[
            ("tenant", "tenant"),
            ("name", "name"),
            ("environment", "env"),
            ("kind", "kind"),
            ("key (shown once)", "key"),
        ],
    )
}
