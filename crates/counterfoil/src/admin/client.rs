//! The command's end of the operator's socket.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::Value;
use tokio::net::UnixStream;

use super::SOCKET;
use crate::config::Role;
use crate::failure::Failure;

/// One role's socket. Nothing is opened until something is asked.
pub struct Desk {
    role: Role,
    dir: PathBuf,
}

impl Desk {
    pub fn new(data: &Path, role: Role) -> Desk {
        Desk { role, dir: data.join(role.word()) }
    }

    pub fn is_there(&self) -> bool {
        self.dir.join(SOCKET).exists()
    }

    /// Whether a server answers.
    pub async fn reach(&self) -> Result<(), Failure> {
        self.connect().await.map(|_| ())
    }

    pub async fn get(&self, path: &str, query: &impl Serialize) -> Result<Value, Failure> {
        let query = serde_json::to_value(query).context("writing the ask")?;
        let pairs = query.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let uri = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
        self.send(http::Method::GET, &uri, Bytes::new()).await
    }

    pub async fn post(&self, path: &str, ask: &impl Serialize) -> Result<Value, Failure> {
        let body = serde_json::to_vec(ask).context("writing the ask")?;
        self.send(http::Method::POST, path, body.into()).await
    }

    /// Posts an ask whose answer comes in lines of JSON while the server works, and hears each as it comes.
    pub async fn post_lines(
        &self,
        path: &str,
        ask: &impl Serialize,
        heard: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(), Failure> {
        let body = serde_json::to_vec(ask).context("writing the ask")?;
        let (status, body) = self.exchange(http::Method::POST, path, body.into(), heard).await?;
        self.judge(status, &body).map(|_| ())
    }

    async fn send(&self, method: http::Method, uri: &str, body: Bytes) -> Result<Value, Failure> {
        let (status, body) = self.exchange(method, uri, body, &mut |_| ()).await?;
        self.judge(status, &body)
    }

    /// Status and body; every whole line of a good answer is told as it comes.
    async fn exchange(
        &self,
        method: http::Method,
        uri: &str,
        body: Bytes,
        heard: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(http::StatusCode, Vec<u8>), Failure> {
        let stream = self.connect().await?;
        let asking = async {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let ended = tokio::spawn(connection);
            let request = http::Request::builder().method(method).uri(uri).header("host", "counterfoil");
            let request = request.header("content-type", "application/json").body(Full::new(body))?;
            let answer = sender.send_request(request).await?;
            let (status, mut parts) = (answer.status(), answer.into_body());
            let (mut body, mut told) = (Vec::new(), 0);
            while let Some(frame) = parts.frame().await {
                body.extend_from_slice(&frame?.into_data().unwrap_or_default());
                while let Some(end) = body[told..].iter().position(|byte| *byte == b'\n') {
                    serde_json::from_slice(&body[told..told + end]).into_iter().for_each(&mut *heard);
                    told += end + 1;
                }
            }
            drop(sender);
            ended.abort();
            anyhow::Ok((status, body))
        };
        Ok(asking.await.with_context(|| format!("the {} server did not answer", self.role.word()))?)
    }

    fn judge(&self, status: http::StatusCode, body: &[u8]) -> Result<Value, Failure> {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        match status.as_u16() {
            200 => Ok(answer),
            409 => Err(Failure::Refused(answer["error"].as_str().unwrap_or("refused").to_owned())),
            _ => Err(Failure::Fault(anyhow::anyhow!(
                "the {} server answered {status}: {}",
                self.role.word(),
                answer["error"].as_str().map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned),
            ))),
        }
    }

    async fn connect(&self) -> Result<UnixStream, Failure> {
        let socket = self.dir.join(SOCKET);
        UnixStream::connect(&socket).await.map_err(|error| {
            let role = self.role.word();
            Failure::Fault(anyhow::anyhow!(
                "no {role} server runs on {} ({error}): start it (`counterfoil dev`, or `counterfoil serve --role {role}`), \
                 or name its data directory with --data",
                self.dir.display()
            ))
        })
    }
}

/// A JSON scalar as a query's value.
fn encoded(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
