//! The controls as an integrator uses them, beside the contract that they stand in for.

mod kit;

use std::time::{Duration, Instant};

use kit::{House, house};
use serde_json::{Value, json};

#[tokio::test]
async fn money_is_put_in_and_taken_out() {
    let house = house().await;
    let before = house.balance_of(house.key()).await;
    let funded = house.ok("POST", "/sandbox/fund", json!({"amount": "25.5"})).await;
    assert_eq!(funded["balance"]["balance"], before + 2_550);
    assert_eq!(funded["balance"]["available"], before + 2_550 + 2_000);
    house.ok("POST", "/sandbox/drain", json!({"amount": "25.50"})).await;
    assert_eq!(house.balance_of(house.key()).await, before);
    let set = house.ok("PUT", "/sandbox/overdraft", json!({"amount": "0"})).await;
    assert_eq!(set["balance"]["overdraft"], 0);
    assert_eq!(house.balance_of(&house.other).await, before, "the other tenant's stays");

    let (status, code, message) = house.fails("POST", "/sandbox/drain", json!({"amount": "1000000.01"})).await;
    assert_eq!((status, code.as_str()), (409, "insufficient_funds"));
    assert_eq!(message, "amount: only 1000000.00 dollars can be taken out, overdraft included.");
}

#[tokio::test]
async fn amounts_are_read_strictly_and_refusals_name_the_field() {
    let house = house().await;
    let before = house.house.entries();
    for (body, starts) in [
        (json!({"amount": "0"}), "amount: give more than 0"),
        (json!({"amount": "1000000000000.01"}), "amount: give more than 0 and at most 1000000000000.00"),
        (json!({"amount": "-1"}), "amount: must be digits"),
        (json!({"amount": "1.001"}), "amount: has more decimals"),
        (json!({"amount": "1e3"}), "amount: must be digits"),
        (json!({"amount": "１"}), "amount: must be digits"),
        (json!({"amount": 5}), "amount: invalid type"),
        (json!({"amount": null}), "amount: invalid type"),
        (json!({}), "missing field `amount`"),
        (json!({"amount": "1", "currency": "EUR"}), "currency: unknown field"),
        (json!(["1"]), "invalid type: sequence"),
    ] {
        let (status, code, message) = house.fails("POST", "/sandbox/fund", body.clone()).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{body}: {message}");
        assert!(message.starts_with(starts), "{body}: {message}");
    }
    assert_eq!(house.house.entries(), before, "nothing changed");
}

