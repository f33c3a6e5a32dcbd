//! Each route does what its row says: who is let in, and which statuses it answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use std::collections::BTreeSet;

use axum::body::Body;
use control::Who;
use http::Request;
use pacspace::rows;
use serde_json::json;
use stage::{PASSWORD, SAM, Stage, body_of, needs_session};
use testkit::ask;

/// Whose password changes.
const OTHER: &str = "other@example.com";

#[test]
fn rows_are_one_of_a_kind() {
    let names: BTreeSet<_> = rows::ALL.iter().map(|row| row.name).collect();
    let places: BTreeSet<_> = rows::ALL.iter().map(|row| (row.method, row.path)).collect();
    assert_eq!((names.len(), places.len()), (rows::ALL.len(), rows::ALL.len()));
}

#[tokio::test]
async fn every_handler_fits_its_row() {
    let stage = Stage::new().await;
    let (tenant, _) = stage.test.seeded(SAM, PASSWORD).await;
    stage.test.seeded(OTHER, PASSWORD).await;
    for row in rows::ALL {
        // A session of its own for each: some rows end sessions.
        let token = stage.login(if row.name == "PASSWORD_CHANGE" { OTHER } else { SAM }).await;
        let path = match row.path {
            path if path.contains("{id}") && path.contains("api-keys") => {
                path.replace("{id}", &stage.key(&token, "test").await)
            }
            path => path.replace("{tenantId}", &tenant.to_string()),
        };
        // A provider's body has any fields.
        let body = if row.who == Who::Provider { Some(json!({})) } else { body_of(row) };
        let answer = stage.call(row.method, &path, &token, body).await;
        let status = answer.status.as_u16();
        assert!(row.answers.contains(&status), "{} answered {status}: {}", row.name, answer.body);
        let expected =
            matches!(row.name, "VERIFY" | "PASSWORD_RESET" | "SESSION_REVOKE" | "APPROVAL_APPLY" | "PROVIDER_EVENT")
                || of_a_factor(row.name)
                || of_a_member(row.name);
        assert!(answer.status.is_success() || expected, "{} answered {status}: {}", row.name, answer.body);
    }
}

/// There is none to take away or to prove oneself with, and nothing answers a challenge by accident.
fn of_a_factor(row: &str) -> bool {
    let proving = ["SECOND_STEP", "SECOND_STEP_PASSKEY", "STEP_UP_PASSKEY", "TOTP_CONFIRM", "PASSKEY_ADD"];
    proving.contains(&row) || ["TOTP_REMOVE", "RECOVERY_CODES", "PASSKEY_REMOVE"].contains(&row)
}

/// There is nobody else, and no invitation.
fn of_a_member(row: &str) -> bool {
    let by_id = ["SWITCH", "MEMBER_CHANGE", "MEMBER_REMOVE", "INVITATION_WITHDRAW"];
    by_id.contains(&row) || ["INVITATION_ACCEPT", "INVITATION_JOIN"].contains(&row)
}

#[tokio::test]
async fn nobody_gets_past_a_row() {
    let stage = Stage::new().await;
    stage.sam().await;
    for row in rows::ALL.iter().filter(|row| needs_session(row)) {
        let before = stage.written();
        let none = stage.call(row.method, row.path, "", body_of(row)).await;
        assert_eq!((none.status.as_u16(), none.json()["code"].as_str()), (401, Some("UNAUTHORIZED")), "{}", row.name);
        let bad = stage.call(row.method, row.path, "eyJhbGciOiJub25lIn0.e30.", body_of(row)).await;
        assert_eq!(bad.status, 401, "{}", row.name);
        for header in ["authorization", "x-api-key", "api-key"] {
            let key = &stage.test.sandbox.keys.standard;
            let value = if header == "authorization" { format!("Bearer {key}") } else { key.clone() };
            let request = Request::builder().method(row.method).uri(row.path).header(header, value);
            let answer = ask(&stage.router, request.body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &"KEY_NOT_ACCEPTED".into()), "{header}");
        }
        assert_eq!(stage.written(), before, "{}", row.name);
    }
}

#[tokio::test]
async fn an_old_proof_opens_no_row_that_asks_for_a_fresh_one() {
    let stage = Stage::new().await;
    let token = stage.sam().await;
    let key = stage.key(&token, "test").await;
    stage.test.advance(base::Span::seconds(600));
    for row in rows::ALL.iter().filter(|row| row.step_up) {
        let path = row.path.replace("{id}", &key);
        let before = stage.written();
        let answer = stage.call(row.method, &path, &token, body_of(row)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &"STEP_UP_REQUIRED".into()), "{}", row.name);
        assert_eq!(stage.written(), before, "{}", row.name);
    }
    let proved = stage.post("/dashboard/auth/step-up", &token, serde_json::json!({"password": PASSWORD})).await;
    assert_eq!(proved.status, 200, "{}", proved.body);
    assert_eq!(stage.call("DELETE", &format!("/dashboard/api-keys/{key}"), &token, None).await.status, 200);
}
