//! The dashboard over a real front office with two real planes, called without a socket.
#![allow(dead_code, reason = "each test file uses its part")]

use axum::Router;
use axum::body::Body;
use control::mail::Kind;
use control::{Row, Who};
use gate::Rate;
use gate::office::{Office, Options};
use http::Request;
use serde_json::{Value, json};
use testkit::{Answer, TestOffice, ask};

pub struct Stage {
    pub test: TestOffice,
    pub router: Router,
}

pub const JO: &str = "jo@example.com";
pub const SAM: &str = "sam@example.com";
pub const PASSWORD: &str = "SecurePass1";

impl Stage {
    /// No bound on pace that a test would meet.
    pub async fn new() -> Stage {
        Stage::with(|_| ()).await
    }

    pub async fn with(configure: impl FnOnce(&mut Options)) -> Stage {
        let test = TestOffice::new().await;
        let mut options = Options { rate: Rate::new(1_000_000, 1_000_000), ..Options::default() };
        configure(&mut options);
        let office = Office::new(test.control.clone(), test.planes.clone(), options);
        Stage { router: pacspace::routes(office), test }
    }

    /// A call with a session's token, or without one.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        ask(&self.router, request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call("POST", path, token, Some(body)).await
    }

    /// Registers, lets the sandbox become active, and answers the tenant with the mailed token.
    pub async fn register(&self, email: &str) -> (String, String) {
        let body = json!({
            "email": email, "password": PASSWORD, "firstName": "Jo", "lastName": "Doe", "companyName": "Doe & Co",
        });
        let answer = self.post("/dashboard/auth/register", "", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.test.settle().await;
        let tenant = answer.json()["data"]["tenantId"].as_str().unwrap().to_owned();
        (tenant, self.mailed(Kind::Confirm).await)
    }

    /// The token of the one mail of this kind that waits.
    pub async fn mailed(&self, kind: Kind) -> String {
        let mails = self.test.mails().await;
        let mail = mails.iter().find(|mail| mail.kind == kind);
        mail.and_then(|mail| mail.token.clone()).unwrap_or_else(|| panic!("no {kind:?} in {mails:?}"))
    }

    /// A session's token.
    pub async fn login(&self, email: &str) -> String {
        let answer = self.post("/dashboard/auth/login", "", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["data"]["token"].as_str().unwrap().to_owned()
    }

    /// The verified owner of a tenant whose both sides are active.
    pub async fn sam(&self) -> String {
        self.test.seeded(SAM, PASSWORD).await;
        self.login(SAM).await
    }

    /// The id of a new key.
    pub async fn key(&self, token: &str, environment: &str) -> String {
        let body = json!({"name": "Main", "environment": environment});
        let answer = self.post("/dashboard/api-keys", token, body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["data"]["id"].as_str().unwrap().to_owned()
    }

    /// Operations of control and entries of both planes: what changes nothing leaves them as they are.
    pub fn written(&self) -> (u64, u64) {
        let operations = self.test.control.stats().figures().client_operations;
        let of_planes =
            [&self.test.sandbox, &self.test.live].map(|test| test.plane.stats().figures().client_operations);
        (operations, of_planes.iter().sum())
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
        "PROVISION" => json!({"environment": "testnet"}),
        "KEY_CREATE" => json!({"name": "Second"}),
        "KEY_CHANGE" => json!({"name": "Renamed"}),
        "KEY_ROTATE" => json!({"overlapHours": 1}),
        _ => return None,
    })
}

pub fn needs_session(row: &Row) -> bool {
    matches!(row.who, Who::Signed | Who::Seats(_))
}
