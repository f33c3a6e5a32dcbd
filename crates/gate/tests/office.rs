//! What the office's gate itself does to requests and answers, behind a surface that only tells which refusal it was.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use base::{Fault, Secret, SeededChance, Span, TestClock};
use control::sessions::{self, Carrier, LoggedIn};
use control::{Carried, proof};
use gate::office::{Office, Options, Passage, Refusal, Routes, Signed, Stepped, Visitor, Words};
use gate::{Json, Rate, RequestId};
use http::Request;
use testkit::{Answer, TestOffice, ask, peer};

#[derive(Clone)]
struct Plain;

impl Words for Plain {
    const NAME: &'static str = "plain";

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        (refusal.status(), format!("{refusal:?}")).into_response()
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    numbers: Vec<u8>,
}

control::rows! {
    OPEN: GET "/open", anyone, at Nowhere, 200;
    JSON: POST "/json", anyone, at Nowhere, 200 400;
    HANGS: GET "/hangs", anyone, at Nowhere, 200;
    PANICS: GET "/panics", anyone, at Nowhere, 200;
    FAULTS: GET "/faults/{how}", anyone, at Nowhere, 200;
    ME: GET "/me/{any}", signed, at Nowhere, 200;
    NOBODY: GET "/nobody", seats(N N N N N), at Nowhere, 200;
    NOBODY_FRESH: POST "/nobody", seats(N N N N N), at Nowhere, step_up, 200;
    FRESH: POST "/fresh", seats(B B S N N), at Nowhere, step_up, 200 400;
    UNFIT_OPEN: GET "/unfit/open", anyone, at Nowhere, 200;
    UNFIT_SIGNED: GET "/unfit/signed", signed, at Nowhere, 200;
    UNFIT_STEPPED: GET "/unfit/stepped", signed, at Nowhere, 200;
}

fn routes(office: Office) -> Router {
    Routes::new(office, Plain, ALL)
        .at(OPEN, |visitor: Visitor| async move { visitor.from.ip.to_string() })
        .at(JSON, |_: Visitor, Json(wish): Json<Wish>| async move { format!("{:?}", wish.numbers) })
        .at(HANGS, async || -> Response { std::future::pending().await })
        .at(PANICS, async || -> Response { panic!("a handler that panics, on purpose") })
        .at(FAULTS, faults)
        .at(ME, |signed: Signed| async move { signed.permit.session().user().to_string() })
        .at(NOBODY, |_: Signed| async { "in" })
        .at(NOBODY_FRESH, |_: Stepped| async { "in" })
        .at(FRESH, |stepped: Stepped, Json(_): Json<Wish>| async move { stepped.step_up.by().word() })
        .at(UNFIT_OPEN, |_: Signed| async { "in" })
        .at(UNFIT_SIGNED, |_: Visitor| async { "in" })
        .at(UNFIT_STEPPED, |_: Stepped| async { "in" })
        .nothing_else_below("/unfit")
        .into_router()
}

async fn faults(passage: Passage, axum::extract::Path(how): axum::extract::Path<String>) -> Response {
    match how.as_str() {
        "reading" => passage.read_faulted(&Fault::new("reading")),
        "writing" => passage.change_faulted(&Fault::new("writing")),
        _ => passage.change_faulted(&Fault::busy("full")),
    }
}

struct Stage {
    test: TestOffice,
    router: Router,
    /// Of an owner who has just signed in.
    token: String,
}

async fn stage(configure: impl FnOnce(&mut Options)) -> Stage {
    let test = TestOffice::new().await;
    let (email, password) = ("sam@example.com", "SecurePass1");
    test.seeded(email, password).await;
    let from = proof::From::new([127, 0, 0, 1].into(), "req_1", "a test");
    let password = Secret::new(password.to_owned());
    let logged_in = sessions::log_in(&test.control, &from, email, password, Carried::Bearer).await;
    let Ok(LoggedIn::In { issued, .. }) = logged_in else { panic!("the login is refused") };
    let Carrier::Token(token) = issued.carrier else { panic!("a cookie") };
    let chance = Arc::new(SeededChance::new(3));
    let mut options = Options { chance, rate: Rate::new(1_000_000, 1_000_000), ..Options::default() };
    configure(&mut options);
    let office = Office::new(test.control.clone(), test.planes.clone(), options);
    Stage { router: routes(office), token: token.expose().clone(), test }
}

