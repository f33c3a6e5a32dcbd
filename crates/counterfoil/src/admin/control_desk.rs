//! Control's end of the operator's socket.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use control::{Control, Operator, Tenant, tenants};
use serde_json::{Value, json};

use super::desk::{Answer, set_level, shown_time};
use super::wire;
use crate::logs::Levels;

pub fn routes(control: Control, levels: Levels) -> Router {
    let level = async move |Json(ask): Json<wire::Level>| set_level(&levels, &ask);
    Router::new().route("/tenants", get(list).post(create)).with_state(control).route("/log", post(level))
}

async fn create(State(control): State<Control>, Json(ask): Json<wire::NewTenant>) -> Answer {
    let tenant = tenants::create(&control, &Operator::over_the_socket(), &ask.name).await?;
    tracing::info!(tenant = %tenant.id, "tenant created");
    Ok(Json(listing(&tenant)))
}

async fn list(State(control): State<Control>) -> Answer {
    Ok(Json(tenants::list(&control)?.iter().map(listing).collect()))
}

fn listing(tenant: &Tenant) -> Value {
    json!({
        "tenant": tenant.id.to_string(),
        "business": tenant.id.business(),
        "name": tenant.name,
        "created_at": shown_time(tenant.created_at.0),
    })
}
