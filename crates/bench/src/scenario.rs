//! The requests of each scenario, built once and then only patched.

use std::sync::Arc;

use crate::load::Requests;

/// Receivers that transfers go to.
const RECEIVERS: u64 = 10_000;
/// Transfers that `replay` makes and then repeats.
pub const REPLAYED: u64 = 1_000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    Transfer,
    Replay,
    Balance,
}

impl Scenario {
    /// The name on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Transfer => "transfer",
            Scenario::Replay => "replay",
            Scenario::Balance => "balance",
        }
    }
}

/// An accepted answer of any of the five endpoints: 200 and `"success":true`, wherever it stands.
pub fn is_success(status: u16, body: &[u8]) -> bool {
    const MARK: &[u8] = br#""success":true"#;
    status == 200 && body.windows(MARK.len()).rev().any(|window| window == MARK)
}

/// A whole `POST /api/transfer` of one key, with the places where transfers differ. All are of fixed width, so that
/// `content-length` never changes.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    id: usize,
    receiver: usize,
    amount: usize,
    account: usize,
}

impl Template {
    const ID: &str = "000000000000000000";
    const RECEIVER: &str = "+2010########";
    const AMOUNT: &str = "0.0#";
    const ACCOUNT: &str = "EG380019000500000000########";

    /// `host` is the authority for the `host` field.
    pub fn new(host: &str, key: &str) -> Template {
        let body = serde_json::json!({
            "id": Template::ID, "sender_phone": "+15615019469", "receiver_phone": Template::RECEIVER,
            "amount": Template::AMOUNT, "service": "1271", "receiver_country": "EG", "receiver_currency": "EGP",
            "attribute": [
                { "name": "receivedAmount", "value": "2.36" },
                { "name": "receiverName", "value": "Mona Hassan" },
                { "name": "receiverAccType", "value": "1" },
                { "name": "receiverAccountNumber", "value": Template::ACCOUNT },
                { "name": "receiverBankName", "value": "National Bank of Egypt" },
            ],
        })
        .to_string();
        let request = format!(
            "POST /api/transfer HTTP/1.1\r\nhost: {host}\r\napi-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let behind = |mark: &str, skip: usize| request.rfind(&format!("\"{mark}\"")).map_or(0, |at| at + 1 + skip);
        Template {
            id: behind(Template::ID, 0),
            receiver: behind(Template::RECEIVER, "+2010".len()),
            amount: behind(Template::AMOUNT, "0.0".len()),
            account: behind(Template::ACCOUNT, Template::ACCOUNT.len() - 8),
            bytes: request.into_bytes(),
        }
    }

    /// Writes the transfer `id` (18 digits) of `cents` (one digit) to the receiver of that number.
    fn write(&self, id: u64, receiver: u64, cents: u64, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.bytes);
        // A prime step spreads the receivers over the mobile range: the first digit after +2010 takes all ten values.
        let subscriber = receiver * 9_973 + 17;
        put_digits(&mut request[self.id..self.id + 18], id);
        put_digits(&mut request[self.receiver..self.receiver + 8], subscriber);
        put_digits(&mut request[self.amount..=self.amount], cents);
        put_digits(&mut request[self.account..self.account + 8], subscriber);
    }
}

/// New transfers without end: random 18-digit ids, random receivers, 1 to 5 cents, tenants in turn.
pub struct Transfers {
    templates: Arc<[Template]>,
    turn: usize,
    random: fastrand::Rng,
}

impl Transfers {
    /// Two sources of one seed send the same transfers.
    pub fn new(templates: Arc<[Template]>, seed: u64) -> Transfers {
        let mut random = fastrand::Rng::with_seed(seed);
        let turn = random.usize(..templates.len().max(1));
        Transfers { templates, turn, random }
    }
}