impl Stage {
    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path)
    }

    fn signed(&self, method: &str, path: &str) -> http::request::Builder {
        self.request(method, path).header("authorization", format!("Bearer {}", self.token))
    }

    async fn send(&self, request: http::request::Builder) -> Answer {
        ask(&self.router, request.body(Body::empty()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body.as_str())
}

#[tokio::test]
async fn every_answer_is_named_and_never_kept_by_a_cache() {
    let stage = stage(|_| ()).await;
    let mut seen = std::collections::HashSet::new();
    for (method, path) in [
        ("GET", "/open"),
        ("HEAD", "/open"),
        ("POST", "/open"),
        ("GET", "/unfit/nowhere"),
        ("GET", "/me/1"),
        ("GET", "/panics"),
        ("POST", "/json"),
    ] {
        let answer = stage.send(stage.request(method, path)).await;
        let id = answer.header("x-request-id");
        assert!(id.starts_with("req_") && id.len() == 24, "{method} {path}: {id:?}");
        assert!(seen.insert(id.to_owned()), "{id} twice");
        assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(answer.header("ratelimit-policy").starts_with("\"net\";q="), "{method} {path}");
        let own = stage.request(method, path).header("x-request-id", "Mine-7_a.b");
        assert_eq!(stage.send(own).await.header("x-request-id"), "Mine-7_a.b", "{method} {path}");
    }
}

#[tokio::test]
async fn paths_and_methods() {
    let stage = stage(|_| ()).await;
    assert_eq!(said(&stage.get("/open").await), (200, "127.0.0.1"));
    assert_eq!(said(&stage.get("/unfit/nowhere").await), (404, "Gate(NotFound)"));
    assert_eq!(said(&stage.get("/unfit/open/more").await), (404, "Gate(NotFound)"));
    let other = stage.send(stage.request("DELETE", "/open")).await;
    assert_eq!(said(&other), (405, "Gate(MethodNotAllowed)"));
    assert_eq!(other.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn who_calls_is_judged_before_what_for() {
    let stage = stage(|_| ()).await;
    let bad_body = |request: http::request::Builder| request.body(Body::from("no json")).unwrap();
    // Not signed in, then no role for it, then no fresh proof, then the body.
    let answer = ask(&stage.router, bad_body(stage.request("POST", "/fresh"))).await;
    assert_eq!(said(&answer), (401, "Denied(Unauthenticated)"));
    stage.test.advance(Span::seconds(600));
    let answer = ask(&stage.router, bad_body(stage.signed("POST", "/nobody"))).await;
    assert_eq!(said(&answer), (403, "Denied(RoleForbids)"), "the role comes before the proof");
    let answer = ask(&stage.router, bad_body(stage.signed("POST", "/fresh"))).await;
    assert_eq!(said(&answer), (403, "Denied(StepUpRequired)"), "the proof comes before the body");
    assert_eq!(said(&stage.send(stage.signed("GET", "/nobody")).await), (403, "Denied(RoleForbids)"));
    assert!(stage.send(stage.signed("GET", "/me/1")).await.body.starts_with("usr_"));
}

#[tokio::test]
async fn a_fresh_proof_opens_and_then_the_body_is_read() {
    let stage = stage(|_| ()).await;
    let json = stage.signed("POST", "/fresh").header("content-type", "application/json");
    let answer = ask(&stage.router, json.body(Body::from(r#"{"numbers":[1]}"#)).unwrap()).await;
    assert_eq!(said(&answer), (200, "login"));
    let answer = ask(&stage.router, stage.signed("POST", "/fresh").body(Body::from("{}")).unwrap()).await;
    assert_eq!(said(&answer), (415, "Gate(UnsupportedMediaType)"));
}

#[tokio::test]
async fn one_bearer_token_and_nothing_else() {
    let stage = stage(|_| ()).await;
    let token = &stage.token;
    let denied = (401, "Denied(Unauthenticated)");
    for value in ["", "Bearer", "Bearer ", "Basic am8=", "x", &format!("Token {token}"), token.as_str()] {
        let answer = stage.send(stage.request("GET", "/me/1").header("authorization", value)).await;
        assert_eq!(said(&answer), denied, "{value}");
    }
    let twice = stage.signed("GET", "/me/1").header("authorization", format!("Bearer {token}"));
    assert_eq!(said(&stage.send(twice).await), denied);
    let lower = stage.request("GET", "/me/1").header("authorization", format!("bearer {token}"));
    assert_eq!(stage.send(lower).await.status, 200, "the scheme's case does not matter");
    let in_query = format!("/me/1?access_token={token}");
    assert_eq!(said(&stage.get(&in_query).await), denied);
    let key = &stage.test.sandbox.keys.agent;
    let as_token = stage.request("GET", "/me/1").header("authorization", format!("Bearer {key}"));
    assert_eq!(said(&stage.send(as_token).await), (403, "KeyNotAccepted"));
    for header in ["x-api-key", "api-key"] {
        let beside = stage.signed("GET", "/me/1").header(header, key);
        assert_eq!(said(&stage.send(beside).await), (403, "KeyNotAccepted"), "{header}");
    }
}

#[tokio::test]
async fn handlers_get_what_their_row_grants() {
    let stage = stage(|_| ()).await;
    for path in ["/unfit/open", "/unfit/signed", "/unfit/stepped"] {
        let answer = stage.send(stage.signed("GET", path)).await;
        assert_eq!(said(&answer), (500, "a route without its row"), "{path}");
    }
}

#[tokio::test]
async fn a_router_has_every_row_once() {
    let stage = stage(|_| ()).await;
    let office = Office::new(stage.test.control.clone(), stage.test.planes.clone(), Options::default());
    let fails = |routes: Routes| catch_unwind(AssertUnwindSafe(|| routes.into_router())).is_err();
    const ONE: &[&control::Row] = &[OPEN];
    let one = || Routes::new(office.clone(), Plain, ONE);
    assert!(fails(one()), "a row without its handler");
    assert!(!fails(one().at(OPEN, async || "in")));
    assert!(fails(one().at(OPEN, async || "in").at(PANICS, async || "in")), "a handler behind another surface's row");
}

#[tokio::test(start_paused = true)]
async fn what_breaks_or_takes_too_long_is_answered() {
    let stage = stage(|_| ()).await;
    assert_eq!(said(&stage.get("/panics").await), (500, "Gate(Unanswered)"));
    assert_eq!(said(&stage.get("/hangs").await), (500, "Gate(Unanswered)"));
    assert_eq!(said(&stage.get("/faults/reading").await), (500, "Gate(Faulted)"));
    assert_eq!(said(&stage.get("/faults/writing").await), (500, "Gate(Unanswered)"));
    let busy = stage.get("/faults/full").await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn bodies_are_bounded_and_strict() {
    let stage = stage(|options| options.body_bytes = 64).await;
    let post = async |body: String| {
        let request = stage.request("POST", "/json").header("content-type", "application/json");
        ask(&stage.router, request.body(Body::from(body)).unwrap()).await
    };
    assert_eq!(said(&post(r#"{"numbers":[1,2]}"#.to_owned()).await), (200, "[1, 2]"));
    assert_eq!(said(&post(" ".repeat(65)).await), (413, "Gate(BodyTooLarge { limit: 64 })"));
    for bad in ["", "[]", "{}", r#"{"numbers":[1],"role":"owner"}"#, r#"{"numbers":[1],"numbers":[2]}"#] {
        assert_eq!(post(bad.to_owned()).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_body_that_hangs_is_given_up() {
    let stage = stage(|options| options.body_within = Duration::from_millis(20)).await;
    let request = stage.request("POST", "/json").header("content-type", "application/json");
    let answer = ask(&stage.router, request.body(Body::new(Hanging)).unwrap()).await;
    assert_eq!(said(&answer), (408, "Gate(TimedOut)"));
}

/// A body of which nothing ever comes.
struct Hanging;

impl HttpBody for Hanging {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_network_has_its_own_pace() {
    let clock = Arc::new(TestClock::default());
    let pace_clock = Arc::clone(&clock);
    let stage = stage(|options| {
        options.rate = Rate::new(1, 3);
        options.pace_clock = pace_clock as _;
    })
    .await;
    let from = async |address: &str| {
        let request = stage.request("GET", "/me/1").extension(peer(address));
        stage.send(request).await
    };
    for address in ["203.0.113.1:1", "203.0.113.2:1", "203.0.113.3:1"] {
        assert_eq!(from(address).await.status, 401, "the pace comes before the session");
    }
    let waits = from("203.0.113.4:1").await;
    assert_eq!(said(&waits), (429, "Gate(RateLimited { retry_after_s: 1 })"));
    assert_eq!(waits.header("retry-after"), "1");
    assert_eq!(from("198.51.100.1:1").await.status, 401, "another network");
    clock.advance(Span::seconds(1));
    assert_eq!(from("203.0.113.4:1").await.status, 401);
}
