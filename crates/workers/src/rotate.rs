//! Gives the front office another signer when the present one has signed for a month.

use base::Span;
use control::{Control, signers};

use crate::driver::{Loop, Step};

const EVERY: Span = Span::hours(1);

pub struct Rotate(Control);

impl Rotate {
    pub fn new(control: Control) -> Rotate {
        Rotate(control)
    }
}

impl Loop for Rotate {
    async fn step(&mut self) -> Step {
        match signers::rotate_in_time(&self.0).await {
            Ok(Some(epoch)) => tracing::info!(epoch, "sessions are signed with a new key pair"),
            Ok(None) => {}
            Err(fault) => tracing::warn!(fault = fault.chain(), "the old signer goes on for another hour"),
        }
        Step::Wait(EVERY)
    }
}
