//! A plane's end of the operator's socket. Whoever can open the socket is the operator.

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Amount, Asset, KeyId, Span, TenantId, Time};
use plane::grants::{self, AgentPolicy, KeyChange, KeyLimits, KeyListing, NewKey, PlainKey};
use plane::kyc::{self, Verdict};
use plane::{KeyKind, Operator, Phone, Plane, books, wishes};
use serde_json::{Value, json};

use super::desk::{Answer, NotDone, set_level, shown_time};
use super::{network, payouts, wire};
use crate::logs::Levels;

/// The longest life of a payout key, and what one gets that is minted without a wish.
pub const PAYOUT_KEY_DAYS: u32 = 365;

pub fn routes(plane: Plane, levels: Levels) -> Router {
    let level = async move |Json(ask): Json<wire::Level>| set_level(&levels, &ask);
    Router::new()
        .route("/tenants", get(tenants).post(admit))
        .route("/tenants/link-pay-ins", post(link_pay_ins))
        .route("/keys", get(keys).post(mint))
        .route("/keys/change", post(change))
        .route("/fund", post(fund))
        .route("/overdraft", post(overdraft))
        .route("/balance", get(balance))
        .route("/books", get(trial_balance))
        .route("/kyc", post(judge))
        .route("/payouts", get(payouts::list_at_desk))
        .route("/payouts/word", post(payouts::word_at_desk))
        .route("/reset", post(reset))
        .with_state(plane)
        .route("/log", post(level))
}

/// Makes the plane know a tenant and mints a key of each kind if asked to. Knowing it already is no error.
pub async fn provision(plane: &Plane, ask: &wire::Admit) -> Result<Option<wire::EnvironmentKeys>, NotDone> {
    let operator = Operator::over_the_socket();
    let tenant = tenant(&ask.tenant)?;
    grants::admit(plane, &operator, &tenant, &ask.name).await?;
    if !ask.keys {
        return Ok(None);
    }
    let (standard, payout, agent) = tokio::join!(
        first_key(plane, &tenant, KeyKind::Standard),
        first_key(plane, &tenant, KeyKind::Payout),
        first_key(plane, &tenant, KeyKind::Agent),
    );
    Ok(Some(wire::EnvironmentKeys { standard: standard?, payout: payout?, agent: agent? }))
}

/// A key of this kind without limits but those that its kind must have.
pub async fn first_key(plane: &Plane, tenant: &TenantId, kind: KeyKind) -> Result<String, NotDone> {
    let expires_at = (kind == KeyKind::Payout).then(|| in_days(plane, PAYOUT_KEY_DAYS).0);
    let limits = KeyLimits { expires_at, ..KeyLimits::default() };
    let new = NewKey { tenant: tenant.clone(), kind, name: format!("first {}", kind.word()), limits };
    let key = grants::mint(plane, &Operator::over_the_socket(), new).await?;
    Ok(key.reveal().expose().clone())
}

async fn admit(State(plane): State<Plane>, Json(ask): Json<wire::Admit>) -> Answer {
    let keys = provision(&plane, &ask).await?;
    tracing::info!(tenant = ask.tenant, keys = ask.keys, "tenant admitted");
    Ok(Json(json!({"tenant": ask.tenant, "keys": keys})))
}

async fn tenants(State(plane): State<Plane>) -> Answer {
    let rows = grants::tenants(&plane)?;
    let shown = |row: &grants::TenantRow| json!({"tenant": row.id.to_string(), "name": &*row.name, "link_pay_ins": row.link_pay_ins});
    Ok(Json(rows.iter().map(shown).collect()))
}

async fn link_pay_ins(State(plane): State<Plane>, Json(ask): Json<wire::LinkPayIns>) -> Answer {
    grants::link_pay_ins(&plane, &Operator::over_the_socket(), &tenant(&ask.tenant)?, ask.link).await?;
    Ok(Json(json!({"tenant": ask.tenant, "link_pay_ins": ask.link})))
}

