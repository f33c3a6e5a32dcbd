//! Says that mails wait where nobody was told how they are sent.

use base::Span;
use control::{Control, mail};

use crate::driver::{Loop, Step};

const SAY_EVERY: Span = Span::seconds(60);

pub(crate) struct Held(Control);

impl Held {
    pub(crate) fn new(control: Control) -> Held {
        Held(control)
    }
}

impl Loop for Held {
    async fn step(&mut self) -> Step {
        match mail::waiting(&self.0) {
            Ok(0) => {}
            Ok(mails) => tracing::warn!(mails, "mails wait: set control.mail.smtp_url"),
            Err(fault) => tracing::warn!(fault = fault.chain(), "looking for mails that wait"),
        }
        Step::Wait(SAY_EVERY)
    }
}
