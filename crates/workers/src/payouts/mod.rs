//! The payout processor: drives every open transfer to its end. It proposes moves; the store makes each at most once,
//! from the state that was expected. What is open stays in the store, in the order in which it is due, and is read when it
//! is: a backlog of any size costs no memory. A kill at any point loses nothing, and what a rail is told carries the same
//! id on every try.

pub mod agenda;
pub(crate) mod calls;
mod collect;
pub mod next;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, HashMap};

use base::{Span, Time};
use plane::payouts::{DueRow, State};
use plane::{Plane, Rung, TenantNo};
use tokio::task::JoinSet;

use crate::driver::{Loop, Step};
use crate::figures;
use crate::rail::Rail;
use agenda::Agenda;
use calls::Calls;
use turn::{Ended, Turn};

/// What arrives within this time is looked at together.
const TOGETHER: Span = Span::millis(20);
/// The longest wait, and how often the store is looked over: what another process keeps and a clock that was set by hand
/// are noticed after it.
const WAIT_MOST: Span = Span::seconds(1);
const PAUSE_FIRST: Span = Span::millis(50);
const PAUSE_MOST: Span = Span::seconds(2);
const STUCK_AFTER: Span = Span::hours(1);
/// Transfers whose retries are timed: more than these are not counted as stuck.
const RETRIED_MOST: usize = 50_000;

type Turns = BTreeMap<TenantNo, Turn>;

/// The loop over one plane's open transfers. It keeps when tenants have something due, and nothing of the transfers
/// themselves but what a rail said of some.
pub struct Payouts {
    plane: Plane,
    label: &'static str,
    rail: Rail,
    /// Of transfers that are not with the rail.
    own: Agenda,
    /// Of those that are: a slow rail keeps nothing else waiting.
    rails: Agenda,
    calls: Calls,
    /// Since when each transfer that is being retried has been, as far as this process knows; the plane's time.
    retried: HashMap<(TenantNo, u64), Time>,
    pause: Span,
    looked_at: Option<Time>,
}

impl Payouts {
    /// Knows nothing yet of what is open, nor of what a rail was told.
    pub fn new(plane: Plane, rail: Rail) -> Payouts {
        let label = figures::label(plane.name());
        Payouts {
            label,
            own: Agenda::default(),
            rails: Agenda::default(),
            calls: Calls::new(&plane, label, &rail),
            retried: HashMap::new(),
            pause: PAUSE_FIRST,
            looked_at: None,
            plane,
            rail,
        }
    }

    /// Tenants of whom something is or will be due, and calls: nothing happens by itself any more when there are none.
    pub fn waiting(&self) -> usize {
        self.own.len() + self.rails.len() + self.calls.len()
    }

    fn agenda(&mut self, with_rail: bool) -> &mut Agenda {
        if with_rail { &mut self.rails } else { &mut self.own }
    }

    fn note_due(&mut self, due: &DueRow) {
        self.agenda(due.state.is_with_the_rail()).note(due.tenant, due.at);
    }

    /// Everything at once: operations of several tenants share the store's next commit. True when the store took all.
    async fn play(&mut self, turns: Turns) -> bool {
        let mut playing = JoinSet::new();
        for (tenant, turn) in turns {
            for operation in turn.operations() {
                playing.spawn(operation.play(self.plane.clone(), tenant));
            }
        }
        let mut taken = true;
        while let Some(ended) = playing.join_next().await {
            match ended {
                Ok(ended) => taken &= self.settle(ended),
                // Only when the runtime is being shut down: the store is asked again at the next start.
                Err(error) => tracing::warn!(%error, "an operation was cut off"),
            }
        }
        taken
    }

    fn settle(&mut self, ended: Ended) -> bool {
        match ended {
            Ended::Stand(transfers) => {
                self.note(&transfers);
                let open = transfers.iter().filter_map(|(_, now)| now.as_ref()).filter(|now| !now.state.is_final());
                open.for_each(|now| self.note_due(now));
                true
            }
            Ended::Reset(tenant) => {
                self.own.forget(tenant);
                self.rails.forget(tenant);
                self.calls.forget_tenant(tenant);
                self.retried.retain(|(of, _), _| *of != tenant);
                true
            }
            Ended::Again(dues) => {
                dues.iter().for_each(|due| self.note_due(due));
                false
            }
        }
    }

    fn note(&mut self, transfers: &[(DueRow, Option<DueRow>)]) {
        let mut moved = HashMap::new();
        let since = self.plane.now();
        for (before, now) in transfers {
            match now {
                Some(now) if now.state == before.state => continue,
                Some(now) => *moved.entry(now.state).or_default() += 1,
                None => {}
            }
            let key = (before.tenant, before.seq);
            match now.map(|now| now.state) {
                Some(State::Processing) if before.state == State::Verifying => self.calls.entered(before),
                Some(State::Retrying(_)) if self.retried.len() < RETRIED_MOST => {
                    self.retried.entry(key).or_insert(since);
                }
                // Beyond what can be counted.
                Some(State::Retrying(_)) => {}
                Some(state) if state.is_with_the_rail() => {
                    self.retried.remove(&key);
                }
                _ if before.state.is_with_the_rail() => {
                    self.calls.forget(before);
                    self.retried.remove(&key);
                }
                _ => {}
            }
        }
        figures::moved(self.label, &moved);
    }

    fn count_stuck(&self, now: Time) {
        let stuck = self.retried.values().filter(|since| now.since(**since) > STUCK_AFTER).count();
        figures::stuck(self.label, u32::try_from(stuck).unwrap_or(u32::MAX));
    }

    /// Until something is due; what is with a rail that has no room waits for a call to end.
    fn wait(&self) -> Option<Span> {
        let (now, ahead) = (self.plane.now(), |tenant| self.plane.work().ahead(tenant));
        let rails = if self.calls.room() > 0 { self.rails.wait(now, ahead) } else { None };
        self.own.wait(now, ahead).into_iter().chain(rails).min()
    }
}

impl Loop for Payouts {
    async fn step(&mut self) -> Step {
        for Rung { tenant, with_rail, at } in self.plane.work().take() {
            self.agenda(with_rail).note(tenant, at);
        }
        let mut turns = Turns::new();
        let heard = self.hear(&mut turns);
        let read = self.collect(&mut turns).inspect_err(|fault| {
            tracing::warn!(fault = fault.chain(), "what is due could not be read this time");
        });
        self.calls.begin();
        let none = turns.values().all(Turn::is_empty);
        let taken = self.play(turns).await & read.is_ok();
        self.calls.settled(&heard);
        if !taken {
            let pause = self.pause;
            self.pause = Span(pause.0.saturating_mul(2)).min(PAUSE_MOST);
            return Step::Wait(pause);
        }
        self.pause = PAUSE_FIRST;
        match self.wait() {
            Some(wait) if wait <= Span(0) && !none => Step::Again,
            wait => Step::Wait(wait.unwrap_or(WAIT_MOST).clamp(TOGETHER, WAIT_MOST)),
        }
    }

    /// What was said to the rail, and what was not, is known only as long as nobody else speaks to it.
    fn forget(&mut self) {
        let rail = std::mem::replace(&mut self.rail, Rail::Manual);
        *self = Payouts::new(self.plane.clone(), rail);
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = self.plane.work().wait() => {}
            () = self.calls.ended() => {}
        }
        // Under load something arrives all the time: a moment's patience makes one step of it. Time passes here only in
        // a running loop, never in a step.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
