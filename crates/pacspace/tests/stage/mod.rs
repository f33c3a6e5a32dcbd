//! The dashboard on a stage, and a body for each row that takes one.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use std::ops::Deref;

use control::Row;
use gate::office::Options;
use serde_json::{Value, json};
pub use testkit::stage::{JO, PASSWORD, SAM, Words, needs_session};

pub struct Stage(testkit::stage::Stage);

impl Stage {
    /// No bound on pace that a test would meet.
    pub async fn new() -> Stage {
        Stage::with(|_| ()).await
    }

    pub async fn with(configure: impl FnOnce(&mut Options)) -> Stage {
        Stage(testkit::stage::Stage::of(pacspace::routes, configure).await)
    }
}

impl Deref for Stage {
    type Target = testkit::stage::Stage;

    fn deref(&self) -> &testkit::stage::Stage {
        &self.0
    }
}

/// A body that this row takes, where it takes one.
pub fn body_of(row: &Row) -> Option<Value> {
    Some(match row.name {
        "REGISTER" => json!({
            "email": "new@example.com", "password": PASSWORD, "firstName": "N", "lastName": "W", "companyName": "New",
        }),
        "RESEND" | "PASSWORD_FORGOT" => json!({"email": SAM}),
        "LOGIN" => json!({"email": SAM, "password": PASSWORD}),
        "PREFERENCES" => json!({"preferredEnvironment": "production"}),
        "PASSWORD_RESET" => json!({"token": "tkt_no", "password": PASSWORD}),
        "PASSWORD_CHANGE" => json!({"currentPassword": PASSWORD, "newPassword": "Another-Pass-2"}),
        "STEP_UP" => json!({"password": PASSWORD}),
        "SECOND_STEP" => json!({"mfaTicket": "tkt_no", "code": "000000"}),
        "SECOND_STEP_PASSKEY" => json!({"mfaTicket": "tkt_no"}),
        "TOTP_CONFIRM" => json!({"code": "000000"}),
        "PASSKEY_ADD" => json!({
            "name": "Laptop", "credential": {"response": {"clientDataJSON": "e30", "authenticatorData": "AA"}},
        }),
        "PROVISION" => json!({"environment": "testnet"}),
        "KEY_CREATE" => json!({"name": "Second"}),
        "KEY_CHANGE" => json!({"name": "Renamed"}),
        "KEY_ROTATE" => json!({"overlapHours": 1}),
        "SWITCH" => json!({"tenantId": "tnt_0000000000000000"}),
        "MEMBER_CHANGE" => json!({"role": "viewer"}),
        "INVITE" => json!({"email": "kim@example.com", "role": "viewer"}),
        "INVITATION_ACCEPT" => json!({"token": "tkt_no", "password": PASSWORD, "firstName": "K", "lastName": "M"}),
        "INVITATION_JOIN" => json!({"token": "tkt_no"}),
        "NOTIFICATIONS_CHANGE" => json!({"addresses": [SAM], "events": {"keyCreated": true}}),
        "APPROVAL_APPLY" => json!({
            "businessFacts": {
                "legalName": "Doe & Co Ltd", "country": "EG", "website": "https://doe.example", "useCase": "Payouts",
                "expectedMonthlyVolumeUsd": "25000.00", "contactName": "Jo Doe",
            },
        }),
        "PLAN_CHOOSE" => json!({"tier": "pilot"}),
        _ => return None,
    })
}
