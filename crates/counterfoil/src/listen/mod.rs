//! A listener: accepts, serves HTTP/1.1 with a router, and drains when it is told to close.

mod accept;
pub mod health;
pub mod landing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

pub use accept::Accept;

/// Requests that are under way when closing begins have this long to end.
pub const DRAIN: Duration = Duration::from_secs(10);
/// Fields in the head of a request.
const HEADERS_MOST: usize = 64;

/// Bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connections: usize,
    /// From the first wait for a request's head until it is whole; an idle connection is closed after it too.
    pub header_read: Duration,
}

impl Bounds {
    /// For listeners that only the operator uses.
    pub const SMALL: Bounds = Bounds { connections: 256, header_read: Duration::from_secs(30) };
}

/// Tells listeners to close. Dropped, it tells them too.
pub struct Closing(watch::Sender<bool>);

/// The listeners' end of [`Closing`].
#[derive(Clone)]
pub struct WhenClosing(watch::Receiver<bool>);

impl Closing {
    pub fn new() -> (Closing, WhenClosing) {
        let (sender, receiver) = watch::channel(false);
        (Closing(sender), WhenClosing(receiver))
    }

    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl WhenClosing {
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    pub async fn begun(&self) {
        let _ = self.0.clone().wait_for(|closing| *closing).await;
    }
}

/// Serves `router` until closing begins, then waits at most [`DRAIN`] for what is under way.
pub async fn serve<A: Accept>(listener: A, router: Router, bounds: Bounds, closing: WhenClosing) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.header_read).max_headers(HEADERS_MOST);
    let begun = closing.begun();
    tokio::pin!(begun);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut begun => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let connection = http.serve_connection(TokioIo::new(stream), service(router.clone(), peer));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What goes wrong on a connection is its caller's: too slow, not HTTP, gone.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {} s; they are cut off", DRAIN.as_secs());
    }
}

fn service(
    router: Router,
    peer: Option<SocketAddr>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        router.clone().oneshot(request)
    })
}
