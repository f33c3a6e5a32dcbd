//! Request bodies: JSON, whole, bounded, strict.

use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::response::Response;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

use crate::called::Passage;
use crate::door::Words;
use crate::{Refusal, RequestId, strict};

/// How a body is read and how it is refused. Each door gives it to the requests that it lets through.
#[derive(Clone)]
pub(crate) struct Reading {
    /// In bytes.
    pub(crate) limit: usize,
    pub(crate) within: Duration,
    pub(crate) request_id: RequestId,
    pub(crate) words: Words,
}

impl Reading {
    fn of(request: &Request) -> Option<Reading> {
        request.extensions().get::<Reading>().cloned()
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        (self.words)(refusal, &self.request_id)
    }
}

/// A JSON body as text: right content type, within the limits, valid UTF-8. For handlers that read it themselves.
pub struct JsonText(pub String);

/// A JSON body as `T`. Refuses duplicate keys anywhere, deep nesting and trailing text, and names the field that does
/// not fit `T`.
pub struct Json<T>(pub T);

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<JsonText, Response> {
        let reading = Reading::of(&request).ok_or_else(Passage::none)?;
        let text = text(request, reading.limit, reading.within).await;
        text.map(JsonText).map_err(|refusal| reading.refuse(&refusal))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, Response> {
        let reading = Reading::of(&request).ok_or_else(Passage::none)?;
        let JsonText(text) = <JsonText as FromRequest<S>>::from_request(request, state).await?;
        let read = strict::read(&text).map_err(|why| Refusal::BodyInvalid { why });
        read.map(Json).map_err(|refusal| reading.refuse(&refusal))
    }
}

/// A body that may be left out: then neither content nor its type is there.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Option<Json<T>>, Response> {
        if request.body().is_end_stream() && !request.headers().contains_key(CONTENT_TYPE) {
            return Ok(None);
        }
        <Json<T> as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

async fn text(request: Request, limit: usize, within: Duration) -> Result<String, Refusal> {
    if !is_json(request.headers()) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Refusal::BodyTooLarge { limit });
    }
    let collected = tokio::time::timeout(within, Limited::new(request.into_body(), limit).collect()).await;
    let bytes = match collected {
        Err(_) => return Err(Refusal::TimedOut),
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(Refusal::BodyTooLarge { limit });
        }
        Ok(Err(_)) => return Err(Refusal::BodyTruncated),
    };
    String::from_utf8(Vec::from(bytes))
        .map_err(|_| Refusal::BodyInvalid { why: "The body is not valid UTF-8: send JSON in UTF-8.".to_owned() })
}

/// `application/json`, with no parameter but a charset of UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && parts.filter(|part| !part.is_empty()).all(is_utf8)
}

fn is_utf8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CONTENT_TYPE;

    use super::is_json;

    #[test]
    fn content_types() {
        let judged = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            is_json(&headers)
        };
        for good in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;"] {
            assert!(judged(good), "{good}");
        }
        assert!(judged("application/json;charset=\"UTF-8\""));
        for bad in ["", "text/plain", "application/jsonp", "application/json; charset=latin1", "application/json; x"] {
            assert!(!judged(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
