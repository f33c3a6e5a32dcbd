//! What repeats the steps of a loop until it is stopped.

use std::future::Future;
use std::time::Duration;

use base::Span;
use tokio::sync::watch;

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

pub(crate) async fn drive(mut work: impl Loop, stopped: watch::Receiver<bool>) {
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
