//! Asks the planes again for what control wanted of them and has not heard done.

use std::sync::Arc;

use control::wishes::{self, Due};
use control::{Control, NotDone, Planes};
use tokio::task::JoinSet;

use crate::bell::{Bell, LOOK_EVERY};
use crate::driver::{Loop, Step};

pub struct Wishes {
    control: Control,
    planes: Arc<dyn Planes>,
    bell: Bell,
}

impl Wishes {
    pub fn new(control: Control, planes: Arc<dyn Planes>, bell: Bell) -> Wishes {
        Wishes { control, planes, bell }
    }
}

impl Loop for Wishes {
    async fn step(&mut self) -> Step {
        let due = match wishes::due(&self.control) {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(fault = fault.chain(), "it could not be read what is still wanted of the planes");
                return Step::Wait(LOOK_EVERY);
            }
        };
        // All at once: one plane that does not answer holds up no wish of the other.
        let mut asked = JoinSet::new();
        for due in due {
            let (control, planes) = (self.control.clone(), Arc::clone(&self.planes));
            asked.spawn(async move { one(&control, planes.as_ref(), due).await });
        }
        while let Some(ended) = asked.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a wish broke off; it is due again");
            }
        }
        Step::Wait(LOOK_EVERY)
    }

    async fn woken(&mut self) {
        self.bell.rung().await;
    }
}

async fn one(control: &Control, planes: &dyn Planes, Due { id, environment, ask }: Due) {
    let environment_word = environment.word();
    let kept = match planes.ask(environment, ask).await {
        Ok(_) => wishes::finished(control, &id).await,
        // The plane knows nothing that could be voided or revoked: that is all that was wanted.
        Err(NotDone::Refused(refusal)) => {
            tracing::warn!(wish = id, environment = environment_word, %refusal, "a wish came to nothing");
            wishes::finished(control, &id).await
        }
        Err(NotDone::Unreachable { why, .. }) => {
            tracing::warn!(wish = id, environment = environment_word, why, "a plane still owes what was wanted of it");
            wishes::postponed(control, &id).await
        }
    };
    if let Err(fault) = kept {
        tracing::warn!(wish = id, fault = fault.chain(), "a wish is asked for again: its outcome was not kept");
    }
}
