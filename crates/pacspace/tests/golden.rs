//! Every exchange of `conformance/pacspace`, to the byte, each over a front office of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod factors;
mod live;
mod members;
mod stage;

use std::sync::Arc;

use axum::body::Body;
use control::mail::Kind;
use http::Request;
use pacspace::rows;
use serde_json::json;
use stage::{JO, Words};
use testkit::golden::{self, Case};
use testkit::stage::Stage;
use testkit::{Answer, ask};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_is_as_written() {
    golden::check("pacspace", rows::ALL, rows::ANYWHERE, play).await;
}

async fn play(case: Arc<Case>) -> Answer {
    let (stage, mut words) = Stage::for_case(pacspace::routes, &case).await;
    for given in &case.given {
        if !stage.give(given, &mut words).await
            && !factors::give(&stage, given, &mut words).await
            && !live::give(&stage, given, &mut words).await
        {
            prepare(&stage, given, &mut words).await;
        }
    }
    stage.ask(&case, &words).await
}

/// What is the dashboard's own.
async fn prepare(stage: &Stage, given: &str, words: &mut Words) {
    match given.split(' ').collect::<Vec<_>>()[..] {
        [who, "made", "a", "key", "under", once] => make_under(stage, &words[who], once).await,
        [who, "revoked", "the", "key"] => {
            let answer =
                stage.call("DELETE", &format!("/dashboard/api-keys/{}", words["key"]), &words[who], None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        [who, "paid", "out", times, "times"] => {
            let wish = json!({"name": "Main", "kind": "agent"});
            let made = stage.post("/dashboard/api-keys", &words[who], wish).await.json();
            let key = made["data"]["fullKey"].as_str().unwrap();
            stage.test.sandbox.paid_out(key, times.parse().unwrap()).await;
        }
        ["jo", "forgot", "the", "password"] => {
            let answer = stage.post("/dashboard/auth/password/forgot", "", json!({"email": JO})).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
            words.insert("reset", stage.mailed(Kind::Reset).await);
        }
        ["the", "reset", "was", "used"] => {
            let body = json!({"token": words["reset"], "password": "Another-Pass-2"});
            assert_eq!(stage.post("/dashboard/auth/password/reset", "", body).await.status, 200);
        }
        ["wrong", "passwords", times] => {
            for _ in 0..times.parse().unwrap() {
                let body = json!({"email": JO, "password": "Not-the-one-3"});
                assert_eq!(stage.post("/dashboard/auth/login", "", body).await.status, 401);
            }
        }
        _ => members::prepare(stage, given, words).await,
    }
}

async fn make_under(stage: &Stage, token: &str, once: &str) {
    let request = Request::builder().method("POST").uri("/dashboard/api-keys").header("idempotency-key", once);
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    let answer = ask(&stage.router, request.body(Body::from(r#"{"name":"Main"}"#)).unwrap()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}
