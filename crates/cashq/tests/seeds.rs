//! The examples that the contract's documents print, each contained in our answer field by field, on a tenant in that
//! state. Our answers may say more; they say nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use plane::Phone;
use plane::kyc::Verdict;
use plane::payouts::State;
use serde_json::{Value, json};
use stage::Stage;

#[tokio::test]
async fn the_printed_balance() {
    let stage = Stage::new().await;
    stage.test.set_balance(0).await;
    stage.test.set_overdraft(2000).await;
    let answer = stage.get("/api/agent_balance").await;
    contains(&answer.json(), &json!({"balance": {"balance": 0, "overdraft": 2000}}), "balance");
    assert_eq!(answer.json()["success"], true, "the documented client takes its good branch");
}

#[tokio::test]
async fn the_printed_receivers() {
    let stage = Stage::new().await;
    let unverified = stage.get("/api/kyc/16175551212").await.json();
    contains(&unverified, &json!({"kyc_verify": false, "money_limit": "600"}), "unverified");
    // The printed link is another host's: ours has the configured base and opens our own page.
    assert!(unverified["kyc_url"].as_str().unwrap().starts_with("https://pay.example/kyc/"));
    let (sandbox, caller) = (stage.test.plane.sandbox().unwrap(), stage.test.caller(&stage.test.keys.agent));
    let phone = Phone::from_digits("16175551212").unwrap();
    let verdict = Verdict::Verified { dollars: None };
    plane::sandbox::judge(&stage.test.plane, sandbox, &caller, &phone, verdict).await.unwrap();
    let verified = stage.get("/api/kyc/16175551212").await.json();
    contains(&verified, &json!({"kyc_verify": true, "money_limit": "8990", "kyc_url": ""}), "verified");
}

#[tokio::test]
async fn the_printed_check() {
    let stage = Stage::new().await;
    let answer = stage.post("/api/checkTransfer", stage::transfer_body("123456789", "5.0")).await.json();
    contains(&answer, &json!({"error": "", "success": true}), "check");
}

#[tokio::test]
async fn the_printed_transfer_in_its_order() {
    let stage = Stage::new().await;
    let answer = stage.transfer("123456789", "5.0").await;
    let printed = r#"{
      "payment_response": {
        "payment_id": null,
        "state": "-2",
        "substate": "0",
        "code": "0",
        "id": "123456789"
      },
      "error": "",
      "success": true
    }"#;
    let bare: String = printed.chars().filter(|letter| !letter.is_whitespace()).collect();
    assert_eq!(answer.body, bare, "exactly as printed, but for white space");
}

#[tokio::test]
async fn the_printed_status() {
    let stage = Stage::new().await;
    stage.transfer("123456789", "5.0").await;
    stage.test.drive("123456789", State::Processing).await;
    let printed = json!({"status": {"result": {
        "server_time": null, "code": 0, "substate": 0, "id": "123456789", "state": 40, "attribute": [],
        "trans": null, "sum_prov": null, "final": 0,
    }}});
    contains(&stage.get("/api/status/123456789").await.json(), &printed, "status");
    stage.test.drive("123456789", State::Paid).await;
    let paid = json!({"status": {"result": {"state": 60, "substate": 0, "final": 1, "id": "123456789"}}});
    contains(&stage.get("/api/status/123456789").await.json(), &paid, "paid");
}

#[tokio::test]
async fn the_printed_error() {
    let stage = Stage::new().await;
    let (sandbox, caller) = (stage.test.plane.sandbox().unwrap(), stage.test.caller(&stage.test.keys.agent));
    let weather = plane::sandbox::Weather { error: Some("internal_server_error".to_owned()), ..Default::default() };
    plane::sandbox::set_weather(&stage.test.plane, sandbox, &caller, weather).await.unwrap();
    let answer = stage.get("/api/agent_balance").await;
    assert_eq!(answer.status, 500);
    let printed = json!({"error": {"code": "internal_server_error"}, "success": "false"});
    contains(&answer.json(), &printed, "error");
    assert!(answer.json()["error"]["message"].is_string());
}

/// Every field of `printed` is in `answer` with the same type and value.
fn contains(answer: &Value, printed: &Value, path: &str) {
    match (answer, printed) {
        (Value::Object(answer), Value::Object(printed)) => {
            for (name, value) in printed {
                let found = answer.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing"));
                contains(found, value, &format!("{path}.{name}"));
            }
        }
        (answer, printed) => assert_eq!(answer, printed, "{path}"),
    }
}
