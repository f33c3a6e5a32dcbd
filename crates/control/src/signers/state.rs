//! How long a signer signs, and how long what it signed is good.

use base::{Span, Time};

use super::SignerRow;

/// Then another takes over.
const SIGNS: Span = Span::days(30);

pub(super) fn is_old(signer: &SignerRow, now: Time) -> bool {
    signer.created_at.plus(SIGNS) <= now
}

/// Whether tokens of this epoch are still good: one that was retired yields none that outlive it by more than a session.
pub(crate) fn verifies(signer: &SignerRow, session: Span, now: Time) -> bool {
    signer.retired_at.is_none_or(|at| now < at.plus(session))
}
