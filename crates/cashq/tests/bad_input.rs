//! Whatever is sent: a documented error that names the field, nothing changed, no 500.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use axum::body::Body;
use serde_json::{Map, Value, json};
use stage::{Stage, code, request};
use testkit::{Answer, ask};

const POSTS: [&str; 2] = ["/api/checkTransfer", "/api/transfer"];
const TEXTS: [&str; 7] =
    ["id", "sender_phone", "receiver_phone", "amount", "service", "receiver_country", "receiver_currency"];

#[tokio::test]
async fn a_missing_field_is_named() {
    let stage = Stage::new().await;
    for field in TEXTS.into_iter().chain(["attribute"]) {
        let mut body = good();
        body.remove(field);
        refused(&stage, &body, field, "invalid_request", 400).await;
    }
    unchanged(&stage);
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    let stage = Stage::new().await;
    let other = [json!(5), json!(-5), json!(1.5e3), json!(true), json!(null), json!({"a": 1}), json!([1, [2]])];
    for field in TEXTS {
        for value in &other {
            refused(&stage, &with(field, value.clone()), field, "invalid_request", 400).await;
        }
    }
    for value in [json!("text"), json!(5), json!(false), json!(null), json!({"name": "receiverName"})] {
        refused(&stage, &with("attribute", value), "attribute", "invalid_request", 400).await;
    }
    unchanged(&stage);
}

#[tokio::test]
async fn a_value_that_cannot_be_is_named() {
    let stage = Stage::new().await;
    let long = "1".repeat(1_000);
    let ids = ["", " 7", "7 ", "-7", "+7", "7.0", "1e5", "0x7", "７７７", "7\u{0}7", "1234567890123456789", &long];
    refuse_each(&stage, "id", &ids, "invalid_request").await;
    let amounts = [
        "", " 5", "5 ", "0", "0.0", "0.00", "0.001", "5.001", "-5", "-0.01", "+5", "1e2", "5E0", ".5", "5.", "5,00",
        "1,000.00", "５.00", "5.0\u{0}", "NaN", "Infinity", "0x5", "٥", &long,
    ];
    refuse_each(&stage, "amount", &amounts, "invalid_request").await;
    let phones = [
        "",
        "0",
        "-15615019469",
        "++15615019469",
        "1561501946",
        "6175551212",
        "1e10",
        "+1 561 501 9469",
        "+1561501946９",
        "＋15615019469",
        "+15615019469\u{7}",
        "+15615019469;ext=1",
        "tel:+15615019469",
        &long,
    ];
    for field in ["sender_phone", "receiver_phone"] {
        refuse_each(&stage, field, &phones, "invalid_phone_number").await;
    }
    let words = ["", "0", "-1271", "1.271e3", "１２７１", "1271\u{0}", "\u{7f}", &long];
    for field in ["service", "receiver_country", "receiver_currency"] {
        refuse_each(&stage, field, &words, "invalid_request").await;
    }
    unchanged(&stage);
}

#[tokio::test]
async fn attributes_are_bounded_and_typed() {
    let stage = Stage::new().await;
    let item = |name: Value, value: Value| json!([{"name": name, "value": value}]);
    let many: Vec<Value> = (0..33).map(|_| json!({"name": "receiverName", "value": "A"})).collect();
    let bad = [
        json!([]),
        json!(["receiverName"]),
        json!([null]),
        json!([{"value": "A"}]),
        json!([{"name": "receiverName"}]),
        item(json!(7), json!("A")),
        item(json!("receiverName"), json!(7)),
        item(json!("receiverName"), json!(null)),
        item(json!("receiverName"), json!("A\u{0}")),
        item(json!("receiverName\u{85}"), json!("A")),
        item(json!("receiverName"), json!("é".repeat(257))),
        item(json!("n".repeat(65)), json!("A")),
        Value::Array(many),
    ];
    for value in bad {
        refused(&stage, &with("attribute", value), "attribute", "invalid_request", 400).await;
    }
    unchanged(&stage);
    // The longest that is taken is taken.
    let mut longest = good();
    longest["attribute"][0]["value"] = json!("é".repeat(256));
    assert_eq!(stage.post("/api/transfer", text(&longest)).await.status, 200);
}

#[tokio::test]
async fn a_megabyte_anywhere_is_too_large() {
    let stage = Stage::new().await;
    let megabyte = json!("1".repeat(1 << 20));
    for path in POSTS {
        for field in TEXTS.into_iter().chain(["attribute", "nobody_wants_this"]) {
            let answer = stage.post(path, text(&with(field, megabyte.clone()))).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (413, "invalid_request"), "{path} {field}");
        }
    }
    unchanged(&stage);
}

