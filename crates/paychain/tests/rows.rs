//! Each route does what its row says: who is let in, and which statuses it answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use base::{KeyKind, Span, Stop};
use control::Row;
use paychain::rows;
use plane::grants::{self, Denied};
use serde_json::json;
use stage::{body_of, business, code, made, routes};
use testkit::further_fields;
use testkit::stage::{PASSWORD, SAM, Stage};

/// Sam's stage with her token, her business and a payout key of hers.
async fn sam() -> (Stage, String, String, String) {
    let stage = Stage::of(routes, |_| ()).await;
    let (tenant, _) = stage.test.seeded(SAM, PASSWORD).await;
    let (token, business) = (stage.login(SAM).await, business(&tenant.to_string()));
    let key = made(&stage, &token, &business).await["id"].as_str().unwrap().to_owned();
    (stage, token, business, key)
}

fn path(row: &Row, business: &str, key: &str) -> String {
    row.path.replace("{id}", business).replace("{keyId}", key)
}

#[test]
fn rows_are_one_of_a_kind() {
    let names: BTreeSet<_> = rows::ALL.iter().map(|row| row.name).collect();
    let places: BTreeSet<_> = rows::ALL.iter().map(|row| (row.method, row.path)).collect();
    assert_eq!((names.len(), places.len()), (rows::ALL.len(), rows::ALL.len()));
}

#[tokio::test]
async fn every_handler_fits_its_row() {
    let (stage, token, business, _) = sam().await;
    for row in rows::ALL {
        let key = made(&stage, &token, &business).await["id"].as_str().unwrap().to_owned();
        let answer = stage.call(row.method, &path(row, &business, &key), &token, body_of(row)).await;
        assert!(answer.status.is_success(), "{} answered {}: {}", row.name, answer.status, answer.body);
        assert!(row.answers.contains(&answer.status.as_u16()), "{} answered {}", row.name, answer.status);
    }
}

#[tokio::test]
async fn nobody_gets_past_a_row_and_another_business_is_an_unknown_one() {
    let (stage, token, business, key) = sam().await;
    for row in rows::ALL {
        let before = stage.written();
        let none = stage.call(row.method, &path(row, &business, &key), "", body_of(row)).await;
        assert_eq!((none.status.as_u16(), code(&none)), (401, "UNAUTHORIZED".to_owned()), "{}", row.name);
        let by_key = stage.test.sandbox.keys.payout.clone();
        let by_key = stage.call(row.method, &path(row, &business, &key), &by_key, body_of(row)).await;
        assert_eq!((by_key.status.as_u16(), code(&by_key)), (403, "FORBIDDEN".to_owned()), "{}", row.name);
        for business in ["biz_0000000000000000", &business.replacen("biz_", "tnt_", 1), "x"] {
            let elsewhere = stage.call(row.method, &path(row, business, &key), &token, body_of(row)).await;
            assert_eq!((elsewhere.status.as_u16(), code(&elsewhere)), (404, "NOT_FOUND".to_owned()), "{}", row.name);
        }
        assert_eq!(stage.written(), before, "{}", row.name);
    }
}

#[tokio::test]
async fn an_old_proof_opens_no_row_that_asks_for_a_fresh_one() {
    let (stage, token, business, key) = sam().await;
    stage.test.advance(Span::seconds(600));
    for row in rows::ALL.iter().filter(|row| row.step_up) {
        let before = stage.written();
        let answer = stage.call(row.method, &path(row, &business, &key), &token, body_of(row)).await;
        assert_eq!((answer.status.as_u16(), code(&answer)), (403, "STEP_UP_REQUIRED".to_owned()), "{}", row.name);
        assert_eq!(stage.written(), before, "{}", row.name);
    }
}

#[tokio::test]
async fn further_fields_are_refused_by_name() {
    let (stage, token, business, key) = sam().await;
    let path = |row: &Row| path(row, &business, &key);
    let takes = |row: &str, field: &str| (row, field) == ("PAYOUT_KEY_CHANGE", "active");
    let (rows, bodies) = further_fields::are_refused(&stage, rows::ALL, &token, body_of, path, takes).await;
    assert!(rows == 3 && bodies > 80, "{rows} rows, {bodies} bodies");
}

#[tokio::test]
async fn a_payout_key_is_one_on_its_plane_from_its_answer_to_its_end() {
    let (stage, token, business, _) = sam().await;
    let made = made(&stage, &token, &business).await;
    let (id, whole) = (made["id"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    let caller = || grants::authenticate(&stage.test.sandbox.plane, whole, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(caller().map(|caller| caller.kind()).ok(), Some(KeyKind::Payout));
    let path = format!("{}/{id}", stage::keys(&business));
    assert_eq!(stage.call("DELETE", &path, &token, None).await.status, 200);
    assert!(matches!(caller(), Err(Stop::Refused(Denied::Revoked))));
}

#[tokio::test]
async fn the_dashboards_keys_do_not_tell_from_where_a_payout_key_works() {
    let (stage, token, business, _) = sam().await;
    let mut wish = stage::wish();
    wish["ipAllowlist"] = json!(["192.0.2.0/24"]);
    let made = stage.post(&stage::keys(&business), &token, wish).await;
    assert_eq!((made.status.as_u16(), made.body.contains("192.0.2.0/24")), (201, true), "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for path in ["/dashboard/api-keys".to_owned(), format!("/dashboard/api-keys/{id}")] {
        let answer = stage.get(&path, &token).await;
        assert!(answer.status == 200 && answer.body.contains(&id), "{}", answer.body);
        assert!(!answer.body.contains("192.0.2.0/24"), "{}", answer.body);
    }
}
