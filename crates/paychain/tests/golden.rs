//! Every exchange of `conformance/paychain`, to the byte, each over a front office of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use paychain::rows;
use serde_json::json;
use stage::{business, keys, made, wish};
use testkit::golden::{self, Case};
use testkit::stage::{Stage, Words};
use testkit::{Answer, ask};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_is_as_written() {
    golden::check("paychain", rows::ALL, rows::ANYWHERE, play).await;
}

async fn play(case: Arc<Case>) -> Answer {
    let (stage, mut words) = Stage::for_case(stage::routes, &case).await;
    for given in &case.given {
        if !stage.give(given, &mut words).await {
            prepare(&stage, given, &mut words).await;
        }
        if let Some(tenant) = words.get("tenant").cloned() {
            words.insert("business", business(&tenant));
        }
    }
    stage.ask(&case, &words).await
}

/// What is this surface's own.
async fn prepare(stage: &Stage, given: &str, words: &mut Words) {
    match given.split(' ').collect::<Vec<_>>()[..] {
        [who, "has", "a", "payout", "key"] => {
            let key = made(stage, &words[who], &words["business"]).await;
            words.insert("key", key["id"].as_str().unwrap().to_owned());
        }
        [who, "made", "a", "payout", "key", "under", once] => {
            let request = Request::post(keys(&words["business"])).header("idempotency-key", once);
            let request = request.header("authorization", format!("Bearer {}", words[who]));
            let request = request.header("content-type", "application/json");
            let answer = ask(&stage.router, request.body(Body::from(wish().to_string())).unwrap()).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
        [who, "revoked", "the", "key"] => {
            let path = format!("{}/{}", keys(&words["business"]), words["key"]);
            let answer = stage.call("DELETE", &path, &words[who], None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        [who, "prefers", "production"] => {
            let preferred = json!({"preferredEnvironment": "production"});
            let answer = stage.call("PATCH", "/dashboard/auth/preferences", &words[who], Some(preferred)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        _ => panic!("nobody knows how to give: {given}"),
    }
}
