//! A loop that runs in one process at a time: it steps only while this process holds its lease. Where the process is
//! alone with its store, it steps as if this were not here.

use base::Span;
use plane::Plane;
use plane::members::{self, Duty};
use tokio::time::Instant;

use crate::driver::{Loop, Step, duration};

/// How often a lease is renewed, and how often one that another has is looked at.
const LOOK_EVERY: Span = Span::millis(500);

pub struct Leased<L> {
    plane: Plane,
    duty: Duty,
    work: L,
    /// The epoch in which the last step was made.
    epoch: Option<i64>,
    /// When the loop wants its next step.
    due_at: Instant,
}

impl<L: Loop> Leased<L> {
    pub fn new(plane: Plane, duty: Duty, work: L) -> Leased<L> {
        Leased { plane, duty, work, epoch: None, due_at: Instant::now() }
    }

    /// Until the loop wants its next step.
    fn left(&self) -> Span {
        let left = self.due_at.saturating_duration_since(Instant::now());
        Span(i64::try_from(left.as_micros()).unwrap_or(i64::MAX))
    }

    /// Takes, renews or loses the lease; answers whether the loop may step.
    async fn may_step(&mut self) -> bool {
        if let Err(fault) = members::hold(&self.plane, self.duty).await {
            tracing::warn!(lease = self.duty.name(), fault = fault.chain(), "the lease was not renewed this time");
        }
        let epoch = members::holds(&self.plane, self.duty);
        if epoch != self.epoch {
            // What the loop has under way belongs to whoever holds the lease next, and that may have been another
            // process in between.
            if self.epoch.take().is_some() {
                self.work.forget();
            }
            match epoch {
                Some(epoch) => tracing::info!(lease = self.duty.name(), epoch, "this process runs the loop"),
                None => tracing::info!(lease = self.duty.name(), "this process does not run the loop any more"),
            }
            (self.epoch, self.due_at) = (epoch, Instant::now());
        }
        epoch.is_some()
    }
}

impl<L: Loop> Loop for Leased<L> {
    async fn step(&mut self) -> Step {
        if !self.plane.shared() {
            return self.work.step().await;
        }
        if !self.may_step().await {
            return Step::Wait(LOOK_EVERY);
        }
        let left = self.left();
        if left > Span(0) {
            return Step::Wait(left.min(LOOK_EVERY));
        }
        match self.work.step().await {
            Step::Again => Step::Again,
            Step::Wait(span) => {
                self.due_at = Instant::now() + duration(span);
                Step::Wait(span.min(LOOK_EVERY))
            }
        }
    }

    async fn woken(&mut self) {
        if self.plane.shared() && self.epoch.is_none() {
            std::future::pending::<()>().await;
        }
        self.work.woken().await;
        self.due_at = Instant::now();
    }

    fn forget(&mut self) {
        self.work.forget();
    }

    async fn end(&mut self) {
        self.work.end().await;
        if let Err(fault) = members::give_back(&self.plane, self.duty).await {
            tracing::warn!(
                lease = self.duty.name(),
                fault = fault.chain(),
                "the lease runs out by itself in 5 seconds"
            );
        }
    }
}
