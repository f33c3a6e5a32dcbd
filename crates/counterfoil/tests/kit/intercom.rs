//! The intercom as somebody meets it who has a secret of it and no right, or both.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base::{Clock, Secret, SystemClock, mac};

pub const ASK: &str = "/intercom/v1/ask";
pub const WAITING: &str = "/intercom/v1/waiting";

/// Who speaks to whom, at which door.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub path: &'a str,
}

/// The proof of an ask, under the secret in a plane's directory, at so many seconds from now.
pub fn proof(plane: &Path, way: Way<'_>, seconds: i64, nonce: u32, body: &str) -> String {
    let secret: [u8; 32] = std::fs::read(plane.join("intercom")).expect("a secret").try_into().expect("32 bytes");
    let at = SystemClock.now().0 + seconds * 1_000_000;
    let head = format!("ask\n{}\n{}\n{}\n{at}\n{nonce:032x}\n", way.from, way.to, way.path);
    let mac = mac::hmac(&Secret::new(secret), &[head.as_bytes(), body.as_bytes()]);
    format!("t={at} n={nonce:032x} m={}", data_encoding::HEXLOWER.encode(&mac))
}

/// (status, body) of an ask with this proof, or without one where it is empty.
pub fn ask(dir: &Path, path: &str, proof: &str, body: &str) -> (u16, String) {
    let mut socket = UnixStream::connect(dir.join("intercom.sock")).expect("the socket answers");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("the socket answers");
    let header = if proof.is_empty() { String::new() } else { format!("x-intercom: {proof}\r\n") };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{header}\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).expect("the socket answers");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("the socket answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head[9..12].parse().expect("a status"), body.to_owned())
}
