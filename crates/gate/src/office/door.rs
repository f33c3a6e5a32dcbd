//! What happens at the door of one of the office's routes, and what every answer carries.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use base::Stop;
use control::{Permit, Presented, Row, Who, proof, sessions};
use http::header::{CACHE_CONTROL, RETRY_AFTER, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method};
use tower::Service;

use super::called::Proved;
use super::{Office, Passage, Refusal, Words, presented};
use crate::RequestId;
use crate::address::client_ip;
use crate::body::Reading;
use crate::door::{RATE_LIMIT, RATE_LIMIT_POLICY, unpanicked};
use crate::meters::Meters;
use crate::passing::Pass;
use crate::request_id::X_REQUEST_ID;

/// How a surface says what is refused here.
type Say = Arc<dyn Fn(&Refusal, &RequestId) -> Response + Send + Sync>;

/// One route's door; without a row, the door of what is served nowhere.
pub(super) struct Door {
    pub(super) office: Office,
    say: Say,
    /// The same for what reading a body refuses.
    words: crate::door::Words,
    surface: &'static str,
    row: Option<&'static Row>,
    meters: OnceLock<Meters>,
}

/// What is known of a request on its way, for the answer's headers and the log.
struct Trail {
    request_id: RequestId,
    permit: Option<Permit>,
    pace: Option<HeaderValue>,
}

impl Pass for Door {
    async fn pass<I>(self: Arc<Door>, inside: I, request: Request) -> Response
    where
        I: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
        I::Future: Send,
    {
        let started = Instant::now();
        let request_id = RequestId::of(request.headers(), &self.office.shared.ids);
        let method = request.method().clone();
        let mut trail = Trail { request_id, permit: None, pace: None };
        let answered = unpanicked(self.answer(inside, request, &mut trail)).await;
        let unanswered = || self.refuse(&crate::Refusal::Unanswered.into(), &trail.request_id);
        let mut response = answered.unwrap_or_else(unanswered);
        self.sign(response.headers_mut(), &trail);
        let took = started.elapsed();
        let meters = self.meters.get_or_init(|| Meters::new("control".to_owned(), self.surface));
        meters.count(self.route(), response.status(), took);
        self.note(&trail, &method, &response, took);
        response
    }
}

impl Door {
    pub(super) fn new<S: Words>(office: Office, words: S) -> Door {
        let say: Say = Arc::new(move |refusal, request_id| words.refuse(refusal, request_id));
        let of_bodies = Arc::clone(&say);
        let words = Arc::new(move |refusal: &crate::Refusal, request_id: &RequestId| {
            of_bodies(&Refusal::Gate(refusal.clone()), request_id)
        });
        Door { office, say, words, surface: S::NAME, row: None, meters: OnceLock::new() }
    }

    /// The same before another row.
    pub(super) fn at(&self, row: Option<&'static Row>) -> Door {
        let (office, say, words) = (self.office.clone(), Arc::clone(&self.say), Arc::clone(&self.words));
        Door { office, say, words, surface: self.surface, row, meters: OnceLock::new() }
    }

    async fn answer<I>(self: &Arc<Door>, mut inside: I, mut request: Request, trail: &mut Trail) -> Response
    where
        I: Service<Request, Response = Response, Error = Infallible>,
    {
        let options = &self.office.shared.options;
        let proved = match self.enter(&request, trail) {
            Ok(proved) => proved,
            Err(refusal) => return self.refuse(&refusal, &trail.request_id),
        };
        let passage = Passage { door: Arc::clone(self), request_id: trail.request_id.clone(), proved };
        request.extensions_mut().insert(self.reading(&trail.request_id));
        request.extensions_mut().insert(passage);
        match tokio::time::timeout(options.answer_within, inside.call(request)).await {
            Ok(Ok(response)) => response,
            Err(_) => self.refuse(&crate::Refusal::Unanswered.into(), &trail.request_id),
        }
    }

