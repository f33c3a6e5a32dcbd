//! One ask and its answer over a socket, each with its proof: the same on either side's way to the other.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base::{Clock, SystemClock, mac};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::proof::{Heard, Key, Said, Way};

/// Carries a message's proof.
const PROOF: &str = "x-intercom";
/// An ask is a few hundred bytes; an IP list can make it longer.
const ASK_BYTES: usize = 65_536;
const ANSWER_BYTES: usize = 4_194_304;

/// Why there is no answer.
pub struct Unanswered {
    /// Whether the ask got so far that it may have been done.
    pub may_have_run: bool,
    pub why: String,
}

/// Sends one ask to a socket. The answer is (status, body), and is from whom the pair's secret proves.
pub async fn ask(socket: &Path, key: &Key, way: &Way, body: Vec<u8>) -> Result<(u16, Vec<u8>), Unanswered> {
    let (to, shown) = (&way.to, socket.display());
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|error| {
        let why = format!("{to} does not answer at {shown}: {error}");
        Unanswered { may_have_run: false, why }
    })?;
    let said = Said::now(key, way, &body);
    let sent = exchange(stream, way.path, &said, body.into()).await;
    let (status, proof, body) =
        sent.map_err(|error| Unanswered { may_have_run: true, why: format!("{to} broke off: {error:#}") })?;
    // An answer that is not proved says nothing of what happened: somebody else may have given it.
    if !mac::equal(said.answer(key, way, status, &body).as_bytes(), proof.as_bytes()) {
        let why = format!("the answer of {to} ({status}) is not proved: is {shown} its socket?");
        return Err(Unanswered { may_have_run: true, why });
    }
    Ok((status, body))
}

/// (status, proof, body)
async fn exchange(
    stream: UnixStream,
    path: &'static str,
    said: &Said,
    body: Bytes,
) -> anyhow::Result<(u16, String, Vec<u8>)> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let ended = tokio::spawn(connection);
    let request = http::Request::post(path).header("host", "counterfoil").header(PROOF, said.header());
    let answer = sender.send_request(request.header("content-type", "application/json").body(Full::new(body))?).await?;
    let status = answer.status().as_u16();
    let proof = answer.headers().get(PROOF).and_then(|proof| proof.to_str().ok()).unwrap_or_default().to_owned();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?.to_bytes().to_vec();
    drop(sender);
    ended.abort();
    Ok((status, proof, body))
}

/// What is behind a door of the intercom.
pub trait Desk: Send + Sync + 'static {
    /// The way of an ask with this body, and the secret under which it is proved. `None`: nobody who could ask so is known.
    fn expects(&self, body: &[u8]) -> Option<(Way, Key)>;

    /// (status, body); `None` where the ask cannot be read.
    fn answer(&self, body: Bytes) -> impl Future<Output = Option<(u16, serde_json::Value)>> + Send;
}

/// Serves one door. What is not proved is answered 401, without a word.
pub fn door(path: &'static str, desk: impl Desk) -> Router {
    let (desk, heard) = (Arc::new(desk), Arc::new(Heard::default()));
    let asked = move |headers: HeaderMap, body: Bytes| answered(Arc::clone(&desk), Arc::clone(&heard), headers, body);
    Router::new().route(path, post(asked)).layer(DefaultBodyLimit::max(ASK_BYTES))
}

async fn answered(desk: Arc<impl Desk>, heard: Arc<Heard>, headers: HeaderMap, body: Bytes) -> Response {
    let said = headers.get(PROOF).and_then(|header| Said::parse(header.to_str().ok()?));
    let proved = said.zip(desk.expects(&body));
    let proved = proved.filter(|(said, (way, key))| heard.believes(key, way, said, &body, SystemClock.now()));
    let Some((said, (way, key))) = proved else {
        tracing::warn!("an ask without a proof came to the intercom");
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let Some((status, answer)) = desk.answer(body).await else {
        tracing::error!(from = way.from, "what was asked is not known here: are both of one version?");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = answer.to_string();
    let proof = said.answer(&key, &way, status, answer.as_bytes());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(PROOF, proof), ("content-type", "application/json".to_owned())], answer).into_response()
}
