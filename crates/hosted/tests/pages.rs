//! The pages and the callback, as browsers and a provider meet them.

use axum::Router;
use axum::body::Body;
use base::{Secret, Span, mac};
use data_encoding::HEXLOWER;
use gate::Gate;
use hosted::{Options, ProviderUrl};
use http::Request;
use plane::kyc::{self, Standing};
use plane::{Caller, Phone, grants};
use testkit::{Answer, TestPlane};

struct House {
    house: TestPlane,
    router: Router,
    caller: Caller,
    token: String,
}

const SECRET: &str = "agreed with the provider";

fn phone() -> Phone {
    Phone::from_digits("201234567890").expect("a phone")
}

fn house(house: TestPlane, options: Options) -> House {
    let router = hosted::routes(Gate::new(house.plane.clone(), gate::Options::default()), options);
    let ip = std::net::IpAddr::from([127, 0, 0, 1]);
    let caller = grants::authenticate(&house.plane, &house.keys.agent, ip).expect("a caller");
    let token = kyc::link(&house.plane, &caller, &phone()).as_str().to_owned();
    House { house, router, caller, token }
}

async fn sandbox() -> House {
    house(TestPlane::sandbox().await, Options::default())
}

async fn live(options: Options) -> House {
    house(TestPlane::live().await, options)
}

fn with_secret() -> Options {
    Options { callback_secret: Some(Secret::new(SECRET.to_owned())), ..Options::default() }
}

impl House {
    fn standing(&self) -> Standing {
        kyc::standing(&self.house.plane, &self.caller, &phone()).expect("a read")
    }

    fn page(&self) -> String {
        format!("/kyc/{}", self.token)
    }

    async fn get(&self, path: &str) -> Answer {
        testkit::ask(&self.router, Request::get(path).body(Body::empty()).expect("a request")).await
    }

    async fn seal(&self) -> String {
        let page = self.get(&self.page()).await.body;
        let (_, after) = page.split_once("name=\"seal\" value=\"").expect("a sealed form");
        after.split('"').next().expect("a seal").to_owned()
    }

    async fn post(&self, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        let request = Request::post(self.page())
            .header("host", "pay.example")
            .header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        testkit::ask(&self.router, request.body(Body::from(body.into())).expect("a request")).await
    }

    async fn callback(&self, signature: Option<&str>, body: &str) -> Answer {
        let request = Request::post("/kyc/callback").header("content-type", "application/json");
        let request = signature.iter().fold(request, |request, signature| request.header("X-Signature", *signature));
        testkit::ask(&self.router, request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    fn sign(&self, body: &str, off: Span) -> String {
        let t = self.house.clock_now().plus(off).unix_seconds().to_string();
        let secret = Secret::new(SECRET.to_owned());
        let v1 = HEXLOWER.encode(&mac::hmac_of(&secret, &[t.as_bytes(), b".", body.as_bytes()]));
        format!("t={t},v1={v1}")
    }
}

#[tokio::test]
async fn the_page_shows_who_it_is_about_and_lets_nothing_else_in() {
    let house = sandbox().await;
    let page = house.get(&house.page()).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.body.contains("SANDBOX") && page.body.contains("Not verified") && page.body.contains("$600"));
    assert!(page.body.contains("+20 •••••••• 90") && !page.body.contains("201234567890"), "the phone is masked");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let (_, css) = page.body.split_once("<style>").expect("a style sheet");
    let css = css.split("</style>").next().expect("its end");
    let hash = data_encoding::BASE64.encode(&mac::sha256(&[css.as_bytes()]));
    assert!(policy.contains(&format!("'sha256-{hash}'")), "the style sheet is the one that is let in");
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.body.contains("<script") && !page.body.contains("http"), "nothing from elsewhere");
}

#[tokio::test]
async fn the_buttons_verify_and_reject() {
    let house = sandbox().await;
    let browser = [("origin", "http://pay.example"), ("sec-fetch-site", "same-origin")];
    let seal = house.seal().await;
    let sent = house.post(&browser, format!("seal={seal}&action=verify")).await;
    assert_eq!((sent.status.as_u16(), sent.header("location")), (303, format!("{}/result", house.page()).as_str()));
    assert_eq!(house.standing(), Standing { verified: true, limit_dollars: 8_990 });
    let result = house.get(sent.header("location")).await;
    assert!(result.status == 200 && result.body.contains("<h1>Verified</h1>") && result.body.contains("$8,990"));
    assert!(house.get(&house.page()).await.body.contains("<span class=\"badge good\">Verified</span>"));

    house.post(&browser, format!("seal={seal}&action=reject")).await;
    assert_eq!(house.standing(), Standing { verified: false, limit_dollars: 600 });
    assert!(house.get(sent.header("location")).await.body.contains("<h1>Rejected</h1>"));
}

#[tokio::test]
async fn a_form_that_the_page_did_not_send_changes_nothing() {
    let house = sandbox().await;
    let seal = house.seal().await;
    let good = format!("seal={seal}&action=verify");
    for foreign in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(house.post(&[foreign], good.clone()).await.status, 403, "{foreign:?}");
    }
    assert_eq!(house.post(&[], "action=verify").await.status, 403);
    assert_eq!(house.post(&[], format!("seal={}&action=verify", seal.replace(['1', '2', '3'], "0"))).await.status, 403);
    assert_eq!(house.post(&[], format!("seal={seal}&action=wave")).await.status, 400);
    assert_eq!(house.post(&[], format!("{good}&x={}", "x".repeat(5_000))).await.status, 413);
    let json = Request::post(house.page()).header("content-type", "application/json").body(Body::from("{}"));
    assert_eq!(testkit::ask(&house.router, json.expect("a request")).await.status, 415);
    house.house.clock.advance(Span::hours(2));
    assert_eq!(house.post(&[], good).await.status, 403, "the seal is too old");
    assert!(!house.standing().verified);
}