    /// From a request to what its row asks for, in the documented order.
    fn enter(&self, request: &Request, trail: &mut Trail) -> Result<Proved, Refusal> {
        let ip = client_ip(request, &self.office.shared.options.trusted_proxies);
        let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let from = proof::From::new(ip, trail.request_id.as_str(), agent);
        let standing = self.office.shared.nets.take(from.net);
        trail.pace = Some(standing.header);
        if let Some(retry_after_s) = standing.wait_s {
            return Err(crate::Refusal::RateLimited { retry_after_s }.into());
        }
        let Some(row) = self.row else { return Ok(Proved::Nothing) };
        let origin = &self.office.shared.options.origin;
        match row.who {
            Who::Anyone => Ok(Proved::Visitor(Arc::new(presented::coming(origin, from, request.headers())))),
            // Its signature is over the body, which its handler reads.
            Who::Provider => Ok(Proved::Nothing),
            Who::Signed | Who::Seats(_) => {
                let permit = self.permit(row, request, &from, &trail.request_id)?;
                trail.permit = Some(permit.clone());
                let step_up = || sessions::step_up(&permit, self.office.control.now()).map_err(Refusal::Denied);
                let step_up = row.step_up.then(step_up).transpose()?;
                Ok(Proved::Signed(permit, step_up.map(Arc::new)))
            }
        }
    }

    fn permit(
        &self,
        row: &'static Row,
        request: &Request,
        from: &proof::From,
        request_id: &RequestId,
    ) -> Result<Permit, Refusal> {
        let origin = &self.office.shared.options.origin;
        let presented = presented::presented(origin, request.headers())?;
        let is_change = !request.method().is_safe();
        if matches!(presented, Presented::Cookie(_)) && is_change && !origin.vouches(request.headers()) {
            return Err(Refusal::CrossSite);
        }
        let session = match sessions::authenticate(&self.office.control, presented, from) {
            Ok(session) => session,
            Err(Stop::Refused(denied)) => return Err(Refusal::Denied(denied)),
            Err(Stop::Faulted(fault)) => {
                tracing::error!(request_id = request_id.as_str(), fault = fault.chain(), "reading a session");
                let busy = crate::Refusal::Busy { retry_after_s: 1 };
                return Err(if fault.busy { busy } else { crate::Refusal::Faulted }.into());
            }
        };
        session.permit(row).map_err(Refusal::Denied)
    }

    pub(super) fn refuse(&self, refusal: &Refusal, request_id: &RequestId) -> Response {
        let mut response = (self.say)(refusal, request_id);
        if let Some(seconds) = refusal.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn reading(&self, request_id: &RequestId) -> Reading {
        let options = &self.office.shared.options;
        let (request_id, words) = (request_id.clone(), Arc::clone(&self.words));
        Reading { limit: options.body_bytes, within: options.body_within, request_id, words }
    }

    fn sign(&self, headers: &mut HeaderMap, trail: &Trail) {
        headers.insert(X_REQUEST_ID, trail.request_id.header());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(pace) = &trail.pace {
            headers.insert(RATE_LIMIT_POLICY, self.office.shared.nets.policy.clone());
            headers.insert(RATE_LIMIT, pace.clone());
        }
    }

    /// The route as it is written in its row: never the path with ids in it, and never a query.
    fn route(&self) -> &'static str {
        self.row.map_or("unmatched", |row| row.path)
    }

    /// One line for each request: at info level when it failed on our side or was slow, else at debug level.
    fn note(&self, trail: &Trail, method: &Method, response: &Response, took: Duration) {
        let status = response.status();
        let session = trail.permit.as_ref().map(Permit::session);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    surface = self.surface,
                    method = method.as_str(),
                    route = self.route(),
                    status = status.as_u16(),
                    request_id = trail.request_id.as_str(),
                    user = session.map(|session| tracing::field::display(session.user())),
                    tenant = session.map(|session| tracing::field::display(session.tenant())),
                    us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    "request"
                )
            };
        }
        if status.is_server_error() || took >= self.office.shared.options.slow {
            line!(info);
        } else {
            line!(debug);
        }
    }
}
