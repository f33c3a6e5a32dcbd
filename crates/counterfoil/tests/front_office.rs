//! The front office as its users meet it: from a registration to a key that works and dies.

mod kit;

use kit::person::{Person, registered};
use kit::{BALANCE, Server};
use serde_json::{Value, json};

#[test]
fn from_registration_to_a_sandbox_key_that_works_and_dies() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let control = server.url("control");
    let (jo, tenant) = registered(dir.path(), control, "jo@example.com");
    let refusal = jo.refused("POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!(refusal, (403, "PLAN_REQUIRED".to_owned()));

    let works = |key: &str| server.get("sandbox", BALANCE, Some(key)).status;
    let (id, key) = jo.new_key("test");
    assert_eq!(works(&key), 200);
    let listed = jo.get("api-keys");
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(id)), "{listed}");
    let (public, secret) = key.split_once('.').unwrap();
    assert!(listed["items"][0]["publicKey"] == public && !listed.to_string().contains(secret), "{listed}");

    // Another tenant's key is as unknown as one that nobody has.
    let owner = Person::owner(control, &server.facts);
    let unknown = unknown_id(&id);
    for (method, body) in [("GET", Value::Null), ("DELETE", Value::Null), ("PATCH", json!({"active": false}))] {
        let [foreign, unknown] = [&id, &unknown].map(|id| owner.call(method, &format!("api-keys/{id}"), body.clone()));
        assert_eq!(foreign.status, 404, "{method}: {}", foreign.body);
        assert_eq!((foreign.status, foreign.body), (unknown.status, unknown.body), "{method}");
    }
    assert_eq!(owner.refused("GET", &format!("contracts/{tenant}/status"), Value::Null).0, 404);
    assert_eq!(works(&key), 200, "the stranger changed nothing");

    jo.revoked(&id);
    assert_eq!(works(&key), 401);
    let (owners_id, owners_key) = owner.new_key("test");
    assert_eq!(works(&owners_key), 200);
    owner.revoked(&owners_id);
    assert_eq!(works(&owners_key), 401);

    let (_, kept) = owner.new_key("test");
    let (jo, owner) = (jo.token, owner.token);
    let [email, password] = ["email", "password"].map(|name| server.facts[name].clone());
    assert_eq!(server.interrupt().status.code(), Some(0));
    let server = Server::dev(dir.path());
    let control = server.url("control");
    assert_eq!((&server.facts["email"], &server.facts["password"]), (&email, &password));
    for (token, email) in [(jo, json!("jo@example.com")), (owner, email)] {
        assert_eq!(Person { control, token }.get("auth/me")["email"], email);
    }
    Person::owner(control, &server.facts);
    assert_eq!(server.get("sandbox", BALANCE, Some(&kept)).status, 200);
    assert_eq!(server.get("sandbox", BALANCE, Some(&key)).status, 401);
}

/// A key id of the same shape that nobody has.
fn unknown_id(id: &str) -> String {
    let (rest, last) = id.split_at(id.len() - 1);
    format!("{rest}{}", if last == "7" { "6" } else { "7" })
}
