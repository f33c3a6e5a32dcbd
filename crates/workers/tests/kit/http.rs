//! As much HTTP/1.1 as a peer and a lossy network between need: one message at a time, bodies by length.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Message {
    /// As it came.
    pub raw: Vec<u8>,
    pub start: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// `None` when the other side closed before a whole message.
pub async fn read(stream: &mut TcpStream) -> Option<Message> {
    let mut raw = Vec::new();
    let head = loop {
        if let Some(at) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(raw[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let start = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    while raw.len() < head + length {
        if stream.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    }
    let body = raw[head..].to_vec();
    Some(Message { raw, start, headers, body })
}

pub async fn answer(stream: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    // Whoever asked may have gone away.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Sends a request as it came and gives the answer as it came.
pub async fn forward(to: std::net::SocketAddr, raw: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(raw).await.ok()?;
    read(&mut stream).await.map(|message| message.raw)
}
