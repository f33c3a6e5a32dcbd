//! The rail that moves no money. What it says follows from the transfer's script, its state and its troubles so far, so
//! it remembers nothing and says the same after a restart.

use base::mac::sha256;
use plane::Sandbox;
use plane::payouts::{DueRow, FailReason, RetryStep, State};
use plane::sandbox::magic::Script;

use crate::payouts::next::Answer;

/// Proof that a plane may pay with nothing. A live plane has no witness and so cannot have this rail.
pub struct Simulated {
    _sandbox: Sandbox,
}

impl Simulated {
    pub fn new(sandbox: Sandbox) -> Simulated {
        Simulated { _sandbox: sandbox }
    }
}

/// What the rail says of this transfer now.
pub(crate) fn answer(due: &DueRow) -> Answer {
    match (due.script, due.state) {
        (Script::RunsShortOnce, State::ReadyToDebit) if due.attempts == 0 => Answer::Short,
        (Script::DoubtedOnce, State::Verifying) if due.attempts == 0 => Answer::Doubtful,
        (script, State::Processing | State::Retrying(_)) => of_script(script, due),
        _ => Answer::Fine,
    }
}

fn of_script(script: Script, due: &DueRow) -> Answer {
    let failed = |reason| Answer::Failed { reason, note: None };
    match script {
        Script::FailsInProcessing => failed(FailReason::Processing),
        Script::FailsForFunds => failed(FailReason::Funds),
        Script::CancelledBySupport => failed(FailReason::Cancelled),
        Script::FailsOtherwise => failed(FailReason::Other),
        Script::Hangs => Answer::Silent,
        Script::RetriesTwice if matches!(due.state, State::Processing | State::Retrying(RetryStep::First)) => {
            Answer::Trouble { note: None }
        }
        Script::Pays | Script::RetriesTwice | Script::RunsShortOnce | Script::DoubtedOnce | Script::AwaitsLink => {
            Answer::Paid { trans: reference(due), sum_prov: None }
        }
    }
}

/// The same for the same transfer, and nothing that tells how many tenants or transfers there are.
fn reference(due: &DueRow) -> String {
    let hash = sha256(&[b"simulated rail", &due.tenant.to_be_bytes(), &due.seq.to_be_bytes()]);
    let digits = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    format!("SIM-{digits:016X}")
}
