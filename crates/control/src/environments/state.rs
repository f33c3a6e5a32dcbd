//! The states of an environment and what may happen in each, as in `docs/lifecycles.md`.

use serde::{Deserialize, Serialize};

use crate::approvals::Judged;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    NotProvisioned,
    Provisioning,
    Active,
    Error,
    Suspended,
}

/// What happens to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The tenant wants it.
    Wish,
    /// All of its work is done.
    Settle,
    /// Its work failed for now.
    Fail,
    /// By the operator.
    Suspend,
    /// By the operator.
    Resume,
}

/// Where an environment is to get to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    Active,
    Suspended,
}

/// One step of the work; each may be done again without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Admit,
    Stand,
}

/// Why an environment is not provisioned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no tenant has this id, or nobody has asked for this environment")]
    Unknown,
    #[error("prove your e-mail address first")]
    EmailNotVerified,
    #[error("live needs another plan")]
    PlanRequired,
    #[error("live needs the operator's approval")]
    ApprovalRequired,
    #[error("the operator does not approve live: {}", reason.as_deref().unwrap_or("no reason was given"))]
    Rejected { reason: Option<String> },
    #[error("the environment is suspended")]
    Suspended,
    #[error("reason: give 1 to 200 characters, none of them a control character")]
    ReasonUnusable,
}

/// What live needs beyond its wish, named in this order: a proved address, a plan that opens it, the operator's approval.
pub(super) fn live_gate(verified: bool, plan: bool, approval: Judged) -> Result<(), Refusal> {
    match approval {
        _ if !verified => Err(Refusal::EmailNotVerified),
        _ if !plan => Err(Refusal::PlanRequired),
        Judged::Approved => Ok(()),
        Judged::Undecided => Err(Refusal::ApprovalRequired),
        Judged::Rejected { reason } => Err(Refusal::Rejected { reason }),
    }
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::NotProvisioned => "not_provisioned",
            Status::Provisioning => "provisioning",
            Status::Active => "active",
            Status::Error => "error",
            Status::Suspended => "suspended",
        }
    }

    /// The state after an event; `None` where it cannot happen.
    pub(super) fn after(self, event: Event) -> Option<Status> {
        match (self, event) {
            (Status::NotProvisioned, Event::Wish) => Some(Status::Provisioning),
            (Status::NotProvisioned, _) => None,
            (Status::Active, Event::Wish) => Some(Status::Active),
            (Status::Provisioning | Status::Error, Event::Wish) => Some(Status::Provisioning),
            (Status::Provisioning | Status::Error, Event::Settle) => Some(Status::Active),
            (Status::Provisioning | Status::Error, Event::Fail) => Some(Status::Error),
            (Status::Suspended, Event::Settle | Event::Fail | Event::Suspend) => Some(Status::Suspended),
            (_, Event::Suspend) => Some(Status::Suspended),
            (Status::Suspended, Event::Resume) => Some(Status::Provisioning),
            (Status::Active, Event::Settle | Event::Fail) | (_, Event::Resume) | (Status::Suspended, Event::Wish) => {
                None
            }
        }
    }
}

impl Step {
    /// In the order in which they are done.
    pub(super) const ALL: [Step; 2] = [Step::Admit, Step::Stand];
}
