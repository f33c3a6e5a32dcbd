//! A payment provider of our own, for `dev` and tests: it opens pages, moves no money, and says what was paid in the provider's
//! signed events. It forgets everything when its process ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Chance as _, Clock as _, Fault, OsChance, Secret, SystemClock, id, mac, signature};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::listen::landing::escaped;

/// Where it is on control's listener.
pub const AT: &str = "/fake-provider";

const MONTH_S: i64 = 30 * 24 * 3_600;

struct Fake {
    http: reqwest::Client,
    /// Where its events go.
    events_to: String,
    /// Its pages, as people reach them.
    pages: String,
    secret_key: Secret<String>,
    events: Secret<String>,
    sessions: Mutex<BTreeMap<String, Session>>,
}

#[derive(Clone)]
struct Session {
    checkout: String,
    name: String,
    cents: String,
    back: String,
    subscription: Option<String>,
}

pub fn routes(near: &str, here: &str, secret_key: Secret<String>, events: Secret<String>) -> Result<Router, Fault> {
    let http = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(10)).build();
    let fake = Fake {
        http: http.map_err(|error| Fault::because("building the payment provider of `dev`", error))?,
        events_to: format!("{near}/dashboard/billing/provider-events"),
        pages: format!("{here}{AT}/pay"),
        secret_key,
        events,
        sessions: Mutex::default(),
    };
    let routes = Router::new()
        .route("/v1/checkout/sessions", post(open))
        .route("/pay/{id}", get(page).post(pay))
        .route("/pay/{id}/cancel", post(cancel))
        .with_state(Arc::new(fake));
    Ok(Router::new().nest(AT, routes))
}

async fn open(State(fake): State<Arc<Fake>>, headers: HeaderMap, body: String) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = format!("Bearer {}", fake.secret_key.expose());
    if !mac::equal(text(header::AUTHORIZATION.as_str()).as_bytes(), wanted.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": {"message": "Invalid API Key"}}))).into_response();
    }
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(body.as_bytes());
        fields.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let session = Session {
        checkout: field("client_reference_id"),
        name: field("line_items[0][price_data][product_data][name]"),
        cents: field("line_items[0][price_data][unit_amount_decimal]"),
        back: field("success_url"),
        subscription: None,
    };
    // The same key opens the same page.
    let id = format!("cs_test_{}", text("idempotency-key"));
    fake.sessions.lock().entry(id.clone()).or_insert(session);
    Json(json!({"id": id, "object": "checkout.session", "url": format!("{}/{id}", fake.pages)})).into_response()
}

async fn page(State(fake): State<Arc<Fake>>, Path(id): Path<String>) -> Response {
    let Some(session) = fake.session(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let (name, cents, back) = (escaped(&session.name), escaped(&session.cents), escaped(&session.back));
    let (done, button) = match session.subscription {
        None => ("", format!("<form method=\"post\" action=\"{AT}/pay/{id}\"><button>Pay</button></form>")),
        Some(_) => {
            let cancel =
                format!("<form method=\"post\" action=\"{AT}/pay/{id}/cancel\"><button>End it</button></form>");
            ("<p>It is paid.</p>", cancel)
        }
    };
    let policy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Pay</title></head><body>\n\
         <h1>A payment that moves no money</h1>\n<p>{name}: {cents} cents a month.</p>{done}\n{button}\n\
         <p><a href=\"{back}\">Back</a></p></body></html>\n"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::REFERRER_POLICY, "no-referrer")], Html(html)).into_response()
}

async fn pay(State(fake): State<Arc<Fake>>, Path(id): Path<String>) -> Response {
    let Some(session) = fake.session(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let subscription = session.subscription.unwrap_or_else(|| drawn("sub_"));
    if let Some(session) = fake.sessions.lock().get_mut(&id) {
        session.subscription = Some(subscription.clone());
    }
    let checkout = session.checkout;
    let paid = json!({
        "id": id, "object": "checkout.session", "client_reference_id": checkout, "mode": "subscription",
        "payment_status": "paid", "subscription": subscription,
    });
    let stands = fake.subscription(&subscription, &checkout, "active");
    let told = fake.tell("checkout.session.completed", paid).await;
    finished(told.and(fake.tell("customer.subscription.updated", stands).await))
}

async fn cancel(State(fake): State<Arc<Fake>>, Path(id): Path<String>) -> Response {
    let Some(Session { subscription: Some(subscription), checkout, .. }) = fake.session(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let ended = fake.subscription(&subscription, &checkout, "canceled");
    finished(fake.tell("customer.subscription.deleted", ended).await)
}

fn finished(told: Result<(), String>) -> Response {
    match told {
        Ok(()) => "done\n".into_response(),
        Err(why) => (StatusCode::BAD_GATEWAY, format!("{why}\n")).into_response(),
    }
}

impl Fake {
    fn session(&self, id: &str) -> Option<Session> {
        self.sessions.lock().get(id).cloned()
    }

    fn subscription(&self, id: &str, checkout: &str, status: &str) -> Value {
        json!({
            "id": id, "object": "subscription", "status": status, "metadata": {"checkout": checkout},
            "current_period_end": SystemClock.now().unix_seconds() + MONTH_S, "cancel_at_period_end": false,
        })
    }

    /// One signed event. The real one tries again for days; this one says that it did not arrive.
    async fn tell(&self, kind: &str, object: Value) -> Result<(), String> {
        let now = SystemClock.now();
        let event = json!({
            "id": drawn("evt_"), "object": "event", "created": now.unix_seconds(), "type": kind,
            "data": {"object": object},
        });
        let body = event.to_string();
        let request = self
            .http
            .post(&self.events_to)
            .header(header::CONTENT_TYPE.as_str(), "application/json; charset=utf-8")
            .header("stripe-signature", signature::sign(&self.events, body.as_bytes(), now))
            .body(body);
        let answer = request.send().await.map_err(|error| format!("the event did not arrive: {error}"))?;
        match answer.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("the event was answered {status}")),
        }
    }
}

fn drawn(prefix: &str) -> String {
    const CHARACTERS: usize = 16;
    format!("{prefix}{}", OsChance.text(id::ID_ALPHABET, CHARACTERS))
}
