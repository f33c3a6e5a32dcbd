//! What a policy lets through (pure).

use base::{Amount, Span, Time};

use crate::corridor::AGENT_ASSET;
use crate::grants::AgentPolicy;

/// What the key's policy does not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The corridor is not among the key's.
    Service,
    /// More than the key may move at once.
    PerTransfer { most: Amount },
    /// More than is left of the key's 24 hours.
    Daily { left: Amount },
}

/// What can be judged without state.
pub(crate) fn allows(policy: &AgentPolicy, service: &str, amount: Amount) -> Result<(), Refusal> {
    if !policy.services.is_empty() && !policy.services.iter().any(|allowed| allowed == service) {
        return Err(Refusal::Service);
    }
    match policy.per_transfer_cents.map(Amount::cents) {
        Some(most) if amount.minor > most.minor => Err(Refusal::PerTransfer { most }),
        _ => Ok(()),
    }
}

/// The first instant that still counts at `now`: the window is (now - 24 h, now], in whole microseconds.
pub(super) fn cut(now: Time) -> Time {
    now.plus(Span(1 - Span::days(1).0))
}

/// The window's total with `amount` in it.
pub(super) fn total_after(total: i128, amount: Amount, most_cents: i64) -> Result<i128, Refusal> {
    let (most, after) = (i128::from(most_cents), total.saturating_add(amount.minor));
    if after <= most {
        return Ok(after);
    }
    Err(Refusal::Daily { left: Amount::new((most - total).max(0), AGENT_ASSET) })
}
