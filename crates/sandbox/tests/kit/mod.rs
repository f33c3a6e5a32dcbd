//! A sandbox with two tenants, its controls and its CashQ surface behind one gate.
#![allow(dead_code, reason = "each test binary uses its part of it")]

use axum::Router;
use axum::body::Body;
use gate::Gate;
use http::Request;
use plane::grants::{self, NewKey};
use plane::{KeyKind, Operator};
use serde_json::{Value, json};
use testkit::{Answer, TestPlane};

pub struct House {
    pub house: TestPlane,
    pub router: Router,
    /// A key of another tenant of the same plane.
    pub other: String,
}

pub async fn house() -> House {
    let house = TestPlane::sandbox().await;
    let witness = house.plane.sandbox().expect("a sandbox");
    let options = gate::Options { rate: gate::Rate::new(10_000, 10_000), ..gate::Options::default() };
    let gate = Gate::new(house.plane.clone(), options);
    let cashq = cashq::routes(gate.clone(), cashq::Options { kyc_base: "http://127.0.0.1:7001".to_owned() });
    let router = sandbox::routes(gate, witness).merge(cashq);
    let other = other_tenant(&house).await;
    House { house, router, other }
}

async fn other_tenant(house: &TestPlane) -> String {
    let (operator, tenant) = (Operator::over_the_socket(), "tnt_fedcba9876543210".parse().expect("an id"));
    grants::admit(&house.plane, &operator, &tenant, "Other").await.expect("a tenant");
    let new = NewKey { tenant, kind: KeyKind::Agent, name: "agent".to_owned(), limits: Default::default() };
    let minted = grants::mint(&house.plane, &operator, new).await.unwrap_or_else(|_| panic!("no key"));
    minted.reveal().expose().clone()
}

impl House {
    pub fn key(&self) -> &str {
        &self.house.keys.agent
    }

    /// One call with a key; `body` null sends none.
    pub async fn call(&self, method: &str, path: &str, key: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("API-KEY", key);
        let request = match body {
            Value::Null => request.body(Body::empty()),
            body => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        };
        testkit::ask(&self.router, request.expect("a request")).await
    }

    /// A call by the first tenant that succeeds, as its payload.
    #[track_caller]
    pub fn ok(&self, method: &str, path: &str, body: Value) -> impl Future<Output = Value> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.call(method, path, self.key(), body).await;
            let json = answer.json();
            assert_eq!((answer.status.as_u16(), &json["success"]), (200, &json!(true)), "{at}: {json}");
            assert_eq!(json["error"], "", "{at}");
            json
        }
    }

    /// A call by the first tenant that fails: status, code, message.
    #[track_caller]
    pub fn fails(&self, method: &str, path: &str, body: Value) -> impl Future<Output = (u16, String, String)> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.call(method, path, self.key(), body).await;
            let json = answer.json();
            assert_eq!(json["success"], "false", "{at}: {json}");
            let text = |name: &str| json["error"][name].as_str().expect("a text").to_owned();
            (answer.status.as_u16(), text("code"), text("message"))
        }
    }

    /// Accepts a transfer of this amount over the contract's own surface.
    pub async fn transfer(&self, id: &str, amount: &str) {
        self.transfer_by(self.key(), id, amount).await;
    }

    pub async fn transfer_by(&self, key: &str, id: &str, amount: &str) {
        let answer = self.call("POST", "/api/transfer", key, transfer(id, amount)).await;
        assert_eq!(answer.json()["success"], true, "{}", answer.body);
    }

    /// (state, substate, final) as the contract tells it.
    pub async fn status(&self, id: &str) -> (i64, i64, i64) {
        let json = self.call("GET", &format!("/api/status/{id}"), self.key(), Value::Null).await.json();
        let number = |name: &str| json["status"]["result"][name].as_i64().expect("a number");
        (number("state"), number("substate"), number("final"))
    }

    pub async fn balance_of(&self, key: &str) -> i64 {
        let json = self.call("GET", "/api/agent_balance", key, Value::Null).await.json();
        json["balance"]["balance"].as_i64().expect("cents")
    }
}

pub fn transfer(id: &str, amount: &str) -> Value {
    json!({
        "id": id, "sender_phone": "+15615019469", "receiver_phone": "+201234567890", "amount": amount,
        "service": "1271", "receiver_country": "EG", "receiver_currency": "EGP",
        "attribute": [
            {"name": "receiverName", "value": "Amira Hassan"},
            {"name": "receiverAccType", "value": "1"},
            {"name": "receiverAccountNumber", "value": "EG380019000500000000263180002"},
            {"name": "receiverBankName", "value": "Bank of Cairo"},
        ],
    })
}
