//! What is read from a request besides its body: words for environments, queries, ids in paths.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use base::{Environment, Secret};
use control::keys::IdempotencyKey;
use data_encoding::BASE64URL_NOPAD;
use gate::office;
use http::{HeaderMap, Uri};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::words::{Code, fail, network, preference};

/// The environment that a surface's word names, or the answer to another word.
pub(crate) fn environment_by(
    word_of: fn(Environment) -> &'static str,
    field: &str,
    text: &str,
) -> Result<Environment, Invalid> {
    let found = Environment::ALL.into_iter().find(|environment| word_of(*environment) == text);
    found.ok_or_else(|| {
        let [sandbox, live] = Environment::ALL.map(word_of);
        invalid(&format!("{field}: send {sandbox} or {live}."))
    })
}

/// Of contracts.
pub(crate) fn by_network(text: &str) -> Result<Environment, Invalid> {
    environment_by(network, "environment", text)
}

/// Of preferences.
pub(crate) fn by_preference(text: &str) -> Result<Environment, Invalid> {
    environment_by(preference, "preferredEnvironment", text)
}

/// Of queries.
pub(crate) fn by_query(text: &str) -> Result<Environment, Invalid> {
    environment_by(preference, "environment", text)
}

/// Of keys.
pub(crate) fn by_key_word(text: &str) -> Result<Environment, Invalid> {
    environment_by(Environment::key_word, "environment", text)
}

/// One parameter of the query, decoded; the first where it is there more than once.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// A whole number of the query within bounds.
pub(crate) fn number(uri: &Uri, name: &str, default: u32, most: u32) -> Result<u32, Invalid> {
    let Some(text) = parameter(uri, name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| invalid(&format!("{name}: send a whole number from 1 to {most}.")))
}

/// An id of the path. What cannot be read is an unknown id, and such are refused by the room.
pub(crate) fn id(path: Result<Path<String>, PathRejection>) -> String {
    path.map_or_else(|_| String::new(), |Path(id)| id)
}

/// A secret of a body. What stands there instead of a text is not repeated in the refusal.
pub(crate) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret<String>, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Ok(Secret::new(text)),
        _ => Err(D::Error::custom("send a string")),
    }
}

/// The same where it may be left out.
pub(crate) fn maybe_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret<String>>, D::Error> {
    secret(from).map(Some)
}

/// Bytes in base64url without padding, as browsers write them.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| D::Error::custom("send base64url without padding"))
}

/// `Idempotency-Key`, where there is one.
pub(crate) fn once(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Invalid> {
    office::once(headers).map_err(Invalid)
}

/// What is wrong with a request, for whoever sent it.
pub(crate) struct Invalid(pub(crate) String);

pub(crate) fn invalid(message: &str) -> Invalid {
    Invalid(message.to_owned())
}

impl From<Invalid> for Response {
    fn from(invalid: Invalid) -> Response {
        fail(Code::ValidationError, &invalid.0)
    }
}
