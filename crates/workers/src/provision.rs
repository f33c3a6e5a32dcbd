//! Brings environments to where they are wanted: takes one that is due, has its plane do what is left step by step, and
//! says so. Each step may be done again, so a kill at any point costs a repetition and no more.

use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use control::environments::{self, Step as Stage, Work};
use control::{Ask, Control, Planes};
use tokio::task::JoinSet;

use crate::bell::{Bell, LOOK_EVERY};
use crate::driver::{Loop, Step};

/// Environments that are worked on at the same time: one plane that does not answer keeps the others' work waiting only
/// when so many wait for it.
const AT_ONCE: usize = 16;
/// What is under way at an orderly stop gets so long; what is cut off is due again when its lease is over.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub struct Provision {
    control: Control,
    planes: Arc<dyn Planes>,
    bell: Bell,
    running: JoinSet<()>,
}

impl Provision {
    pub fn new(control: Control, planes: Arc<dyn Planes>, bell: Bell) -> Provision {
        Provision { control, planes, bell, running: JoinSet::new() }
    }

    /// Waits for all that was begun.
    pub async fn finish(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the work on an environment broke off; it is due again in 30 seconds");
            }
        }
    }
}

impl Loop for Provision {
    async fn step(&mut self) -> Step {
        while self.running.len() < AT_ONCE {
            match environments::take(&self.control).await {
                Ok(Some(work)) => {
                    let (control, planes) = (self.control.clone(), Arc::clone(&self.planes));
                    self.running.spawn(async move { one(&control, planes.as_ref(), &work).await });
                }
                Ok(None) => break,
                Err(fault) => {
                    tracing::warn!(fault = fault.chain(), "no environment could be taken this time");
                    break;
                }
            }
        }
        Step::Wait(LOOK_EVERY)
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = self.bell.rung() => {}
            Some(ended) = self.running.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the work on an environment broke off; it is due again in 30 seconds");
                }
            }
        }
    }

    async fn end(&mut self) {
        if tokio::time::timeout(LAST_WORDS, self.finish()).await.is_err() {
            tracing::warn!(
                "a plane did not answer in time; its environments are due again when they are found untended"
            );
        }
    }
}

async fn one(control: &Control, planes: &dyn Planes, work: &Work) {
    if let Err(fault) = advance(control, planes, work).await {
        let (tenant, environment) = (work.of.to_string(), work.environment.word());
        tracing::warn!(tenant, environment, fault = fault.chain(), "an environment is not where it is wanted yet");
    }
}

async fn advance(control: &Control, planes: &dyn Planes, work: &Work) -> Result<(), Fault> {
    for stage in &work.steps {
        if let Err(not_done) = planes.ask(work.environment, ask(work, *stage)).await {
            let (tenant, environment, why) = (work.of.to_string(), work.environment.word(), not_done.to_string());
            tracing::warn!(tenant, environment, why, "an environment is not where it is wanted; it is tried again");
            return environments::failed(control, work, &why).await;
        }
        if !environments::step_done(control, work, *stage).await? {
            // Somebody else has it, or the operator wants something else: the terms in hand are no longer the tenant's.
            return Ok(());
        }
    }
    environments::settled(control, work).await
}

fn ask(work: &Work, stage: Stage) -> Ask {
    let (tenant, standing) = (work.of.clone(), work.standing.clone());
    match stage {
        Stage::Admit => Ask::Admit { tenant, name: work.name.clone(), standing },
        Stage::Stand => Ask::Stand { tenant, standing },
    }
}
