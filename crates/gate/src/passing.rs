//! A door in front of a service, as axum takes it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use tower::Service;

/// Leads a request to what is inside, or refuses it.
pub(crate) trait Pass: Send + Sync + 'static {
    /// The whole way of one request.
    fn pass<I>(self: Arc<Self>, inside: I, request: Request) -> impl Future<Output = Response> + Send
    where
        I: Service<Request, Response = Response, Error = Infallible> + Send + 'static,
        I::Future: Send;
}

/// One route behind a door.
pub(crate) struct Passing<I, D> {
    inside: I,
    door: Arc<D>,
}

impl<I, D> Passing<I, D> {
    pub(crate) fn new(inside: I, door: Arc<D>) -> Passing<I, D> {
        Passing { inside, door }
    }
}

impl<I: Clone, D> Clone for Passing<I, D> {
    fn clone(&self) -> Passing<I, D> {
        Passing { inside: self.inside.clone(), door: Arc::clone(&self.door) }
    }
}

impl<I, D> Service<Request> for Passing<I, D>
where
    I: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    I::Future: Send,
    D: Pass,
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
