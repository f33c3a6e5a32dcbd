//! When a wish is whose: of who asks at first, of the loop later, and never of both.

use base::{Span, Time};

use super::store::{What, WishRow};

/// How long an ask has until the loop takes its wish over. A revocation may be asked twice at once; what would be voided
/// must not be, so its ask gets longer than any transport waits.
pub(super) fn patience(what: &What) -> Span {
    match what {
        What::Void { .. } => Span::seconds(60),
        What::Revoke { .. } => Span::seconds(5),
    }
}

/// Whether who asked may still say that it is done. The last third of a void's time is for a commit that is slow: the loop,
/// which looks when it is due, and who asked never both believe that the wish is theirs.
pub(super) fn in_time(row: &WishRow, now: Time) -> bool {
    const MARGIN: Span = Span::seconds(20);
    match row.what {
        What::Void { .. } => row.attempts == 0 && now.plus(MARGIN) < row.due_at,
        What::Revoke { .. } => true,
    }
}
