//! A strict peer that speaks the CashQ contract and keeps its own books.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base::{Amount, Asset};
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::http::{answer, read};

pub const KEY: &str = "pk_live_peer.secret";

/// What the last digit of a transfer's cents makes the peer do.
pub const REFUSES: i128 = 7;
pub const FAILS: i128 = 8;
/// Refused the first time that it is seen, taken later.
pub const REFUSES_ONCE: [i128; 3] = [4, 5, 6];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Open { looks_left: u32 },
    Paid,
    Failed,
}

pub struct Kept {
    content: Value,
    pub cents: i128,
    pub end: End,
    pub submissions: u32,
}

#[derive(Default)]
pub struct Books {
    pub balance: i128,
    pub transfers: HashMap<String, Kept>,
    visits: HashMap<String, u32>,
    /// Set while our key is not accepted.
    pub locked_out: bool,
    /// Answers with 503, although what was asked is done.
    pub unwell: bool,
}

pub struct Peer {
    pub address: SocketAddr,
    pub books: Arc<Mutex<Books>>,
    /// Counts submissions down; the one that makes it zero is applied and never answered, and the bell rings.
    pub fuse: Arc<AtomicI64>,
    pub bell: Arc<Notify>,
}

impl Peer {
    pub async fn start(balance: i128) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let books = Arc::new(Mutex::new(Books { balance, ..Books::default() }));
        let (fuse, bell) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::new(Notify::new()));
        let peer = Peer { address: listener.local_addr().unwrap(), books, fuse, bell };
        let (books, fuse, bell) = (Arc::clone(&peer.books), Arc::clone(&peer.fuse), Arc::clone(&peer.bell));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&books), Arc::clone(&fuse), Arc::clone(&bell)));
            }
        });
        peer
    }

    pub fn change(&self, change: impl FnOnce(&mut Books)) {
        change(&mut self.books.lock().unwrap());
    }

    /// Σ of what the peer has paid.
    pub fn paid(&self) -> i128 {
        let books = self.books.lock().unwrap();
        books.transfers.values().filter(|kept| kept.end == End::Paid).map(|kept| kept.cents).sum()
    }
}

async fn serve(mut stream: TcpStream, books: Arc<Mutex<Books>>, fuse: Arc<AtomicI64>, bell: Arc<Notify>) {
    let Some(request) = read(&mut stream).await else { return };
    let (status, body) = {
        let mut books = books.lock().unwrap();
        let said = books.ask(&request.start, request.header("api-key"), &request.body);
        if books.unwell { refusal(503, "service_unavailable") } else { said }
    };
    if request.start.starts_with("POST") && fuse.fetch_sub(1, Ordering::SeqCst) == 1 {
        bell.notify_one();
        return;
    }
    answer(&mut stream, status, &body.to_string()).await;
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"error": {"message": "not this way", "code": code}, "success": "false"}))
}

impl Books {
    fn ask(&mut self, start: &str, key: Option<&str>, body: &[u8]) -> (u16, Value) {
        if key != Some(KEY) || self.locked_out {
            return refusal(401, "authentication_error");
        }
        match start.split(' ').collect::<Vec<_>>()[..] {
            ["POST", "/api/transfer", _] => self.submit(body),
            ["GET", path, _] if path.starts_with("/api/status/") => self.look(path.trim_start_matches("/api/status/")),
            _ => refusal(404, "invalid_request"),
        }
    }

    fn submit(&mut self, body: &[u8]) -> (u16, Value) {
        let Some((id, cents, content)) = strictly(body) else { return refusal(400, "invalid_request") };
        let accepted = json!({"payment_response": {"payment_id": null, "state": "-2", "substate": "0", "code": "0",
            "id": id}, "error": "", "success": true});
        if let Some(kept) = self.transfers.get_mut(&id) {
            kept.submissions += 1;
            let same = kept.content == content;
            return if same { (200, accepted) } else { refusal(400, "invalid_request") };
        }
        let visits = self.visits.entry(id.clone()).or_default();
        *visits += 1;
        if cents % 10 == REFUSES || REFUSES_ONCE.contains(&(cents % 10)) && *visits == 1 {
            return refusal(200, "kyc_not_verified");
        }
        if cents > self.balance {
            return refusal(200, "insufficient_funds");
        }
        self.balance -= cents;
        let end = End::Open { looks_left: 1 };
        self.transfers.insert(id, Kept { content, cents, end, submissions: 1 });
        (200, accepted)
    }

    fn look(&mut self, id: &str) -> (u16, Value) {
        let result = |state: i64, last: i64, trans: Value| {
            json!({"server_time": null, "code": 0, "substate": 0, "id": id, "state": state, "attribute": [],
                "trans": trans, "sum_prov": null, "final": last})
        };
        let Some(kept) = self.transfers.get_mut(id) else {
            let (status, mut body) = refusal(404, "transfer_not_found");
            body["status"] = json!({"result": result(-2, 1, Value::Null)});
            return (status, body);
        };
        if let End::Open { looks_left } = kept.end {
            kept.end = match (looks_left, kept.cents % 10) {
                (0, FAILS) => End::Failed,
                (0, _) => End::Paid,
                (left, _) => End::Open { looks_left: left - 1 },
            };
            self.balance += if kept.end == End::Failed { kept.cents } else { 0 };
        }
        let result = match kept.end {
            End::Open { .. } => result(40, 0, Value::Null),
            End::Paid => result(60, 1, json!(format!("PEER-{id}"))),
            End::Failed => result(80, 1, Value::Null),
        };
        (200, json!({"status": {"result": result}, "error": "", "success": true}))
    }
}

/// (id, cents, the whole) of a body that says all that the contract wants, as it wants it.
fn strictly(body: &[u8]) -> Option<(String, i128, Value)> {
    let content: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| content.get(name)?.as_str().map(str::to_owned);
    let id = text("id").filter(|id| (1..=18).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()))?;
    for phone in ["sender_phone", "receiver_phone"] {
        text(phone).filter(|phone| phone.starts_with('+') && phone.len() > 8)?;
    }
    for name in ["service", "receiver_country", "receiver_currency"] {
        text(name).filter(|value| !value.is_empty())?;
    }
    let attributes = content.get("attribute")?.as_array()?;
    attributes.iter().all(|one| one["name"].is_string() && one["value"].is_string()).then_some(())?;
    let cents = Amount::parse(&text("amount")?, Asset::USD).ok()?.minor;
    Some((id, cents, content))
}
