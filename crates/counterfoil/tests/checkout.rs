//! A plan that is paid at the payment provider of `dev`, over HTTP: the page, the signed events, and what of them is refused.

mod kit;

use kit::person::{Person, registered};
use kit::{Answer, Connection, Server, admin_json, until};
use serde_json::{Value, json};

const EVENTS: &str = "/dashboard/billing/provider-events";

fn plan(jo: &Person<'_>) -> Value {
    jo.get("billing/plan")
}

/// A call of somebody who looks at the provider's page.
fn at_the_page(method: &str, url: &str) -> Answer {
    let (base, path) = url.split_at(url.find("/fake-provider").unwrap_or_else(|| panic!("elsewhere: {url}")));
    Connection::open(base).send(method, path, None, None)
}

#[test]
fn a_plan_is_paid_and_opens_live_and_ends_with_its_subscription() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let control = server.url("control");
    let (jo, tenant) = registered(dir.path(), control, "jo@example.com");
    let refused = jo.refused("POST", "billing/plan", json!({"tier": "gold"}));
    assert_eq!(refused, (400, "VALIDATION_ERROR".to_owned()));
    let url = jo.done(201, "POST", "billing/plan", json!({"tier": "pilot"}));
    let url = url["checkoutUrl"].as_str().expect("a page").to_owned();
    let page = at_the_page("GET", &url);
    assert!(page.status == 200 && page.body.contains("pacspace pilot: 100000.0000 cents"), "{}", page.body);
    assert_eq!((&plan(&jo)["tier"], &plan(&jo)["stripeSubscriptionId"]), (&json!("free"), &Value::Null));

    // Paid twice over, it is paid once.
    for _ in 0..2 {
        let paid = at_the_page("POST", &url);
        assert_eq!(paid.status, 200, "{}", paid.body);
    }
    let paid = plan(&jo);
    assert_eq!((&paid["tier"], &paid["monthlyAllotment"]), (&json!("pilot"), &json!(10_000)));
    assert!(paid["stripeSubscriptionId"].as_str().is_some_and(|id| id.starts_with("sub_")), "{paid}");
    assert!(paid["stripeCurrentPeriodEnd"].is_string() && paid["cancelAtPeriodEnd"] == false, "{paid}");
    assert!(paid.to_string().contains(r#""planPriceUsd":1000"#), "{paid}");
    until("its owner hears of it", || {
        let mails = std::fs::read_dir(dir.path().join("mail")).ok()?;
        let names = mails.map(|mail| mail.expect("an entry").file_name().to_string_lossy().into_owned());
        (names.filter(|name| name.ends_with("-plan-changed.eml")).count() == 1).then_some(())
    });

    admin_json(dir.path(), &["approve", &tenant]);
    jo.done(201, "POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!(jo.active_contracts().len(), 2);
    // While one is paid, another is the operator's to change.
    jo.done(202, "POST", "billing/plan", json!({"tier": "starter"}));
    let waiting = admin_json(dir.path(), &["approvals"]).remove(0);
    assert_eq!((&waiting["tenant"], &waiting["waits_for"]), (&json!(tenant), &json!("plan starter of pacspace")));
    admin_json(dir.path(), &["plan", &tenant, "starter"]);
    assert_eq!(
        (&plan(&jo)["tier"], &plan(&jo)["stripeSubscriptionId"]),
        (&json!("starter"), &paid["stripeSubscriptionId"])
    );

    // What the operator has set stays when the subscription of the plan before it ends.
    let ended = at_the_page("POST", &format!("{url}/cancel"));
    assert_eq!(ended.status, 200, "{}", ended.body);
    assert_eq!((&plan(&jo)["tier"], &plan(&jo)["stripeSubscriptionId"]), (&json!("starter"), &Value::Null));
    assert_eq!(jo.active_contracts().len(), 2, "what is live stays so");
}

#[test]
fn events_that_nobody_signed_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let (jo, _) = registered(dir.path(), server.url("control"), "jo@example.com");
    let url = jo.done(201, "POST", "billing/plan", json!({"tier": "pilot"}));
    let checkout = url["checkoutUrl"].as_str().and_then(|url| url.rsplit("cs_test_").next()).expect("a page");
    let event = json!({
        "id": "evt_forged", "created": 1, "type": "checkout.session.completed",
        "data": {"object": {
            "id": "cs_1", "client_reference_id": checkout, "payment_status": "paid", "subscription": "sub_1",
        }},
    });
    let forged = server.post("control", EVENTS, None, &event.to_string());
    assert_eq!((forged.status, &forged.json()["code"]), (400, &json!("VALIDATION_ERROR")), "{}", forged.body);
    // Nor does the provider's own interface take anybody without its key.
    let opened =
        Connection::open(server.url("control")).send("POST", "/fake-provider/v1/checkout/sessions", None, Some("{}"));
    assert_eq!(opened.status, 401, "{}", opened.body);
    assert_eq!(plan(&jo)["tier"], "free");
}

#[test]
fn a_server_has_no_provider_unless_it_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let control = Server::role("control", dir.path());
    let event = control.post("listening", EVENTS, None, "{}");
    assert_eq!((event.status, &event.json()["code"]), (404, &json!("NOT_FOUND")), "{}", event.body);
    assert_eq!(control.get("listening", "/fake-provider/pay/1", None).status, 404);
}
