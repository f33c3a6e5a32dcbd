//! Sessions that a cookie carries: what a request has to show beside it, and what is never taken over from it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base::Secret;
use control::sessions::{self, Carrier, LoggedIn};
use control::{Carried, proof};
use gate::office::{Office, Options, Origin, Refusal, Routes, Signed, Visitor, Words};
use gate::{Rate, RequestId};
use http::Request;
use testkit::{Answer, TestOffice, ask};

#[derive(Clone)]
struct Plain;

impl Words for Plain {
    const NAME: &'static str = "plain";

    fn refuse(&self, refusal: &Refusal, _: &RequestId) -> Response {
        (refusal.status(), format!("{refusal:?}")).into_response()
    }
}

control::rows! {
    COMES: POST "/comes", anyone, at Nowhere, 200;
    SEES: GET "/me", signed, at Nowhere, 200;
    POSTS: POST "/me", signed, at Nowhere, 200;
    PUTS: PUT "/me", signed, at Nowhere, 200;
    CHANGES: PATCH "/me", signed, at Nowhere, 200;
    DELETES: DELETE "/me", signed, at Nowhere, 200;
    GETS: GET "/hands-over", signed, at Nowhere, 200;
}

async fn me(signed: Signed) -> String {
    format!("{:?}", signed.permit.session().carried())
}

async fn comes(visitor: Visitor) -> Response {
    match visitor.carried() {
        Ok(carried) => format!("{carried:?} {}", visitor.cookies().len()).into_response(),
        Err(refusal) => visitor.passage.refuse(&refusal),
    }
}

/// Gives a cookie and takes it back.
async fn hands_over(signed: Signed) -> Response {
    let mut response = ().into_response();
    signed.passage.hand_over(&mut response, &Secret::new("a.b.c".to_owned()));
    signed.passage.take_back(&mut response);
    response
}

fn routes(office: Office) -> Router {
    let routes = Routes::new(office, Plain, ALL).at(COMES, comes).at(GETS, hands_over);
    routes.at(SEES, me).at(POSTS, me).at(PUTS, me).at(CHANGES, me).at(DELETES, me).into_router()
}

const PUBLIC: &str = "https://pay.example:8443";
const NAME: &str = "__Host-counterfoil";

struct Stage {
    router: Router,
    /// `name=value`.
    cookie: String,
    token: String,
    _test: TestOffice,
}

async fn stage(public: &str, name: &str) -> Stage {
    let test = TestOffice::new().await;
    test.seeded("sam@example.com", "SecurePass1").await;
    let from = proof::From::new([127, 0, 0, 1].into(), "req_1", "a test");
    let log_in = async |carried| {
        let password = Secret::new("SecurePass1".to_owned());
        let logged_in = sessions::log_in(&test.control, &from, "sam@example.com", password, carried).await;
        match logged_in.unwrap_or_else(|stop| panic!("{stop:?}")) {
            LoggedIn::In { issued, .. } => match issued.carrier {
                Carrier::Token(text) | Carrier::Cookie(text) => text.expose().clone(),
            },
            LoggedIn::SecondStep { .. } => panic!("a second step"),
        }
    };
    let (cookie, token) = (log_in(Carried::Cookie).await, log_in(Carried::Bearer).await);
    let rate = Rate::new(1_000_000, 1_000_000);
    let options = Options { origin: Origin::of(public), rate, ..Options::default() };
    let office = Office::new(test.control.clone(), test.planes.clone(), options);
    Stage { router: routes(office), cookie: format!("{name}={cookie}"), token, _test: test }
}

impl Stage {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        ask(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body.as_str())
}

const FORGED: (u16, &str) = (403, "CrossSite");
const MARK: (&str, &str) = ("x-pacspace-csrf", "1");