async fn mint(State(plane): State<Plane>, Json(ask): Json<wire::NewKey>) -> Answer {
    let kind = KeyKind::from_word(&ask.kind).ok_or_else(|| NotDone::refused("kind: give standard, payout or agent"))?;
    let networks = ask.ips.iter().map(|text| {
        network(text).ok_or_else(|| NotDone::Refused(format!("ip: {text:?} is no address and no network")))
    });
    let services = ask.services.iter().map(|service| match plane.config().corridors.get(service) {
        Some(_) => Ok(service.clone()),
        None => Err(NotDone::Refused(format!("service: no corridor is called {service:?}"))),
    });
    let days = ask.expires_days.or((kind == KeyKind::Payout).then_some(PAYOUT_KEY_DAYS));
    let limits = KeyLimits {
        expires_at: days.map(|days| in_days(&plane, days).0),
        ips: networks.collect::<Result<_, _>>()?,
        policy: AgentPolicy {
            per_transfer_cents: ask.per_transfer_cents,
            daily_cents: ask.daily_cents,
            services: services.collect::<Result<_, _>>()?,
        },
        payout: None,
    };
    let new = NewKey { tenant: tenant(&ask.tenant)?, kind, name: ask.name, limits };
    minted(&plane, new).await
}

async fn minted(plane: &Plane, new: NewKey) -> Answer {
    let (tenant, kind) = (new.tenant.to_string(), new.kind.word());
    let key = grants::mint(plane, &Operator::over_the_socket(), new).await?;
    tracing::info!(tenant, kind, key = %key.id, "key minted");
    Ok(Json(shown_key(&tenant, kind, &key)))
}

/// The one answer that a whole key is in.
fn shown_key(tenant: &str, kind: &str, key: &PlainKey) -> Value {
    json!({"tenant": tenant, "kind": kind, "id": key.id.as_str(), "key": key.reveal().expose()})
}

async fn keys(State(plane): State<Plane>, Query(ask): Query<wire::OfTenant>) -> Answer {
    let keys = grants::list(&plane, &known(&plane, &ask.tenant)?)?;
    Ok(Json(keys.iter().map(|key| listing(key, plane.now())).collect()))
}

async fn change(State(plane): State<Plane>, Json(ask): Json<wire::ChangeKey>) -> Answer {
    let tenant = tenant(&ask.tenant)?;
    let id = ask.id.parse().map_err(|_| NotDone::refused(grants::Refusal::KeyUnknown))?;
    let change = match ask.change {
        wire::KeyWish::Rename(name) => KeyChange::Rename(name),
        wire::KeyWish::Disable => KeyChange::Disable,
        wire::KeyWish::Enable => KeyChange::Enable,
        wire::KeyWish::Revoke => KeyChange::Revoke,
        wire::KeyWish::Rotate { overlap_hours } => return rotated(&plane, &tenant, id, overlap_hours).await,
    };
    let after = grants::change(&plane, &Operator::over_the_socket(), &tenant, id, change).await?;
    tracing::info!(tenant = ask.tenant, key = ask.id, "key changed");
    Ok(Json(listing(&after, plane.now())))
}

async fn rotated(plane: &Plane, tenant: &TenantId, id: KeyId, overlap_hours: u32) -> Answer {
    let overlap = Span::hours(i64::from(overlap_hours));
    let minted = wishes::rotate(plane, &Operator::over_the_socket(), tenant, id, overlap, None).await?;
    let kind = minted.key.kind.word();
    // Without a wish a rotation is never a repetition: its key is here.
    let whole = minted.whole.ok_or_else(|| NotDone::refused("the new key was shown before"))?;
    tracing::info!(%tenant, kind, key = %whole.id, replaces = %id, "key rotated");
    Ok(Json(shown_key(&tenant.to_string(), kind, &whole)))
}

fn listing(key: &KeyListing, now: Time) -> Value {
    let state = match key {
        KeyListing { revoked: true, .. } => "revoked",
        _ if key.limits.expires_at.is_some_and(|at| at <= now.0) => "expired",
        KeyListing { active: false, .. } => "disabled",
        _ => "active",
    };
    json!({
        "id": key.id, "kind": key.kind, "name": key.name, "state": state, "limits": key.limits,
        "created_at": shown_time(key.created_at),
        "expires_at": key.limits.expires_at.map(shown_time),
        "last_used_at": key.last_used_at.map(shown_time),
    })
}

