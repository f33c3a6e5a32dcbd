//! Removes the rows behind tenant numbers that resets retired, a chunk at a time. Sandbox only.

use base::{Span, Stop};
use plane::{Plane, Sandbox, sandbox};

use crate::driver::{Loop, Step};

/// Nobody waits for what a reset left.
const EVERY: Span = Span::seconds(10);

pub struct Sweep {
    plane: Plane,
    witness: Sandbox,
}

impl Sweep {
    /// `None` on live, which nothing resets.
    pub fn of(plane: Plane) -> Option<Sweep> {
        let witness = plane.sandbox()?;
        Some(Sweep { plane, witness })
    }
}

impl Loop for Sweep {
    async fn step(&mut self) -> Step {
        match sandbox::sweep(&self.plane, self.witness).await {
            Ok(swept) if swept.more => return Step::Again,
            Ok(_) => {}
            Err(Stop::Faulted(fault)) => tracing::warn!(fault = fault.chain(), "nothing was swept this time"),
            Err(Stop::Refused(refusal)) => tracing::warn!(?refusal, "nothing was swept this time"),
        }
        Step::Wait(EVERY)
    }
}
