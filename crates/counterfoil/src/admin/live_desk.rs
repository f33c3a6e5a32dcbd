//! Control's end of the operator's word about a tenant's way to live.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Environment, TenantId, Time};
use control::approvals::{self, ApprovalView, Standing, Verdict};
use control::environments::{self, EnvironmentView};
use control::plans::{self, PlanView, Product};
use control::{Control, Operator, Planes, Tenant, tenants};
use serde_json::{Value, json};

use super::desk::{Answer, NotDone, shown_time};
use super::wire;

#[derive(Clone)]
struct Desk {
    control: Control,
    planes: Arc<dyn Planes>,
}

pub fn routes(control: Control, planes: Arc<dyn Planes>) -> Router {
    Router::new()
        .route("/approvals", get(waiting))
        .route("/approvals/decide", post(decide))
        .route("/environments/stand", post(stand))
        .route("/plans", post(set_plan))
        .route("/tenants/show", get(show))
        .with_state(Desk { control, planes })
}

async fn waiting(State(desk): State<Desk>) -> Answer {
    let operator = Operator::over_the_socket();
    let mut rows = Vec::new();
    for waiting in approvals::waiting(&desk.control, &operator)? {
        let facts = serde_json::to_value(&waiting.application.facts).unwrap_or_default();
        rows.push(json!({
            "tenant": waiting.tenant.to_string(), "name": waiting.company, "waits_for": "approval",
            "since": shown_time(waiting.application.at.0), "facts": facts,
        }));
    }
    for row in plans::requests(&desk.control, &operator)? {
        let Some(requested) = row.requested else { continue };
        let name = tenants::find(&desk.control, &row.of)?.map_or_else(String::new, |tenant| tenant.name);
        rows.push(json!({
            "tenant": row.of.to_string(), "name": name, "since": shown_time(requested.at.0),
            "waits_for": format!("plan {} of {}", requested.tier, row.product.word()),
        }));
    }
    Ok(Json(Value::Array(rows)))
}

async fn decide(State(desk): State<Desk>, Json(ask): Json<wire::Decide>) -> Answer {
    let verdict = if ask.approve { Verdict::Approved } else { Verdict::Rejected };
    let (operator, tenant) = (Operator::over_the_socket(), tenant(&ask.tenant)?);
    let decided = approvals::decide(&desk.control, &operator, &tenant, verdict, ask.reason).await?;
    let approval = verdict_word(decided.decision.verdict);
    tracing::info!(%tenant, approval, "live was decided about");
    Ok(Json(json!({
        "tenant": tenant.to_string(), "name": decided.company, "approval": approval,
        "reason": decided.decision.reason.unwrap_or_else(|| "not given".to_owned()),
    })))
}

async fn stand(State(desk): State<Desk>, Json(ask): Json<wire::Stand>) -> Answer {
    let environment = Environment::from_word(&ask.environment);
    let environment = environment.ok_or_else(|| NotDone::refused("environment: give sandbox or live"))?;
    let (operator, tenant) = (Operator::over_the_socket(), tenant(&ask.tenant)?);
    let view = match ask.suspend {
        true => environments::suspend(&desk.control, &operator, &tenant, environment, ask.reason).await?,
        false => environments::resume(&desk.control, &operator, &tenant, environment).await?,
    };
    tracing::info!(%tenant, environment = environment.word(), status = view.status.word(), "an environment's standing");
    Ok(Json(json!({"tenant": tenant.to_string(), "environment": environment.word(), "status": view.status.word()})))
}

async fn set_plan(State(desk): State<Desk>, Json(ask): Json<wire::SetPlan>) -> Answer {
    let product = Product::from_word(&ask.product);
    let product = product.ok_or_else(|| NotDone::refused("product: give pacspace or paychain"))?;
    let (operator, tenant) = (Operator::over_the_socket(), tenant(&ask.tenant)?);
    let plan = plans::set(&desk.control, &operator, &tenant, product, &ask.tier).await?;
    tracing::info!(%tenant, product = product.word(), tier = plan.tier, "a plan was set");
    Ok(Json(json!({"tenant": tenant.to_string(), "product": product.word(), "tier": plan.tier})))
}

async fn show(State(desk): State<Desk>, Query(ask): Query<wire::OfTenant>) -> Answer {
    let (operator, id) = (Operator::over_the_socket(), tenant(&ask.tenant)?);
    let known = tenants::find(&desk.control, &id)?.ok_or_else(unknown)?;
    let environments = environments::show(&desk.control, &operator, &id)?;
    let plans = plans::show(&desk.control, &operator, &id)?;
    let approval = approvals::look(&desk.control, desk.planes.as_ref(), &operator, &id).await?;
    let mut lines = vec![line("name", &known.name, Some(known.created_at), "")];
    lines.extend(environments.iter().map(of_environment));
    lines.extend(plans.iter().map(of_plan));
    lines.extend(of_approval(&approval));
    Ok(Json(shown(&known, lines)))
}

fn shown(tenant: &Tenant, lines: Vec<Value>) -> Value {
    json!({
        "tenant": tenant.id.to_string(), "business": tenant.id.business(), "name": tenant.name, "lines": lines,
    })
}

fn line(what: &str, is: &str, since: Option<Time>, note: &str) -> Value {
    let since = since.map(|since| shown_time(since.0));
    json!({"what": what, "is": is, "since": since, "note": Some(note).filter(|note| !note.is_empty())})
}

fn of_environment(view: &EnvironmentView) -> Value {
    let note = view.reason.as_deref().unwrap_or_default();
    line(view.environment.word(), view.status.word(), view.provisioned_at, note)
}

fn of_plan(view: &PlanView) -> Value {
    let asked = view.requested.as_ref().map(|requested| format!("asks for {}", requested.tier));
    let paid = view.subscription.as_ref().map(|subscription| format!("paid by {subscription}"));
    let note = [paid, asked].into_iter().flatten().collect::<Vec<_>>().join("; ");
    line(&format!("plan of {}", view.product.word()), &view.tier, None, &note)
}

/// The decision, what was applied for, and the seven points.
fn of_approval(view: &ApprovalView) -> Vec<Value> {
    let (is, since) = match (&view.decision, &view.application) {
        (Some(decision), _) => (verdict_word(decision.verdict), Some(decision.at)),
        (None, Some(application)) => ("applied for", Some(application.at)),
        (None, None) => ("not applied for", None),
    };
    let reason = view.decision.as_ref().and_then(|decision| decision.reason.as_deref()).unwrap_or_default();
    let mut lines = vec![line("approval", is, since, reason)];
    if let Some(application) = &view.application {
        let facts = &application.facts;
        let note = format!("{}, {}, {} dollars a month", facts.country, facts.website, facts.monthly_volume);
        lines.push(line("application", &facts.legal_name, Some(application.at), &note));
    }
    lines.extend(view.checklist.iter().map(|point| {
        let is = match point.standing {
            Standing::Done => "done",
            Standing::Attested => "attested",
            Standing::Open => "open",
        };
        let note = point.seen.map(|(seen, of)| format!("{seen} of {of} seen in the sandbox")).unwrap_or_default();
        line(&format!("point: {}", point.point.word()), is, None, &note)
    }));
    lines
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "rejected",
    }
}

fn tenant(text: &str) -> Result<TenantId, NotDone> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> NotDone {
    NotDone::refused("no tenant has this id")
}
