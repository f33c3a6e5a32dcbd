//! `/healthz`: the process lives. `/readyz`: it can do its work. Both are on every listener and need no key.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::WhenClosing;

/// Why a role cannot do its work now, in a word; `Ok` when it can.
pub type Readiness = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

pub fn routes(ready: Readiness, closing: WhenClosing) -> Router {
    let readyz = move || {
        let (ready, closing) = (Arc::clone(&ready), closing.clone());
        async move {
            let ready = if closing.has_begun() { Err("closing") } else { ready() };
            match ready {
                Ok(()) => answer(StatusCode::OK, "ready"),
                Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, why),
            }
        }
    };
    Router::new().route("/healthz", get(async || answer(StatusCode::OK, "alive"))).route("/readyz", get(readyz))
}

fn answer(status: StatusCode, word: &str) -> Response {
    let body = format!("{{\"status\":\"{word}\"}}\n");
    (status, [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// Judges a store by whether it answers a read and still takes writes.
pub fn of_store(
    answers: impl Fn() -> Result<(), base::Fault> + Send + Sync + 'static,
    read_only: impl Fn() -> bool + Send + Sync + 'static,
) -> Readiness {
    Arc::new(move || {
        if let Err(fault) = answers() {
            tracing::error!(fault = fault.chain(), "the store does not answer");
            return Err("store");
        }
        if read_only() { Err("read-only") } else { Ok(()) }
    })
}