#[tokio::test]
async fn a_receiver_is_verified_and_rejected() {
    let house = house().await;
    let judged = house.ok("PUT", "/sandbox/kyc/201234567890", json!({"verified": true, "limit": 25})).await;
    assert_eq!(judged["kyc_verify"], true);
    assert_eq!(judged["money_limit"], "25");
    let read = house.ok("GET", "/api/kyc/201234567890", Value::Null).await;
    assert_eq!((&read["kyc_verify"], &read["money_limit"]), (&json!(true), &json!("25")));
    let other = house.call("GET", "/api/kyc/201234567890", &house.other, Value::Null).await.json();
    assert_eq!(other["kyc_verify"], false);
    house.ok("PUT", "/sandbox/kyc/+201234567890", json!({"verified": false})).await;
    assert_eq!(house.ok("GET", "/api/kyc/201234567890", Value::Null).await["money_limit"], "600");

    let (status, code, _) = house.fails("PUT", "/sandbox/kyc/12", json!({"verified": true})).await;
    assert_eq!((status, code.as_str()), (400, "invalid_phone_number"));
    let (_, _, message) = house.fails("PUT", "/sandbox/kyc/201234567890", json!({"verified": true, "limit": -1})).await;
    assert!(message.starts_with("limit: "), "{message}");
    let (status, ..) = house.fails("PUT", "/sandbox/kyc/%FF", json!({"verified": true})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn transfers_are_forced_on() {
    let house = house().await;
    house.transfer("1", "5.00").await;
    let step = house.ok("POST", "/sandbox/transfers/1/force", json!({"to": "step"})).await;
    assert_eq!(step["transfer"], json!({"id": "1", "state": 20, "substate": 1, "final": 0}));
    house.ok("POST", "/sandbox/transfers/1/force", json!({"state": 40, "substate": 5})).await;
    assert_eq!(house.status("1").await, (40, 5, 0));
    house.ok("POST", "/sandbox/transfers/1/force", json!({"to": "pay"})).await;
    assert_eq!(house.status("1").await, (60, 0, 1));

    house.transfer("2", "5.00").await;
    let before = house.balance_of(house.key()).await;
    house.ok("POST", "/sandbox/transfers/2/force", json!({"to": "fail", "reason": "cancelled"})).await;
    assert_eq!(house.status("2").await, (80, 0, 1));
    assert_eq!(house.balance_of(house.key()).await, before + 500, "the money came back");
}

#[tokio::test]
async fn what_cannot_be_forced_says_what_can() {
    let house = house().await;
    house.transfer("1", "5.00").await;
    let force = |body: Value| house.fails("POST", "/sandbox/transfers/1/force", body);
    let (status, code, message) = force(json!({"to": "link"})).await;
    assert_eq!((status, code.as_str()), (409, "invalid_request"));
    assert_eq!(message, "not from 0/0; possible from there: step, run_short, doubt, retry, pay, fail.");
    assert_eq!(force(json!({"to": "fly"})).await.0, 400);
    assert!(force(json!({"to": "fail", "reason": "bored"})).await.2.contains("cancelled, funds, processing, other"));
    let unknown = house.fails("POST", "/sandbox/transfers/9/force", json!({"to": "pay"})).await;
    assert_eq!((unknown.0, unknown.1.as_str()), (404, "transfer_not_found"));
    let foreign = house.call("POST", "/sandbox/transfers/1/force", &house.other, json!({"to": "pay"})).await;
    assert_eq!(foreign.status, 404, "another tenant's transfer");
    assert_eq!(house.status("1").await, (0, 0, 0));
}

#[tokio::test]
async fn weather_reaches_the_contract_and_never_the_controls_nor_another_tenant() {
    let house = house().await;
    let storm = json!({"latency_ms": 30_000, "error": "service_unavailable"});
    let started = Instant::now();
    let set = house.ok("PUT", "/sandbox/weather", storm).await;
    assert_eq!(set["weather"]["latency_ms"], 30_000);
    assert_eq!(house.ok("GET", "/sandbox/weather", Value::Null).await["weather"]["error"], "service_unavailable");
    house.balance_of(&house.other).await;
    let fails = json!({"latency_ms": 40, "error": "service_unavailable", "next": 1});
    house.ok("PUT", "/sandbox/weather", fails).await;
    assert!(started.elapsed() < Duration::from_secs(20), "controls and the other tenant were not delayed");

    let started = Instant::now();
    let answer = house.call("GET", "/api/agent_balance", house.key(), Value::Null).await;
    assert!(started.elapsed() >= Duration::from_millis(40));
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (503, &json!("service_unavailable")));
    house.balance_of(house.key()).await;
    house.ok("PUT", "/sandbox/weather", json!({})).await;
    let (status, _, message) = house.fails("PUT", "/sandbox/weather", json!({"latency_ms": 30_001})).await;
    assert_eq!((status, message.as_str()), (400, "latency_ms: give at most 30000."));
    let (status, _, message) = house.fails("PUT", "/sandbox/weather", json!({"error": "teapot"})).await;
    assert!(status == 400 && message.starts_with("error: give one of "), "{message}");
}

#[tokio::test]
async fn the_clock_goes_forward() {
    let house = house().await;
    let start = house.ok("GET", "/sandbox/clock", Value::Null).await;
    assert_eq!(start["clock"], json!({"now": "2026-01-01T00:00:00.000000Z", "ahead_ms": 0}));
    let moved = house.ok("POST", "/sandbox/clock/advance", json!({"by": "P1DT12H"})).await;
    assert_eq!(moved["clock"], json!({"now": "2026-01-02T12:00:00.000000Z", "ahead_ms": 129_600_000}));
    let moved = house.ok("POST", "/sandbox/clock/advance", json!({"by_ms": 1})).await;
    assert_eq!(moved["clock"]["now"], "2026-01-02T12:00:00.001000Z");
    let other = house.call("GET", "/sandbox/clock", &house.other, Value::Null).await.json();
    assert_eq!(other["clock"]["ahead_ms"], 0);
    for (body, says) in [
        (json!({"by_ms": 0}), "clock: it only goes forward"),
        (json!({"by_ms": -5}), "clock: it only goes forward"),
        (json!({"by": "-PT1H"}), "by: give a duration"),
        (json!({"by": "P1Y"}), "by: give a duration"),
        (json!({"by": "P367D"}), "clock: at most 366 days"),
        (json!({"by": "PT1H", "by_ms": 1}), "Give either `by`"),
        (json!({}), "Give either `by`"),
    ] {
        let (status, _, message) = house.fails("POST", "/sandbox/clock/advance", body.clone()).await;
        assert!(status == 400 && message.starts_with(says), "{body}: {message}");
    }
}

#[tokio::test]
async fn settings_hold_transfers_for_their_pay_in() {
    let house = house().await;
    house.ok("PUT", "/sandbox/settings", json!({"link_pay_ins": true})).await;
    house.transfer("1", "5.00").await;
    assert_eq!(house.status("1").await, (0, 9, 0));
    house.ok("POST", "/sandbox/transfers/1/force", json!({"to": "link"})).await;
    assert_eq!(house.status("1").await, (0, 0, 0));
    assert_eq!(house.ok("GET", "/sandbox/settings", Value::Null).await["settings"], json!({"link_pay_ins": true}));
    assert_eq!(house.fails("PUT", "/sandbox/settings", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_reset_begins_anew_for_its_tenant_alone() {
    let house = house().await;
    house.transfer("1", "5.00").await;
    house.transfer_by(&house.other, "1", "7.00").await;
    house.ok("PUT", "/sandbox/weather", json!({"latency_ms": 1})).await;
    let reset = house.ok("POST", "/sandbox/reset", Value::Null).await;
    assert_eq!(reset["reset"], true);
    let overview = house.ok("GET", "/sandbox", Value::Null).await;
    assert_eq!(overview["balance"]["balance"], 100_000_000);
    assert_eq!(overview["transfers"], json!({"by_state": [], "complete": true}));
    assert_eq!(overview["weather"]["latency_ms"], 0);
    house.transfer("1", "6.00").await;
    let other = house.call("GET", "/sandbox/transfers", &house.other, Value::Null).await.json();
    assert_eq!(other["transfers"][0]["amount"], "7.00");
}

#[tokio::test]
async fn the_overview_has_everything_at_hand() {
    let house = house().await;
    house.transfer("1", "5.00").await;
    let overview = house.ok("GET", "/sandbox", Value::Null).await;
    assert_eq!(overview["tenant"], house.house.tenant.to_string());
    assert_eq!(overview["transfers"]["by_state"], json!([{"state": 0, "substate": 0, "final": 0, "count": 1}]));
    assert_eq!(overview["settings"], json!({"link_pay_ins": false}));
    let magic = &overview["magic"];
    assert_eq!(magic["receivers"][0]["phone"], "12025550101");
    assert_eq!(magic["amounts"][0]["amount"], "66.01");
    for link in overview["links"].as_object().expect("links").values() {
        let path = link.as_str().and_then(|link| link.split_once(' ')).expect("a method and a path").1;
        let path = path.replace("{phone}", "1").replace("{id}", "1");
        let answer = house.call("PATCH", &path, house.key(), Value::Null).await;
        assert_eq!(answer.status, 405, "{path} is served");
    }
}

#[tokio::test]
async fn magic_receivers_are_what_they_are_said_to_be() {
    let house = house().await;
    let kyc = |phone: &'static str| {
        let house = &house;
        async move { house.ok("GET", &format!("/api/kyc/{phone}"), Value::Null).await }
    };
    assert_eq!(kyc("12025550101").await["kyc_verify"], true);
    assert_eq!(kyc("12025550102").await["money_limit"], "0");
    let mut ask = kit::transfer("1", "5.00");
    ask["receiver_phone"] = json!("+12025550103");
    assert_eq!(house.fails("POST", "/api/transfer", ask).await.1, "invalid_request");
}

#[tokio::test]
async fn the_list_pages_and_each_transfer_is_there_once() {
    let house = house().await;
    for id in 1..=5 {
        house.transfer(&id.to_string(), "5.00").await;
    }
    let mut ids: Vec<String> = Vec::new();
    let mut path = "/sandbox/transfers?limit=2".to_owned();
    loop {
        let page = house.ok("GET", &path, Value::Null).await;
        let listed = page["transfers"].as_array().expect("a list");
        ids.extend(listed.iter().map(|listed| listed["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/sandbox/transfers?limit=2&before={next}");
    }
    assert_eq!(ids, ["5", "4", "3", "2", "1"]);
    for query in ["limit=0", "limit=101", "before=x", "after=1"] {
        assert_eq!(house.fails("GET", &format!("/sandbox/transfers?{query}"), Value::Null).await.0, 400);
    }
}

#[tokio::test]
async fn every_kind_of_key_in_either_header_and_no_other_may_use_them() {
    let house = house().await;
    let keys = &house.house.keys;
    for key in [&keys.standard, &keys.payout, &keys.agent] {
        assert_eq!(house.call("GET", "/sandbox", key, Value::Null).await.status, 200);
    }
    let with = |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(http::Request::builder().uri("/sandbox"), |request, (name, value)| request.header(*name, *value));
        request.body(axum::body::Body::empty()).expect("a request")
    };
    let status = async |headers: &[(&str, &str)]| {
        let answer = testkit::ask(&house.router, with(headers)).await;
        (answer.status.as_u16(), answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |status: u16| (status, "authentication_error".to_owned());
    assert_eq!(status(&[("x-api-key", &keys.agent)]).await, (200, String::new()));
    assert_eq!(status(&[]).await, refused(401));
    assert_eq!(status(&[("x-api-key", &keys.agent), ("api-key", &keys.agent)]).await, refused(401), "which one?");
    assert_eq!(status(&[("api-key", &keys.agent.replace("pk_test_", "pk_live_"))]).await, refused(401));
    assert_eq!(status(&[("api-key", &keys.agent), ("origin", "https://app.example")]).await, refused(403));
}

#[tokio::test]
async fn bodies_and_methods_are_judged_by_the_gate() {
    let house: House = house().await;
    let (status, code, _) = house.fails("GET", "/sandbox/fund", Value::Null).await;
    assert_eq!((status, code.as_str()), (405, "invalid_request"));
    let (status, ..) = house.fails("POST", "/sandbox/fund", Value::Null).await;
    assert_eq!(status, 415, "no body at all");
    let (status, ..) = house.fails("POST", "/sandbox/fund", json!({"amount": "1".repeat(70_000)})).await;
    assert_eq!(status, 413);
}

#[test]
fn the_documented_tables_are_the_ones_in_force() {
    use plane::sandbox::magic;
    let documented = include_str!("../../../docs/sandbox.md");
    let rows = magic::RECEIVERS.map(|(phone, stands_for)| format!("| `{phone}` | {} |", stands_for.meaning()));
    let amounts = magic::AMOUNTS.map(|(cents, script)| {
        let amount = base::Amount::cents(cents);
        format!("| `{amount}` | {} |", script.meaning())
    });
    for row in rows.iter().chain(&amounts) {
        assert!(documented.lines().any(|line| line == row), "docs/sandbox.md lacks {row}");
    }
}
