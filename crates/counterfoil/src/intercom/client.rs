//! Control's end.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Chance, Clock, Environment, OsChance, SystemClock, mac};
use bytes::Bytes;
use control::planes::{Ask, BoxFuture, NotDone, Planes, Reply};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use store::secret_file;
use tokio::net::UnixStream;

use super::message::read;
use super::proof::Said;
use super::{PATH, PROOF, SECRET, SOCKET};

/// The longest wait for an answer: a revocation waits up to five seconds for every process of the plane.
const WITHIN: Duration = Duration::from_secs(10);
const ANSWER_BYTES: usize = 4_194_304;

/// Both planes, each by its directory on this machine. Clones share it.
#[derive(Clone)]
pub struct Reached {
    places: Arc<[Place; 2]>,
}

struct Place {
    environment: Environment,
    dir: PathBuf,
    /// Where clients reach it; told once it is known.
    base_url: OnceLock<String>,
}

impl Reached {
    pub fn new(sandbox: PathBuf, live: PathBuf) -> Reached {
        let place = |environment, dir| Place { environment, dir, base_url: OnceLock::new() };
        Reached { places: Arc::new([place(Environment::Sandbox, sandbox), place(Environment::Live, live)]) }
    }

    /// Where clients reach this environment from now on. Told once.
    pub fn clients_reach(&self, environment: Environment, base_url: String) {
        let _ = self.place(environment).base_url.set(base_url);
    }

    fn place(&self, environment: Environment) -> &Place {
        let [sandbox, live] = self.places.as_ref();
        if environment == sandbox.environment { sandbox } else { live }
    }
}

impl Planes for Reached {
    fn ask(&self, environment: Environment, ask: Ask) -> BoxFuture<'_, Result<Reply, NotDone>> {
        Box::pin(async move {
            let asked = tokio::time::timeout(WITHIN, self.place(environment).ask(&ask)).await;
            let late = format!("the {environment} plane gave no answer within {} s", WITHIN.as_secs());
            asked.unwrap_or(Err(NotDone::Unreachable { may_have_run: true, why: late }))
        })
    }

    fn base_url(&self, environment: Environment) -> Option<String> {
        self.place(environment).base_url.get().cloned()
    }
}

impl Place {
    async fn ask(&self, ask: &Ask) -> Result<Reply, NotDone> {
        let not_sent = |why: String| NotDone::Unreachable { may_have_run: false, why };
        let (shown, plane) = (self.dir.display(), format!("{}/main", self.environment));
        // Read at each ask: the plane makes it at its first start, which may be after control's.
        let key = secret_file::read(&self.dir, SECRET).map_err(|fault| not_sent(fault.chain()))?;
        let stream = UnixStream::connect(self.dir.join(SOCKET)).await;
        let stream = stream
            .map_err(|error| not_sent(format!("the {} plane does not answer in {shown}: {error}", self.environment)))?;
        let body = serde_json::to_vec(ask).map_err(|error| not_sent(error.to_string()))?;
        let mut nonce = [0; 16];
        OsChance.fill(&mut nonce);
        let nonce = data_encoding::HEXLOWER.encode(&nonce);
        let said = Said::of(&key, &plane, SystemClock.now(), nonce, &body);
        let sent = exchange(stream, &said, body.into()).await;
        let (status, proof, body) = sent.map_err(|error| {
            let why = format!("the {} plane broke off: {error:#}", self.environment);
            NotDone::Unreachable { may_have_run: true, why }
        })?;
        // An answer that is not proved says nothing of what happened: somebody else may have given it.
        if !mac::equal(said.answer(&key, &plane, status, &body).as_bytes(), proof.as_bytes()) {
            let why =
                format!("the {} plane's answer ({status}) is not proved: is {shown} its directory?", self.environment);
            return Err(NotDone::Unreachable { may_have_run: true, why });
        }
        read(status, &body)
    }
}

/// (status, proof, body)
async fn exchange(stream: UnixStream, said: &Said, body: Bytes) -> anyhow::Result<(u16, String, Vec<u8>)> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let ended = tokio::spawn(connection);
    let request = http::Request::post(PATH).header("host", "counterfoil").header(PROOF, said.header());
    let answer = sender.send_request(request.header("content-type", "application/json").body(Full::new(body))?).await?;
    let status = answer.status().as_u16();
    let proof = answer.headers().get(PROOF).and_then(|proof| proof.to_str().ok()).unwrap_or_default().to_owned();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?.to_bytes().to_vec();
    drop(sender);
    ended.abort();
    Ok((status, proof, body))
}
