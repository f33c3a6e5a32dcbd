//! Asks the planes what tenants used, a page of tenants at a time, and has control keep it.

use std::sync::Arc;

use base::{Environment, Fault, Span};
use control::usage::{self, Page};
use control::{Ask, Control, NotDone, Planes, Reply};

use crate::driver::{Loop, Step};

const EVERY: Span = Span::seconds(60);

pub struct Usage {
    control: Control,
    planes: Arc<dyn Planes>,
}

impl Usage {
    pub fn new(control: Control, planes: Arc<dyn Planes>) -> Usage {
        Usage { control, planes }
    }

    /// All tenants of one environment. A plane that does not answer is asked again in the next round.
    async fn round(&self, environment: Environment) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let Page { tenants, next } = usage::page(&self.control, environment, after.as_ref())?;
            let months = if tenants.is_empty() { Vec::new() } else { usage::months(self.control.now()) };
            for month in months {
                let asked = Ask::Usage { month, tenants: tenants.clone() };
                match self.planes.ask(environment, asked).await {
                    Ok(Reply::Usage(used)) => usage::keep(&self.control, environment, month, used).await?,
                    Ok(_) => return Err(Fault::new("the plane answered something else than usage")),
                    Err(NotDone::Unreachable { why, .. }) => {
                        tracing::debug!(environment = environment.word(), why, "usage is not known anew this time");
                        return Ok(());
                    }
                    Err(NotDone::Refused(refusal)) => return Err(Fault::because("asking for usage", refusal)),
                }
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }
}

impl Loop for Usage {
    async fn step(&mut self) -> Step {
        for environment in Environment::ALL {
            if let Err(fault) = self.round(environment).await {
                tracing::warn!(fault = fault.chain(), "what tenants used was not kept this time");
            }
        }
        Step::Wait(EVERY)
    }
}
