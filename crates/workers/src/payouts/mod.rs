//! The payout processor: drives every open transfer to its end. It proposes moves; the store makes each at most once,
//! from the state that was expected. A kill at any point loses nothing: what is open is found again at start, and what a
//! rail is told carries the same id on every try.

pub(crate) mod calls;
pub mod next;
pub mod schedule;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, HashMap};

use base::{Span, Time};
use plane::payouts::State;
use plane::{Due, Plane, TenantNo};
use tokio::task::JoinSet;

use crate::driver::{Loop, Step};
use crate::figures;
use crate::rail::{Rail, simulated};
use calls::{Calls, Said};
use next::{Answer, Next, is_with_the_rail};
use schedule::Schedule;
use turn::{Ended, Turn, not_before};

/// Transfers in one operation.
const OBJECTS_MOST: usize = 500;
/// Due transfers taken for one operation: what the rail answered meanwhile has room beside them.
const DUE_MOST: usize = OBJECTS_MOST - calls::CALLS_MOST;
/// What arrives within this time is looked at together.
const TOGETHER: Span = Span::millis(20);
/// The longest wait: a clock that was set by hand is noticed after it.
const WAIT_MOST: Span = Span::seconds(1);
const PAUSE_FIRST: Span = Span::millis(50);
const PAUSE_MOST: Span = Span::seconds(2);
/// How long a transfer rests after the rules refused what only a defect proposes.
const REFUSED_RESTS: Span = Span::seconds(60);
const STUCK_AFTER: Span = Span::hours(1);

/// The loop over one plane's open transfers.
pub struct Payouts {
    plane: Plane,
    label: &'static str,
    rail: Rail,
    schedule: Schedule,
    calls: Calls,
    /// Since when each transfer that is being retried has been, as far as this process knows; the plane's time.
    retried: HashMap<(TenantNo, u64), Time>,
    pause: Span,
    counted_at: Time,
}

impl Payouts {
    pub fn new(plane: Plane, rail: Rail) -> Payouts {
        let label = figures::label(plane.name());
        Payouts {
            label,
            schedule: Schedule::default(),
            calls: Calls::new(&plane, label, &rail),
            retried: HashMap::new(),
            pause: PAUSE_FIRST,
            counted_at: Time(i64::MIN),
            plane,
            rail,
        }
    }

    /// Transfers that this loop will look at by itself.
    pub fn waiting(&self) -> usize {
        self.schedule.len() + self.calls.len()
    }

    fn collect(&mut self) -> BTreeMap<TenantNo, Turn> {
        let mut turns = BTreeMap::<TenantNo, Turn>::new();
        for Said { due, answer } in self.calls.answered() {
            match answer {
                Some((answer, again_in)) => self.decide(turns.entry(due.tenant).or_default(), due, answer, again_in),
                None => self.schedule.put(due),
            }
        }
        let now = self.plane.now();
        let ahead = |tenant| self.plane.work().ahead(tenant);
        for (tenant, dues) in self.schedule.take(now, DUE_MOST, ahead) {
            let turn = turns.entry(tenant).or_default();
            for due in dues {
                match &self.rail {
                    Rail::CashQ(_) if is_with_the_rail(due.state) => self.calls.ask(due, now),
                    Rail::CashQ(_) => self.decide(turn, due, Answer::Fine, Span(0)),
                    Rail::Manual => self.decide(turn, due, Answer::Silent, Span(0)),
                    Rail::Simulated(_) => self.decide(turn, due, simulated::answer(&due), Span(0)),
                }
            }
        }
        self.calls.begin();
        turns.retain(|_, turn| !turn.is_empty());
        turns
    }

    fn decide(&mut self, turn: &mut Turn, due: Due, answer: Answer, again_in: Span) {
        match turn.add(due, answer) {
            Next::Move(_) => {}
            Next::AskAgain => {
                let now = self.plane.now().plus(self.plane.work().ahead(due.tenant));
                self.schedule.put(Due { at: now.plus(again_in.max(TOGETHER)), ..due });
            }
            Next::Leave => self.calls.forget(&due),
        }
    }

    /// Everything at once: operations of several tenants share the store's next commit. True when the store took all.
    async fn play(&mut self, turns: BTreeMap<TenantNo, Turn>) -> bool {
        let mut playing = JoinSet::new();
        for (tenant, turn) in turns {
            playing.spawn(turn.play(self.plane.clone(), tenant));
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
                transfers.into_iter().filter_map(|(_, now)| now).for_each(|due| self.schedule.put(due));
                true
            }
            Ended::Reset(tenant) => {
                self.schedule.forget(tenant);
                self.calls.forget_tenant(tenant);
                self.retried.retain(|(of, _), _| *of != tenant);
                true
            }
            Ended::Again(dues) => {
                dues.into_iter().for_each(|due| self.schedule.put(due));
                false
            }
            Ended::Refused(dues) => {
                let rested = self.plane.now().plus(REFUSED_RESTS);
                not_before(dues, rested).for_each(|due| self.schedule.put(due));
                true
            }
        }
    }

    fn note(&mut self, transfers: &[(Due, Option<Due>)]) {
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
                Some(State::Retrying(_)) => {
                    self.retried.entry(key).or_insert(since);
                }
                Some(state) if is_with_the_rail(state) => {
                    self.retried.remove(&key);
                }
                _ if is_with_the_rail(before.state) => {
                    self.calls.forget(before);
                    self.retried.remove(&key);
                }
                _ => {}
            }
        }
        figures::moved(self.label, &moved);
    }

    fn count_stuck(&mut self) {
        let now = self.plane.now();
        if now.since(self.counted_at) >= WAIT_MOST {
            let stuck = self.retried.values().filter(|since| now.since(**since) > STUCK_AFTER).count();
            figures::stuck(self.label, u32::try_from(stuck).unwrap_or(u32::MAX));
            self.counted_at = now;
        }
    }
}

impl Loop for Payouts {
    async fn step(&mut self) -> Step {
        self.plane.work().take().into_iter().for_each(|due| self.schedule.put(due));
        let turns = self.collect();
        let (none, taken) = (turns.is_empty(), self.play(turns).await);
        self.count_stuck();
        if !taken {
            let pause = self.pause;
            self.pause = Span(pause.0.saturating_mul(2)).min(PAUSE_MOST);
            return Step::Wait(pause);
        }
        self.pause = PAUSE_FIRST;
        let wait = self.schedule.wait(self.plane.now(), |tenant| self.plane.work().ahead(tenant));
        match wait {
            Some(wait) if wait <= Span(0) && !none => Step::Again,
            wait => Step::Wait(wait.unwrap_or(WAIT_MOST).clamp(TOGETHER, WAIT_MOST)),
        }
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
