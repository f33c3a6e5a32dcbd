//! A body sets what its route is for and nothing else: every further field is refused by name, and nothing is changed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use pacspace::rows;
use serde_json::json;
use stage::{Stage, body_of};

/// Fields of what is kept and shown, here and in later versions of this contract.
const FIELDS: [&str; 30] = [
    "id",
    "role",
    "isVerified",
    "verifiedAt",
    "tenantId",
    "tenant",
    "home",
    "userId",
    "active",
    "revoked",
    "status",
    "wanted",
    "provisionedAt",
    "kind",
    "environment",
    "createdAt",
    "expiresAt",
    "lastUsedAt",
    "publicKey",
    "secretKey",
    "fullKey",
    "policy",
    "plan",
    "tier",
    "approved",
    "sessionId",
    "permissions",
    "scopes",
    "passwordHash",
    "__proto__",
];

#[tokio::test]
async fn further_fields_are_refused_by_name() {
    let stage = Stage::new().await;
    let token = stage.sam().await;
    let key = stage.key(&token, "test").await;
    let (mut asked, mut with_body) = (0, 0);
    for row in rows::ALL {
        let Some(good) = body_of(row) else { continue };
        with_body += 1;
        let path = row.path.replace("{id}", &key);
        for field in FIELDS {
            if takes(row.name, field) {
                continue;
            }
            let before = stage.written();
            let mut body = good.clone();
            body[field] = json!("owner");
            let answer = stage.call(row.method, &path, &token, Some(body)).await;
            assert_eq!(answer.status, 400, "{} took {field}: {}", row.name, answer.body);
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(message.contains(&format!("`{field}`")), "{}: {message}", row.name);
            assert_eq!(stage.written(), before, "{} with {field}", row.name);
            asked += 1;
        }
    }
    assert!(with_body == 12 && asked > 300, "{with_body} rows, {asked} bodies");
}

/// Whether the row is for this field.
fn takes(row: &str, field: &str) -> bool {
    matches!(
        (row, field),
        ("PROVISION", "environment") | ("KEY_CREATE", "environment" | "kind" | "policy") | ("KEY_CHANGE", "active")
    )
}
