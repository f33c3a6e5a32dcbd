//! What a body may not set.

use control::Row;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Fields of what is kept and shown, here and in later versions of the contracts.
const FIELDS: [&str; 32] = [
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
    "apiKey",
    "businessId",
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

/// Each row that takes a body is sent a good one with one further field: refused by name, and nothing is changed. `path` fills in a
/// row's ids; `takes` says which fields a row is for. Answers (rows with a body, bodies that were sent).
pub async fn are_refused(
    stage: &Stage,
    rows: &[&Row],
    token: &str,
    body_of: fn(&Row) -> Option<Value>,
    path: impl Fn(&Row) -> String,
    takes: fn(&str, &str) -> bool,
) -> (usize, usize) {
    let (mut asked, mut with_body) = (0, 0);
    for row in rows {
        let Some(good) = body_of(row) else { continue };
        with_body += 1;
        for field in FIELDS {
            if takes(row.name, field) {
                continue;
            }
            let before = stage.written();
            let mut body = good.clone();
            body[field] = json!("owner");
            let answer = stage.call(row.method, &path(row), token, Some(body)).await;
            assert_eq!(answer.status, 400, "{} took {field}: {}", row.name, answer.body);
            assert!(answer.body.contains(&format!("`{field}`")), "{}: {}", row.name, answer.body);
            assert_eq!(stage.written(), before, "{} with {field}", row.name);
            asked += 1;
        }
    }
    (with_body, asked)
}
