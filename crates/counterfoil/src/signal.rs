//! Waiting for the word to end: Ctrl-C, or SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Takes the signals over; from now on they end nothing by themselves. [`Signals::wait`] returns at the first one.
pub struct Signals(tokio::runtime::Runtime, [tokio::signal::unix::Signal; 2]);

impl Signals {
    pub fn take() -> Result<Signals, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        drop(inside);
        Ok(Signals(runtime, signals))
    }

    pub fn wait(self) {
        let Signals(runtime, [mut interrupt, mut terminate]) = self;
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        tracing::info!("closing: no new connections; requests under way have {} s", crate::listen::DRAIN.as_secs());
    }
}