async fn fund(State(plane): State<Plane>, Json(ask): Json<wire::Fund>) -> Answer {
    if ask.reason.trim().is_empty() || ask.reason.len() > 500 {
        return Err(NotDone::refused("reason: say in 1 to 500 bytes where the money came from; the journal keeps it"));
    }
    let (tenant, amount) = (tenant(&ask.tenant)?, dollars(&ask.amount)?);
    let after = books::fund_by_operator(&plane, &Operator::over_the_socket(), &tenant, amount, ask.reason).await?;
    tracing::info!(tenant = ask.tenant, amount = ask.amount, "agent account funded");
    Ok(Json(shown_balance(&ask.tenant, &after)))
}

async fn overdraft(State(plane): State<Plane>, Json(ask): Json<wire::Overdraft>) -> Answer {
    let (tenant, amount) = (tenant(&ask.tenant)?, dollars(&ask.amount)?);
    let after = books::set_overdraft_by_operator(&plane, &Operator::over_the_socket(), &tenant, amount).await?;
    tracing::info!(tenant = ask.tenant, amount = ask.amount, "overdraft set");
    Ok(Json(shown_balance(&ask.tenant, &after)))
}

async fn balance(State(plane): State<Plane>, Query(ask): Query<wire::OfTenant>) -> Answer {
    let number = grants::tenant_no(&plane, &tenant(&ask.tenant)?)?;
    let number = number.ok_or_else(|| NotDone::refused(grants::Refusal::TenantUnknown))?;
    Ok(Json(shown_balance(&ask.tenant, &books::balance(&plane, number)?)))
}

fn shown_balance(tenant: &str, balance: &books::AgentBalance) -> Value {
    json!({
        "tenant": tenant, "spendable": balance.spendable.to_string(), "overdraft": balance.overdraft.to_string(),
        "posted": balance.posted.to_string(), "held": balance.held.to_string(),
    })
}

async fn trial_balance(State(plane): State<Plane>) -> Answer {
    let sum = books::trial_balance(&plane)?;
    let cents = |minor| Amount::new(minor, Asset::USD).to_string();
    Ok(Json(json!({
        "balanced": sum.is_zero(), "accounts": sum.accounts,
        "debits_posted": cents(sum.debits_posted), "credits_posted": cents(sum.credits_posted),
        "debits_held": cents(sum.debits_held), "credits_held": cents(sum.credits_held),
    })))
}

async fn judge(State(plane): State<Plane>, Json(ask): Json<wire::Kyc>) -> Answer {
    let phone = Phone::from_e164(&ask.phone).map_err(|error| NotDone::Refused(format!("phone: {error}")))?;
    let verdict = match ask.verified {
        true => Verdict::Verified { dollars: ask.limit },
        false => Verdict::Unverified { dollars: ask.limit },
    };
    kyc::decide_for(&plane, &Operator::over_the_socket(), &tenant(&ask.tenant)?, &phone, verdict).await?;
    Ok(Json(json!({"tenant": ask.tenant, "phone": phone.digits(), "verified": ask.verified, "limit": ask.limit})))
}

async fn reset(State(plane): State<Plane>) -> Answer {
    let sandbox = plane.sandbox().ok_or_else(|| NotDone::refused("live cannot be reset"))?;
    let tenants = plane::sandbox::reset_all(&plane, sandbox, &Operator::over_the_socket()).await?;
    tracing::warn!(tenants, "the whole sandbox was reset");
    Ok(Json(json!({"tenants": tenants})))
}

/// A tenant's id; one that cannot be parsed is an unknown one.
pub fn tenant(text: &str) -> Result<TenantId, NotDone> {
    text.parse().map_err(|_| NotDone::refused(grants::Refusal::TenantUnknown))
}

fn known(plane: &Plane, text: &str) -> Result<TenantId, NotDone> {
    let id = tenant(text)?;
    match grants::tenant_no(plane, &id)? {
        Some(_) => Ok(id),
        None => Err(NotDone::refused(grants::Refusal::TenantUnknown)),
    }
}

fn dollars(text: &str) -> Result<Amount, NotDone> {
    Amount::parse(text, Asset::USD).map_err(|error| NotDone::Refused(format!("amount: {text:?} {error}")))
}

fn in_days(plane: &Plane, days: u32) -> Time {
    plane.now().plus(Span::days(i64::from(days)))
}
