//! The arithmetic of a throttle, on one number: when the next use would come if all came evenly.

use base::{Span, Time};

/// Too much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; wait and try again")]
pub struct Throttled {
    pub retry_after: Span,
}

/// The number after one more use, or how long to wait for it: at most `count` at once, and as many again in each `within`.
pub(super) fn after_one(tat: Option<Time>, count: u32, within: Span, now: Time) -> Result<Time, Throttled> {
    let count = i64::from(count.max(1));
    let each = within.0 / count;
    let next = tat.map_or(now, |tat| tat.max(now)).plus(Span(each));
    // Not `within`: what the division left over would let one more through for a short span and a high count.
    let over = next.since(now).0.saturating_sub(each * count);
    if over > 0 { Err(Throttled { retry_after: Span(over) }) } else { Ok(next) }
}
