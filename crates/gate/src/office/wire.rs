//! What the office's surfaces read and write alike. What is wrong is said in one sentence, for whoever sent it.

use axum::body::Body;
use axum::response::Response;
use base::Time;
use control::keys::IdempotencyKey;
use control::planes::KeyView;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use ipnet::IpNet;
use serde::Serialize;

const NETWORKS_MOST: usize = 64;
const OVERLAP_HOURS: u16 = 24;
const OVERLAP_HOURS_MOST: u16 = 168;

/// `Idempotency-Key`, where there is one.
pub fn once(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, String> {
    let mut values = headers.get_all("idempotency-key").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str().ok().and_then(IdempotencyKey::parse) {
            Some(key) => Ok(Some(key)),
            None => Err("Idempotency-Key: send 1 to 255 visible ASCII characters.".to_owned()),
        },
        (Some(_), Some(_)) => Err("Idempotency-Key: send it once.".to_owned()),
    }
}

/// An `ipAllowlist`: addresses and networks.
pub fn networks(texts: &[String]) -> Result<Vec<IpNet>, String> {
    if texts.len() > NETWORKS_MOST {
        return Err(format!("ipAllowlist: send at most {NETWORKS_MOST} addresses."));
    }
    let network = |text: &String| {
        let address = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(address)
    };
    let read: Option<Vec<IpNet>> = texts.iter().map(network).collect();
    read.ok_or_else(|| "ipAllowlist: send addresses or networks such as 203.0.113.0/24.".to_owned())
}

/// How long an old key lives beside its successor, a day unless said.
pub fn overlap_hours(hours: Option<u16>) -> Result<u16, String> {
    let hours = hours.unwrap_or(OVERLAP_HOURS);
    let fits = hours <= OVERLAP_HOURS_MOST;
    fits.then_some(hours).ok_or_else(|| format!("overlapHours: send a whole number from 0 to {OVERLAP_HOURS_MOST}."))
}

/// What a key's holder may show: the whole key without its secret.
pub fn public_key(key: &KeyView) -> String {
    format!("pk_{}_{}", key.environment.key_word(), key.id)
}

/// `2026-01-15T12:00:05.000Z`.
pub fn time(time: Time) -> String {
    let ends = if time.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    format!("{:.3}", jiff::Timestamp::from_microsecond(time.0).unwrap_or(ends))
}

/// A body that is nothing but JSON. Bodies of the surfaces are structs of texts, numbers and truth values, which always serialise.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_string(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
