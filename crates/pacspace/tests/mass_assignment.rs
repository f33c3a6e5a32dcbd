//! A body sets what its route is for and nothing else: every further field is refused by name, and nothing is changed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use pacspace::rows;
use stage::{Stage, body_of};
use testkit::further_fields;

#[tokio::test]
async fn further_fields_are_refused_by_name() {
    let stage = Stage::new().await;
    let token = stage.sam().await;
    let key = stage.key(&token, "test").await;
    let path = |row: &control::Row| row.path.replace("{id}", &key);
    let (rows, bodies) = further_fields::are_refused(&stage, rows::ALL, &token, body_of, path, takes).await;
    assert!(rows >= 12 && bodies > 300, "{rows} rows, {bodies} bodies");
}

/// Whether the row is for this field.
fn takes(row: &str, field: &str) -> bool {
    matches!(
        (row, field),
        ("PROVISION", "environment")
            | ("KEY_CREATE", "environment" | "kind" | "policy")
            | ("KEY_CHANGE", "active")
            | ("PLAN_CHOOSE", "tier")
            | ("SWITCH", "tenantId")
            | ("MEMBER_CHANGE" | "INVITE", "role")
    )
}
