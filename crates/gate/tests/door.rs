//! What the gate itself does to requests and answers, behind a surface that only tells which refusal it was.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base::{Fault, SeededChance};
use gate::{Called, Gate, Json, JsonText, Options, Refusal, RequestId, Surface, Visited};
use http::Request;
use hyper::body::Frame;
use plane::KeyKind;
use testkit::{Answer, TestPlane, ask};

#[derive(Clone)]
struct Plain;

impl Surface for Plain {
    const KEY_HEADER: &'static str = "x-key";
    const NAME: &'static str = "plain";

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        (refusal.status(), format!("{refusal:?}")).into_response()
    }
}

#[derive(serde::Deserialize)]
struct Wish {
    numbers: Vec<u8>,
}

struct Stage {
    router: Router,
    key: String,
    test: TestPlane,
}

async fn stage(configure: impl FnOnce(&mut Options)) -> Stage {
    let test = TestPlane::sandbox().await;
    let mut options = Options { chance: Arc::new(SeededChance::new(3)), ..Options::default() };
    configure(&mut options);
    let gate = Gate::new(test.plane.clone(), options);
    let keyed = Router::new()
        .route("/who/{what}", get(|called: Called| async move { called.caller.kind().word() }))
        .route("/needs", get(needs))
        .route("/panics", get(async || -> Response { panic!("a handler that panics, on purpose") }))
        .route("/hangs", get(async || -> Response { std::future::pending().await }))
        .route("/read_faults", get(|called: Called| async move { called.read_faulted(&Fault::new("reading")) }))
        .route("/change_faults", get(|called: Called| async move { called.change_faulted(&Fault::new("writing")) }))
        .route("/busy", get(|called: Called| async move { called.change_faulted(&Fault::busy("full")) }))
        .route("/text", post(|JsonText(text): JsonText| async move { text }))
        .route("/json", post(|Json(wish): Json<Wish>| async move { format!("{:?}", wish.numbers) }));
    let open = Router::new().route("/open", get(|visited: Visited| async move { visited.ip.to_string() }));
    let routes = gate::guard(keyed, gate.clone(), Plain).merge(gate::open(open, gate.clone(), Plain));
    Stage { router: gate::front(routes, gate, Plain), key: test.keys.agent.clone(), test }
}

async fn needs(called: Called) -> Response {
    match called.needs(&[KeyKind::Payout], "a payout key") {
        Ok(()) => "yes".into_response(),
        Err(refusal) => called.refuse(&refusal),
    }
}

impl Stage {
    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("x-key", &self.key)
    }

    async fn get(&self, path: &str) -> Answer {
        ask(&self.router, self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: Body) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        ask(&self.router, request.body(body).unwrap()).await
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let stage = stage(|_| ()).await;
    let mut seen = std::collections::HashSet::new();
    for (method, path) in [
        ("GET", "/who/1"),
        ("HEAD", "/who/1"),
        ("POST", "/who/1"),
        ("GET", "/nowhere"),
        ("GET", "/needs"),
        ("GET", "/panics"),
        ("GET", "/open"),
        ("POST", "/text"),
    ] {
        let answer = ask(&stage.router, stage.request(method, path).body(Body::empty()).unwrap()).await;
        let id = answer.header("x-request-id");
        assert!(id.starts_with("req_") && id.len() == 24, "{method} {path}: {id:?}");
        assert!(seen.insert(id.to_owned()), "{id} twice");
        let own = stage.request(method, path).header("x-request-id", "Mine-7_a.b").body(Body::empty()).unwrap();
        assert_eq!(ask(&stage.router, own).await.header("x-request-id"), "Mine-7_a.b", "{method} {path}");
    }
    let keyless = Request::builder().uri("/who/1").body(Body::empty()).unwrap();
    let answer = ask(&stage.router, keyless).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, "KeyMissing"));
    assert!(answer.header("x-request-id").starts_with("req_"));
    assert_eq!(answer.header("ratelimit"), "", "nobody's pace");
}

#[tokio::test]
async fn paths_and_methods() {
    let stage = stage(|_| ()).await;
    assert_eq!(stage.get("/who/1").await.body, "agent");
    assert_eq!(stage.get("//who///1").await.body, "agent", "doubled slashes collapse");
    assert_eq!(stage.get("/who//").await.status, 404);
    assert_eq!(stage.get("//nowhere").await.body, "NotFound");
    let head = ask(&stage.router, stage.request("HEAD", "/who/1").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str(), head.header("content-length")), (200, "", "5"));
    let other = ask(&stage.router, stage.request("DELETE", "/who/1").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (other.status.as_u16(), other.header("allow"), other.body.as_str()),
        (405, "GET,HEAD", "MethodNotAllowed")
    );
    assert_eq!(stage.get("/open").await.body, "127.0.0.1");
    assert_eq!(stage.get("/needs").await.body, "KindForbidden { needs: \"a payout key\" }");
}

