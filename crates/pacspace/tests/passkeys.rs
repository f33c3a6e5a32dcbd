//! Passkeys over the whole wire, with an authenticator that misbehaves as told: what answers a challenge is taken once,
//! and nothing else is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod factors;

use base::Span;
use data_encoding::BASE64URL_NOPAD;
use factors::{ORIGIN, data};
use serde_json::{Value, json};
use testkit::authenticator::Authenticator;
use testkit::stage::{PASSWORD, SAM, Stage};

const PASSKEYS: &str = "/dashboard/auth/mfa/passkeys";
const STEP_UP: &str = "/dashboard/auth/step-up";
const OTHER: &str = "other@example.com";

/// The dashboard, and a token of Sam's.
async fn stage() -> (Stage, String) {
    let stage = Stage::of(pacspace::routes, |_| ()).await;
    let token = stage.sam().await;
    (stage, token)
}

/// What a new passkey is asked for with.
async fn creation(stage: &Stage, token: &str) -> Value {
    data(&stage.call("POST", &format!("{PASSKEYS}/options"), token, None).await, 200)
}

async fn add(stage: &Stage, token: &str, credential: Value) -> u16 {
    let answer = stage.post(PASSKEYS, token, json!({"name": "Laptop", "credential": credential})).await;
    answer.status.as_u16()
}

async fn added(stage: &Stage, token: &str, authenticator: &mut Authenticator) {
    let credential = authenticator.create(&creation(stage, token).await);
    assert_eq!(add(stage, token, credential).await, 201);
}

/// What a passkey is asked for with, to prove a session's user again.
async fn request(stage: &Stage, token: &str) -> Value {
    data(&stage.call("POST", &format!("{STEP_UP}/passkey-options"), token, None).await, 200)
}

async fn prove(stage: &Stage, token: &str, credential: Value) -> u16 {
    stage.post(STEP_UP, token, json!({"passkey": credential})).await.status.as_u16()
}

type Spoil = fn(&mut Authenticator);

/// Every way to misbehave.
fn misbehaviours() -> Vec<(&'static str, Spoil)> {
    vec![
        ("another site's page", |held| held.origin = "https://example.com".to_owned()),
        ("a page below ours", |held| held.origin = format!("https://a.{}", &ORIGIN[8..])),
        ("without TLS", |held| held.origin = "http://localhost".to_owned()),
        ("another port", |held| held.origin = format!("{ORIGIN}:8443")),
        ("in a frame", |held| held.framed = true),
        ("for another site", |held| held.rp_id = Some("example.com".to_owned())),
        ("nobody there", |held| held.present = false),
        ("nobody verified", |held| held.verified = false),
    ]
}

#[tokio::test]
async fn keys_of_both_kinds_answer_as_often_as_they_are_asked() {
    for (mut held, counts) in [
        (Authenticator::es256(ORIGIN), false),
        (Authenticator::es256(ORIGIN), true),
        (Authenticator::rs256(ORIGIN), false),
        (Authenticator::rs256(ORIGIN), true),
    ] {
        let (stage, token) = stage().await;
        held.counter = u32::from(counts);
        added(&stage, &token, &mut held).await;
        for _ in 0..3 {
            let credential = held.get(&request(&stage, &token).await);
            assert_eq!(prove(&stage, &token, credential).await, 200);
        }
        let listed = data(&stage.get(PASSKEYS, &token).await, 200);
        assert_eq!((listed[0]["name"].as_str(), listed[0]["lastUsedAt"].is_string()), (Some("Laptop"), true));
    }
}

#[tokio::test]
async fn extensions_that_nobody_asked_for_do_no_harm() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    held.extensions = b"\xa1\x6bcredProtect\x02".to_vec();
    added(&stage, &token, &mut held).await;
    let credential = held.get(&request(&stage, &token).await);
    assert_eq!(prove(&stage, &token, credential).await, 200);
}

