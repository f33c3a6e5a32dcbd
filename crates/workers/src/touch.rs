//! Keeps when keys were last used and what their tenants did: calls note it in memory, and this writes it down once a minute.

use base::{Span, Stop};
use plane::{Plane, deeds, grants};

use crate::driver::{Loop, Step};

const EVERY: Span = Span::seconds(60);

pub struct Touch {
    plane: Plane,
}

impl Touch {
    pub fn new(plane: Plane) -> Touch {
        Touch { plane }
    }
}

impl Loop for Touch {
    async fn step(&mut self) -> Step {
        if let Err(fault) = deeds::keep(&self.plane).await {
            tracing::warn!(fault = fault.chain(), "what tenants did was not kept this time");
        }
        if let Err(Stop::Faulted(fault)) = grants::keep_last_use(&self.plane).await {
            tracing::warn!(fault = fault.chain(), "times of last use were not kept this time");
        }
        Step::Wait(EVERY)
    }
}
