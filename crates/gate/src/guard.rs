//! The one middleware, as axum takes it.

use std::sync::Arc;

use axum::Router;
use http::HeaderName;
use tower::Layer;

use crate::door::{Door, Words};
use crate::meters::{Meters, label};
use crate::passing::Passing;
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
    type Service = Passing<I, Door>;

    fn layer(&self, inside: I) -> Passing<I, Door> {
        let Standing { gate, words, surface, key, weather } = self.clone();
        let meters = Meters::new(label(gate.plane.name()), surface);
        Passing::new(inside, Arc::new(Door { gate, words, surface, key, weather, meters }))
    }
}
