//! The counters that the workers keep. Counted per batch, not per transfer.

use std::collections::HashMap;

use base::PlaneName;
use plane::payouts::State;

/// How a plane is called in every figure: by its environment.
pub(crate) fn label(plane: &PlaneName) -> &'static str {
    plane.environment.word()
}

/// Counts transfers by the state that they came to.
pub(crate) fn moved(plane: &'static str, to: &HashMap<State, u64>) {
    for (state, transfers) in to {
        let (number, substate) = state.numbers();
        let to = format!("{number}/{substate}");
        metrics::counter!("counterfoil_payouts_moved_total", "plane" => plane, "to" => to).increment(*transfers);
    }
}

/// Counts one call to a rail by what came of it.
pub(crate) fn called(plane: &'static str, outcome: &'static str) {
    metrics::counter!("counterfoil_rail_calls_total", "plane" => plane, "outcome" => outcome).increment(1);
}

/// How many transfers have been retried for longer than an hour.
pub(crate) fn stuck(plane: &'static str, transfers: u32) {
    metrics::gauge!("counterfoil_payouts_stuck", "plane" => plane).set(transfers);
}
