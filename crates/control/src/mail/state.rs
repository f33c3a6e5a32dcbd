//! What a mail is about, and when it is tried again.

use base::Span;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Prove your address. For an address that somebody proved already it becomes `AlreadyHere` when it is sent.
    Confirm,
    AlreadyHere,
    /// Choose a new password. For an address without an account it is not sent.
    Reset,
    PasswordChanged,
    /// A second factor was added or removed, or its recovery codes made anew.
    FactorsChanged,
    /// Take a seat in a tenant. What was accepted or withdrawn meanwhile is not sent.
    Invited,
    /// The live environment is there, with its address.
    LiveActive,
    LiveApproved,
    LiveRejected,
    /// The operator has suspended an environment.
    Suspended,
    PlanChanged,
    KeyCreated,
    KeyRevoked,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Confirm => "confirm",
            Kind::AlreadyHere => "already-here",
            Kind::Reset => "reset",
            Kind::PasswordChanged => "password-changed",
            Kind::FactorsChanged => "factors-changed",
            Kind::Invited => "invited",
            Kind::LiveActive => "live-active",
            Kind::LiveApproved => "live-approved",
            Kind::LiveRejected => "live-rejected",
            Kind::Suspended => "suspended",
            Kind::PlanChanged => "plan-changed",
            Kind::KeyCreated => "key-created",
            Kind::KeyRevoked => "key-revoked",
        }
    }
}

/// After as many tries a mail is given up.
pub(super) const TRIES_MOST: u32 = 40;

/// How long a taker has a mail for itself.
pub(super) const TAKEN: Span = Span::seconds(60);

/// How long after a failed try, the first being 1, the next one comes: 5 seconds, doubled each time, at most an hour.
pub(super) fn pause(attempts: u32) -> Span {
    let doubled = 5i64 << attempts.saturating_sub(1).min(16);
    Span::seconds(doubled.min(3_600))
}
