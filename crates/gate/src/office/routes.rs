//! The way to a router of the office: handlers behind rows, all rows and nothing but rows.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{MethodFilter, any, on};
use control::Row;
use http::Method;
use tower::Layer;

use super::door::Door;
use super::{Office, Passage, Refusal, Words};
use crate::passing::Passing;

/// Collects the handlers of one surface.
pub struct Routes {
    router: Router,
    door: Door,
    all: &'static [&'static Row],
    mounted: Vec<&'static Row>,
}

impl Routes {
    /// For exactly the rows of `all`.
    pub fn new<S: Words>(office: Office, words: S, all: &'static [&'static Row]) -> Routes {
        Routes { router: Router::new(), door: Door::new(office, words), all, mounted: Vec::new() }
    }

    /// Puts a handler behind a row. Panics where the row's method is none.
    pub fn at<H, T>(mut self, row: &'static Row, handler: H) -> Routes
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        let method =
            Method::from_bytes(row.method.as_bytes()).ok().and_then(|method| MethodFilter::try_from(method).ok());
        let method = method.unwrap_or_else(|| panic!("{}: {} is no method", row.name, row.method));
        let handler = handler.layer(self.standing(Some(row)));
        self.mounted.push(row);
        self.router = self.router.route(row.path, on(method, handler));
        self
    }

    /// What no row takes below `prefix`, which ends without a slash, is refused in this surface's words.
    pub fn nothing_else_below(mut self, prefix: &str) -> Routes {
        let nothing_here = |passage: Passage| async move { passage.refuse(&crate::Refusal::NotFound.into()) };
        let nothing_here = nothing_here.layer(self.standing(None));
        self.router = self.router.route(&format!("{prefix}/{{*rest}}"), any(nothing_here));
        self
    }

    /// Panics unless each row has exactly one handler: a route without its row is not served, and a row without its route
    /// would be a promise that nobody keeps.
    pub fn into_router(self) -> Router {
        for row in self.all {
            let times = self.mounted.iter().filter(|mounted| std::ptr::eq(**mounted, *row)).count();
            assert!(times == 1, "{} is mounted {times} times", row.name);
        }
        assert!(self.mounted.len() == self.all.len(), "a handler stands behind a row of another surface");
        let other_method = |passage: Passage| async move { passage.refuse(&crate::Refusal::MethodNotAllowed.into()) };
        let other_method = other_method.layer(self.standing(None));
        self.router.method_not_allowed_fallback(other_method)
    }

    fn standing(&self, row: Option<&'static Row>) -> Standing {
        Standing(Arc::new(self.door.at(row)))
    }
}

impl Passage {
    /// The surface's answer to one of the gate's refusals.
    pub fn refuse(&self, refusal: &Refusal) -> Response {
        self.door.refuse(refusal, &self.request_id)
    }
}

#[derive(Clone)]
struct Standing(Arc<Door>);

impl<I> Layer<I> for Standing {
    type Service = Passing<I, Door>;

    fn layer(&self, inside: I) -> Passing<I, Door> {
        Passing::new(inside, Arc::clone(&self.0))
    }
}
