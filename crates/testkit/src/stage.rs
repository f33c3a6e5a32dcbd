//! A surface of the front office over a real one with two real planes, called without a socket: people register, sign in and make
//! keys over the dashboard's routes, which have to be among those of the stage.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base::{Environment, Span};
use control::mail::Kind;
use control::{Operator, Row, Who, environments};
use gate::Rate;
use gate::office::{Office, Options};
use http::Request;
use serde_json::{Value, json};

use crate::golden::Case;
use crate::provider::TestProvider;
use crate::{Answer, TestOffice, ask};

pub struct Stage {
    pub test: TestOffice,
    pub router: Router,
}

/// What the words in braces of a golden request stand for.
pub type Words = BTreeMap<&'static str, String>;

pub const JO: &str = "jo@example.com";
pub const SAM: &str = "sam@example.com";
pub const PASSWORD: &str = "SecurePass1";

impl Stage {
    /// No bound on pace that a test would meet, unless `configure` says so.
    pub async fn of(routes: fn(Office) -> Router, configure: impl FnOnce(&mut Options)) -> Stage {
        let test = TestOffice::new().await;
        let mut options = Options { rate: Rate::new(1_000_000, 1_000_000), ..Options::default() };
        configure(&mut options);
        let office = Office::new(test.control.clone(), test.planes.clone(), options);
        Stage { router: routes(office), test }
    }

    /// For one case, with the words that every case knows.
    pub async fn for_case(routes: fn(Office) -> Router, case: &Case) -> (Stage, Words) {
        let rate = case.given.iter().find_map(|given| given.strip_prefix("rate "));
        let stage = Stage::of(routes, |options| {
            if let Some(rate) = rate {
                let rate = rate.parse().expect("a rate");
                options.rate = Rate::new(rate, rate);
            }
            if let Some(provider) = case.given.iter().find_map(|given| given.strip_prefix("a payment provider")) {
                options.provider = Some(Arc::new(TestProvider::new(provider.ends_with("gone"))));
            }
        });
        let stage = stage.await;
        let words = Words::from([
            ("agent", stage.test.sandbox.keys.agent.clone()),
            ("16385 bytes", format!("\"{}\"", "x".repeat(16_383))),
        ]);
        (stage, words)
    }

    pub async fn ask(&self, case: &Case, words: &Words) -> Answer {
        let fill = |text: &str| {
            words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
        };
        ask(&self.router, case.request(fill)).await
    }

    /// A call with a session's token, or without one.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        ask(&self.router, request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call("POST", path, token, Some(body)).await
    }

    /// Registers, lets the sandbox become active, and answers the tenant with the mailed token.
    pub async fn register(&self, email: &str) -> (String, String) {
        let body = json!({
            "email": email, "password": PASSWORD, "firstName": "Jo", "lastName": "Doe", "companyName": "Doe & Co",
        });
        let answer = self.post("/dashboard/auth/register", "", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.test.settle().await;
        (text(&answer, "tenantId"), self.mailed(Kind::Confirm).await)
    }

    /// The token of the one mail of this kind that waits.
    pub async fn mailed(&self, kind: Kind) -> String {
        let mails = self.test.mails().await;
        let mail = mails.iter().find(|mail| mail.kind == kind);
        mail.and_then(|mail| mail.token.clone()).unwrap_or_else(|| panic!("no {kind:?} in {mails:?}"))
    }

    /// A session's token.
    pub async fn login(&self, email: &str) -> String {
        let answer = self.post("/dashboard/auth/login", "", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        text(&answer, "token")
    }

    /// The verified owner of a tenant whose both sides are active.
    pub async fn sam(&self) -> String {
        self.test.seeded(SAM, PASSWORD).await;
        self.login(SAM).await
    }

    /// The id of a new key.
    pub async fn key(&self, token: &str, environment: &str) -> String {
        let answer = self.post("/dashboard/api-keys", token, json!({"name": "Main", "environment": environment})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        text(&answer, "id")
    }

    /// Operations of control and entries of both planes: what changes nothing leaves them as they are.
    pub fn written(&self) -> (u64, u64) {
        let operations = self.test.control.stats().figures().client_operations;
        let of_planes =
            [&self.test.sandbox, &self.test.live].map(|test| test.plane.stats().figures().client_operations);
        (operations, of_planes.iter().sum())
    }

    /// What `# given:` lines of more than one surface ask for; whether this was one.
    pub async fn give(&self, given: &str, words: &mut Words) -> bool {
        match given.split(' ').collect::<Vec<_>>()[..] {
            ["jo", "has", "registered"] => {
                let (tenant, confirm) = self.register(JO).await;
                words.extend([("tenant", tenant), ("confirm", confirm)]);
            }
            ["jo", "is", "confirmed"] => {
                let answer = self.get(&format!("/dashboard/auth/verify?token={}", words["confirm"]), "").await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
            ["jo", "is", "signed", "in"] => drop(words.insert("jo", self.login(JO).await)),
            ["sam", "is", "signed", "in"] => {
                let (tenant, user) = self.test.seeded(SAM, PASSWORD).await;
                let tenant = tenant.to_string();
                words.extend([("sam", self.login(SAM).await), ("sam_id", user.to_string())]);
                words.extend([("sams tenant", tenant.clone()), ("tenant", tenant)]);
            }
            [who, "has", "a", environment @ ("test" | "live"), "key"] => {
                let key = self.key(&words[who], environment).await;
                words.insert("key", key);
            }
            [who, "signed", "out"] => {
                let answer = self.call("POST", "/dashboard/auth/logout", &words[who], None).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
            ["minutes", minutes] => self.test.advance(Span::seconds(60 * minutes.parse::<i64>().expect("minutes"))),
            [environment, "is", "away"] => self.test.planes.takes_leave(named(environment), true),
            [environment, "is", "suspended"] => {
                let (tenant, operator) = (words["tenant"].parse().expect("a tenant"), Operator::over_the_socket());
                let suspended =
                    environments::suspend(&self.test.control, &operator, &tenant, named(environment), None).await;
                suspended.unwrap_or_else(|stop| panic!("{stop:?}"));
                self.test.settle().await;
            }
            ["rate", times] => {
                for _ in 0..times.parse().expect("a number") {
                    assert_eq!(self.get("/.well-known/jwks.json", "").await.status, 200);
                }
            }
            ["the", "office", "is", "closing"] => self.test.control.close(),
            _ => return false,
        }
        true
    }
}

pub fn needs_session(row: &Row) -> bool {
    matches!(row.who, Who::Signed | Who::Seats(_))
}

fn named(environment: &str) -> Environment {
    Environment::from_word(environment).unwrap_or_else(|| panic!("no environment: {environment}"))
}

fn text(answer: &Answer, field: &str) -> String {
    answer.json()["data"][field].as_str().unwrap_or_else(|| panic!("no {field} in {}", answer.body)).to_owned()
}
