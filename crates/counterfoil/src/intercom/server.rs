//! A plane's end.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base::{Chance, Fault};
use bytes::Bytes;
use control::planes::Ask;
use plane::{Office, Plane};

use super::message::written;
use super::proof::{Heard, Key, Said};
use super::{PATH, PROOF, SECRET};

/// An ask is a few hundred bytes; an IP list can make it longer.
const BODY_BYTES: usize = 65_536;

struct Desk {
    plane: Plane,
    name: String,
    key: Key,
    heard: Heard,
}

/// The pair's secret, made at the plane's first start.
pub fn secret(dir: &Path, chance: &dyn Chance) -> Result<Key, Fault> {
    store::secret_file::load(dir, SECRET, false, chance)
}

pub fn routes(plane: Plane, key: Key) -> Router {
    let name = plane.name();
    let name = format!("{}/{}", name.environment, name.name);
    let desk = Arc::new(Desk { plane, name, key, heard: Heard::default() });
    let asked = move |headers: HeaderMap, body: Bytes| answered(Arc::clone(&desk), headers, body);
    Router::new().route(PATH, post(asked)).layer(DefaultBodyLimit::max(BODY_BYTES))
}

async fn answered(desk: Arc<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let said = headers.get(PROOF).and_then(|header| Said::parse(header.to_str().ok()?));
    let Some(said) = said.filter(|said| desk.heard.believes(&desk.key, &desk.name, said, &body, desk.plane.now()))
    else {
        tracing::warn!("an ask without a proof came to the intercom");
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else {
        tracing::error!("control asked what this program does not know: are both of one version?");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let outcome = workers::plane_end::answer(&desk.plane, &Office::proved_by_the_intercom(), ask).await;
    let (status, body) = written(outcome);
    let body = body.to_string();
    let proof = said.answer(&desk.key, &desk.name, status, body.as_bytes());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(PROOF, proof), ("content-type", "application/json".to_owned())], body).into_response()
}
