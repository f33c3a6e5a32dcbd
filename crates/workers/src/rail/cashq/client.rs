//! The HTTP client of the rail: time-outs on everything, no redirects, no proxy that the surroundings name.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::{Fault, Secret, Span, Time};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::wire::Wire;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The contract's answers have some hundred bytes.
const ANSWER_MOST: usize = 64 * 1024;
const KEY_HEADER: HeaderName = HeaderName::from_static("api-key");
/// How long a request that was given up may still be on its way to the peer.
const QUIET: Span = Span::seconds(600);
const ALERT_EVERY: Span = Span::seconds(60);

/// A peer that speaks the CashQ contract, and our agent key there. Clones share its connections.
#[derive(Clone)]
pub struct CashQRail {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    quiet: Span,
    alerted_at: AtomicI64,
}

impl CashQRail {
    /// `base` is the peer's base URL; `answer_within` bounds one request (30 seconds unless given). Fails with what to
    /// mend: a base that is no URL, plain HTTP to another machine, a key that cannot be sent.
    pub fn new(base: &str, key: &Secret<String>, answer_within: Option<Duration>) -> Result<CashQRail, Fault> {
        let url = reqwest::Url::parse(base).map_err(|error| Fault::because("reading the rail's base URL", error))?;
        let near = url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
        if !(url.scheme() == "https" || url.scheme() == "http" && near) {
            return Err(Fault::new("the rail's base URL must be https: the key would be sent in clear"));
        }
        // Fails only when it is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut value = HeaderValue::from_str(key.expose())
            .map_err(|_| Fault::new("the rail's key has characters that no header can carry"))?;
        value.set_sensitive(true);
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(KEY_HEADER, value)]))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(answer_within.unwrap_or(ANSWER_WITHIN))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Fault::because("building the rail's HTTP client", error))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(CashQRail { inner: Arc::new(Inner { http, base, quiet: QUIET, alerted_at: AtomicI64::new(i64::MIN) }) })
    }

    /// How long a request that was given up may still reach the peer: no transfer fails so soon after one. Ten minutes
    /// unless set; longer than any proxy between the two keeps a request.
    pub fn with_quiet(self, quiet: Span) -> CashQRail {
        let Inner { http, base, .. } = &*self.inner;
        let (http, base) = (http.clone(), base.clone());
        CashQRail { inner: Arc::new(Inner { http, base, quiet, alerted_at: AtomicI64::new(i64::MIN) }) }
    }

    pub(crate) fn quiet(&self) -> Span {
        self.inner.quiet
    }

    pub(super) async fn submit(&self, body: Vec<u8>) -> Wire {
        let url = format!("{}/api/transfer", self.inner.base);
        heard(self.inner.http.post(url).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    pub(super) async fn look(&self, id: &str) -> Wire {
        heard(self.inner.http.get(format!("{}/api/status/{id}", self.inner.base))).await
    }

    /// Whether to tell the operator of what concerns all transfers: once a minute is enough.
    pub(super) fn may_alert(&self, now: Time) -> bool {
        let before = self.inner.alerted_at.load(Ordering::Relaxed);
        now.since(Time(before)) >= ALERT_EVERY
            && self.inner.alerted_at.compare_exchange(before, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

async fn heard(request: reqwest::RequestBuilder) -> Wire {
    let mut response = match request.send().await {
        Ok(response) => response,
        // Everything but a failed connection may have reached the peer.
        Err(error) if error.is_connect() => return Wire::NotSent(chain(error)),
        Err(error) => return Wire::Lost(chain(error)),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MOST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Wire::Lost("the peer's answer is too long".to_owned()),
            Ok(None) => return Wire::Answered { status, body },
            Err(error) => return Wire::Lost(chain(error)),
        }
    }
}

/// The error with its causes and without its address.
fn chain(error: reqwest::Error) -> String {
    Fault::because("no answer from the peer", error.without_url()).chain()
}
