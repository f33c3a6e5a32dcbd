//! Payout keys on a stage, beside the dashboard on which people sign in.
#![allow(dead_code, reason = "each test file uses its part")]

use axum::Router;
use control::Row;
use gate::office::Office;
use serde_json::{Value, json};
use testkit::Answer;
use testkit::stage::Stage;

pub const ADDRESS: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

pub fn routes(office: Office) -> Router {
    pacspace::routes(office.clone()).merge(paychain::routes(office))
}

/// A body that this row takes, where it takes one.
pub fn body_of(row: &Row) -> Option<Value> {
    Some(match row.name {
        "PAYOUT_KEY_CREATE" => wish(),
        "PAYOUT_KEY_CHANGE" => json!({"name": "Renamed"}),
        "PAYOUT_KEY_ROTATE" => json!({"overlapHours": 1}),
        _ => return None,
    })
}

pub fn wish() -> Value {
    json!({
        "name": "Vendor payouts",
        "destinations": [{"chain": "eth", "address": ADDRESS, "label": "Treasury"}],
        "limits": [limit("USDC")],
    })
}

pub fn limit(token: &str) -> Value {
    json!({
        "chain": "eth", "networkId": "base-mainnet", "token": token, "maxAmount": "250.00", "dailyAmount": "1000.50",
    })
}

pub fn keys(business: &str) -> String {
    format!("/api/v1/businesses/{business}/payout-api-keys")
}

/// The business of a tenant.
pub fn business(tenant: &str) -> String {
    tenant.replacen("tnt_", "biz_", 1)
}

/// A new payout key in the sandbox.
pub async fn made(stage: &Stage, token: &str, business: &str) -> Value {
    let answer = stage.post(&keys(business), token, wish()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

pub fn code(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}
