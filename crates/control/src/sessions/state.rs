//! Why nobody is signed in, and how long a session and a proof of its user live.

use base::{Span, Time};

use super::store::SessionRow;
use crate::proof::{Denied, Proved};
use crate::throttle::Throttled;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("too many tries; wait and try again")]
    Throttled { retry_after: Span },
    /// Unknown, wrong, or may not sign in: one word.
    #[error("the address or the password is wrong")]
    Invalid,
    /// Wrong, used or too late, or no ticket of ours: one word.
    #[error("the code is wrong, was used before or comes too late")]
    CodeInvalid,
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Refusal {
        Refusal::Throttled { retry_after: throttled.retry_after }
    }
}

/// Live sessions of one user. A further one ends the oldest.
pub(super) const LIVE_MOST: usize = 50;

/// A proof of this age is stale.
const FRESH: Span = Span::seconds(600);

/// The proof, if it is fresh.
pub(super) fn fresh(proved: Option<Proved>, now: Time) -> Option<Proved> {
    proved.filter(|proved| now < fresh_until(*proved))
}

/// The first moment at which a proof is stale.
pub(super) fn fresh_until(proved: Proved) -> Time {
    proved.at.plus(FRESH)
}

/// Whether a session can be used.
pub(super) fn live(row: &SessionRow, now: Time) -> Result<(), Denied> {
    if row.revoked_at.is_some() {
        return Err(Denied::Revoked);
    }
    if now < row.expires_at { Ok(()) } else { Err(Denied::Expired) }
}
