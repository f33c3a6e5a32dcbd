//! The CashQ surface over a real sandbox plane, called without a socket.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base::{Environment, TestClock};
use gate::{Gate, Options, Rate};
use http::Request;
use testkit::{Answer, TestPlane, ask};

pub struct Stage {
    pub test: TestPlane,
    pub router: Router,
    /// What rates are measured by; stands still.
    pub pace: Arc<TestClock>,
    /// The journal's length before any call.
    pub entries_at_start: u64,
}

/// A transfer that is accepted as it stands. `{id}` and `{amount}` are to be filled in.
pub const TRANSFER: &str = r#"{"id":"{id}","sender_phone":"+15615019469","receiver_phone":"+201234567890","amount":"{amount}","service":"1271","receiver_country":"EG","receiver_currency":"EGP","attribute":[{"name":"receiverName","value":"Amal Hassan"},{"name":"receiverAccType","value":"1"},{"name":"receiverAccountNumber","value":"EG380019000500000000263180002"},{"name":"receiverBankName","value":"Banque Misr"}]}"#;

pub fn transfer_body(id: &str, amount: &str) -> String {
    TRANSFER.replace("{id}", id).replace("{amount}", amount)
}

impl Stage {
    /// A sandbox with its usual start and no bound on pace that a test would meet.
    pub async fn new() -> Stage {
        Stage::with(|options| options.rate = Rate::new(1_000_000, 1_000_000)).await
    }

    pub async fn with(configure: impl FnOnce(&mut Options)) -> Stage {
        Stage::over(TestPlane::sandbox().await, configure)
    }

    /// Operations are run once, for tests about many of them.
    pub async fn quick() -> Stage {
        let test = TestPlane::with(Environment::Sandbox, |config| config.run_twice = false).await;
        Stage::over(test, |options| options.rate = Rate::new(1_000_000, 1_000_000))
    }

    pub fn over(test: TestPlane, configure: impl FnOnce(&mut Options)) -> Stage {
        let pace = Arc::new(TestClock::default());
        let mut options = Options { pace_clock: Arc::clone(&pace) as _, ..Options::default() };
        configure(&mut options);
        let gate = Gate::new(test.plane.clone(), options);
        let links = cashq::Options { kyc_base: "https://pay.example".to_owned() };
        let router = gate::front(cashq::routes(gate.clone(), links), gate, cashq::Cashq);
        Stage { entries_at_start: test.entries(), test, router, pace }
    }

    pub async fn get(&self, path: &str) -> Answer {
        ask(&self.router, request("GET", path, &self.test.keys.agent).body(Body::empty()).unwrap()).await
    }

    /// Posts JSON with the agent's key.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = request("POST", path, &self.test.keys.agent).header("content-type", "application/json");
        ask(&self.router, request.body(body.into()).unwrap()).await
    }

    pub async fn transfer(&self, id: &str, amount: &str) -> Answer {
        self.post("/api/transfer", transfer_body(id, amount)).await
    }
}

pub fn request(method: &str, path: &str, key: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("api-key", key)
}

/// The code of a failure; panics when the body is not one.
pub fn code(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(body["success"], "false", "{}", answer.body);
    assert!(!body["error"]["message"].as_str().unwrap().is_empty(), "{}", answer.body);
    body["error"]["code"].as_str().unwrap().to_owned()
}
