//! Where one role runs: its runtime with named threads, its listeners, and how they end.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::{TcpListener, UnixListener};
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
    socket: Option<PathBuf>,
}

/// Blocking calls (readers of the store) run on at most so many further threads.
const BLOCKING_MOST: usize = 16;

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
        Ok(Site { runtime, address, closing, when_closing, listeners: vec![], background: vec![], socket: None })
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

    /// Serves the operator on a socket that only the process's user can open. The caller holds the directory's lock, so
    /// a socket that is there already belongs to nobody.
    pub fn serve_operator(&mut self, socket: &Path, router: Router) -> anyhow::Result<()> {
        let shown = socket.display();
        if socket.exists() {
            std::fs::remove_file(socket).with_context(|| format!("removing the old socket {shown}"))?;
        }
        let inside = self.runtime.enter();
        let listener = UnixListener::bind(socket)
            .with_context(|| format!("making the socket {shown} (its path may have at most 107 bytes)"))?;
        drop(inside);
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))
            .with_context(|| format!("closing the socket {shown} to others"))?;
        self.listeners.push(self.runtime.spawn(listen::serve(listener, router, Bounds::SMALL, self.when_closing())));
        self.socket = Some(socket.to_owned());
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
        if let Some(socket) = self.socket.take() {
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
