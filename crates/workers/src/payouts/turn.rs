//! What the worker proposes for one tenant in one step, on its way to the store and back.

use base::{Span, Stop, Time};
use plane::payouts::{DueRow, Event, Illegal, Move, Moved, Rest, advance, rest};
use plane::{Plane, TenantNo};

use super::next::{Answer, Next, next};

/// Transfers in one operation.
pub(super) const OBJECTS_MOST: usize = 500;
/// How long transfers rest after the rules refused what only a defect proposes.
const REFUSED_RESTS: Span = Span::seconds(60);

/// Moves and rests of one tenant, and where each transfer stood when they were proposed.
#[derive(Default)]
pub(super) struct Turn {
    moves: Vec<(DueRow, Move)>,
    rests: Vec<Rest>,
}

/// One operation of one tenant.
pub(super) enum Operation {
    Moves(Vec<(DueRow, Move)>),
    Rests(Vec<Rest>),
}

/// What became of an [`Operation`].
pub(super) enum Ended {
    /// Where each of its transfers stood and stands now, moved or not; nowhere when it is gone.
    Stand(Vec<(DueRow, Option<DueRow>)>),
    /// The tenant was reset.
    Reset(TenantNo),
    /// Nothing happened, or nobody knows whether it did: the store is asked what is due.
    Again(Vec<DueRow>),
}

impl Turn {
    /// Adds what follows from the rail's answer: a move, or a rest until `again_at` or, where only a person can move it,
    /// until one does.
    pub(super) fn add(&mut self, due: DueRow, answer: Answer, again_at: Time) {
        match next(due.state, &answer) {
            Next::Move(event) => {
                let one = Move::new(due.seq, due.state, event);
                self.moves.push((due, with_facts(one, answer)));
            }
            Next::AskAgain => self.rest(due, again_at),
            Next::Leave => self.rest(due, Time(i64::MAX)),
        }
    }

    /// Behind the first move of a transfer that is late: the steps that would be over by now, had each been on time, for as
    /// long as what follows is known without asking a rail that is elsewhere (`None`). A backlog then costs a write a
    /// transfer and not one a step.
    pub(super) fn catch_up(
        &mut self,
        mut due: DueRow,
        now: Time,
        stage: Span,
        answer: impl Fn(&DueRow) -> Option<Answer>,
    ) {
        let mut follows = false;
        loop {
            let Some(answer) = answer(&due) else { return };
            let Next::Move(event) = next(due.state, &answer) else { return };
            if std::mem::replace(&mut follows, true) {
                let one = Move { follows, ..Move::new(due.seq, due.state, event) };
                self.moves.push((due, with_facts(one, answer)));
            }
            let Ok(state) = due.state.after(event) else { return };
            let at = state.due(due.at, stage);
            if state.is_final() || event.is_trouble() || at > now {
                return;
            }
            due = DueRow { at, state, ..due };
        }
    }

    pub(super) fn rest(&mut self, due: DueRow, until: Time) {
        self.rests.push(Rest { due, until });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.rests.is_empty()
    }

    pub(super) fn operations(self) -> Vec<Operation> {
        let Turn { mut moves, mut rests } = self;
        let mut operations = Vec::new();
        while !moves.is_empty() {
            let leading = moves.iter().enumerate().filter(|(_, (_, one))| !one.follows);
            let end = leading.map(|(at, _)| at).nth(OBJECTS_MOST).unwrap_or(moves.len());
            let rest = moves.split_off(end);
            operations.push(Operation::Moves(std::mem::replace(&mut moves, rest)));
        }
        while !rests.is_empty() {
            let rest = rests.split_off(rests.len().min(OBJECTS_MOST));
            operations.push(Operation::Rests(std::mem::replace(&mut rests, rest)));
        }
        operations
    }
}

impl Operation {
    pub(super) async fn play(self, plane: Plane, tenant: TenantNo) -> Ended {
        match self {
            Operation::Rests(rests) => {
                let dues = rests.iter().map(|rest| rest.due).collect();
                ended(tenant, dues, rest(&plane, tenant, rests).await).0
            }
            Operation::Moves(moves) => {
                let (dues, moves): (Vec<DueRow>, Vec<Move>) = moves.into_iter().unzip();
                let (ended, refused) = ended(tenant, dues, advance(&plane, tenant, moves).await);
                let Some(Illegal) = refused else { return ended };
                let Ended::Again(dues) = ended else { return ended };
                tracing::error!(tenant, transfers = dues.len(), "a worker proposed what cannot happen");
                let until = plane.now().plus(plane.work().ahead(tenant)).plus(REFUSED_RESTS);
                let rests = dues.iter().map(|due| Rest { due: *due, until }).collect();
                self::ended(tenant, dues, rest(&plane, tenant, rests).await).0
            }
        }
    }
}

/// And what the rules refused, if they did.
fn ended(tenant: TenantNo, dues: Vec<DueRow>, outcome: Result<Vec<Moved>, Stop<Illegal>>) -> (Ended, Option<Illegal>) {
    match outcome {
        Ok(moved) if moved.is_empty() => (Ended::Reset(tenant), None),
        Ok(moved) => (Ended::Stand(pair(dues, moved)), None),
        Err(Stop::Faulted(fault)) => {
            tracing::warn!(tenant, fault = fault.chain(), "transfers were not moved this time");
            (Ended::Again(dues), None)
        }
        Err(Stop::Refused(illegal)) => (Ended::Again(dues), Some(illegal)),
    }
}

fn with_facts(one: Move, answer: Answer) -> Move {
    match (one.event, answer) {
        (Event::Pay, Answer::Paid { trans, sum_prov }) => Move { trans: Some(trans), sum_prov, ..one },
        (_, Answer::Trouble { note } | Answer::Failed { note, .. }) => Move { note, ..one },
        _ => one,
    }
}

/// Both are in the same order; a transfer that is not there any more is missing from `moved`.
fn pair(dues: Vec<DueRow>, moved: Vec<Moved>) -> Vec<(DueRow, Option<DueRow>)> {
    let mut moved = moved.into_iter().peekable();
    let stands = |due: DueRow| (due, moved.next_if(|one| one.seq == due.seq).map(|one| one.due(due.tenant)));
    dues.into_iter().map(stands).collect()
}
