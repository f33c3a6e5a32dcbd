//! Every exchange of `conformance/cashq`, to the byte, each over a plane of its own. The guide prints them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use base::Span;
use gate::Rate;
use plane::grants::{AgentPolicy, KeyChange, KeyLimits};
use plane::kyc::Verdict;
use plane::payouts::State;
use plane::standing::{self, Standing};
use plane::{KeyKind, Office, Phone};
use stage::Stage;
use testkit::golden::{self, Case};
use testkit::{Minted, TestPlane, ask};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_is_as_written() {
    let cases = golden::all("cashq");
    assert!(cases.len() > 150, "the listing is the contract: {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let answer = play(&case).await;
        wrong.extend(case.judge(&answer, with_token));
    }
    assert!(wrong.is_empty(), "{} differ\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// The one part of an answer that differs from run to run.
fn with_token(body: &str) -> String {
    let Some((before, after)) = body.split_once("/kyc/") else { return body.to_owned() };
    let is_token = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    format!("{before}/kyc/{{token}}{}", after.trim_start_matches(is_token))
}

async fn play(case: &Case) -> testkit::Answer {
    let rate = case.given.iter().find_map(|given| given.strip_prefix("rate "));
    let stage = Stage::with(|options| {
        if let Some(rate) = rate {
            let rate = rate.parse().unwrap();
            options.rate = Rate::new(rate, rate);
        }
    })
    .await;
    let mut keys = Vec::new();
    for placeholder in placeholders(case) {
        keys.push((format!("{{{placeholder}}}"), key(&stage.test, &placeholder).await));
    }
    let fill = |text: &str| keys.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    for given in &case.given {
        prepare(&stage, given).await;
    }
    ask(&stage.router, case.request(fill)).await
}

/// Words in braces in header values, and in a body that is nothing else.
fn placeholders(case: &Case) -> Vec<String> {
    let values = case.headers.iter().map(|(_, value)| value.as_str()).chain([case.body.as_str()]);
    let word = |value: &str| value.strip_prefix('{')?.strip_suffix('}').map(str::to_owned);
    values.filter_map(word).filter(|word| !word.contains('"')).collect()
}

async fn key(test: &TestPlane, state: &str) -> String {
    let changed = async |change| {
        let key = test.mint(KeyKind::Agent).await;
        test.change_key(&key, change).await;
        key.whole
    };
    let limited = async |limits| test.mint_with(KeyKind::Agent, limits).await.whole;
    let policy = |policy| KeyLimits { policy, ..KeyLimits::default() };
    match state {
        "standard" => test.keys.standard.clone(),
        "payout" => test.keys.payout.clone(),
        "agent" => test.keys.agent.clone(),
        "unknown" => foreign(TestPlane::sandbox().await).await.whole,
        "live" => foreign(TestPlane::live().await).await.whole,
        "revoked" => changed(KeyChange::Revoke).await,
        "disabled" => changed(KeyChange::Disable).await,
        "suspended" => {
            let (office, standing) = (Office::proved_by_the_intercom(), Standing { suspended: true, turn: 1 });
            standing::set(&test.plane, &office, &test.tenant, standing).await.unwrap();
            test.keys.agent.clone()
        }
        "expired" => {
            let expires_at = Some(test.clock_now().plus(Span::seconds(1)).0);
            let key = limited(KeyLimits { expires_at, ..KeyLimits::default() }).await;
            test.clock.advance(Span::seconds(1));
            key
        }
        "elsewhere" => limited(KeyLimits { ips: vec!["192.0.2.0/24".parse().unwrap()], ..KeyLimits::default() }).await,
        "mexico only" => {
            limited(policy(AgentPolicy { services: vec!["1301".to_owned()], ..AgentPolicy::default() })).await
        }
        "4.99 at once" => {
            limited(policy(AgentPolicy { per_transfer_cents: Some(499), ..AgentPolicy::default() })).await
        }
        "4.99 a day" => limited(policy(AgentPolicy { daily_cents: Some(499), ..AgentPolicy::default() })).await,
        "65537 bytes" => format!("\"{}\"", "x".repeat(65_535)),
        other => panic!("no such placeholder: {other}"),
    }
}

/// A key that only another plane knows.
async fn foreign(other: TestPlane) -> Minted {
    other.mint(KeyKind::Agent).await
}

async fn prepare(stage: &Stage, given: &str) {
    let test = &stage.test;
    let words: Vec<&str> = given.split(' ').collect();
    match words[..] {
        ["balance", cents] => test.set_balance(cents.parse().unwrap()).await,
        ["overdraft", cents] => test.set_overdraft(cents.parse().unwrap()).await,
        ["receiver", phone, standing, ref dollars @ ..] => {
            let dollars = dollars.first().map(|dollars| dollars.parse().unwrap());
            let verdict = match standing {
                "verified" => Verdict::Verified { dollars },
                _ => Verdict::Unverified { dollars },
            };
            judge(test, phone, verdict).await;
        }
        ["transfer", id, "of", amount, "in", state] => {
            let (number, substate) = state.split_once('/').unwrap();
            let state = State::from_numbers(number.parse().unwrap(), substate.parse().unwrap()).unwrap();
            link_pay_ins(test, state == State::AwaitingLink).await;
            assert_eq!(stage.transfer(id, amount).await.status, 200);
            link_pay_ins(test, false).await;
            test.drive(id, state).await;
        }
        ["pay-ins", "are", "linked"] => link_pay_ins(test, true).await,
        ["rate", _] => assert_eq!(stage.get("/api/agent_balance").await.status, 200),
        ["refused", "keys", times] => {
            for _ in 0..times.parse().unwrap() {
                let request =
                    stage::request("GET", "/api/agent_balance", "pk_test_nobody").body(axum::body::Body::empty());
                assert_eq!(ask(&stage.router, request.unwrap()).await.status, 401);
            }
        }
        ["weather", error] => wish(test, error).await,
        ["the", "store", "is", "closing"] => test.plane.close(),
        _ => panic!("nobody knows how to give: {given}"),
    }
}

async fn judge(test: &TestPlane, phone: &str, verdict: Verdict) {
    let (sandbox, caller) = (test.plane.sandbox().unwrap(), test.caller(&test.keys.agent));
    let phone = Phone::from_digits(phone).unwrap();
    plane::sandbox::judge(&test.plane, sandbox, &caller, &phone, verdict).await.unwrap();
}

async fn wish(test: &TestPlane, error: &str) {
    let (sandbox, caller) = (test.plane.sandbox().unwrap(), test.caller(&test.keys.agent));
    let weather = plane::sandbox::Weather { error: Some(error.to_owned()), ..plane::sandbox::Weather::default() };
    plane::sandbox::set_weather(&test.plane, sandbox, &caller, weather).await.unwrap();
}

async fn link_pay_ins(test: &TestPlane, link: bool) {
    let operator = plane::Operator::over_the_socket();
    plane::grants::link_pay_ins(&test.plane, &operator, &test.tenant, link).await.unwrap();
}
