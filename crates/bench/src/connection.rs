//! One keep-alive HTTP/1.1 connection that costs little: one write and usually one read per exchange, no allocation.
//! It knows just enough of HTTP for servers that send `content-length`; anything else is an error.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest answer taken, head included.
const LONGEST: usize = 8 << 20;

pub struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

/// A whole answer; the body is lent from the connection's buffer until the next exchange.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    /// The server will close after this answer.
    pub last: bool,
}

struct Head {
    status: u16,
    /// Bytes before the body.
    length: usize,
    body: usize,
    last: bool,
}

impl Connection {
    pub async fn open(target: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, inbox: vec![0; 8 << 10] })
    }

    /// Sends one whole request and waits for its whole answer. After an error the connection is of no more use.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.read_more(filled).await?;
            if let Some(head) = read_head(&self.inbox[..filled])? {
                break head;
            }
        };
        let end = head.length + head.body;
        while filled < end {
            filled += self.read_more(filled).await?;
        }
        if filled > end {
            return Err(broken("bytes after the answer"));
        }
        Ok(Answer { status: head.status, body: &self.inbox[head.length..end], last: head.last })
    }

    async fn read_more(&mut self, filled: usize) -> io::Result<usize> {
        if filled == self.inbox.len() {
            if filled >= LONGEST {
                return Err(broken("the answer is too long"));
            }
            self.inbox.resize(filled * 2, 0);
        }
        match self.stream.read(&mut self.inbox[filled..]).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
            count => Ok(count),
        }
    }
}

/// One `GET` on a connection of its own: status and body.
pub async fn get(base: &Base, path: &str) -> io::Result<(u16, Vec<u8>)> {
    let mut connection = Connection::open(base.address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", base.address);
    let answer = connection.exchange(request.as_bytes()).await?;
    Ok((answer.status, answer.body.to_vec()))
}

/// Where a server listens, from a base URL `http://ADDRESS:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    pub address: SocketAddr,
}

impl Base {
    /// Splits `http://address:port/path` into base and path (`/` where there is none).
    pub fn with_path(url: &str) -> anyhow::Result<(Base, String)> {
        let rest = url.strip_prefix("http://").ok_or_else(|| anyhow::anyhow!("`{url}` does not begin with http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = authority.parse().map_err(|_| anyhow::anyhow!("`{url}` does not name an address and a port"))?;
        Ok((Base { address }, format!("/{path}")))
    }
}

fn read_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(broken(&format!("not HTTP: {error}"))),
    };
    let mut body = None;
    let mut last = false;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body = std::str::from_utf8(header.value).ok().and_then(|text| text.parse().ok());
        } else if header.name.eq_ignore_ascii_case("connection") {
            last = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let body = body.ok_or_else(|| broken("an answer without content-length"))?;
    Ok(Some(Head { status: response.code.unwrap_or(0), length, body, last }))
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_whole_or_not_at_all() {
        let bytes = b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
        for cut in 0..bytes.len() {
            assert!(read_head(&bytes[..cut]).unwrap().is_none(), "cut at {cut}");
        }
        let head = read_head(bytes).unwrap().unwrap();
        assert_eq!((head.status, head.length, head.body, head.last), (404, bytes.len(), 12, true));
    }

    #[test]
    fn an_answer_of_unknown_length_is_an_error() {
        assert!(read_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0-OpenSSH_9.6\r\n").is_err());
    }

    #[test]
    fn urls_are_split() {
        let (base, path) = Base::with_path("http://127.0.0.1:7001/api/agent_balance").unwrap();
        assert_eq!((base.address, path.as_str()), ("127.0.0.1:7001".parse().unwrap(), "/api/agent_balance"));
        assert_eq!(Base::with_path("http://[::1]:80").unwrap().1, "/");
        assert!(Base::with_path("https://127.0.0.1:1").is_err());
        assert!(Base::with_path("http://localhost").is_err());
    }
}