impl Requests for Transfers {
    fn write_next(&mut self, request: &mut Vec<u8>) {
        let id = self.random.u64(100_000_000_000_000_000..1_000_000_000_000_000_000);
        let receiver = self.random.u64(..RECEIVERS);
        let cents = self.random.u64(1..=5);
        self.turn = (self.turn + 1) % self.templates.len();
        self.templates[self.turn].write(id, receiver, cents, request);
    }
}

/// The same finished requests round and round.
pub struct Repeated {
    requests: Arc<[Vec<u8>]>,
    turn: usize,
}

impl Repeated {
    /// Begins with the request numbered `first`.
    pub fn new(requests: Arc<[Vec<u8>]>, first: usize) -> Repeated {
        Repeated { requests, turn: first }
    }

    /// The transfers that `replay` makes and repeats.
    pub fn transfers(templates: Arc<[Template]>, seed: u64) -> Arc<[Vec<u8>]> {
        let mut source = Transfers::new(templates, seed);
        let next = |_| {
            let mut request = Vec::new();
            source.write_next(&mut request);
            request
        };
        (0..REPLAYED).map(next).collect()
    }

    /// A read of `path` for each key.
    pub fn reads(host: &str, path: &str, keys: &[String]) -> Arc<[Vec<u8>]> {
        keys.iter()
            .map(|key| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\napi-key: {key}\r\n\r\n").into_bytes())
            .collect()
    }
}

impl Requests for Repeated {
    fn write_next(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.requests[self.turn % self.requests.len()]);
        self.turn = (self.turn + 1) % self.requests.len();
    }
}

fn put_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn body_of(request: &[u8]) -> serde_json::Value {
        let text = std::str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn transfers_differ_and_are_well_formed() {
        let templates: Arc<[Template]> = ["one", "other"].map(|key| Template::new("127.0.0.1:7001", key)).into();
        let mut source = Transfers::new(templates, 7);
        let (mut ids, mut digits, mut keys) = (HashSet::new(), HashSet::new(), HashSet::new());
        for _ in 0..1_000 {
            let mut request = Vec::new();
            source.write_next(&mut request);
            let text = String::from_utf8_lossy(&request).into_owned();
            keys.insert(text.split("api-key: ").nth(1).unwrap().split('\r').next().unwrap().to_owned());
            let body = body_of(&request);
            let id = body["id"].as_str().unwrap();
            assert!(id.len() == 18 && !id.starts_with('0'), "{id}");
            ids.insert(id.to_owned());
            let receiver = body["receiver_phone"].as_str().unwrap();
            assert!(receiver.len() == 13 && receiver.starts_with("+2010"), "{receiver}");
            assert!(receiver[1..].bytes().all(|byte| byte.is_ascii_digit()), "{receiver}");
            digits.insert(receiver.as_bytes()[5]);
            assert!(["0.01", "0.02", "0.03", "0.04", "0.05"].contains(&body["amount"].as_str().unwrap()));
            let account = body["attribute"][3]["value"].as_str().unwrap();
            assert!(account.ends_with(&receiver[5..]), "{account} belongs to {receiver}");
        }
        assert_eq!((ids.len(), digits.len(), keys.len()), (1_000, 10, 2));
    }

    #[test]
    fn replay_repeats_each_transfer_and_nothing_else() {
        let requests = Repeated::transfers(vec![Template::new("h", "k")].into(), 3);
        assert_eq!(requests.iter().collect::<HashSet<_>>().len(), 1_000);
        let mut source = Repeated::new(requests.clone(), 999);
        for expected in [999, 0, 1] {
            let mut request = Vec::new();
            source.write_next(&mut request);
            assert_eq!(request, requests[expected]);
        }
    }

    #[test]
    fn success_is_told_from_failure() {
        assert!(is_success(200, br#"{"error":"","success":true}"#));
        assert!(is_success(200, br#"{"success":true,"balance":{"balance":0}}"#));
        assert!(!is_success(200, br#"{"error":{"code":"insufficient_funds"},"success":"false"}"#));
        assert!(!is_success(500, br#"{"success":true}"#));
        assert!(!is_success(200, b""));
    }
}
