//! What calls show of their tenant: each endpoint that answered, each failure that was met.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use axum::body::Body;
use base::Deed;
use plane::deeds;
use plane::sandbox::{self, Weather};
use stage::{Stage, request, transfer_body};
use testkit::{TestPlane, ask};

async fn done(test: &TestPlane) -> Vec<&'static str> {
    let set = deeds::of(&test.plane, &test.tenant).await.unwrap();
    Deed::ALL.into_iter().filter(|deed| deed.is_in(set)).map(Deed::word).collect()
}

/// What the calls since `before` have added.
async fn new(test: &TestPlane, before: &mut Vec<&'static str>) -> Vec<&'static str> {
    let now = done(test).await;
    assert!(before.iter().all(|deed| now.contains(deed)), "{before:?} became {now:?}");
    let new = now.iter().copied().filter(|deed| !before.contains(deed)).collect();
    *before = now;
    new
}

#[tokio::test]
async fn each_endpoint_and_each_failure_is_a_deed_of_its_own() {
    let stage = Stage::new().await;
    let mut before = done(&stage.test).await;
    assert!(before.is_empty(), "{before:?}");
    let get = async |path: &'static str| stage.get(path).await.status.as_u16();
    assert_eq!(get("/api/agent_balance").await, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["balance"]);
    assert_eq!(get("/api/kyc/16175551212").await, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["receiver"]);
    assert_eq!(stage.post("/api/checkTransfer", transfer_body("1", "5.00")).await.status, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["check"]);
    assert_eq!(stage.transfer("1", "5.00").await.status, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["transfer"]);
    assert_eq!(stage.transfer("1", "5.00").await.status, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["replay"]);
    assert_eq!(get("/api/status/1").await, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["status"]);

    assert_eq!(get("/api/status/2").await, 404);
    assert_eq!(new(&stage.test, &mut before).await, ["met_transfer_not_found"]);
    assert_eq!(get("/api/kyc/1").await, 400);
    assert_eq!(new(&stage.test, &mut before).await, ["met_invalid_phone_number"]);
    stage.transfer("1", "6.00").await;
    assert_eq!(new(&stage.test, &mut before).await, ["met_invalid_request"]);
    stage.transfer("3", "601.00").await;
    assert_eq!(new(&stage.test, &mut before).await, ["met_kyc_not_verified"]);
    stage.test.set_balance(100).await;
    stage.transfer("4", "66.01").await;
    assert_eq!(new(&stage.test, &mut before).await, ["met_insufficient_funds", "magic"]);
    let wrong_kind = request("GET", "/api/agent_balance", &stage.test.keys.payout).body(Body::empty()).unwrap();
    assert_eq!(ask(&stage.router, wrong_kind).await.status, 401);
    assert_eq!(new(&stage.test, &mut before).await, ["met_authentication_error"]);
    let named = request("GET", "/api/agent_balance", &stage.test.keys.agent).header("x-request-id", "order-7");
    assert_eq!(ask(&stage.router, named.body(Body::empty()).unwrap()).await.status, 200);
    assert_eq!(new(&stage.test, &mut before).await, ["own_request_id"]);

    let caller = stage.test.caller(&stage.test.keys.agent);
    let witness = stage.test.plane.sandbox().unwrap();
    let stormy = |code: &str| Weather { error: Some(code.to_owned()), ..Weather::default() };
    sandbox::set_weather(&stage.test.plane, witness, &caller, stormy("internal_server_error")).await.unwrap();
    assert_eq!(get("/api/agent_balance").await, 500);
    assert_eq!(new(&stage.test, &mut before).await, ["met_internal_server_error", "weather"]);
    sandbox::set_weather(&stage.test.plane, witness, &caller, stormy("service_unavailable")).await.unwrap();
    assert_eq!(get("/api/agent_balance").await, 503);
    assert_eq!(new(&stage.test, &mut before).await, ["met_service_unavailable"]);
    sandbox::force(&stage.test.plane, witness, &caller, "1", sandbox::Wish::Pay).await.unwrap();
    assert_eq!(new(&stage.test, &mut before).await, ["forced"]);
    let missing = Deed::ALL.into_iter().map(Deed::word).filter(|deed| !before.contains(deed)).collect::<Vec<_>>();
    assert_eq!(missing, ["limited_key"], "every other deed was done above");
}

#[tokio::test]
async fn nobody_does_anything_with_a_key_that_is_refused() {
    let stage = Stage::new().await;
    let wrong = format!("{}x", stage.test.keys.agent);
    for key in [wrong.as_str(), "pk_test_nobody"] {
        let sent = request("GET", "/api/agent_balance", key).header("x-request-id", "mine").body(Body::empty());
        assert_eq!(ask(&stage.router, sent.unwrap()).await.status, 401);
    }
    assert!(done(&stage.test).await.is_empty());
}
