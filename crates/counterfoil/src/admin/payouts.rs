//! Payouts that wait for the operator: the list, and the operator's word about one.

use axum::Json;
use axum::extract::{Query, State};
use base::TenantId;
use clap::{Args, Subcommand};
use plane::payouts::{Event, FailReason, Move, State as PayoutState, TransferRow, on_operators_word, open_asks};
use plane::{Operator, Plane, TenantNo, grants};
use serde_json::{Value, json};
use store::Entry;

use super::commands::{Call, Env};
use super::desk::{Answer, NotDone, shown_time};
use super::plane_desk::tenant;
use super::print::Column;
use super::wire;
use crate::failure::Failure;

#[derive(Args)]
pub struct Payouts {
    /// Whose environment.
    #[arg(long, value_enum, default_value = "live", global = true)]
    env: Env,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Transfers that are not final, the oldest first.
    List {
        /// Only these: `40`, or with the substate `40/0`.
        #[arg(long)]
        state: Option<String>,
        #[arg(long)]
        tenant: Option<String>,
        /// Most to show.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// The receiver was paid.
    Paid {
        id: String,
        /// The payer's reference.
        #[arg(long)]
        trans: String,
        /// What the receiver got, in the receiver's currency. Default: as quoted.
        #[arg(long)]
        amount: Option<String>,
        #[arg(long)]
        tenant: Option<String>,
    },
    /// The receiver will not be paid; the money goes back to the tenant.
    Failed {
        id: String,
        /// cancelled, funds, processing or other.
        #[arg(long)]
        reason: String,
        #[arg(long)]
        tenant: Option<String>,
    },
    /// The pay-in behind a waiting transfer is known.
    Link {
        id: String,
        #[arg(long)]
        approvely_id: String,
        #[arg(long)]
        tenant: Option<String>,
    },
    /// A waiting transfer may go on without a pay-in.
    Confirm {
        id: String,
        #[arg(long)]
        tenant: Option<String>,
    },
}

impl Payouts {
    pub async fn run(self, call: &Call) -> Result<(), Failure> {
        let plane = call.plane(self.env);
        let (id, tenant, word) = match self.command {
            Command::List { state, tenant, limit } => {
                let wanted = wire::PayoutsWanted { state, tenant, limit };
                return call.print_rows(&plane.get("/payouts", &wanted).await?, COLUMNS);
            }
            Command::Paid { id, trans, amount, tenant } => (id, tenant, wire::Word::Paid { trans, amount }),
            Command::Failed { id, reason, tenant } => (id, tenant, wire::Word::Failed { reason }),
            Command::Link { id, approvely_id, tenant } => (id, tenant, wire::Word::Link { approvely_id }),
            Command::Confirm { id, tenant } => (id, tenant, wire::Word::Confirm),
        };
        let answer = plane.post("/payouts/word", &wire::PayoutWord { tenant, id, word }).await?;
        call.print_rows(&answer, &[("id", "id"), ("tenant", "tenant"), ("state", "state")])
    }
}

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("tenant", "tenant"),
    ("state", "state"),
    ("amount", "amount"),
    ("receiver", "receiver"),
    ("service", "service"),
    ("quoted", "quoted"),
    ("accepted at", "accepted_at"),
    ("note", "note"),
];

pub async fn list_at_desk(State(plane): State<Plane>, Query(ask): Query<wire::PayoutsWanted>) -> Answer {
    let state = ask.state.as_deref().map(wanted_state).transpose()?;
    let only = match &ask.tenant {
        Some(text) => Some(number_of(&plane, &tenant(text)?)?),
        None => None,
    };
    let wanted = |row: &TransferRow| {
        let (number, substate) = row.state.numbers();
        let in_state = state.is_none_or(|(want, sub)| want == number && sub.is_none_or(|sub| sub == substate));
        in_state && only.is_none_or(|only| only == row.tenant)
    };
    let names = grants::tenants(&plane)?;
    let found = open_asks(&plane, &Operator::over_the_socket(), ask.limit, wanted)?;
    let shown = found.iter().filter_map(|(row, entry)| {
        let owner = names.iter().find(|tenant| tenant.tenant == row.tenant)?;
        Some(listing(&owner.id, row, entry))
    });
    Ok(Json(shown.collect()))
}

