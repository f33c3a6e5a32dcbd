//! Every exchange of `conformance/pacspace`, to the byte, each over a front office of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use std::collections::BTreeMap;

use axum::body::Body;
use base::{Environment, Span};
use control::mail::Kind;
use control::{Operator, environments};
use gate::Rate;
use http::Request;
use pacspace::rows;
use serde_json::json;
use stage::{JO, SAM, Stage};
use testkit::golden::{self, Case};
use testkit::{Answer, ask};
use tokio::task::JoinSet;

const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_is_as_written() {
    let cases = golden::all("pacspace");
    assert!(cases.len() >= 60, "the listing is the contract: {} cases", cases.len());
    let mut wrong = Vec::new();
    // Each waits for its own disk: several at a time.
    let mut playing = JoinSet::new();
    let mut cases = cases.into_iter();
    loop {
        while playing.len() < AT_ONCE
            && let Some(case) = cases.next()
        {
            playing.spawn(async move {
                let answer = play(&case).await;
                [case.judge(&answer, veil), unlisted(&case, &answer)]
            });
        }
        let Some(played) = playing.join_next().await else { break };
        wrong.extend(played.unwrap().into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{} differ\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// What the words in braces of a request stand for.
type Words = BTreeMap<&'static str, String>;

async fn play(case: &Case) -> Answer {
    let rate = case.given.iter().find_map(|given| given.strip_prefix("rate "));
    let stage = Stage::with(|options| {
        if let Some(rate) = rate {
            let rate = rate.parse().unwrap();
            options.rate = Rate::new(rate, rate);
        }
    })
    .await;
    let mut words = Words::from([
        ("agent", stage.test.sandbox.keys.agent.clone()),
        ("16385 bytes", format!("\"{}\"", "x".repeat(16_383))),
    ]);
    for given in &case.given {
        prepare(&stage, given, &mut words).await;
    }
    let fill = |text: &str| {
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
    };
    ask(&stage.router, case.request(fill)).await
}

async fn prepare(stage: &Stage, given: &str, words: &mut Words) {
    match given.split(' ').collect::<Vec<_>>()[..] {
        ["jo", "has", "registered"] => {
            let (tenant, confirm) = stage.register(JO).await;
            words.extend([("tenant", tenant), ("confirm", confirm)]);
        }
        ["jo", "is", "confirmed"] => {
            let answer = stage.get(&format!("/dashboard/auth/verify?token={}", words["confirm"]), "").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        ["jo", "is", "signed", "in"] => drop(words.insert("jo", stage.login(JO).await)),
        ["sam", "is", "signed", "in"] => {
            let (tenant, _) = stage.test.seeded(SAM, stage::PASSWORD).await;
            words.extend([("sam", stage.login(SAM).await), ("tenant", tenant.to_string())]);
        }
        [who, "has", "a", environment, "key"] => {
            let key = stage.key(&words[who], environment).await;
            words.insert("key", key);
        }
        [who, "made", "a", "key", "under", once] => make_under(stage, &words[who], once).await,
        [who, "revoked", "the", "key"] => {
            let answer =
                stage.call("DELETE", &format!("/dashboard/api-keys/{}", words["key"]), &words[who], None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        [who, "signed", "out"] => {
            let answer = stage.call("POST", "/dashboard/auth/logout", &words[who], None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        ["jo", "forgot", "the", "password"] => {
            let answer = stage.post("/dashboard/auth/password/forgot", "", json!({"email": JO})).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
            words.insert("reset", stage.mailed(Kind::Reset).await);
        }
        ["the", "reset", "was", "used"] => {
            let body = json!({"token": words["reset"], "password": "Another-Pass-2"});
            assert_eq!(stage.post("/dashboard/auth/password/reset", "", body).await.status, 200);
        }
        ["wrong", "passwords", times] => {
            for _ in 0..times.parse().unwrap() {
                let body = json!({"email": JO, "password": "Not-the-one-3"});
                assert_eq!(stage.post("/dashboard/auth/login", "", body).await.status, 401);
            }
        }
        ["minutes", minutes] => stage.test.advance(Span::seconds(60 * minutes.parse::<i64>().unwrap())),
        [environment, "is", "away"] => {
            stage.test.planes.takes_leave(Environment::from_word(environment).unwrap(), true);
        }
        ["rate", times] => {
            for _ in 0..times.parse().unwrap() {
                assert_eq!(stage.get("/.well-known/jwks.json", "").await.status, 200);
            }
        }
        [environment, "is", "suspended"] => {
            let (tenant, operator) = (words["tenant"].parse().unwrap(), Operator::over_the_socket());
            let environment = Environment::from_word(environment).unwrap();
            environments::suspend(&stage.test.control, &operator, &tenant, environment).await.unwrap();
            stage.test.settle().await;
        }
        ["the", "office", "is", "closing"] => stage.test.control.close(),
        _ => panic!("nobody knows how to give: {given}"),
    }
}

async fn make_under(stage: &Stage, token: &str, once: &str) {
    let request = Request::builder().method("POST").uri("/dashboard/api-keys").header("idempotency-key", once);
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    let answer = ask(&stage.router, request.body(Body::from(r#"{"name":"Main"}"#)).unwrap()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// A status that the route's row does not list.
fn unlisted(case: &Case, answer: &Answer) -> Option<String> {
    let path = case.target.split('?').next().unwrap();
    let fits = |row: &str| {
        let (row, path): (Vec<_>, Vec<_>) = (row.split('/').collect(), path.split('/').collect());
        row.len() == path.len() && row.iter().zip(&path).all(|(row, part)| row.starts_with('{') || row == part)
    };
    let row = rows::ALL.iter().find(|row| row.method == case.method && fits(row.path))?;
    let status = answer.status.as_u16();
    let listed = row.answers.contains(&status) || rows::ANYWHERE.contains(&status);
    (!listed).then(|| format!("{}: {} does not list {status}", case.name(), row.name))
}

/// Puts words in braces for what is drawn.
fn veil(body: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let (mut veiled, mut rest) = (String::new(), body);
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (part, after) = from.split_at(from.find(|letter| !is_part(letter)).unwrap_or(from.len()));
        veiled.push_str(before);
        veiled.push_str(&drawn(part).unwrap_or_else(|| part.to_owned()));
        rest = after;
    }
    veiled + rest
}

fn drawn(part: &str) -> Option<String> {
    let shapes = [
        ("usr_", 16, "{user}"),
        ("tnt_", 16, "{tenant}"),
        ("ses_", 16, "{session}"),
        ("ctr_", 16, "{contract}"),
        ("key_test_", 12, "{key}"),
        ("key_live_", 12, "{live key}"),
        ("pk_test_", 12, "pk_test_{id}"),
        ("pk_live_", 12, "pk_live_{id}"),
    ];
    let of_shape = |(prefix, length, word): (&str, usize, &str)| {
        (part.starts_with(prefix) && part.len() == prefix.len() + length).then(|| word.to_owned())
    };
    if let Some(word) = shapes.into_iter().find_map(of_shape) {
        return Some(word);
    }
    if let Some((public, _)) = part.split_once('.').filter(|(public, _)| public.starts_with("pk_")) {
        return drawn(public).map(|public| format!("{public}.{{secret}}"));
    }
    if part.starts_with("eyJ") {
        return Some("{token}".to_owned());
    }
    (part.len() >= 28 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)))
        .then(|| "{secret}".to_owned())
}
