//! One operation's worth of moves of one tenant, on its way to the store and back.

use base::{Stop, Time};
use plane::payouts::{Event, Move, Moved, advance};
use plane::{Due, Plane, TenantNo};

use super::next::{Answer, Next, next};

/// What the worker proposes for one tenant, and where each transfer stood when it did.
#[derive(Default)]
pub(super) struct Turn {
    dues: Vec<Due>,
    moves: Vec<Move>,
}

/// What became of a [`Turn`].
pub(super) enum Ended {
    /// Where each of its transfers stood and stands now, moved or not; nowhere when it is gone.
    Stand(Vec<(Due, Option<Due>)>),
    /// The tenant was reset.
    Reset(TenantNo),
    /// Nothing happened, or nobody knows whether it did: these are proposed again.
    Again(Vec<Due>),
    /// The rules refused a move, which [`next`] never proposes: these wait for a long time.
    Refused(Vec<Due>),
}

impl Turn {
    /// Adds what follows from the rail's answer. Gives the transfer's next step back when it is not a move.
    pub(super) fn add(&mut self, due: Due, answer: Answer) -> Next {
        let next = next(due.state, &answer);
        if let Next::Move(event) = next {
            self.moves.push(with_facts(Move::new(due.seq, due.state, event), answer));
            self.dues.push(due);
        }
        next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.moves.is_empty()
    }

    pub(super) async fn play(self, plane: Plane, tenant: TenantNo) -> Ended {
        let Turn { dues, moves } = self;
        match advance(&plane, tenant, moves).await {
            Ok(moved) if moved.is_empty() => Ended::Reset(tenant),
            Ok(moved) => Ended::Stand(pair(dues, moved)),
            Err(Stop::Faulted(fault)) => {
                tracing::warn!(tenant, fault = fault.chain(), "transfers were not moved this time");
                Ended::Again(dues)
            }
            Err(Stop::Refused(illegal)) => {
                tracing::error!(tenant, transfers = dues.len(), %illegal, "a worker proposed what cannot happen");
                Ended::Refused(dues)
            }
        }
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
fn pair(dues: Vec<Due>, moved: Vec<Moved>) -> Vec<(Due, Option<Due>)> {
    let mut moved = moved.into_iter().peekable();
    let stands = |due: Due| (due, moved.next_if(|one| one.seq == due.seq).map(|one| one.due(due.tenant)));
    dues.into_iter().map(stands).collect()
}

/// The same transfers, not to be looked at before `at`.
pub(super) fn not_before(dues: Vec<Due>, at: Time) -> impl Iterator<Item = Due> {
    dues.into_iter().map(move |due| Due { at: due.at.max(at), ..due })
}
