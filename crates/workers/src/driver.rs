//! What repeats the steps of a loop until it is stopped.

use std::future::Future;
use std::time::Duration;

use base::Span;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a loop wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do now.
    Again,
    /// Nothing to do for so long, unless [`Loop::woken`] returns earlier.
    Wait(Span),
}

pub trait Loop: Send {
    /// Does what is due, once. Never fails: what did not work is tried in a later step.
    fn step(&mut self) -> impl Future<Output = Step> + Send;

    /// Returns when there may be something to do before the wait is over. Dropped and called anew at will.
    fn woken(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Another process may run this loop by now: what is under way here, and what was planned, is not this one's any more.
    fn forget(&mut self) {}

    /// The last words at an orderly stop, while the store is still open.
    fn end(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Loops that run until they are stopped together. Dropped without [`Loops::stop`], they end after the step that they are in.
pub(crate) struct Loops {
    /// Whose they are, in figures.
    of: &'static str,
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
}

impl Loops {
    pub(crate) fn of(of: &'static str) -> Loops {
        Loops { of, stop: watch::channel(false).0, running: JoinSet::new() }
    }

    pub(crate) fn run(&mut self, worker: &'static str, work: impl Loop + 'static, on: &Handle) {
        let (of, running) = (self.of, on.spawn(drive(work, self.stop.subscribe())));
        let watched = async move {
            if let Err(error) = running.await {
                tracing::error!(plane = of, worker, %error, "a worker ended; nothing it does happens until a restart");
                metrics::counter!("counterfoil_workers_lost_total", "plane" => of, "worker" => worker).increment(1);
            }
        };
        self.running.spawn_on(watched, on);
    }

    /// Lets each loop finish the step that it is in.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
    }
}

async fn drive(mut work: impl Loop, stopped: watch::Receiver<bool>) {
    repeat(&mut work, stopped).await;
    work.end().await;
}

async fn repeat(work: &mut impl Loop, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow_and_update() {
        match work.step().await {
            Step::Again => tokio::task::yield_now().await,
            Step::Wait(span) => tokio::select! {
                biased;
                changed = stopped.changed() => if changed.is_err() { return },
                () = work.woken() => {}
                () = tokio::time::sleep(duration(span)) => {}
            },
        }
    }
}

pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.0).unwrap_or(0))
}