#[tokio::test]
async fn an_authenticator_that_misbehaves_is_not_taken_in_and_not_believed() {
    let (stage, token) = stage().await;
    added(&stage, &token, &mut Authenticator::es256(ORIGIN)).await;
    for (how, spoil) in misbehaviours() {
        let mut held = Authenticator::es256(ORIGIN);
        held.id = b"another credential".to_vec();
        spoil(&mut held);
        let credential = held.create(&creation(&stage, &token).await);
        assert_eq!(add(&stage, &token, credential).await, 400, "new: {how}");
        let mut held = Authenticator::es256(ORIGIN);
        spoil(&mut held);
        let credential = held.get(&request(&stage, &token).await);
        assert_eq!(prove(&stage, &token, credential).await, 401, "{how}");
    }
    assert_eq!(data(&stage.get(PASSKEYS, &token).await, 200).as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_refused() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    added(&stage, &token, &mut held).await;
    for part in ["clientDataJSON", "authenticatorData", "signature"] {
        for at in [0, 20, 33, 36] {
            let mut credential = held.get(&request(&stage, &token).await);
            let mut bytes = BASE64URL_NOPAD.decode(credential["response"][part].as_str().unwrap().as_bytes()).unwrap();
            bytes[at] ^= 1;
            credential["response"][part] = json!(BASE64URL_NOPAD.encode(&bytes));
            assert_eq!(prove(&stage, &token, credential).await, 401, "{part} at {at}");
        }
    }
    // Signed by another key under the same name.
    let credential = Authenticator::rs256(ORIGIN).get(&request(&stage, &token).await);
    assert_eq!(prove(&stage, &token, credential).await, 401);
    // An answer of the one ceremony is none of the other.
    let credential = held.create(&request_as_creation(&stage, &token).await);
    let asserted = json!({"id": credential["id"], "response": {
        "clientDataJSON": credential["response"]["clientDataJSON"],
        "authenticatorData": credential["response"]["authenticatorData"],
        "signature": "AAAA",
    }});
    assert_eq!(prove(&stage, &token, asserted).await, 401);
}

async fn request_as_creation(stage: &Stage, token: &str) -> Value {
    let request = request(stage, token).await;
    json!({"challenge": request["challenge"], "rp": {"id": request["rpId"]}})
}

#[tokio::test]
async fn a_challenge_is_answered_once_in_time_and_by_whom_it_was_put_to() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    added(&stage, &token, &mut held).await;
    // Again.
    let credential = held.get(&request(&stage, &token).await);
    assert_eq!(prove(&stage, &token, credential.clone()).await, 200);
    assert_eq!(prove(&stage, &token, credential).await, 401);
    // Used up by a wrong answer too.
    let asked = request(&stage, &token).await;
    let mut wrong = Authenticator::es256(ORIGIN);
    wrong.verified = false;
    assert_eq!(prove(&stage, &token, wrong.get(&asked)).await, 401);
    assert_eq!(prove(&stage, &token, held.get(&asked)).await, 401);
    // Asked anew, the one before is worth nothing.
    let (first, second) = (request(&stage, &token).await, request(&stage, &token).await);
    assert_eq!(prove(&stage, &token, held.get(&first)).await, 401);
    assert_eq!(prove(&stage, &token, held.get(&second)).await, 401, "used up by the one before");
    // One put together from nothing.
    let invented = json!({"challenge": BASE64URL_NOPAD.encode(&[7; 32]), "rpId": "localhost"});
    assert_eq!(prove(&stage, &token, held.get(&invented)).await, 401);
    // In time, to the microsecond.
    let asked = request(&stage, &token).await;
    stage.test.advance(Span(Span::seconds(300).0 - 1));
    assert_eq!(prove(&stage, &token, held.get(&asked)).await, 200);
    let asked = request(&stage, &token).await;
    stage.test.advance(Span::seconds(300));
    assert_eq!(prove(&stage, &token, held.get(&asked)).await, 401);
}

