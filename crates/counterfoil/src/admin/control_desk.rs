//! Control's end of the operator's socket.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use control::{Control, Operator, Tenant, factors, signers, tenants};
use serde_json::{Value, json};

use super::desk::{Answer, set_level, shown_time};
use super::{audit_desk, wire};
use crate::logs::Levels;

pub fn routes(control: Control, levels: Levels) -> Router {
    let level = async move |Json(ask): Json<wire::Level>| set_level(&levels, &ask);
    let audit = audit_desk::routes(control.clone());
    let own = Router::new()
        .route("/tenants", get(list).post(create))
        .route("/signer/rotate", post(rotate))
        .route("/users/forget-factors", post(forget_factors));
    own.with_state(control).route("/log", post(level)).merge(audit)
}

async fn create(State(control): State<Control>, Json(ask): Json<wire::NewTenant>) -> Answer {
    let tenant = tenants::create(&control, &Operator::over_the_socket(), &ask.name).await?;
    tracing::info!(tenant = %tenant.id, "tenant created");
    Ok(Json(listing(&tenant)))
}

async fn list(State(control): State<Control>) -> Answer {
    Ok(Json(tenants::list(&control)?.iter().map(listing).collect()))
}

async fn rotate(State(control): State<Control>) -> Answer {
    let epoch = signers::rotate(&control, &Operator::over_the_socket()).await?;
    tracing::info!(epoch, "sessions are signed with a new key pair");
    Ok(Json(json!({"epoch": epoch})))
}

async fn forget_factors(State(control): State<Control>, Json(ask): Json<wire::ForgetFactors>) -> Answer {
    let operator = Operator::over_the_socket();
    let user = factors::take_away(&control, &operator, &ask.email, ask.reason.as_deref()).await?;
    tracing::info!(%user, "second factors were taken away");
    Ok(Json(json!({"user": user.to_string()})))
}

fn listing(tenant: &Tenant) -> Value {
    json!({
        "tenant": tenant.id.to_string(),
        "business": tenant.id.business(),
        "name": tenant.name,
        "created_at": shown_time(tenant.created_at.0),
    })
}
