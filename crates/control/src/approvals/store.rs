//! The row of an approval.

use ::store::{Missing, Tx};
use base::{TenantId, Time};
use serde::{Deserialize, Serialize};

use super::state::{Application, Status, Verdict};
use crate::json_row::json_row;

json_row! {
    /// The application of one tenant and what was decided about it.
    #[derive(Clone, Debug, PartialEq)]
    ApprovalRow, slot 21, "approval", keep 5_000,
    key { of: TenantId, }
    body {
        application: Option<Application>,
        /// None while an application is open.
        decision: Option<Decision>,
    }
}

/// What the operator said, and why, as far as he said why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    pub reason: Option<String>,
    pub at: Time,
}

impl ApprovalRow {
    pub(super) fn status(&self) -> Status {
        match (&self.decision, &self.application) {
            (Some(decision), _) => Status::decided(decision.verdict),
            (None, Some(_)) => Status::Open,
            (None, None) => Status::None,
        }
    }
}

/// The row as it is, or as it is before there is one.
pub(super) fn get(tx: &mut Tx<'_>, of: &TenantId) -> Result<ApprovalRow, Missing> {
    Ok(tx.get::<ApprovalRow>(&ApprovalRow::keyed(of))?.unwrap_or_else(|| none(of)))
}

pub(super) fn none(of: &TenantId) -> ApprovalRow {
    ApprovalRow { of: of.clone(), application: None, decision: None }
}
