//! The least of HTTP/1.1: one connection, one call after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }

    /// The contract's error code.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Connection {
    pub fn open(base: &str) -> Connection {
        Connection::try_open(base).expect("it listens")
    }

    pub fn try_open(base: &str) -> std::io::Result<Connection> {
        let host = base.strip_prefix("http://").expect("a base URL").to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Connection { stream: BufReader::new(stream), host })
    }

    pub fn send(&mut self, method: &str, path: &str, key: Option<&str>, body: Option<&str>) -> Answer {
        self.try_send(method, path, key, body).expect("it answers")
    }

    pub fn try_send(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
    ) -> std::io::Result<Answer> {
        let request = self.request(method, path, key, body);
        self.write(request.as_bytes())?;
        self.read()
    }

    /// A call to the front office within a session; without one when `token` is empty.
    pub fn send_as(&mut self, token: &str, method: &str, path: &str, body: Option<&str>) -> Answer {
        let mut request = self.request(method, path, None, body);
        if !token.is_empty() {
            request = request.replacen("\r\n\r\n", &format!("\r\nauthorization: Bearer {token}\r\n\r\n"), 1);
        }
        self.write(request.as_bytes()).and_then(|()| self.read()).expect("it answers")
    }

    /// The bytes of one call.
    pub fn request(&self, method: &str, path: &str, key: Option<&str>, body: Option<&str>) -> String {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        if let Some(key) = key {
            request.push_str(&format!("api-key: {key}\r\n"));
        }
        if let Some(body) = body {
            request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        request
    }

    /// No byte of an answer is waited for any longer.
    pub fn wait_at_most(&self, patience: Duration) {
        self.stream.get_ref().set_read_timeout(Some(patience)).expect("a time above zero");
    }

    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    pub fn read(&mut self) -> std::io::Result<Answer> {
        let gone = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(gone());
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(gone)?;
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