#[tokio::test]
async fn unknown_links_are_all_the_same_page() {
    let house = sandbox().await;
    let known = house.get("/kyc/nothing").await;
    assert_eq!(known.status, 404);
    let changed = house.token.replacen('a', "b", 1);
    let last = format!("{}a", house.token);
    for token in [changed.as_str(), last.as_str(), "%FF", "a%2Fb", "%00", &"a".repeat(3_000)] {
        let answer = house.get(&format!("/kyc/{token}")).await;
        assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{token}");
        let answer = house.get(&format!("/kyc/{token}/result")).await;
        assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{token}");
    }
    let witness = house.house.plane.sandbox().expect("a sandbox");
    plane::sandbox::fund(&house.house.plane, witness, &house.caller, base::Amount::cents(1)).await.expect("funds");
    plane::sandbox::reset(&house.house.plane, witness, &house.caller).await.expect("a reset");
    assert_eq!(house.get(&house.page()).await.body, known.body, "its data was reset");
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_taken() {
    let house = sandbox().await;
    let put = Request::put(house.page()).body(Body::empty()).expect("a request");
    let answer = testkit::ask(&house.router, put).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET,HEAD,POST"));
    assert!(answer.body.contains("<h1>"), "{}", answer.body);
}

#[tokio::test]
async fn live_leads_to_the_provider_and_has_no_form() {
    let provider = ProviderUrl::parse("https://verify.example/start?ref={reference}").expect("a provider");
    let house = live(Options { provider: Some(provider), ..with_secret() }).await;
    let sent = house.get(&house.page()).await;
    assert_eq!(sent.status, 303);
    assert_eq!(sent.header("location"), format!("https://verify.example/start?ref={}", house.token));
    assert_eq!(house.post(&[], "action=verify").await.status, 405, "there is no form to send");
    assert_eq!(house.get(&format!("{}/result", house.page())).await.status, 404);
    let body = format!(r#"{{"reference":"{}","verified":true}}"#, house.token);
    house.callback(Some(&house.sign(&body, Span(0))), &body).await;
    let page = house.get(&house.page()).await;
    assert!(page.status == 200 && page.body.contains("You are verified") && !page.body.contains("SANDBOX"));
}

#[tokio::test]
async fn live_without_a_provider_names_support() {
    let house = live(Options::default()).await;
    let page = house.get(&house.page()).await;
    assert!(page.status == 200 && page.body.contains("Support verifies you"));
    let body = format!(r#"{{"reference":"{}","verified":true}}"#, house.token);
    assert_eq!(house.callback(Some(&house.sign(&body, Span(0))), &body).await.status, 404, "no callback either");
    assert!(!house.standing().verified);
}

#[tokio::test]
async fn a_signed_callback_is_kept_once() {
    let house = live(with_secret()).await;
    let body = format!(r#"{{"reference":"{}","verified":true,"limit_dollars":5000}}"#, house.token);
    let signature = house.sign(&body, Span(0));
    let answer = house.callback(Some(&signature), &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (200, &serde_json::json!(true)));
    assert_eq!(house.standing(), Standing { verified: true, limit_dollars: 5_000 });
    let undone = format!(r#"{{"reference":"{}","verified":false}}"#, house.token);
    house.callback(Some(&house.sign(&undone, Span(0))), &undone).await;
    assert!(!house.standing().verified);
    assert_eq!(house.callback(Some(&signature), &body).await.status, 200, "delivered again");
    assert!(!house.standing().verified, "and without an effect");
}

#[tokio::test]
async fn a_callback_that_is_not_the_providers_is_refused() {
    let house = live(with_secret()).await;
    let body = format!(r#"{{"reference":"{}","verified":true}}"#, house.token);
    let refused = async |signature: Option<&str>, body: &str| {
        let answer = house.callback(signature, body).await;
        let json = answer.json();
        let text = |name: &str| json["error"][name].as_str().expect("a text").to_owned();
        (answer.status.as_u16(), text("code"), text("message"))
    };
    let good = house.sign(&body, Span(0));
    for (signature, says) in [
        (None, "X-Signature: send t="),
        (Some("v1=00"), "X-Signature: send t="),
        (Some(house.sign(&body, Span::seconds(-301)).as_str()), "X-Signature: t is more than 5 minutes"),
        (Some(house.sign("{}", Span(0)).as_str()), "X-Signature: v1 is not"),
    ] {
        let (status, code, message) = refused(signature, &body).await;
        assert_eq!((status, code.as_str()), (401, "authentication_error"));
        assert!(message.starts_with(says), "{message}");
    }
    let changed = body.replace("true", "false");
    assert_eq!(refused(Some(&good), &changed).await.0, 401, "another body under the same signature");
    for (body, status, says) in [
        ("{}".to_owned(), 400, "missing field `reference`"),
        (format!(r#"{{"reference":"{}","verified":"yes"}}"#, house.token), 400, "verified: "),
        (format!(r#"{{"reference":"{}","verified":true,"limit_dollars":-1}}"#, house.token), 400, "limit_dollars: "),
        (
            format!(r#"{{"reference":"{}","verified":true,"limit_dollars":1000001}}"#, house.token),
            400,
            "limit_dollars: ",
        ),
        (r#"{"reference":"nobody","verified":true}"#.to_owned(), 404, "reference: "),
    ] {
        let (answered, _, message) = refused(Some(&house.sign(&body, Span(0))), &body).await;
        assert_eq!(answered, status, "{body}");
        assert!(message.starts_with(says), "{body}: {message}");
    }
    assert!(!house.standing().verified);
    let get = house.get("/kyc/callback").await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
}
