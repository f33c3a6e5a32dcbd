//! The audit log at control's end of the operator's socket.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Fault, TenantId};
use control::audit::{self, Line};
use control::{Control, Operator, tenants};
use serde_json::json;

use super::desk::{Answer, NotDone};
use super::wire;

pub fn routes(control: Control) -> Router {
    Router::new().route("/audit", get(verify)).route("/audit/export", post(export)).with_state(control)
}

async fn verify(State(control): State<Control>) -> Answer {
    // It reads the whole log: on a thread that nobody waits for.
    let verified = tokio::task::spawn_blocking(move || audit::verify(&control, &Operator::over_the_socket())).await;
    let verified = verified.map_err(|error| Fault::because("verifying the audit log", error))??;
    let audit::Verified { chains, lines, entries, wrong } = verified;
    Ok(Json(json!({"chains": chains, "lines": lines, "entries": entries, "wrong": wrong})))
}

async fn export(State(control): State<Control>, Json(ask): Json<wire::OfAudit>) -> Result<Response, NotDone> {
    let of = ask.tenant.as_deref().map(|tenant| known(&control, tenant)).transpose()?;
    let mut export = audit::export_of(&control, &Operator::over_the_socket(), of.as_ref())?;
    Ok(gate::lines(move || {
        let part = export.part()?;
        Ok((!part.is_empty()).then(|| part.iter().map(Line::exported).collect()))
    }))
}

fn known(control: &Control, tenant: &str) -> Result<TenantId, NotDone> {
    let unknown = || NotDone::refused("control knows no tenant with this id");
    let id = tenant.parse().map_err(|_| unknown())?;
    tenants::find(control, &id)?.map(|tenant| tenant.id).ok_or_else(unknown)
}
