//! Who may do what to whose seat, and why not.

use crate::access::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("your role does not allow this")]
    RoleForbids,
    #[error("the proof is not this session's")]
    StepUpRequired,
    #[error("nobody with this id has a seat here")]
    Unknown,
    #[error("a tenant keeps at least one owner")]
    LastOwner,
}

/// Whether who has one role may give, change or take away a seat of another: at most as much as one's own, and what owners
/// have is for owners.
pub(crate) fn may_grant(giver: Role, role: Role) -> bool {
    match giver {
        Role::Owner => true,
        Role::Admin => role != Role::Owner,
        Role::Developer | Role::Finance | Role::Viewer => false,
    }
}
