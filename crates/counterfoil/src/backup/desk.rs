//! The server's end: copies its own store on a thread of its own and tells how far it is, a line of JSON at a time. A
//! caller that goes away, or a server that closes, ends the copy.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use store::{Copied, Watch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::admin::NotDone;
use crate::listen::WhenClosing;

/// Between two lines about progress.
const TELL: Duration = Duration::from_millis(200);

/// Copy the store to this new file.
#[derive(Serialize, Deserialize)]
pub struct BackUp {
    pub to: PathBuf,
}

/// What the server tells.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Copied { bytes: u64, of: u64 },
    Done,
    Failed { why: String },
}

/// A store that is being served.
#[derive(Clone)]
pub struct Served {
    /// The directory of the store's file; `None` when the store is not one.
    pub dir: Option<PathBuf>,
    /// Bytes of its log that are not folded.
    pub log_bytes: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub closing: WhenClosing,
}

pub fn routes(served: Served) -> Router {
    let one_at_a_time = Arc::new(Semaphore::new(1));
    Router::new().route("/backup", post(back_up)).with_state((served, one_at_a_time))
}

async fn back_up(
    State((served, one_at_a_time)): State<(Served, Arc<Semaphore>)>,
    Json(BackUp { to }): Json<BackUp>,
) -> Result<Response, NotDone> {
    let Some(dir) = served.dir.clone() else {
        return Err(NotDone::refused("this store is a PostgreSQL database: back it up with PostgreSQL's own tools"));
    };
    if !to.is_absolute() {
        return Err(NotDone::refused("to: give an absolute path"));
    }
    let Ok(turn) = one_at_a_time.try_acquire_owned() else {
        return Err(NotDone::refused("a backup is being made already: wait for it"));
    };
    let (lines, told) = mpsc::channel(16);
    let thread = std::thread::Builder::new().name("backup".to_owned());
    let started = thread.spawn(move || copy(&dir, &to, &served, &lines, turn)).context("starting a thread");
    started.map_err(|error| NotDone::refused(format!("{error:#}")))?;
    Ok(Body::new(Told(told)).into_response())
}

fn copy(
    dir: &std::path::Path,
    to: &std::path::Path,
    served: &Served,
    lines: &mpsc::Sender<Bytes>,
    turn: OwnedSemaphorePermit,
) {
    let mut last = Instant::now();
    let mut told = |Copied { bytes, of }: Copied| {
        if last.elapsed() >= TELL {
            last = Instant::now();
            // A caller that is slow to read misses a line; the copy does not wait for it.
            let _ = lines.try_send(written(&Line::Copied { bytes, of }));
        }
        !lines.is_closed() && !served.closing.has_begun()
    };
    let copied = store::copy_store(dir, to, Watch { log_bytes: Some(&*served.log_bytes), told: &mut told });
    drop(turn);
    let end = match copied {
        Ok(Copied { bytes, of }) => {
            tracing::info!(to = %to.display(), bytes, "the store was copied");
            let _ = lines.try_send(written(&Line::Copied { bytes, of }));
            Line::Done
        }
        Err(fault) => {
            tracing::warn!(fault = fault.chain(), "the store was not copied");
            Line::Failed { why: fault.chain() }
        }
    };
    let _ = lines.blocking_send(written(&end));
}

fn written(line: &Line) -> Bytes {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text.into()
}

/// An answer's body whose lines come while it is being sent.
struct Told(mpsc::Receiver<Bytes>);

impl HttpBody for Told {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
