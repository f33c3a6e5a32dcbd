//! What a step proposes: what a rail said meanwhile, and what is due now.

use base::{Fault, Span, Time};
use plane::payouts::{DueRow, Found, Wanted, due, first_due};
use plane::{TenantNo, grants};

use super::calls::{ENGAGED_MOST, Said};
use super::next::Answer;
use super::turn::OBJECTS_MOST;
use super::{Payouts, TOGETHER, Turns, WAIT_MOST};
use crate::rail::{Rail, simulated};

/// Tenants served in one step.
const TENANTS_MOST: usize = 16;
/// Tenants whose due transfers are read at once: a read keeps the thread, so it is short.
const READ_TOGETHER: usize = 2;
/// Tenants whose first due transfer is read at once.
const LOOK_TOGETHER: usize = 250;
/// How long a transfer rests when nobody could be asked about it.
const UNASKED_RESTS: Span = Span::seconds(1);

impl Payouts {
    /// Every second, all tenants: what nobody rang for is found here, all that is open at start for one.
    fn look_over(&mut self) -> Result<(), Fault> {
        let now = self.plane.now();
        if self.looked_at.is_some_and(|at| (Span(0)..WAIT_MOST).contains(&now.since(at))) {
            return Ok(());
        }
        let tenants: Vec<TenantNo> = grants::tenants(&self.plane)?.iter().map(|row| row.tenant).collect();
        for tenants in tenants.chunks(LOOK_TOGETHER) {
            for (tenant, with_rail, at) in first_due(&self.plane, tenants)? {
                self.agenda(with_rail).note(tenant, at);
            }
        }
        self.looked_at = Some(now);
        self.calls.tidy();
        self.count_stuck(now);
        Ok(())
    }

    /// Proposes what follows from what is due now.
    pub(super) fn collect(&mut self, turns: &mut Turns) -> Result<(), Fault> {
        self.look_over()?;
        self.collect_due(false, turns)?;
        match &self.rail {
            Rail::CashQ(_) => self.collect_calls(),
            Rail::Manual | Rail::Simulated(_) => self.collect_due(true, turns),
        }
    }

    /// What the next tenants have due. The rails that are here say at once what comes of it.
    fn collect_due(&mut self, with_rail: bool, turns: &mut Turns) -> Result<(), Fault> {
        let (now, plane) = (self.plane.now(), self.plane.clone());
        let stage = plane.config().payouts.stage;
        let tenants = self.agenda(with_rail).turn(now, TENANTS_MOST, |tenant| plane.work().ahead(tenant));
        for tenants in tenants.chunks(READ_TOGETHER) {
            for (tenant, Found { rows, next }) in self.read(tenants, with_rail, OBJECTS_MOST)? {
                let turn = turns.entry(tenant).or_default();
                for due in rows {
                    turn.add(due, self.answer(&due).unwrap_or(Answer::Silent), self.later(tenant, TOGETHER));
                    turn.catch_up(due, now.plus(plane.work().ahead(tenant)), stage, |due| self.answer(due));
                }
                self.agenda(with_rail).set(tenant, next);
            }
        }
        Ok(())
    }

    /// What is said of a transfer without asking anybody elsewhere; `None` when it is with a rail that is.
    fn answer(&self, due: &DueRow) -> Option<Answer> {
        match &self.rail {
            Rail::Simulated(_) => Some(simulated::answer(due)),
            Rail::CashQ(_) | Rail::Manual => (!due.state.is_with_the_rail()).then_some(Answer::Fine),
        }
    }

    /// Queues calls about what the next tenants have due with the rail, as far as there is room. What has a call stays due
    /// in the store until its answer is kept.
    fn collect_calls(&mut self) -> Result<(), Fault> {
        let (now, room) = (self.plane.now(), self.calls.room());
        let tenants = self.rails.turn(now, room.min(TENANTS_MOST), |tenant| self.plane.work().ahead(tenant));
        let each = room / tenants.len().max(1);
        for (tenant, Found { rows, next }) in self.read(&tenants, true, each + ENGAGED_MOST)? {
            let mut free = rows.into_iter().filter(|due| !self.calls.is_engaged(due)).collect::<Vec<_>>().into_iter();
            free.by_ref().take(each).for_each(|due| self.calls.ask(due));
            let next = free.next().map(|due| due.at).or(next);
            self.rails.set(tenant, next);
        }
        Ok(())
    }

    fn read(&self, tenants: &[TenantNo], with_rail: bool, most: usize) -> Result<Vec<(TenantNo, Found)>, Fault> {
        let until = |tenant| self.later(tenant, Span(0));
        let wanted = |tenant: &TenantNo| Wanted { tenant: *tenant, with_rail, until: until(*tenant), most };
        let found = due(&self.plane, &tenants.iter().map(wanted).collect::<Vec<_>>())?;
        Ok(tenants.iter().copied().zip(found).collect())
    }

    /// So long after now, in the tenant's time.
    fn later(&self, tenant: TenantNo, span: Span) -> Time {
        self.plane.now().plus(self.plane.work().ahead(tenant)).plus(span)
    }

    /// Proposes what follows from what the rail said, and answers of whom it spoke.
    pub(super) fn hear(&mut self, turns: &mut Turns) -> Vec<DueRow> {
        let said = self.calls.answered();
        let of = said.iter().map(|said| said.due).collect();
        for Said { due, answer } in said {
            let turn = turns.entry(due.tenant).or_default();
            match answer {
                Some((answer, again_in)) => turn.add(due, answer, self.later(due.tenant, again_in.max(TOGETHER))),
                None => turn.rest(due, self.later(due.tenant, UNASKED_RESTS)),
            }
        }
        of
    }
}
