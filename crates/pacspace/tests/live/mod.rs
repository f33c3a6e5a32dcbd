//! What goldens take as given of plans, payments and the operator's approval.
#![allow(dead_code, reason = "each test file uses its part")]

use axum::body::Body;
use base::{Span, TenantId};
use control::Operator;
use control::approvals::{self, Verdict};
use control::plans::{self, Product};
use http::Request;
use serde_json::{Value, json};
use testkit::stage::{Stage, Words};
use testkit::{Answer, ask, provider};

/// Whether it was one of these.
pub async fn give(stage: &Stage, given: &str, words: &mut Words) -> bool {
    let operator = Operator::over_the_socket();
    let tenant = || -> TenantId { words["tenant"].parse().unwrap() };
    match given.split(' ').collect::<Vec<_>>()[..] {
        ["a", "payment", "provider"] | ["a", "payment", "provider", "that", "is", "gone"] => {}
        [_, "has", "the", "plan", tier] => {
            let set = plans::set(&stage.test.control, &operator, &tenant(), Product::Pacspace, tier).await;
            assert!(set.is_ok());
        }
        [_, "is", word @ ("approved" | "rejected")] => decide(stage, &tenant(), word, None).await,
        [_, "is", "rejected", "because", ..] => {
            let (_, why) = given.split_once("because ").unwrap();
            decide(stage, &tenant(), "rejected", Some(why.to_owned())).await;
        }
        [who, "applied"] => expect(&stage.post("/dashboard/approval", &words[who], application()).await, 201),
        [who, "chose", tier] => {
            let answer = stage.post("/dashboard/billing/plan", &words[who], json!({"tier": tier})).await;
            let url = answer.json()["data"]["checkoutUrl"].as_str().map(str::to_owned);
            words.insert("checkout", url.unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned());
        }
        ["the", "provider", "says", file] => {
            let text = event(file, &words["checkout"]);
            let signature = provider::signed(&text, stage.test.control.now());
            expect(&tell(stage, &text, &signature).await, 200);
        }
        ["an", "event", what, "was", age] => {
            let text = event(what, words.get("checkout").map_or("chk_0000000000000000", String::as_str));
            let age = Span::seconds(age.parse().unwrap());
            let at = base::Time(stage.test.control.now().0 - age.0);
            words.extend([("signature", provider::signed(&text, at)), ("event", text)]);
        }
        _ => return false,
    }
    true
}

async fn decide(stage: &Stage, tenant: &TenantId, word: &str, reason: Option<String>) {
    let verdict = if word == "approved" { Verdict::Approved } else { Verdict::Rejected };
    let decided = approvals::decide(&stage.test.control, &Operator::over_the_socket(), tenant, verdict, reason).await;
    assert!(decided.is_ok());
}

/// A provider's event about a checkout, as small as it can be.
pub fn event(what: &str, checkout: &str) -> String {
    let subscription = json!({
        "id": "sub_1", "object": "subscription", "metadata": {"checkout": checkout}, "status": "active",
        "current_period_end": 1_769_817_600, "cancel_at_period_end": what == "cancelled",
    });
    let (kind, object) = match what {
        "paid" | "unpaid" => (
            "checkout.session.completed",
            json!({
                "id": "cs_1", "object": "checkout.session", "client_reference_id": checkout, "payment_status": what,
                "subscription": "sub_1", "amount_total": 1,
            }),
        ),
        "stands" | "cancelled" => ("customer.subscription.updated", subscription),
        "ended" => ("customer.subscription.deleted", subscription),
        _ => ("invoice.created", json!({"id": "in_1"})),
    };
    json!({
        "id": format!("evt_{what}"), "object": "event", "created": 1_767_225_600, "type": kind,
        "data": {"object": object},
    })
    .to_string()
}

pub async fn tell(stage: &Stage, event: &str, signature: &str) -> Answer {
    let request = Request::builder().method("POST").uri("/dashboard/billing/provider-events");
    let request = request.header("content-type", "application/json").header("stripe-signature", signature);
    ask(&stage.router, request.body(Body::from(event.to_owned())).unwrap()).await
}

pub fn application() -> Value {
    json!({
        "businessFacts": {
            "legalName": "Doe & Co Ltd", "country": "EG", "website": "https://doe.example",
            "useCase": "Payouts to drivers", "expectedMonthlyVolumeUsd": "25000.00", "contactName": "Jo Doe",
        },
        "attested": ["keyStorage"],
    })
}

fn expect(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
}
