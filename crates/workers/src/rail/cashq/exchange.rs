//! One turn of talk with the peer about one transfer.

use plane::Plane;
use plane::payouts::{DueRow, submission};

use super::client::CashQRail;
use super::dossier::{Dossier, Heard, Patience, Stage, Verdict};
use super::order;
use super::wire::{self, Standing, Submission};
use crate::figures;
use crate::payouts::calls::Said;

/// Tells or asks the peer what the dossier says is next. Reads the transfer first: what was decided meanwhile, by the
/// operator for one, is not submitted any more. Gives back what is to be remembered for the next call.
pub(crate) async fn exchange(
    plane: Plane,
    rail: CashQRail,
    label: &'static str,
    due: DueRow,
    mut dossier: Dossier,
) -> (Option<Dossier>, Said) {
    let id = order::submission_id(due.tenant, due.seq);
    let (row, facts) = match submission(&plane, due.tenant, due.seq) {
        Ok(Some((row, entry))) => (row, entry.facts),
        Ok(None) => return (None, Said { due, answer: None }),
        Err(fault) => {
            tracing::warn!(fault = fault.chain(), "a transfer could not be read");
            return (Some(dossier), Said { due, answer: None });
        }
    };
    if row.state != due.state {
        return (row.state.is_with_the_rail().then_some(dossier), Said { due, answer: None });
    }
    let patience = Patience { quiet: rail.quiet(), shortages_most: plane.config().payouts.attempts_most };
    loop {
        let heard = talk(&rail, &dossier.stage, &facts, &id).await;
        let now = plane.now();
        figures::called(label, word(&heard));
        if let Some(why) = operators(&heard).filter(|_| rail.may_alert(now)) {
            tracing::error!(plane = label, why, "the rail takes no transfers: this needs the operator");
        }
        if let Verdict::Answer(answer, again_in) = dossier.follow(heard, now, patience) {
            return (Some(dossier), Said { due, answer: Some((answer, again_in)) });
        }
    }
}

async fn talk(rail: &CashQRail, stage: &Stage, facts: &str, id: &str) -> Heard {
    match stage {
        Stage::Submit => Heard::Submitted(match order::body(facts, id) {
            Some(body) => wire::submission(&rail.submit(body).await, id),
            None => Submission::NotRun("the journal's entry is not one of an accepted transfer".to_owned()),
        }),
        Stage::Look | Stage::Confirm(..) => Heard::Looked(wire::standing(&rail.look(id).await, id)),
    }
}

fn word(heard: &Heard) -> &'static str {
    match heard {
        Heard::Submitted(Submission::Accepted) => "accepted",
        Heard::Submitted(Submission::Refused(_)) => "refused",
        Heard::Submitted(Submission::Short(_)) => "short_of_funds",
        Heard::Submitted(Submission::BadKey(_)) | Heard::Looked(Standing::BadKey(_)) => "bad_key",
        Heard::Submitted(Submission::NotRun(_)) => "not_run",
        Heard::Submitted(Submission::Unknown(_)) => "unknown",
        Heard::Looked(Standing::Underway) => "underway",
        Heard::Looked(Standing::Paid { .. }) => "paid",
        Heard::Looked(Standing::Failed(_)) => "failed",
        Heard::Looked(Standing::NotKnown) => "not_known",
        Heard::Looked(Standing::Trouble(_)) => "trouble",
    }
}

/// Troubles that are not the transfer's and that no retry mends.
fn operators(heard: &Heard) -> Option<&str> {
    match heard {
        Heard::Submitted(Submission::BadKey(why) | Submission::Short(why)) => Some(why),
        Heard::Looked(Standing::BadKey(why)) => Some(why),
        _ => None,
    }
}