#[tokio::test]
async fn a_key_that_is_there_twice_is_refused() {
    let stage = Stage::new().await;
    for path in POSTS {
        for field in TEXTS.into_iter().chain(["attribute", "unknown"]) {
            let value = good().get(field).cloned().unwrap_or(json!(1));
            let mut body = good();
            body.insert(field.to_owned(), value.clone());
            let body = text(&body);
            let doubled = format!("{{\"{field}\":{value},{}", &body[1..]);
            let answer = stage.post(path, doubled).await;
            assert_eq!(code(&answer), "invalid_request", "{path} {field}");
            assert!(answer.body.contains(field) && answer.body.contains("twice"), "{}", answer.body);
        }
        let nested = text(&good()).replacen("\"value\":", "\"name\":\"receiverBankName\",\"value\":", 1);
        assert_eq!(code(&stage.post(path, nested).await), "invalid_request");
    }
    unchanged(&stage);
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_refused_wherever_it_ends() {
    let stage = Stage::new().await;
    let body = text(&good());
    for path in POSTS {
        for end in 0..body.len() {
            let answer = stage.post(path, body[..end].to_owned()).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "invalid_request"), "{}", &body[..end]);
        }
    }
    unchanged(&stage);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let stage = Stage::new().await;
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let good = text(&good());
    let after = [format!("{good}{good}"), format!("{good},"), format!("{good}\u{0}"), format!("\u{feff}{good}")];
    let bodies = ["null", "7", "\"text\"", "[]", "{}", "{\"id\":'7'}", "{id:7}", "{\"id\":\"\\ud800\"}", &deep];
    for body in bodies.into_iter().chain(after.iter().map(String::as_str)) {
        for path in POSTS {
            let answer = stage.post(path, body.to_owned()).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "invalid_request"), "{body:.80}");
        }
    }
    for bytes in [b"{\"id\":\"\xff\"}".to_vec(), b"\xff\xfe{\x00}\x00".to_vec(), vec![0; 100]] {
        let answer = stage.post("/api/transfer", bytes).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "invalid_request"));
    }
    unchanged(&stage);
}

#[tokio::test]
async fn another_content_type_or_method_is_refused() {
    let stage = Stage::new().await;
    let key = &stage.test.keys.agent;
    for path in POSTS {
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "json"]
        {
            let sent = request("POST", path, key).header("content-type", kind).body(Body::from(text(&good())));
            let answer = ask(&stage.router, sent.unwrap()).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (415, "invalid_request"), "{kind}");
        }
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            not_allowed(&stage, method, path, "POST").await;
        }
    }
    for path in ["/api/agent_balance", "/api/kyc/16175551212", "/api/status/7"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            not_allowed(&stage, method, path, "GET,HEAD").await;
        }
    }
    unchanged(&stage);
}

#[tokio::test]
async fn paths_may_hold_anything() {
    let stage = Stage::new().await;
    let long = "1".repeat(4_000);
    let odd = ["-1", "0.5", "1e5", "%00", "%0a", "%ff", "%EF%BC%91", "a%2Fb", "%2e%2e", "'", "%22", "*", long.as_str()];
    for value in odd {
        let answer = stage.get(&format!("/api/kyc/{value}")).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (400, "invalid_phone_number"), "{value}");
        let answer = stage.get(&format!("/api/status/{value}")).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (404, "transfer_not_found"), "{value}");
        assert_eq!(answer.json()["status"]["result"]["state"], -2);
    }
    for path in ["/api", "/api/", "/api/kyc", "/api/kyc/", "/api/kyc/1/2", "/api/checktransfer", "/sandbox", "/"] {
        let answer = stage.get(path).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (404, "invalid_request"), "{path}");
    }
    unchanged(&stage);
}

fn good() -> Map<String, Value> {
    let body: Value = serde_json::from_str(&stage::transfer_body("123456789", "5.00")).unwrap();
    body.as_object().unwrap().clone()
}

fn with(field: &str, value: Value) -> Map<String, Value> {
    let mut body = good();
    body.insert(field.to_owned(), value);
    body
}

fn text(body: &Map<String, Value>) -> String {
    serde_json::to_string(body).unwrap()
}

async fn refuse_each(stage: &Stage, field: &str, values: &[&str], expected: &str) {
    for value in values {
        refused(stage, &with(field, json!(value)), field, expected, 400).await;
    }
}

async fn refused(stage: &Stage, body: &Map<String, Value>, field: &str, expected: &str, status: u16) {
    for path in POSTS {
        let answer = stage.post(path, text(body)).await;
        let found = (answer.status.as_u16(), code(&answer));
        assert_eq!(found, (status, expected.to_owned()), "{path} {field}: {:?}", body.get(field));
        let message = message(&answer);
        assert!(message.starts_with(field), "{message:?} does not begin with {field}");
        assert!(message.len() < 400, "{message:?} says too much");
    }
}

fn message(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap().to_owned()
}

async fn not_allowed(stage: &Stage, method: &str, path: &str, allow: &str) {
    let sent = request(method, path, &stage.test.keys.agent).body(Body::empty()).unwrap();
    let answer = ask(&stage.router, sent).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{method} {path}");
    assert_eq!(code(&answer), "invalid_request");
}

/// Nothing of all that left a trace.
fn unchanged(stage: &Stage) {
    assert_eq!(stage.test.entries(), stage.entries_at_start, "the journal's head has moved");
    let balance = stage.test.balance();
    assert_eq!((balance.spendable.minor, balance.held.minor), (100_000_000, 0));
}
