//! Asks the planes again for what control wanted of them and has not heard done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base::Environment;
use control::wishes::{self, Due};
use control::{Control, NotDone, Planes};
use tokio::task::{Id, JoinError, JoinSet};

use crate::bell::{Bell, LOOK_EVERY};
use crate::driver::{Loop, Step};

/// Wishes of one side that are asked for at the same time. A plane that does not answer keeps its own wishes waiting, and
/// none of the other's.
const AT_ONCE: usize = 100;
/// What is under way at an orderly stop gets so long; what is cut off is still wanted.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub struct Wishes {
    control: Control,
    planes: Arc<dyn Planes>,
    bell: Bell,
    running: JoinSet<()>,
    /// What each of them asks for: until its outcome is kept it stays due, and must not be asked for twice at once.
    under_way: HashMap<Id, (Environment, String)>,
}

impl Wishes {
    pub fn new(control: Control, planes: Arc<dyn Planes>, bell: Bell) -> Wishes {
        Wishes { control, planes, bell, running: JoinSet::new(), under_way: HashMap::new() }
    }

    /// Waits for all that was begun.
    pub async fn finish(&mut self) {
        while let Some(ended) = self.running.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn begin(&mut self, environment: Environment) {
        let due = match wishes::due(&self.control, environment) {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(fault = fault.chain(), "it could not be read what is still wanted of a plane");
                return;
            }
        };
        for due in due {
            let here = self.under_way.values().filter(|(side, _)| *side == environment);
            if here.clone().count() >= AT_ONCE {
                return;
            }
            if here.into_iter().any(|(_, id)| *id == due.id) {
                continue;
            }
            let (control, planes, id) = (self.control.clone(), Arc::clone(&self.planes), due.id.clone());
            let asked = self.running.spawn(async move { one(&control, planes.as_ref(), environment, due).await });
            self.under_way.insert(asked.id(), (environment, id));
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "a wish broke off; it is due again");
                error.id()
            }
        };
        self.under_way.remove(&id);
    }
}

impl Loop for Wishes {
    async fn step(&mut self) -> Step {
        // Before it is read what is due: what has ended is not due any more, and what has not is still under way.
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended);
        }
        Environment::ALL.into_iter().for_each(|environment| self.begin(environment));
        Step::Wait(LOOK_EVERY)
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = self.bell.rung() => {}
            Some(ended) = self.running.join_next_with_id() => self.ended(ended),
        }
    }

    async fn end(&mut self) {
        if tokio::time::timeout(LAST_WORDS, self.finish()).await.is_err() {
            tracing::warn!("a plane did not answer in time; what was wanted of it is asked for again");
        }
    }
}

async fn one(control: &Control, planes: &dyn Planes, environment: Environment, Due { id, ask }: Due) {
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