#[tokio::test]
async fn an_answer_is_worth_nothing_to_another_session_purpose_or_user() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    added(&stage, &token, &mut held).await;
    let half = async || {
        let ticket = factors::half(&stage).await;
        let body = json!({"mfaTicket": ticket});
        let asked = data(&stage.post("/dashboard/auth/login/passkey-options", "", body).await, 200);
        (ticket, asked)
    };
    let verify = async |ticket: &str, credential: Value| {
        let body = json!({"mfaTicket": ticket, "passkey": credential});
        stage.post("/dashboard/auth/login/mfa-verify", "", body).await
    };
    let (ticket, asked) = half().await;
    let (other_ticket, _) = half().await;
    let answer = held.get(&asked);
    assert_eq!(verify(&other_ticket, answer.clone()).await.status, 401, "another login's");
    assert_eq!(prove(&stage, &token, answer.clone()).await, 401, "a login's, for a session");
    let second = data(&verify(&ticket, answer).await, 200)["token"].as_str().unwrap().to_owned();
    let for_first = held.get(&request(&stage, &token).await);
    request(&stage, &second).await;
    assert_eq!(prove(&stage, &second, for_first.clone()).await, 401, "another session's");
    assert_eq!(prove(&stage, &token, for_first).await, 200);

    stage.test.seeded(OTHER, PASSWORD).await;
    let other = stage.login(OTHER).await;
    assert_eq!(stage.call("POST", &format!("{STEP_UP}/passkey-options"), &other, None).await.status, 409);
    let mut theirs = Authenticator::rs256(ORIGIN);
    theirs.id = b"their credential".to_vec();
    added(&stage, &other, &mut theirs).await;
    // Sam's passkey for the challenge of the other: its id is unknown there.
    let asked = request(&stage, &other).await;
    assert_eq!(prove(&stage, &other, held.get(&asked)).await, 401);
    // The other's own, under the name of Sam's.
    let asked = request(&stage, &token).await;
    let mut under_sams_name = theirs.get(&asked);
    under_sams_name["id"] = json!(BASE64URL_NOPAD.encode(&held.id));
    assert_eq!(prove(&stage, &token, under_sams_name).await, 401);
    assert_eq!(
        stage.call("DELETE", &format!("{PASSKEYS}/{}", BASE64URL_NOPAD.encode(&theirs.id)), &token, None).await.status,
        404
    );
}

#[tokio::test]
async fn a_counter_that_does_not_go_on_is_a_copy() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    held.counter = 41;
    added(&stage, &token, &mut held).await;
    let mut answered = async |counter: u32| {
        let asked = request(&stage, &token).await;
        // It counts up before it answers.
        held.counter = counter.saturating_sub(1);
        let credential = held.get(&asked);
        prove(&stage, &token, credential).await
    };
    for (counter, status) in [(42, 401), (43, 200), (43, 401), (0, 401), (1_000, 200), (44, 401), (1_001, 200)] {
        assert_eq!(answered(counter).await, status, "{counter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_answer_shown_many_times_at_once_one_is_taken() {
    let (stage, token) = stage().await;
    let mut held = Authenticator::es256(ORIGIN);
    added(&stage, &token, &mut held).await;
    let credential = held.get(&request(&stage, &token).await);
    let stage = std::sync::Arc::new(stage);
    let tries = (0..64).map(|_| {
        let (stage, token, credential) = (std::sync::Arc::clone(&stage), token.clone(), credential.clone());
        tokio::spawn(async move { prove(&stage, &token, credential).await })
    });
    let mut taken = 0;
    for tried in tries.collect::<Vec<_>>() {
        taken += usize::from(tried.await.unwrap() == 200);
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn ten_are_enough_and_the_last_one_takes_the_recovery_codes_along() {
    let (stage, token) = stage().await;
    for number in 0..10 {
        let mut held = Authenticator::es256(ORIGIN);
        held.id = format!("credential {number}").into_bytes();
        // The options name those that are there, so that an authenticator does not make a second.
        let options = creation(&stage, &token).await;
        assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(number));
        let credential = held.create(&options);
        let body = json!({"name": "Laptop", "credential": credential});
        let made = data(&stage.post(PASSKEYS, &token, body).await, 201);
        assert_eq!(made["recoveryCodes"].is_array(), number == 0);
    }
    assert_eq!(stage.call("POST", &format!("{PASSKEYS}/options"), &token, None).await.status, 409);
    for number in 0..10 {
        let held = data(&stage.get("/dashboard/auth/mfa", &token).await, 200);
        assert_eq!((&held["passkeys"], &held["recoveryCodesLeft"]), (&json!(10 - number), &json!(10)));
        let id = BASE64URL_NOPAD.encode(format!("credential {number}").as_bytes());
        assert_eq!(stage.call("DELETE", &format!("{PASSKEYS}/{id}"), &token, None).await.status, 200);
    }
    let held = data(&stage.get("/dashboard/auth/mfa", &token).await, 200);
    assert_eq!(held, json!({"totp": false, "passkeys": 0, "recoveryCodesLeft": 0}));
    stage.login(SAM).await;
}
