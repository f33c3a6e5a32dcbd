//! Says that this process serves the plane and how much it has seen, so that others' changes are answered. Only where
//! several processes share a store.

use base::Span;
use plane::Plane;
use plane::members::{self, Beat};

use crate::driver::{Loop, Step};

/// Well within the 1.5 seconds for which a process trusts its memory without a heartbeat.
const EVERY: Span = Span::millis(300);

pub struct Presence {
    plane: Plane,
    /// The last heartbeat did not get through: that was said once.
    silent: bool,
}

impl Presence {
    /// `None` for a process that is alone.
    pub fn of(plane: Plane) -> Option<Presence> {
        plane.shared().then_some(Presence { plane, silent: false })
    }
}

impl Loop for Presence {
    async fn step(&mut self) -> Step {
        let beat = members::beat(&self.plane).await;
        if let Err(fault) = &beat
            && !self.silent
        {
            tracing::warn!(fault = fault.chain(), "no heartbeat gets through; calls read their keys from the store");
        }
        self.silent = beat.is_err();
        match beat {
            Ok(Beat::Overtaken) => Step::Again,
            Ok(Beat::Kept) | Err(_) => Step::Wait(EVERY),
        }
    }

    async fn end(&mut self) {
        if let Err(fault) = members::leave(&self.plane).await {
            tracing::warn!(fault = fault.chain(), "the process could not sign off; others wait for it for 3 seconds");
        }
    }
}
