//! Where one role runs: its runtime with named threads, its listeners, and how they end.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use parking_lot::Mutex;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::runtime::{Handle, Runtime};
use tokio::task::{AbortHandle, JoinHandle};

use crate::listen::{self, Bounds, Closing, WhenClosing};

pub struct Site {
    runtime: Runtime,
    /// Where the first TCP listener listens.
    pub address: SocketAddr,
    closing: Closing,
    when_closing: WhenClosing,
    listeners: Vec<JoinHandle<()>>,
    background: Vec<AbortHandle>,
    /// The sockets in the role's directory, as soon as each is ours.
    sockets: Arc<Mutex<Vec<PathBuf>>>,
}

/// Blocking calls (readers of the store) run on at most so many further threads.
const BLOCKING_MOST: usize = 16;
/// How often a process looks whether the operator's socket is free.
const SOCKET_LOOK: Duration = Duration::from_secs(1);

impl Site {
    pub fn new(name: &'static str, threads: usize) -> anyhow::Result<Site> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(BLOCKING_MOST)
            .thread_name(name)
            .enable_all()
            .build()
            .context("starting threads")?;
        let (closing, when_closing) = Closing::new();
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Ok(Site {
            runtime,
            address,
            closing,
            when_closing,
            listeners: vec![],
            background: vec![],
            sockets: Arc::default(),
        })
    }

    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn when_closing(&self) -> WhenClosing {
        self.when_closing.clone()
    }

    /// Takes the address; connections wait until [`Site::serve`].
    pub fn bind(&mut self, role: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
        let bound = self.block_on(TcpListener::bind(address));
        let listener = bound.with_context(|| format!("{role} cannot listen on {address}: choose another address"))?;
        self.address = listener.local_addr()?;
        Ok(listener)
    }

    pub fn serve(&mut self, listener: TcpListener, router: Router, bounds: Bounds) {
        self.listeners.push(self.runtime.spawn(listen::serve(listener, router, bounds, self.when_closing())));
    }

    /// Serves on a socket that only the process's user can open. Of several processes that share a store and
    /// a directory, one has the socket; when it has gone, another takes it.
    pub fn serve_socket(&mut self, socket: &Path, router: Router) -> anyhow::Result<()> {
        if let Some(dir) = socket.parent() {
            make_private_dir(dir)?;
        }
        let first = self.block_on(take_socket(socket))?;
        let (socket, taken, closing) = (socket.to_owned(), Arc::clone(&self.sockets), self.when_closing());
        self.listeners.push(self.runtime.spawn(async move {
            let mut listener = first;
            while listener.is_none() {
                tokio::select! {
                    () = closing.begun() => return,
                    () = tokio::time::sleep(SOCKET_LOOK) => {}
                }
                listener = take_socket(&socket).await.unwrap_or_default();
            }
            let Some(listener) = listener else { return };
            taken.lock().push(socket);
            listen::serve(listener, router, Bounds::SMALL, closing).await;
        }));
        Ok(())
    }

    /// Runs until the site is drained.
    pub fn run(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.push(self.runtime.spawn(work).abort_handle());
    }

    pub fn begin_closing(&self) {
        self.closing.begin();
    }

    /// Takes no more connections and lets what is under way end; see [`listen::DRAIN`]. The runtime goes on.
    pub fn drain_listeners(&mut self) {
        self.begin_closing();
        let listeners = std::mem::take(&mut self.listeners);
        self.runtime.block_on(async {
            for listener in listeners {
                if let Err(error) = listener.await {
                    tracing::error!(%error, "a listener ended before it was told to");
                }
            }
        });
        for socket in self.sockets.lock().drain(..) {
            // Left behind, it would only be replaced at the next start.
            let _ = std::fs::remove_file(socket);
        }
    }

    pub fn drain(mut self) {
        self.drain_listeners();
        self.background.iter().for_each(AbortHandle::abort);
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// The socket, unless another process answers on it. One that nobody answers on was left behind.
async fn take_socket(socket: &Path) -> anyhow::Result<Option<UnixListener>> {
    let shown = socket.display();
    if socket.exists() {
        if UnixStream::connect(socket).await.is_ok() {
            return Ok(None);
        }
        std::fs::remove_file(socket).with_context(|| format!("removing the old socket {shown}"))?;
    }
    let listener = UnixListener::bind(socket)
        .with_context(|| format!("making the socket {shown} (its path may have at most 107 bytes)"))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing the socket {shown} to others"))?;
    Ok(Some(listener))
}

/// Makes a directory that only its owner opens, with those above it; one that is there stays as it is.
pub fn make_private_dir(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("making the directory {}", dir.display()))
}
