//! What goldens take as given of members, invitations and cookies.
#![allow(dead_code, reason = "each test file uses its part")]

use axum::body::Body;
use control::mail::Kind;
use http::Request;
use serde_json::{Value, json};
use testkit::stage::{PASSWORD, SAM, Stage, Words};
use testkit::{Answer, ask};

pub async fn prepare(stage: &Stage, given: &str, words: &mut Words) {
    match given.split(' ').collect::<Vec<_>>()[..] {
        [who, "is", "invited", "as", role] => invite(stage, words, "sam", who, role).await,
        [who, "is", "invited", "by", by, "as", role] => invite(stage, words, by, who, role).await,
        [who, "is", "a" | "an", role] => {
            invite(stage, words, "sam", who, role).await;
            accept(stage, words, who).await;
            words.insert(name(who), stage.login(&address(who)).await);
        }
        [who, "is", "removed"] => {
            let path = format!("/dashboard/members/{}", words[id_of(who)]);
            expect(&stage.call("DELETE", &path, &words["sam"], None).await, 200);
        }
        ["jo", "is", "known"] => {
            let me = stage.get("/dashboard/auth/me", &words["jo"]).await;
            words.insert("jo_id", me.json()["data"]["id"].as_str().unwrap().to_owned());
        }
        ["jo", "joins"] => {
            let body = json!({"token": words["invitation"]});
            expect(&stage.post("/dashboard/auth/invitations/join", &words["jo"], body).await, 200);
        }
        ["the", "invitation", "is", "withdrawn"] => {
            let path = format!("/dashboard/members/invitations/{}", words["invitation_id"]);
            expect(&stage.call("DELETE", &path, &words["sam"], None).await, 200);
        }
        ["the", "invitation", "is", "accepted"] => accept(stage, words, "kim").await,
        ["invitations", times] => {
            for _ in 0..times.parse().unwrap() {
                invite(stage, words, "sam", "kim", "viewer").await;
            }
        }
        ["sam", "is", "signed", "in", "by", "a", "cookie"] => {
            let (tenant, _) = stage.test.seeded(SAM, PASSWORD).await;
            let cookie = log_in_by_cookie(stage, "").await;
            words.extend([("cookie", cookie), ("tenant", tenant.to_string())]);
        }
        ["sam", "signs", "in"] => drop(words.insert("sam", stage.login(SAM).await)),
        ["sam", "signs", "in", "with", "the", "cookie"] => drop(log_in_by_cookie(stage, &words["cookie"]).await),
        _ => panic!("nobody knows how to give: {given}"),
    }
}

async fn invite(stage: &Stage, words: &mut Words, by: &str, who: &str, role: &str) {
    let body = json!({"email": address(who), "role": role});
    let answer = stage.post("/dashboard/members/invitations", &words[by], body).await;
    expect(&answer, 201);
    let id = answer.json()["data"]["id"].as_str().unwrap().to_owned();
    words.extend([("invitation_id", id), ("invitation", stage.mailed(Kind::Invited).await)]);
}

/// As somebody new.
async fn accept(stage: &Stage, words: &mut Words, who: &str) {
    let body = json!({"token": words["invitation"], "password": PASSWORD, "firstName": "Kim", "lastName": "Roe"});
    let answer = stage.post("/dashboard/auth/invitations/accept", "", body).await;
    expect(&answer, 200);
    words.insert(id_of(who), answer.json()["data"]["userId"].as_str().unwrap().to_owned());
}

/// The `name=value` of a new session's cookie.
pub async fn log_in_by_cookie(stage: &Stage, shown: &str) -> String {
    let request = Request::builder().method("POST").uri("/dashboard/auth/login").header("x-pacspace-csrf", "1");
    let request = request.header("content-type", "application/json").header("cookie", shown);
    let body = json!({"email": SAM, "password": PASSWORD}).to_string();
    let answer = ask(&stage.router, request.body(Body::from(body)).unwrap()).await;
    expect(&answer, 200);
    assert_eq!(answer.json()["data"]["token"], Value::Null, "{}", answer.body);
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn expect(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
}

fn address(who: &str) -> String {
    format!("{who}@example.com")
}

fn name(who: &str) -> &'static str {
    ["kim", "lee"].into_iter().find(|name| *name == who).unwrap()
}

fn id_of(who: &str) -> &'static str {
    ["kim_id", "lee_id"].into_iter().find(|id| id.starts_with(who)).unwrap()
}
