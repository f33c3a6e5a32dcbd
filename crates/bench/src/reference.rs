//! The append reference: what this machine can do at all behind the product's HTTP stack. A request's body is appended
//! to a file that is already there, whatever waits is synced together, and everyone gets the same answer. No ledger, no
//! checks, no keys. Nothing is ever read back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Most requests that one sync answers; the product's bound too.
const BATCH: usize = 256;
const MEBIBYTE: u64 = 1 << 20;

/// Which reference server to run.
#[derive(clap::Args, Clone, Debug)]
pub struct ReferenceOptions {
    #[command(subcommand)]
    pub kind: ReferenceKind,
}

/// The reference servers that know nothing of the product.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum ReferenceKind {
    /// Append each request to a file with group sync, and answer.
    Append(Append),
}

/// The append reference's command line.
#[derive(clap::Args, Clone, Debug)]
pub struct Append {
    /// The file to write; made, and filled with zeros, at start.
    #[arg(long)]
    pub file: PathBuf,
    /// Size of the file in MiB; writing goes round.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(16..))]
    pub size: u64,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// Threads of the runtime. Default: one per core.
    #[arg(long)]
    pub workers: Option<usize>,
}

/// Runs a reference server until the process is told to end. Its first line on stdout is
/// `{"listening":"http://ADDRESS:PORT"}`, printed when it accepts.
///
/// # Errors
/// The file cannot be made, or the address cannot be bound.
pub fn run(options: ReferenceOptions) -> anyhow::Result<()> {
    let ReferenceKind::Append(append) = options.kind;
    let appender = Appender::prepare(&append.file, append.size * MEBIBYTE)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = append.workers {
        runtime.worker_threads(workers.max(1));
    }
    runtime.enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(append.listen).await.context("binding the reference's address")?;
        println!("{}", serde_json::json!({ "listening": format!("http://{}", listener.local_addr()?) }));
        appender.serve(listener).await?;
        Ok(())
    })
}

/// The file that is written round and round, ready to be served.
pub struct Appender {
    committer: Committer,
}

/// Where requests wait for the committer; it ends when the last clone is gone.
#[derive(Clone)]
struct Queue(mpsc::Sender<Waiting>);

struct Waiting {
    body: Bytes,
    done: oneshot::Sender<bool>,
}

impl Appender {
    /// Makes the file, `size` bytes of real zeros on the disk.
    ///
    /// # Errors
    /// The file cannot be made or filled.
    pub fn prepare(path: &Path, size: u64) -> anyhow::Result<Appender> {
        let file = preallocate(path, size).with_context(|| format!("filling {}", path.display()))?;
        Ok(Appender { committer: Committer { file, size, at: 0, bytes: Vec::with_capacity(1 << 20) } })
    }

    /// Starts the committer and serves `POST /api/transfer` until the future is dropped.
    ///
    /// # Errors
    /// The committer's thread could not be started.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let (queue, waiting) = mpsc::channel();
        let runtime = Handle::current();
        let committer = self.committer;
        std::thread::Builder::new().name("append".to_owned()).spawn(move || committer.run(&waiting, &runtime))?;
        let router = Router::new().route("/api/transfer", post(append)).with_state(Queue(queue));
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await
    }
}

async fn append(State(queue): State<Queue>, body: Bytes) -> Response {
    let (done, kept) = oneshot::channel();
    let queued = queue.0.send(Waiting { body, done }).is_ok();
    if queued && kept.await == Ok(true) {
        ([(header::CONTENT_TYPE, "application/json")], ANSWER).into_response()
    } else {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// What the product answers to an accepted transfer, give or take the id.
const ANSWER: &str = concat!(
    r#"{"payment_response":{"payment_id":null,"state":"-2","substate":"0","code":"0","id":"100000000000000000"},"#,
    r#""error":"","success":true}"#
);

/// Zeros are written rather than promised: a promised block costs its first writer a journal entry of the file system.
fn preallocate(path: &Path, size: u64) -> io::Result<File> {
    let file = File::options().create(true).truncate(true).write(true).open(path)?;
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < size {
        let length = zeros.len().min(usize::try_from(size - at).unwrap_or(zeros.len()));
        file.write_all_at(&zeros[..length], at)?;
        at += length as u64;
    }
    file.sync_all()?;
    Ok(file)
}

struct Committer {
    file: File,
    size: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Committer {
    /// Takes what waits, without a timer, until nobody can ask any more.
    fn run(mut self, waiting: &mpsc::Receiver<Waiting>, runtime: &Handle) {
        while let Ok(first) = waiting.recv() {
            let mut batch = Vec::with_capacity(BATCH);
            batch.push(first);
            batch.extend(waiting.try_iter().take(BATCH - 1));
            let kept = self.keep(&batch).is_ok();
            // One task wakes them all: a wake from outside the runtime costs a lock each, from inside it does not, and
            // this thread can go on with the next batch. A client that went away does not need its answer.
            runtime.spawn(async move {
                for one in batch {
                    let _ = one.done.send(kept);
                }
            });
        }
    }

    fn keep(&mut self, batch: &[Waiting]) -> io::Result<()> {
        self.bytes.clear();
        for one in batch {
            self.bytes.extend_from_slice(&one.body);
            self.bytes.push(b'\n');
        }
        if self.at + self.bytes.len() as u64 > self.size {
            self.at = 0;
        }
        self.file.write_all_at(&self.bytes, self.at)?;
        self.at += self.bytes.len() as u64;
        self.file.sync_data()
    }
}
