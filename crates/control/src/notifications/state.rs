//! What is told by mail, and why a choice is not taken.

use base::Environment;
use serde::{Deserialize, Serialize};

use crate::mail::Kind;

/// For each event whether it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    pub key_created: bool,
    pub key_revoked: bool,
    /// It is there, or the operator suspended it.
    pub environment_changed: bool,
    /// About live, so that live's choice counts.
    pub approval_decided: bool,
    /// About the tenant, so that live's choice counts.
    pub plan_changed: bool,
}

/// What is to be told from now on; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    pub key_created: Option<bool>,
    pub key_revoked: Option<bool>,
    pub environment_changed: Option<bool>,
    pub approval_decided: Option<bool>,
    pub plan_changed: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("too many addresses")]
    TooMany,
    /// Nobody with a seat in the tenant has proved it: who could name any address could have us write to it.
    #[error("an address is nobody's with a seat here")]
    NotAMember,
}

/// Addresses that one environment's mails go to.
pub(super) const ADDRESSES_MOST: usize = 5;

impl Events {
    /// Until somebody chooses: everything that live does, and of the sandbox what the operator does to it.
    pub(super) fn usual(environment: Environment) -> Events {
        let live = environment == Environment::Live;
        Events {
            key_created: live,
            key_revoked: live,
            environment_changed: true,
            approval_decided: live,
            plan_changed: live,
        }
    }

    /// Whether this mail goes out. One that is about no environment is nobody's to choose.
    pub(super) fn tell(self, kind: Kind) -> bool {
        match kind {
            Kind::KeyCreated => self.key_created,
            Kind::KeyRevoked => self.key_revoked,
            Kind::LiveActive | Kind::Suspended => self.environment_changed,
            Kind::LiveApproved | Kind::LiveRejected => self.approval_decided,
            Kind::PlanChanged => self.plan_changed,
            _ => true,
        }
    }

    pub(super) fn after(self, change: Change) -> Events {
        Events {
            key_created: change.key_created.unwrap_or(self.key_created),
            key_revoked: change.key_revoked.unwrap_or(self.key_revoked),
            environment_changed: change.environment_changed.unwrap_or(self.environment_changed),
            approval_decided: change.approval_decided.unwrap_or(self.approval_decided),
            plan_changed: change.plan_changed.unwrap_or(self.plan_changed),
        }
    }
}
