//! The CashQ surface: five endpoints, their envelope, codes and quirks (`docs/guide/cashq.md`). It turns bytes into an
//! ask and an outcome into bytes, and decides nothing.
//!
//! - A success carries the documented payload and, with it, `"error":"","success":true`.
//! - A failure is `{"error":{"message","code"},"success":"false"}`: `success` is then a string.

mod answers;
mod ask;
mod refusals;
mod wire;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use base::{Deed, Stop};
use gate::{Called, Gate, JsonText};
use http::request::Parts;
use plane::{KeyKind, Phone, payouts};

pub use words::{Cashq, Code};

/// What the surface has to be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Base URL under which the pages of `hosted` can be reached from outside, without a slash at its end: an
    /// unverified receiver's `kyc_url` is `{kyc_base}/kyc/{token}`.
    pub kyc_base: String,
}

/// The five endpoints behind the gate. Serve them inside [`gate::front`].
pub fn routes(gate: Gate, options: Options) -> Router {
    let kyc_base: Arc<str> = options.kyc_base.trim_end_matches('/').into();
    let routes = Router::new()
        .route("/api/agent_balance", get(agent_balance))
        .route("/api/kyc/{account}", get(kyc))
        .route("/api/checkTransfer", post(check_transfer))
        .route("/api/transfer", post(transfer))
        .route("/api/status/{id}", get(status))
        .with_state(kyc_base);
    gate::guard(routes, gate, Cashq)
}

/// Whose key may read. Judged before the body is looked at.
struct Reader(Called);

/// Whose key may move funds.
struct Agent(Called);

async fn agent_balance(Reader(called): Reader) -> Response {
    match plane::books::balance(&called.plane, called.caller.tenant()) {
        Ok(balance) => did(&called, Deed::Balance, answers::balance(&balance)),
        Err(fault) => called.read_faulted(&fault),
    }
}

async fn kyc(
    Reader(called): Reader,
    State(kyc_base): State<Arc<str>>,
    account: Result<Path<String>, PathRejection>,
) -> Response {
    let phone = account.ok().and_then(|Path(account)| Phone::from_digits(&account).ok());
    let Some(phone) = phone else { return refusals::account_malformed() };
    match plane::kyc::standing(&called.plane, &called.caller, &phone) {
        Ok(standing) if standing.verified => did(&called, Deed::Receiver, answers::verified(&standing)),
        Ok(standing) => {
            let token = plane::kyc::link(&called.plane, &called.caller, &phone);
            did(&called, Deed::Receiver, answers::unverified(&standing, &kyc_base, token.as_str()))
        }
        Err(fault) => called.read_faulted(&fault),
    }
}

async fn check_transfer(Reader(called): Reader, JsonText(body): JsonText) -> Response {
    let ask = match ask::read(&body) {
        Ok(ask) => ask,
        Err(problem) => return refusals::problem(&called, problem),
    };
    match payouts::check(&called.plane, &called.caller, ask).await {
        Ok(quote) => did(&called, Deed::Check, answers::quoted(&quote)),
        Err(Stop::Refused(refusal)) => refusals::transfer(&called, &refusal),
        Err(Stop::Faulted(fault)) => called.read_faulted(&fault),
    }
}

async fn transfer(Agent(called): Agent, JsonText(body): JsonText) -> Response {
    let ask = match ask::read(&body) {
        Ok(ask) => ask,
        Err(problem) => return refusals::problem(&called, problem),
    };
    match payouts::create(&called.plane, &called.caller, ask, answers::accepted).await {
        Ok(saved) => did(&called, Deed::Transfer, answers::saved(saved)),
        Err(Stop::Refused(refusal)) => refusals::transfer(&called, &refusal),
        Err(Stop::Faulted(fault)) => called.change_faulted(&fault),
    }
}

async fn status(Reader(called): Reader, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return refusals::transfer_not_found("") };
    match payouts::status(&called.plane, &called.caller, &id) {
        Ok(Some(view)) => did(&called, Deed::Status, answers::status(&id, &view)),
        Ok(None) => refusals::transfer_not_found(&id),
        Err(fault) => called.read_faulted(&fault),
    }
}

/// A success, which counts among what the tenant has done.
fn did(called: &Called, deed: Deed, success: Response) -> Response {
    called.did(deed);
    success
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Reader, Response> {
        let kinds = [KeyKind::Standard, KeyKind::Agent];
        may(parts, state, &kinds, "a standard or an agent key").await.map(Reader)
    }
}

impl<S: Sync> FromRequestParts<S> for Agent {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Agent, Response> {
        may(parts, state, &[KeyKind::Agent], "an agent key").await.map(Agent)
    }
}

async fn may<S: Sync>(
    parts: &mut Parts,
    state: &S,
    kinds: &[KeyKind],
    needs: &'static str,
) -> Result<Called, Response> {
    let called = Called::from_request_parts(parts, state).await?;
    match called.needs(kinds, needs) {
        Ok(()) => Ok(called),
        Err(refusal) => Err(called.refuse(&refusal)),
    }
}