#[tokio::test]
async fn what_breaks_is_told_apart() {
    let stage = stage(|_| ()).await;
    let panicked = stage.get("/panics").await;
    assert_eq!((panicked.status.as_u16(), panicked.body.as_str()), (500, "Unanswered"));
    assert_eq!(stage.get("/who/1").await.status, 200, "and the next one is served");
    assert_eq!(stage.get("/read_faults").await.body, "Faulted");
    assert_eq!(stage.get("/change_faults").await.body, "Unanswered", "whether it happened is not known");
    let busy = stage.get("/busy").await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let stage = stage(|options| options.answer_within = Duration::from_millis(20)).await;
    let answer = stage.get("/hangs").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, "Unanswered"));
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_time() {
    let stage = stage(|options| {
        options.body_bytes = 10;
        options.body_within = Duration::from_millis(20);
    })
    .await;
    assert_eq!(stage.post("/text", Body::from("[1,2,3,45]")).await.body, "[1,2,3,45]");
    assert_eq!(stage.post("/text", Body::from("[1,2,3,456]")).await.body, "BodyTooLarge { limit: 10 }");
    let unannounced = Frames(vec![Ok("[1,2,3,"), Ok("456]")], End::Over);
    let answer = stage.post("/text", Body::new(unannounced)).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (413, "BodyTooLarge { limit: 10 }"));
    let broken = Frames(vec![Ok("[1,"), Err("the connection ended")], End::Over);
    let answer = stage.post("/text", Body::new(broken)).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (400, "BodyTruncated"));
    let slow = Frames(vec![Ok("[1,")], End::Never);
    let answer = stage.post("/text", Body::new(slow)).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (408, "TimedOut"));
}

#[tokio::test]
async fn json_is_strict() {
    let stage = stage(|_| ()).await;
    assert_eq!(stage.post("/json", Body::from(r#" {"numbers": [1, 2]} "#)).await.body, "[1, 2]");
    for (body, says) in [
        (r#"{"numbers":[1,2"#, "ends early"),
        (r#"{"numbers":[]} 2"#, "trailing"),
        (r#"{"numbers":[1,300]}"#, "numbers[1]"),
        (r#"{"numbers":[],"other":{"a":1,"a":2}}"#, "twice"),
        ("[[1]]", "expected"),
    ] {
        let answer = stage.post("/json", Body::from(body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains(says), "{body}: {}", answer.body);
    }
    let plain = stage.request("POST", "/json").header("content-type", "text/plain").body(Body::from("[1]")).unwrap();
    assert_eq!(ask(&stage.router, plain).await.status, 415);
}

#[tokio::test(start_paused = true)]
async fn a_tenants_weather_is_its_own_and_passes() {
    let stage = stage(|_| ()).await;
    let (sandbox, caller) = (stage.test.plane.sandbox().unwrap(), stage.test.caller(&stage.key));
    let weather = plane::sandbox::Weather {
        latency_ms: 5_000,
        error: Some("service_unavailable".to_owned()),
        next: 2,
        ..plane::sandbox::Weather::default()
    };
    plane::sandbox::set_weather(&stage.test.plane, sandbox, &caller, weather).await.unwrap();
    for _ in 0..2 {
        let started = tokio::time::Instant::now();
        assert_eq!(stage.get("/who/1").await.body, "Injected { code: \"service_unavailable\" }");
        assert!(started.elapsed() >= Duration::from_millis(5_000));
    }
    let started = tokio::time::Instant::now();
    assert_eq!(stage.get("/open").await.status, 200, "nobody's sandbox");
    assert!(started.elapsed() < Duration::from_millis(5_000));
    assert_eq!(stage.get("/who/1").await.status, 200, "the third call is served");
}

#[tokio::test]
async fn a_request_leaves_one_line_without_its_secret_and_is_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let stage = stage(|_| ()).await;
    stage.get("/who/secret-in-the-path").await;
    stage.get("/panics").await;
    stage.post("/text", Body::from("secret in the body")).await;
    let wrong = Request::builder().uri("/who/1").header("x-key", "pk_test_wrong").body(Body::empty()).unwrap();
    ask(&stage.router, wrong).await;
    drop(logging);
    let text = lines.text();
    let requests: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> =
        requests.iter().map(|line| &line["fields"]).filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 4, "{text}");
    assert_eq!((&requests[0]["route"], &requests[0]["status"]), (&"/who/{what}".into(), &200.into()));
    assert_eq!(requests[0]["tenant"], stage.test.tenant.to_string());
    assert!(
        text.lines().any(|line| line.contains("\"INFO\"") && line.contains("/panics")),
        "failures are seen: {text}"
    );
    for secret in [stage.key.split_once('.').unwrap().1, "secret-in-the-path", "secret in the body", "pk_test_wrong"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let metrics = recorder.handle().render();
    for counted in [
        r#"counterfoil_http_requests_total{plane="sandbox",surface="plain",route="/who/{what}",status="200"} 1"#,
        r#"counterfoil_http_requests_total{plane="sandbox",surface="plain",route="/who/{what}",status="401"} 1"#,
        r#"counterfoil_http_requests_total{plane="sandbox",surface="plain",route="/panics",status="500"} 1"#,
        r#"counterfoil_auth_denied_total{plane="sandbox",why="unknown"} 1"#,
        r#"counterfoil_http_request_seconds_count{plane="sandbox",surface="plain",route="/text"} 1"#,
    ] {
        assert!(metrics.contains(counted), "{counted} is not in\n{metrics}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A body in pieces that ends, breaks or never ends.
struct Frames(Vec<Result<&'static str, &'static str>>, End);

#[derive(PartialEq)]
enum End {
    Over,
    Never,
}

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.0.is_empty() {
            return if self.1 == End::Over { Poll::Ready(None) } else { Poll::Pending };
        }
        let piece = self.0.remove(0);
        Poll::Ready(Some(piece.map(|text| Frame::data(Bytes::from(text))).map_err(Into::into)))
    }
}
