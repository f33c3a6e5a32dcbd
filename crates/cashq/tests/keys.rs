//! Who may call what, from where, and how fast.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use base::Span;
use gate::Rate;
use plane::KeyKind;
use plane::grants::{KeyChange, KeyLimits};
use stage::{Stage, code, request};
use testkit::{Answer, TestPlane, ask, peer};

const CALLS: [(&str, &str); 5] = [
    ("GET", "/api/agent_balance"),
    ("GET", "/api/kyc/16175551212"),
    ("GET", "/api/status/7"),
    ("POST", "/api/checkTransfer"),
    ("POST", "/api/transfer"),
];

#[tokio::test]
async fn kinds_and_endpoints() {
    let stage = Stage::new().await;
    let keys = stage.test.keys.clone();
    for (method, path) in CALLS {
        for (key, kind) in
            [(&keys.standard, KeyKind::Standard), (&keys.payout, KeyKind::Payout), (&keys.agent, KeyKind::Agent)]
        {
            let answer = call(&stage, method, path, key).await;
            let may = match kind {
                KeyKind::Standard => path != "/api/transfer",
                KeyKind::Payout => false,
                KeyKind::Agent => true,
            };
            assert_eq!(answer.status != 401, may, "{kind:?} {path}: {}", answer.body);
            if !may {
                let needs = if path == "/api/transfer" { "an agent key" } else { "a standard or an agent key" };
                assert_eq!(code(&answer), "authentication_error");
                assert!(answer.body.contains(needs), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_key_without_the_right_is_told_so_before_its_body_is_read() {
    let stage = Stage::new().await;
    let sent = request("POST", "/api/transfer", &stage.test.keys.standard).body(Body::from("not json"));
    assert_eq!(ask(&stage.router, sent.unwrap()).await.status, 401);
}

#[tokio::test]
async fn the_other_environments_keys_are_refused_by_their_prefix() {
    let (sandbox, live) = (Stage::new().await, Stage::over(TestPlane::live().await, |_| ()));
    for (stage, other) in [(&sandbox, &live), (&live, &sandbox)] {
        // The same words whether the key exists over there or never did.
        let whole = &other.test.keys.agent;
        let prefix = &whole[..8];
        for key in [whole.as_str(), &format!("{prefix}nobody"), prefix] {
            for (method, path) in CALLS {
                let answer = call(stage, method, path, key).await;
                assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (401, "authentication_error"));
                assert!(answer.body.contains("other environment"), "{}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_key_dies_at_once_and_for_every_endpoint() {
    let stage = Stage::new().await;
    let at = stage.test.clock_now().plus(Span::hours(1));
    let changes = [KeyChange::Revoke, KeyChange::Disable, KeyChange::Rotated { at, wish: None }];
    for change in changes {
        let key = stage.test.mint(KeyKind::Agent).await;
        assert_eq!(call(&stage, "GET", "/api/agent_balance", &key.whole).await.status, 200);
        stage.test.change_key(&key, change.clone()).await;
        if let KeyChange::Rotated { .. } = change {
            assert_eq!(call(&stage, "GET", "/api/agent_balance", &key.whole).await.status, 200, "not yet");
            stage.test.clock.advance(Span::hours(1));
        }
        for (method, path) in CALLS {
            let answer = call(&stage, method, path, &key.whole).await;
            assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (401, "authentication_error"), "{change:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_no_key() {
    let stage = Stage::new().await;
    let key = &stage.test.keys.agent;
    let (id, secret) = key.split_once('.').unwrap();
    let (_, of_another) = stage.test.keys.standard.split_once('.').unwrap();
    for wrong in [
        format!("{id}.{of_another}"),
        id.to_owned(),
        format!("{id}."),
        secret.to_owned(),
        key[..key.len() - 1].to_owned(),
    ] {
        assert_eq!(call(&stage, "GET", "/api/agent_balance", &wrong).await.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn addresses_count_as_they_are_unless_a_trusted_proxy_says_otherwise() {
    let limits = KeyLimits {
        ips: vec!["198.51.100.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        ..KeyLimits::default()
    };
    let behind_proxy = Stage::with(|options| options.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]).await;
    let bare = Stage::new().await;
    for (stage, trusts) in [(&behind_proxy, true), (&bare, false)] {
        let key = stage.test.mint_with(KeyKind::Agent, limits.clone()).await.whole;
        let status = async |from: &str, forwarded: &str| {
            let sent = request("GET", "/api/agent_balance", &key).header("x-forwarded-for", forwarded);
            let mut sent = sent.body(Body::empty()).unwrap();
            sent.extensions_mut().insert::<ConnectInfo<SocketAddr>>(peer(from));
            ask(&stage.router, sent).await.status.as_u16()
        };
        assert_eq!(status("198.51.100.7:1", "203.0.113.1").await, 200, "the peer itself, whatever it claims");
        assert_eq!(status("[2001:db8::5]:1", "").await, 200);
        assert_eq!(status("[::ffff:198.51.100.7]:1", "").await, 200, "the same address, written otherwise");
        assert_eq!(status("203.0.113.1:1", "198.51.100.7").await, 401, "a claim of an untrusted peer");
        assert_eq!(status("10.0.0.1:1", "198.51.100.7").await, if trusts { 200 } else { 401 });
        assert_eq!(status("10.0.0.1:1", "198.51.100.7, 203.0.113.1").await, 401, "prepended by the client");
        assert_eq!(status("10.0.0.1:1", "198.51.100.7, 10.0.0.2").await, if trusts { 200 } else { 401 });
    }
}

#[tokio::test]
async fn a_browser_never_gets_through() {
    let stage = Stage::new().await;
    for origin in ["https://shop.example", "null", "http://localhost:3000"] {
        let sent = request("GET", "/api/agent_balance", &stage.test.keys.agent).header("origin", origin);
        let answer = ask(&stage.router, sent.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (401, "authentication_error"), "{origin}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    }
}

#[tokio::test]
async fn pace_is_exact_and_each_keys_own() {
    let stage = Stage::with(|options| options.rate = Rate::new(5, 10)).await;
    let agent = stage.test.keys.agent.clone();
    let balance = async |key: &str| call(&stage, "GET", "/api/agent_balance", key).await;
    for left in (0..10).rev() {
        let answer = balance(&agent).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=10;w=2");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"key\";r={left};t=")),
            "{}",
            answer.header("ratelimit")
        );
    }
    for _ in 0..3 {
        let answer = balance(&agent).await;
        assert_eq!((answer.status.as_u16(), code(&answer).as_str()), (429, "service_unavailable"));
        assert_eq!((answer.header("retry-after"), answer.header("ratelimit")), ("1", "\"key\";r=0;t=1"));
    }
    assert_eq!(balance(&stage.test.keys.standard).await.status, 200, "another key has its own bucket");
    stage.pace.advance(Span::millis(199));
    assert_eq!(balance(&agent).await.status, 429);
    stage.pace.advance(Span::millis(1));
    assert_eq!(balance(&agent).await.status, 200, "one fifth of a second fills one");
    assert_eq!(balance(&agent).await.status, 429);
    stage.pace.advance(Span::seconds(60));
    let mut passed = 0;
    while balance(&agent).await.status == 200 {
        passed += 1;
        assert!(passed <= 10, "more than the burst");
    }
    assert_eq!(passed, 10, "never more than the burst, however long nobody called");
}

#[tokio::test]
async fn refused_keys_are_counted_by_address_and_good_keys_pass() {
    let stage = Stage::with(|options| options.denials_per_minute = 3.try_into().unwrap()).await;
    let from = async |address: &str, key: &str| {
        let mut sent = request("GET", "/api/agent_balance", key).body(Body::empty()).unwrap();
        sent.extensions_mut().insert::<ConnectInfo<SocketAddr>>(peer(address));
        ask(&stage.router, sent).await
    };
    for _ in 0..3 {
        assert_eq!(from("203.0.113.1:1", "pk_test_x").await.status, 401);
    }
    let answer = from("203.0.113.1:2", "pk_test_x").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "20"));
    assert_eq!(from("203.0.113.1:3", &stage.test.keys.agent).await.status, 200, "whoever has a good key is not hurt");
    assert_eq!(from("203.0.113.2:1", "pk_test_x").await.status, 401, "another address");
    assert_eq!(from("[2001:db8::1]:1", "pk_test_x").await.status, 401);
    for _ in 0..2 {
        from("[2001:db8::2]:1", "pk_test_x").await;
    }
    assert_eq!(from("[2001:db8::3]:1", "pk_test_x").await.status, 429, "one /64 is one address");
    stage.pace.advance(Span::seconds(20));
    assert_eq!(from("203.0.113.1:1", "pk_test_x").await.status, 401, "the bucket fills again");
}

async fn call(stage: &Stage, method: &str, path: &str, key: &str) -> Answer {
    let mut sent = request(method, path, key);
    let mut body = String::new();
    if method == "POST" {
        sent = sent.header("content-type", "application/json");
        body = stage::transfer_body("7", "5.00");
    }
    ask(&stage.router, sent.body(Body::from(body)).unwrap()).await
}
