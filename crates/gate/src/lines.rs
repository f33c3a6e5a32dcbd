//! Answers that are longer than memory should be: their lines are read while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use base::Fault;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use hyper::body::Frame;

/// JSON lines, a part at a time until `next` has none. Status and headers are sent by then, so that a fault cuts the
/// connection off: a reader sees that the end is missing.
pub fn lines(next: impl FnMut() -> Result<Option<String>, Fault> + Send + 'static) -> Response {
    let mut response = Response::new(Body::new(Lines(Box::new(next))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

struct Lines(Box<dyn FnMut() -> Result<Option<String>, Fault> + Send>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let part = (self.0)().inspect_err(|fault| tracing::error!(fault = fault.chain(), "an answer was cut off"));
        Poll::Ready(part.map(|part| part.map(|part| Frame::data(Bytes::from(part)))).transpose())
    }
}
