//! The one middleware, as axum takes it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderName;
use tower::{Layer, Service};

use crate::door::{Door, Words};
use crate::meters::{Meters, label};
use crate::{Gate, Refusal, Surface, Visited};

/// Puts the gate in front of routes that need a key. Their handlers have [`crate::Called`].
pub fn guard<S: Surface>(routes: Router, gate: Gate, surface: S) -> Router {
    stand(routes, gate, surface, true)
}

/// Puts the gate in front of routes that need no key. Their handlers have [`Visited`].
pub fn open<S: Surface>(routes: Router, gate: Gate, surface: S) -> Router {
    stand(routes, gate, surface, false)
}

fn stand<S: Surface>(routes: Router, gate: Gate, surface: S, keyed: bool) -> Router {
    let other_method = |visited: Visited| async move { visited.refuse(&Refusal::MethodNotAllowed) };
    let words: Words = Arc::new(move |refusal, request_id| surface.refuse(refusal, request_id));
    let standing = Standing {
        gate,
        words,
        surface: S::NAME,
        key: keyed.then_some(HeaderName::from_static(S::KEY_HEADER)),
        weather: S::WEATHER,
    };
    // With the state given now, each route is layered once and not again for every request.
    routes.method_not_allowed_fallback(other_method).layer(standing).with_state(())
}

/// The layer: axum asks it for one [`Passing`] per route and method, each with meters of its own.
#[derive(Clone)]
struct Standing {
    gate: Gate,
    words: Words,
    surface: &'static str,
    key: Option<HeaderName>,
    weather: bool,
}

impl<I> Layer<I> for Standing {
    type Service = Passing<I>;

    fn layer(&self, inside: I) -> Passing<I> {
        let Standing { gate, words, surface, key, weather } = self.clone();
        let meters = Meters::new(label(gate.plane.name()), surface);
        Passing { inside, door: Arc::new(Door { gate, words, surface, key, weather, meters }) }
    }
}

#[derive(Clone)]
struct Passing<I> {
    inside: I,
    door: Arc<Door>,
}

impl<I> Service<Request> for Passing<I>
where
    I: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    I::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inside.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that was polled ready is used up, and its fresh clone stays.
        let fresh = self.inside.clone();
        let inside = std::mem::replace(&mut self.inside, fresh);
        let door = Arc::clone(&self.door);
        Box::pin(async move { Ok(door.pass(inside, request).await) })
    }
}
