//! What happens at a route's door: who calls, how fast, in what weather; and what every answer carries.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use base::{Deed, Stop};
use http::header::{ORIGIN, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use plane::Caller;
use tower::Service;

use crate::address::client_ip;
use crate::body::Reading;
use crate::called::Passage;
use crate::meters::Meters;
use crate::passing::Pass;
use crate::request_id::X_REQUEST_ID;
use crate::{Gate, Options, Refusal, RequestId};

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How a surface says what the gate refuses.
pub(crate) type Words = Arc<dyn Fn(&Refusal, &RequestId) -> Response + Send + Sync>;

/// One route's door.
pub(crate) struct Door {
    pub(crate) gate: Gate,
    pub(crate) words: Words,
    pub(crate) surface: &'static str,
    /// The header in which the key comes; `None` where no key is needed.
    pub(crate) key: Option<HeaderName>,
    pub(crate) weather: bool,
    pub(crate) meters: Meters,
}

/// What is known of a request on its way, for the answer's headers and the log.
struct Trail {
    request_id: RequestId,
    caller: Option<Caller>,
    pace: Option<HeaderValue>,
}

impl Pass for Door {
    async fn pass<I>(self: Arc<Door>, inside: I, request: Request) -> Response
    where
        I: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
        I::Future: Send,
    {
        let started = Instant::now();
        let request_id = RequestId::of(request.headers(), &self.gate.shared.ids);
        let method = request.method().clone();
        let route = self.meters.route(request.extensions().get::<MatchedPath>());
        let mut trail = Trail { request_id, caller: None, pace: None };
        let answered = unpanicked(self.answer(inside, request, &mut trail)).await;
        let mut response = answered.unwrap_or_else(|| self.refuse(&Refusal::Unanswered, &trail.request_id));
        self.sign(response.headers_mut(), &trail);
        if let Some(caller) = &trail.caller {
            self.note_deeds(caller, &trail.request_id, &mut response);
        }
        let took = started.elapsed();
        self.meters.count(route, response.status(), took);
        self.note(&trail, &method, route, &response, took);
        response
    }
}

impl Door {
    async fn answer<I>(self: &Arc<Door>, mut inside: I, mut request: Request, trail: &mut Trail) -> Response
    where
        I: Service<Request, Response = Response, Error = Infallible>,
    {
        let options = &self.gate.shared.options;
        let ip = client_ip(&request, &options.trusted_proxies);
        if let Some(key_header) = &self.key {
            let entered = match self.enter(request.headers(), key_header, ip, trail) {
                Ok(caller) => self.weather(caller).await,
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = entered {
                return self.refuse(&refusal, &trail.request_id);
            }
        }
        let (door, request_id, caller) = (Arc::clone(self), trail.request_id.clone(), trail.caller.clone());
        request.extensions_mut().insert(self.reading(&request_id));
        request.extensions_mut().insert(Passage { door, request_id, ip, caller });
        match tokio::time::timeout(options.answer_within, inside.call(request)).await {
            Ok(Ok(response)) => response,
            Err(_) => self.refuse(&Refusal::Unanswered, &trail.request_id),
        }
    }

    /// From headers to a caller within its pace, in the documented order.
    fn enter<'t>(
        &self,
        headers: &HeaderMap,
        key_header: &HeaderName,
        ip: IpAddr,
        trail: &'t mut Trail,
    ) -> Result<&'t Caller, Refusal> {
        let mut keys = headers.get_all(key_header).iter();
        let key = keys.next().filter(|key| !key.is_empty()).ok_or(Refusal::KeyMissing)?;
        if headers.contains_key(ORIGIN) {
            return Err(Refusal::OriginWithKey);
        }
        if keys.next().is_some() {
            return Err(Refusal::KeyTwice);
        }
        let presented = key.to_str().unwrap_or_default();
        let caller = match plane::grants::authenticate(&self.gate.plane, presented, ip) {
            Ok(caller) => trail.caller.insert(caller),
            Err(stop) => return Err(self.denied(stop, ip, &trail.request_id)),
        };
        let standing = self.gate.shared.keys.take(caller.key());
        trail.pace = Some(standing.header);
        standing.wait_s.map_or(Ok(caller), |retry_after_s| Err(Refusal::RateLimited { retry_after_s }))
    }

    fn denied(&self, stop: Stop<plane::Denied>, ip: IpAddr, request_id: &RequestId) -> Refusal {
        match stop {
            Stop::Refused(denied) => {
                self.gate.shared.denials.count(denied);
                let wait = self.gate.shared.denied.count(ip);
                wait.map_or(Refusal::Denied(denied), |retry_after_s| Refusal::TooManyDenied { retry_after_s })
            }
            Stop::Faulted(fault) => {
                tracing::error!(request_id = request_id.as_str(), fault = fault.chain(), "reading a key");
                if fault.busy { Refusal::Busy { retry_after_s: 1 } } else { Refusal::Faulted }
            }
        }
    }

    /// What the tenant wished that its sandbox does to it.
    async fn weather(&self, caller: &Caller) -> Result<(), Refusal> {
        let Some(sandbox) = self.gate.plane.sandbox().filter(|_| self.weather) else { return Ok(()) };
        let gust = plane::sandbox::gust(&self.gate.plane, sandbox, caller);
        if gust.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(u64::from(gust.latency_ms))).await;
        }
        gust.error.map_or(Ok(()), |code| Err(Refusal::Injected { code }))
    }

    pub(crate) fn refuse(&self, refusal: &Refusal, request_id: &RequestId) -> Response {
        let mut response = (self.words)(refusal, request_id);
        if let Some(seconds) = refusal.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn reading(&self, request_id: &RequestId) -> Reading {
        let Options { body_bytes, body_within, .. } = self.gate.shared.options;
        let (request_id, words) = (request_id.clone(), Arc::clone(&self.words));
        Reading { limit: body_bytes, within: body_within, request_id, words }
    }

    fn sign(&self, headers: &mut HeaderMap, trail: &Trail) {
        headers.insert(X_REQUEST_ID, trail.request_id.header());
        if let Some(pace) = &trail.pace {
            headers.insert(RATE_LIMIT_POLICY, self.gate.shared.keys.policy.clone());
            headers.insert(RATE_LIMIT, pace.clone());
        }
    }

    /// What this request shows of its tenant: a failure carries the deed of having met it.
    fn note_deeds(&self, caller: &Caller, request_id: &RequestId, response: &mut Response) {
        if let Some(met) = response.extensions_mut().remove::<Deed>() {
            plane::deeds::note(&self.gate.plane, caller, met);
        }
        if request_id.is_own() {
            plane::deeds::note(&self.gate.plane, caller, Deed::OwnRequestId);
        }
    }

    /// One line for each request: at info level when it failed on our side or was slow, else at debug level.
    fn note(&self, trail: &Trail, method: &Method, route: &str, response: &Response, took: Duration) {
        let status = response.status();
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    plane = %self.gate.plane.name().environment,
                    surface = self.surface,
                    method = method.as_str(),
                    route,
                    status = status.as_u16(),
                    request_id = trail.request_id.as_str(),
                    key = trail.caller.as_ref().map(|caller| tracing::field::display(caller.key())),
                    tenant = trail.caller.as_ref().map(|caller| tracing::field::display(caller.tenant_id())),
                    us,
                    "request"
                )
            };
        }
        if status.is_server_error() || took >= self.gate.shared.options.slow {
            line!(info);
        } else {
            line!(debug);
        }
    }
}

/// `None` when the future panicked; the panic hook has told where. What it left half done is dropped with it.
pub(crate) async fn unpanicked<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let polled = |context: &mut Context<'_>| {
        let caught = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        caught.map_or(Poll::Ready(None), |poll| poll.map(Some))
    };
    std::future::poll_fn(polled).await
}