#[tokio::test]
async fn a_change_by_a_cookie_comes_from_the_dashboards_own_pages() {
    let stage = stage(PUBLIC, NAME).await;
    let cookie = ("cookie", stage.cookie.as_str());
    let own = ("origin", PUBLIC);
    let foreign =
        ["https://pay.example", "http://pay.example:8443", "https://pay.example:8443.evil.example", "null", ""];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let send = async |headers: &[(&str, &str)]| stage.send(method, "/me", headers).await;
        for good in [&[cookie, MARK][..], &[cookie, MARK, own]] {
            assert_eq!(said(&send(good).await), (200, "Cookie"), "{method} {good:?}");
        }
        for bad in [&[cookie][..], &[cookie, own], &[cookie, ("x-pacspace-csrf", "0")], &[cookie, MARK, MARK]] {
            assert_eq!(said(&send(bad).await), FORGED, "{method} {bad:?}");
        }
        for origin in foreign {
            assert_eq!(said(&send(&[cookie, MARK, ("origin", origin)]).await), FORGED, "{method} {origin:?}");
            assert_eq!(said(&send(&[cookie, MARK, own, ("origin", origin)]).await), FORGED, "{method} {origin:?}");
        }
        // A token is sent by no browser of itself.
        let bearer = format!("Bearer {}", stage.token);
        let answer = send(&[("authorization", &bearer), ("origin", "https://elsewhere.example")]).await;
        assert_eq!(said(&answer), (200, "Bearer"), "{method}");
    }
    for headers in [&[cookie][..], &[cookie, ("origin", "https://elsewhere.example")]] {
        assert_eq!(said(&stage.send("GET", "/me", headers).await), (200, "Cookie"), "reading changes nothing");
        assert_eq!(stage.send("HEAD", "/me", headers).await.status, 200);
    }
}

#[tokio::test]
async fn no_other_site_is_given_leave() {
    let stage = stage(PUBLIC, NAME).await;
    let cookie = ("cookie", stage.cookie.as_str());
    let asks = [("origin", "https://elsewhere.example"), ("access-control-request-headers", "x-pacspace-csrf"), cookie];
    for (method, path) in [("OPTIONS", "/me"), ("GET", "/me"), ("POST", "/comes"), ("OPTIONS", "/nowhere")] {
        let answer = stage.send(method, path, &asks).await;
        let leave = answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
        assert_eq!(leave, None, "{method} {path}");
    }
}

#[tokio::test]
async fn whoever_shows_two_sessions_shows_none() {
    let stage = stage(PUBLIC, NAME).await;
    let (cookie, bearer) = (("cookie", stage.cookie.as_str()), format!("Bearer {}", stage.token));
    let denied = (401, "Denied(Unauthenticated)");
    let twice = format!("{}; {}", stage.cookie, stage.cookie);
    let other = format!("{NAME}=usr_0000000000000000.ses_0000000000000000.x; {}", stage.cookie);
    let bearer = ("authorization", bearer.as_str());
    for headers in [
        &[cookie, bearer][..],
        &[cookie, ("authorization", "Basic am8=")],
        &[cookie, cookie],
        &[("cookie", &twice)],
        &[("cookie", &other)],
        &[("cookie", NAME)],
        &[("cookie", "counterfoil=usr_0.ses_0.x")],
        &[("authorization", &stage.cookie)],
    ] {
        assert_eq!(said(&stage.send("GET", "/me", headers).await), denied, "{headers:?}");
    }
    let among_others = format!("theme=dark; {}; __Host-other=1", stage.cookie);
    assert_eq!(said(&stage.send("GET", "/me", &[("cookie", &among_others)]).await), (200, "Cookie"));
    assert_eq!(said(&stage.send("GET", "/me", &[bearer, ("cookie", "theme=dark")]).await), (200, "Bearer"));
}

#[tokio::test]
async fn a_session_that_begins_is_carried_as_its_page_asks() {
    let stage = stage(PUBLIC, NAME).await;
    let comes = async |headers: &[(&str, &str)]| stage.send("POST", "/comes", headers).await;
    let foreign = ("origin", "https://elsewhere.example");
    assert_eq!(said(&comes(&[]).await), (200, "Bearer 0"));
    assert_eq!(said(&comes(&[foreign]).await), (200, "Bearer 0"), "no cookie is given");
    assert_eq!(said(&comes(&[MARK, ("origin", PUBLIC)]).await), (200, "Cookie 0"));
    assert_eq!(said(&comes(&[MARK, foreign]).await), FORGED);
    let cookie = ("cookie", stage.cookie.as_str());
    assert_eq!(said(&comes(&[MARK, cookie]).await), (200, "Cookie 1"), "what came along is told, to be ended");
}

#[tokio::test]
async fn a_cookie_is_for_its_host_and_no_script() {
    for (public, name, secure) in [(PUBLIC, NAME, "; Secure"), ("http://127.0.0.1:7000", "counterfoil", "")] {
        let stage = stage(public, name).await;
        let answer = stage.send("GET", "/hands-over", &[("cookie", &stage.cookie)]).await;
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        let rest = format!("Path=/; HttpOnly; SameSite=Strict{secure}");
        assert_eq!(set, [&format!("{name}=a.b.c; {rest}"), &format!("{name}=; {rest}; Max-Age=0")]);
        assert!(set.iter().all(|cookie| cookie.is_sensitive()), "not shown in logs");
    }
}
