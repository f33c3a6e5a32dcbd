//! An operation waiting for its batch, with its result type forgotten: run at will, answered once.

use base::{Fault, Stop};
use tokio::sync::oneshot;

use crate::row::TenantNo;
use crate::tx::{Halt, Tx};

/// How one run ended.
pub(crate) enum Ran {
    /// Its overlay is to be merged.
    Done,
    /// It needs rows that are not loaded.
    Again,
    /// Refused or faulted: no effect.
    Stopped,
}

pub(crate) trait Job: Send {
    /// The tenant whose rows it is about, as its caller said.
    fn tenant(&self) -> TenantNo;
    fn run(&mut self, tx: &mut Tx<'_>) -> Ran;
    /// Makes a fault the outcome of the last run.
    fn spoil(&mut self, fault: Fault);
    /// Sends the outcome of the last run. Called after the batch's sync, once.
    fn answer(self: Box<Self>);
    /// Sends a fault instead of any outcome. Called once.
    fn fail(self: Box<Self>, fault: Fault);
}

/// Why an operation was not answered with an outcome.
pub(crate) type Reply<T, R> = Result<T, Stop<R>>;

pub(crate) struct Operation<F, G, T, R> {
    pub(crate) tenant: TenantNo,
    pub(crate) run: F,
    /// Called once with the outcome when it is durable, before the caller hears of it.
    pub(crate) told: G,
    pub(crate) ended: Option<Reply<T, R>>,
    pub(crate) reply: oneshot::Sender<Reply<T, R>>,
}

impl<F, G, T, R> Job for Operation<F, G, T, R>
where
    F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send,
    G: FnOnce(&T) + Send,
    T: Send,
    R: Send,
{
    fn tenant(&self) -> TenantNo {
        self.tenant
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Ran {
        let (ended, ran) = match (self.run)(tx) {
            Ok(outcome) => (Ok(outcome), Ran::Done),
            Err(Halt::NotLoaded) => return Ran::Again,
            Err(Halt::Refused(refusal)) => (Err(Stop::Refused(refusal)), Ran::Stopped),
            Err(Halt::Faulted(fault)) => (Err(Stop::Faulted(fault)), Ran::Stopped),
        };
        self.ended = Some(ended);
        ran
    }

    fn spoil(&mut self, fault: Fault) {
        self.ended = Some(Err(Stop::Faulted(fault)));
    }

    fn answer(self: Box<Self>) {
        let Operation { ended, reply, told, .. } = *self;
        let ended = ended.unwrap_or_else(|| Err(Stop::Faulted(Fault::new("an operation was answered before it ran"))));
        if let Ok(outcome) = &ended {
            told(outcome);
        }
        // A caller that has gone away is not an error: what was committed stays committed.
        let _ = reply.send(ended);
    }

    fn fail(self: Box<Self>, fault: Fault) {
        let _ = self.reply.send(Err(Stop::Faulted(fault)));
    }
}
