//! What goldens and tests take as given of second factors.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use testkit::Answer;
use testkit::authenticator::{Authenticator, code};
use testkit::stage::{PASSWORD, SAM, Stage, Words};

/// Where the stage's dashboard is.
pub const ORIGIN: &str = "https://localhost";

/// Whether this was one of its givens.
pub async fn give(stage: &Stage, given: &str, words: &mut Words) -> bool {
    match given.split(' ').collect::<Vec<_>>()[..] {
        ["sam", "began", "an", "app"] => {
            let seed = begin_app(stage, &words["sam"]).await;
            words.extend([("code", now(stage, &seed)), ("seed", seed)]);
        }
        ["sam", "has", "an", "app"] => {
            let (seed, recovery) = add_app(stage, &words["sam"]).await;
            // The first code is used up; the next one counts already.
            words.extend([("used code", now(stage, &seed)), ("code", next(stage, &seed))]);
            words.extend([("seed", seed), ("recovery code", recovery[0].clone())]);
        }
        ["sam", "has", "a", "passkey"] => {
            let options =
                data(&stage.call("POST", "/dashboard/auth/mfa/passkeys/options", &words["sam"], None).await, 200);
            let credential = Authenticator::es256(ORIGIN).create(&options);
            let passkey = credential["id"].as_str().unwrap().to_owned();
            let body = json!({"name": "Laptop", "credential": credential});
            data(&stage.post("/dashboard/auth/mfa/passkeys", &words["sam"], body).await, 201);
            words.insert("passkey", passkey);
        }
        ["sam", "is", "asked", "for", "a", "new", "passkey"] => {
            let options =
                data(&stage.call("POST", "/dashboard/auth/mfa/passkeys/options", &words["sam"], None).await, 200);
            words.insert("credential", Authenticator::es256(ORIGIN).create(&options).to_string());
        }
        ["sam", "is", "asked", "for", "a", "passkey"] => {
            let options =
                data(&stage.call("POST", "/dashboard/auth/step-up/passkey-options", &words["sam"], None).await, 200);
            words.insert("answer", Authenticator::es256(ORIGIN).get(&options).to_string());
        }
        ["sam", "is", "half", "signed", "in"] => drop(words.insert("ticket", half(stage).await)),
        ["sam", "is", "half", "signed", "in", "and", "asked", "for", "a", "passkey"] => {
            let ticket = half(stage).await;
            let body = json!({"mfaTicket": ticket});
            let options = data(&stage.post("/dashboard/auth/login/passkey-options", "", body).await, 200);
            words.extend([("ticket", ticket), ("answer", Authenticator::es256(ORIGIN).get(&options).to_string())]);
        }
        ["the", "recovery", "code", "was", "used"] => {
            let body = json!({"recoveryCode": words["recovery code"]});
            data(&stage.post("/dashboard/auth/step-up", &words["sam"], body).await, 200);
        }
        ["wrong", "codes", times] => {
            for _ in 0..times.parse().unwrap() {
                let body = json!({"mfaTicket": words["ticket"], "code": "no code"});
                assert_eq!(stage.post("/dashboard/auth/login/mfa-verify", "", body).await.status, 401);
            }
        }
        ["wrong", "step-up", "codes", times] => {
            for _ in 0..times.parse().unwrap() {
                let body = json!({"code": "no code"});
                assert_eq!(stage.post("/dashboard/auth/step-up", &words["sam"], body).await.status, 401);
            }
        }
        _ => return false,
    }
    true
}

pub async fn begin_app(stage: &Stage, token: &str) -> String {
    let begun = data(&stage.call("POST", "/dashboard/auth/mfa/totp", token, None).await, 201);
    begun["secret"].as_str().unwrap().to_owned()
}

/// The seed, and the recovery codes that came with it.
pub async fn add_app(stage: &Stage, token: &str) -> (String, Vec<String>) {
    let seed = begin_app(stage, token).await;
    let body = json!({"code": now(stage, &seed)});
    let confirmed = data(&stage.post("/dashboard/auth/mfa/totp/confirm", token, body).await, 200);
    let codes = confirmed["recoveryCodes"].as_array().unwrap();
    (seed, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// The ticket of a login whose password was right.
pub async fn half(stage: &Stage) -> String {
    let half = data(&stage.post("/dashboard/auth/login", "", json!({"email": SAM, "password": PASSWORD})).await, 200);
    assert_eq!(half["requiresMfa"], true, "{half}");
    half["mfaTicket"].as_str().unwrap().to_owned()
}

pub fn now(stage: &Stage, seed: &str) -> String {
    code(seed, stage.test.control.now().unix_seconds())
}

pub fn next(stage: &Stage, seed: &str) -> String {
    code(seed, stage.test.control.now().unix_seconds() + 30)
}

/// The data of an answer with this status.
pub fn data(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    answer.json()["data"].clone()
}