fn listing(owner: &TenantId, row: &TransferRow, entry: &Entry) -> Value {
    let facts: Value = serde_json::from_str(&entry.facts).unwrap_or_default();
    json!({
        "id": facts["id"], "tenant": owner.to_string(), "state": word(row.state), "amount": row.amount.to_string(),
        "sender": facts["sender"], "receiver": facts["receiver"], "service": facts["service"],
        "country": facts["country"], "currency": facts["currency"], "attributes": facts["attributes"],
        "quoted": row.sum_prov, "accepted_at": shown_time(row.accepted_at.0), "attempts": row.attempts,
        "note": row.note,
    })
}

pub async fn word_at_desk(State(plane): State<Plane>, Json(ask): Json<wire::PayoutWord>) -> Answer {
    let mut said = Move::new(0, PayoutState::Created, Event::Link);
    match ask.word {
        wire::Word::Paid { trans, amount } => {
            said.event = Event::Pay;
            said.trans = Some(short("trans", trans)?);
            said.sum_prov = amount.map(decimal).transpose()?;
        }
        wire::Word::Failed { reason } => {
            let reason = FailReason::from_word(&reason);
            let reason =
                reason.ok_or_else(|| NotDone::refused("reason: give cancelled, funds, processing or other"))?;
            said.event = Event::Fail(reason);
        }
        wire::Word::Link { approvely_id } => {
            said.note = Some(format!("pay-in {}", short("approvely-id", approvely_id)?))
        }
        wire::Word::Confirm => said.note = Some("confirmed without a pay-in".to_owned()),
    }
    let owner = match &ask.tenant {
        Some(text) => tenant(text)?,
        None => only_owner(&plane, &ask.id)?,
    };
    let moved = on_operators_word(&plane, &Operator::over_the_socket(), &owner, &ask.id, said).await?;
    tracing::info!(tenant = %owner, id = ask.id, state = word(moved.state), "the operator moved a transfer");
    Ok(Json(json!({"id": ask.id, "tenant": owner.to_string(), "state": word(moved.state)})))
}

/// The one tenant with an open transfer of this id: ids are unique within a tenant alone.
fn only_owner(plane: &Plane, id: &str) -> Result<TenantId, NotDone> {
    let mut owners = Vec::new();
    for row in grants::tenants(plane)? {
        let transfer = plane::payouts::of_tenant(plane, row.tenant, id)?;
        if transfer.is_some_and(|transfer| !transfer.state.is_final()) {
            owners.push(row.id);
        }
    }
    match owners.len() {
        1 => owners.pop().ok_or_else(|| NotDone::refused("no open transfer has this id")),
        0 => Err(NotDone::refused("no open transfer has this id")),
        count => Err(NotDone::Refused(format!("{count} tenants have an open transfer with this id: add --tenant"))),
    }
}

fn number_of(plane: &Plane, id: &TenantId) -> Result<TenantNo, NotDone> {
    grants::tenant_no(plane, id)?.ok_or_else(|| NotDone::refused(grants::Refusal::TenantUnknown))
}

fn wanted_state(text: &str) -> Result<(i64, Option<i64>), NotDone> {
    let (state, substate) = text.split_once('/').map_or((text, None), |(state, substate)| (state, Some(substate)));
    let number = |text: &str| text.parse().map_err(|_| NotDone::refused("state: give a number such as 40, or 40/0"));
    Ok((number(state)?, substate.map(number).transpose()?))
}

fn word(state: PayoutState) -> String {
    let (state, substate) = state.numbers();
    format!("{state}/{substate}")
}

fn short(name: &str, text: String) -> Result<String, NotDone> {
    if text.is_empty() || text.len() > 100 || text.chars().any(char::is_control) {
        return Err(NotDone::Refused(format!("{name}: give 1 to 100 bytes, none of them a control character")));
    }
    Ok(text)
}

fn decimal(text: String) -> Result<String, NotDone> {
    match base::Amount::parse(&text, base::Asset::USD) {
        Ok(_) => Ok(text),
        Err(error) => Err(NotDone::Refused(format!("amount: {text:?} {error}"))),
    }
}
