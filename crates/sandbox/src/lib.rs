//! The sandbox controls over HTTP (`docs/sandbox.md`): what stands in for the outside world while somebody tests. Any
//! sandbox key of a tenant may use them, and they touch that tenant alone.
//!
//! Only a sandbox listener has these routes: they cannot be built without the witness that a live plane does not make.
//! Weather that a tenant wished for does not reach them, so that it can always be turned off.

mod answers;
mod asks;
mod words;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use base::Stop;
use gate::{Called, Gate, Json};
use http::HeaderName;
use http::request::Parts;
use plane::sandbox::{self as controls, Sandbox};
use plane::{Phone, books};
use serde_json::Value;

use asks::{Advance, Force, Money, Receiver, Settings};
use words::{Controls, Failure};

/// The controls behind the gate. Serve them inside [`gate::front`], on a sandbox listener.
pub fn routes(gate: Gate, witness: Sandbox) -> Router {
    let routes = Router::new()
        .route("/sandbox", get(overview))
        .route("/sandbox/fund", post(fund))
        .route("/sandbox/drain", post(drain))
        .route("/sandbox/overdraft", put(overdraft))
        .route("/sandbox/kyc/{phone}", put(judge))
        .route("/sandbox/transfers", get(transfers))
        .route("/sandbox/transfers/{id}/force", post(force))
        .route("/sandbox/weather", get(weather).put(set_weather))
        .route("/sandbox/clock", get(clock))
        .route("/sandbox/clock/advance", post(advance))
        .route("/sandbox/settings", get(settings).put(set_settings))
        .route("/sandbox/reset", post(reset))
        .with_state(witness);
    gate::guard(routes, gate, Controls).layer(middleware::map_request(either_header))
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static(words::KEY_HEADER);

/// The other two contracts name the key's header differently: both names do. With both there, the gate sees two keys.
async fn either_header(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let named: Vec<_> = headers.get_all(X_API_KEY).iter().cloned().collect();
    for key in named {
        headers.append(API_KEY, key);
    }
    headers.remove(X_API_KEY);
    request
}

/// What every control ends with.
type Outcome = Result<Value, Failure>;

fn answer(called: &Called, outcome: Outcome) -> Response {
    match outcome {
        Ok(payload) => words::success(payload),
        Err(failure) => failure.answer(called),
    }
}

async fn overview(State(witness): State<Sandbox>, called: Called) -> Response {
    let read = read(&called, move |called| controls::overview(&called.plane, witness, &called.caller)).await;
    answer(&called, read.map(|overview| answers::overview(&overview)))
}

async fn fund(State(witness): State<Sandbox>, called: Called, Json(ask): Json<Money>) -> Response {
    let funded = async {
        let amount = ask.amount()?;
        controls::fund(&called.plane, witness, &called.caller, amount).await.map_err(Failure::change)?;
        balance(&called)
    };
    answer(&called, funded.await)
}

async fn drain(State(witness): State<Sandbox>, called: Called, Json(ask): Json<Money>) -> Response {
    let drained = async {
        let amount = ask.amount()?;
        controls::drain(&called.plane, witness, &called.caller, amount).await.map_err(Failure::change)?;
        balance(&called)
    };
    answer(&called, drained.await)
}

async fn overdraft(State(witness): State<Sandbox>, called: Called, Json(ask): Json<Money>) -> Response {
    let set = async {
        let amount = ask.amount()?;
        controls::set_overdraft(&called.plane, witness, &called.caller, amount).await.map_err(Failure::change)?;
        balance(&called)
    };
    answer(&called, set.await)
}

fn balance(called: &Called) -> Outcome {
    let balance = books::balance(&called.plane, called.caller.tenant()).map_err(Failure::Read)?;
    Ok(serde_json::json!({"balance": answers::balance(&balance)}))
}

async fn judge(
    State(witness): State<Sandbox>,
    called: Called,
    Named(phone): Named,
    Json(ask): Json<Receiver>,
) -> Response {
    let judged = async {
        let phone = Phone::from_e164(&phone).map_err(|_| Failure::NotAPhone)?;
        let standing = controls::judge(&called.plane, witness, &called.caller, &phone, ask.verdict()).await;
        Ok(answers::standing(&phone, standing.map_err(Failure::change)?))
    };
    answer(&called, judged.await)
}

async fn force(State(witness): State<Sandbox>, called: Called, Named(id): Named, Json(ask): Json<Force>) -> Response {
    let forced = async {
        let wish = ask.wish()?;
        let state = controls::force(&called.plane, witness, &called.caller, &id, wish).await;
        Ok(answers::forced(&id, state.map_err(Failure::change)?))
    };
    answer(&called, forced.await)
}

async fn transfers(State(witness): State<Sandbox>, called: Called, RawQuery(query): RawQuery) -> Response {
    let page = match asks::page(query.as_deref().unwrap_or_default()) {
        Ok(page) => page,
        Err(failure) => return failure.answer(&called),
    };
    let listed = move |called: &Called| {
        Ok(controls::transfers(&called.plane, witness, &called.caller, page.before, page.limit)?)
    };
    let listed = read(&called, listed).await;
    answer(&called, listed.map(|listed| answers::transfers(&listed, page.limit)))
}

async fn weather(State(witness): State<Sandbox>, called: Called) -> Response {
    let set = conditions(witness, &called);
    answer(&called, set.map(|set| answers::weather(&set.weather)))
}

async fn set_weather(State(witness): State<Sandbox>, called: Called, Json(ask): Json<controls::Weather>) -> Response {
    let set = controls::set_weather(&called.plane, witness, &called.caller, ask).await;
    answer(&called, set.map(|weather| answers::weather(&weather)).map_err(Failure::change))
}

async fn clock(State(witness): State<Sandbox>, called: Called) -> Response {
    let set = conditions(witness, &called);
    answer(&called, set.map(|set| answers::clock(&set.clock)))
}

async fn advance(State(witness): State<Sandbox>, called: Called, Json(ask): Json<Advance>) -> Response {
    let advanced = async {
        let by = ask.by()?;
        let clock = controls::advance_clock(&called.plane, witness, &called.caller, by).await;
        Ok(answers::clock(&clock.map_err(Failure::change)?))
    };
    answer(&called, advanced.await)
}

async fn settings(State(witness): State<Sandbox>, called: Called) -> Response {
    let set = conditions(witness, &called);
    answer(&called, set.map(|set| answers::settings(set.link_pay_ins)))
}

fn conditions(witness: Sandbox, called: &Called) -> Result<controls::Conditions, Failure> {
    controls::conditions(&called.plane, witness, &called.caller).map_err(Failure::read)
}

async fn set_settings(State(witness): State<Sandbox>, called: Called, Json(ask): Json<Settings>) -> Response {
    let set = controls::set_link_pay_ins(&called.plane, witness, &called.caller, ask.link_pay_ins).await;
    answer(&called, set.map(|()| answers::settings(ask.link_pay_ins)).map_err(Failure::change))
}

async fn reset(State(witness): State<Sandbox>, called: Called) -> Response {
    let reset = controls::reset(&called.plane, witness, &called.caller).await;
    answer(&called, reset.map(|()| serde_json::json!({"reset": true})).map_err(Failure::change))
}

/// Reads of many rows wait for the disk beside the threads that answer.
async fn read<T: Send + 'static>(
    called: &Called,
    read: impl FnOnce(&Called) -> Result<T, Stop<controls::Refusal>> + Send + 'static,
) -> Result<T, Failure> {
    let called = called.clone();
    let outcome = tokio::task::spawn_blocking(move || read(&called)).await;
    outcome.map_err(|error| Failure::Read(base::Fault::because("reading a sandbox", error)))?.map_err(Failure::read)
}

/// The one named part of a path. What is no UTF-8 names nothing.
struct Named(String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Response> {
        let named: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        match named {
            Ok(Path(named)) => Ok(Named(named)),
            Err(_) => Err(Called::from_request_parts(parts, state).await?.refuse(&gate::Refusal::NotFound)),
        }
    }
}
