//! A transfer happens once, however often and however concurrently it is sent.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use axum::body::Body;
use plane::payouts::State;
use stage::{Stage, code, request, transfer_body};
use testkit::{Answer, ask};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_equal_transfers_one_has_its_effect() {
    let stage = Stage::quick().await;
    let answers = all_at_once(&stage, (0..64).map(|_| transfer_body("123456789", "5.00"))).await;
    let first = &answers[0];
    assert_eq!(first.status, 200);
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == first.body));
    assert_eq!(stage.test.entries(), stage.entries_at_start + 1, "one entry");
    let balance = stage.test.balance();
    assert_eq!((balance.spendable.minor, balance.held.minor), (100_000_000 - 500, 500), "reserved once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_transfers_a_balance_for_40_lets_exactly_40_pass() {
    let stage = Stage::quick().await;
    stage.test.set_balance(40 * 500).await;
    let before = stage.test.entries();
    let answers = all_at_once(&stage, (0..64).map(|at| transfer_body(&format!("{at}"), "5.00"))).await;
    let accepted = answers.iter().filter(|answer| answer.json()["success"] == true).count();
    assert_eq!(accepted, 40);
    for refused in answers.iter().filter(|answer| answer.json()["success"] != true) {
        assert_eq!((refused.status.as_u16(), code(refused).as_str()), (200, "insufficient_funds"));
    }
    assert_eq!(stage.test.entries(), before + 40);
    let balance = stage.test.balance();
    assert_eq!((balance.spendable.minor, balance.held.minor, balance.posted.minor), (0, 20_000, 20_000));
    assert!(plane::books::trial_balance(&stage.test.plane).unwrap().is_zero());
}

#[tokio::test]
async fn the_same_again_gets_the_first_answer_even_after_a_restart() {
    let stage = Stage::new().await;
    let first = stage.transfer("123456789", "5.0").await;
    stage.test.drive("123456789", State::Paid).await;
    // What would be refused now is not judged again.
    stage.test.set_balance(0).await;
    let entries = stage.test.entries();
    let Stage { test, router, .. } = stage;
    drop(router);
    let stage = Stage::over(test.restarted(), |_| ());
    let again = stage.transfer("123456789", "5.0").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let otherwise_written = transfer_body("123456789", "5.00").replace('+', "").replace("\"amount\"", "\n\"amount\" ");
    assert_eq!(stage.post("/api/transfer", otherwise_written).await.body, first.body);
    assert_eq!(stage.test.entries(), entries, "nothing happened");
    assert_eq!(stage.test.balance().spendable.minor, 0);
}

#[tokio::test]
async fn the_same_id_with_any_other_content_is_refused() {
    let stage = Stage::new().await;
    assert_eq!(stage.transfer("123456789", "5.00").await.status, 200);
    let body = transfer_body("123456789", "5.00");
    let others = [
        body.replace("5.00", "5.01"),
        body.replace("15615019469", "16175551212"),
        body.replace("201234567890", "201234567891"),
        body.replace("Amal Hassan", "Amal Hasan"),
        body.replace(
            r#"{"name":"receiverBankName","value":"Banque Misr"}"#,
            r#"{"name":"receiverBankName","value":"Banque Misr"},{"name":"approvelyId","value":"1"}"#,
        ),
        body.replace("1271", "1301").replace("\"EG\"", "\"MX\"").replace("EGP", "MXN"),
    ];
    for (at, other) in others.into_iter().enumerate() {
        assert_ne!(other, body, "variant {at}");
        for path in ["/api/transfer", "/api/checkTransfer"] {
            let answer = stage.post(path, other.clone()).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "invalid_request"), "variant {at}");
            assert!(answer.body.contains("\"id was used"), "{}", answer.body);
        }
    }
    assert_eq!(stage.test.entries(), stage.entries_at_start + 1);
}

#[tokio::test]
async fn ids_are_kept_as_they_were_written() {
    let stage = Stage::new().await;
    for id in ["7", "007", "0", "00", "999999999999999999"] {
        let answer = stage.transfer(id, "5.00").await.json();
        assert_eq!(answer["payment_response"]["id"], id);
        assert_eq!(stage.get(&format!("/api/status/{id}")).await.json()["status"]["result"]["id"], id);
    }
    assert_eq!(stage.test.entries(), stage.entries_at_start + 5, "five different transfers");
    assert_eq!(stage.get("/api/status/07").await.status, 404);
}

#[tokio::test]
async fn the_id_of_a_refused_transfer_can_be_used_again() {
    let stage = Stage::new().await;
    stage.test.set_balance(499).await;
    let before = stage.test.entries();
    assert_eq!(code(&stage.transfer("7", "5.00").await), "insufficient_funds");
    assert_eq!(code(&stage.transfer("7", "600.01").await), "kyc_not_verified");
    assert_eq!(
        code(&stage.post("/api/transfer", transfer_body("7", "4.00").replace("1271", "9")).await),
        "invalid_request"
    );
    assert_eq!(stage.get("/api/status/7").await.status, 404);
    assert_eq!(stage.test.entries(), before);
    assert_eq!(stage.transfer("7", "4.99").await.json()["success"], true, "with other content than was refused");
    assert_eq!(stage.test.balance().spendable.minor, 0);
}

#[tokio::test]
async fn a_check_reserves_neither_money_nor_the_id() {
    let stage = Stage::new().await;
    let body = transfer_body("7", "5.00");
    assert_eq!(stage.post("/api/checkTransfer", body.clone()).await.status, 200);
    assert_eq!(stage.test.entries(), stage.entries_at_start);
    assert_eq!(stage.get("/api/status/7").await.status, 404);
    assert_eq!(stage.transfer("7", "6.00").await.json()["success"], true);
}

#[tokio::test]
async fn the_money_of_a_failed_transfer_comes_back() {
    let stage = Stage::new().await;
    stage.transfer("7", "5.00").await;
    stage.transfer("8", "5.00").await;
    stage.test.drive("7", State::Failed).await;
    stage.test.drive("8", State::Paid).await;
    let balance = stage.get("/api/agent_balance").await.json();
    assert_eq!(balance["balance"]["balance"], 100_000_000 - 500);
    assert_eq!(stage.test.balance().held.minor, 0);
}

async fn all_at_once(stage: &Stage, bodies: impl Iterator<Item = String>) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for body in bodies {
        let (router, key) = (stage.router.clone(), stage.test.keys.agent.clone());
        calls.spawn(async move {
            let sent = request("POST", "/api/transfer", &key).header("content-type", "application/json");
            ask(&router, sent.body(Body::from(body)).unwrap()).await
        });
    }
    calls.join_all().await
}
