//! What is known of a receiver and what follows for one transfer.

use ::store::TenantNo;
use base::Time;

use super::store::SubjectRow;
use crate::sandbox::magic;
use crate::{Phone, Plane};

/// How a receiver stands: whole dollars per transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub verified: bool,
    pub limit_dollars: u32,
}

/// What was found out about a receiver. `dollars` overrides the plane's limit for that standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Verified { dollars: Option<u32> },
    Unverified { dollars: Option<u32> },
}

/// Why a verdict was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this page belongs to data that was reset")]
    Reset,
    #[error("no tenant has this id on this plane")]
    TenantUnknown,
}

/// Who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The sandbox's own page or control.
    Sandbox,
    /// The configured provider's signed callback.
    Provider,
    Operator,
}

impl Source {
    pub(super) fn word(self) -> &'static str {
        match self {
            Source::Sandbox => "sandbox",
            Source::Provider => "provider",
            Source::Operator => "operator",
        }
    }
}

/// How the receiver stands, given what is stored. In a sandbox some phones stand for a case until something is stored.
pub(crate) fn standing(plane: &Plane, phone: &Phone, row: Option<&SubjectRow>) -> Standing {
    let limits = plane.config().kyc;
    let (verified, dollars) = match row {
        Some(row) => (row.verified, row.dollars),
        None => match plane.sandbox().and_then(|_| magic::receiver(phone)) {
            Some(magic::Receiver::Verified) => (true, None),
            Some(magic::Receiver::MayReceiveNothing) => (false, Some(0)),
            Some(magic::Receiver::NotOnTheNetwork) | None => (false, None),
        },
    };
    let usual = if verified { limits.verified_dollars } else { limits.unverified_dollars };
    Standing { verified, limit_dollars: dollars.unwrap_or(usual) }
}

impl Verdict {
    fn parts(self) -> (bool, Option<u32>) {
        match self {
            Verdict::Verified { dollars } => (true, dollars),
            Verdict::Unverified { dollars } => (false, dollars),
        }
    }
}

impl SubjectRow {
    pub(super) fn says(&self, verdict: Verdict, source: Source) -> bool {
        (self.verified, self.dollars) == verdict.parts() && self.source == source.word()
    }
}

pub(super) fn subject(tenant: TenantNo, phone: &Phone, verdict: Verdict, source: Source, now: Time) -> SubjectRow {
    let (verified, dollars) = verdict.parts();
    let source = source.word().to_owned();
    SubjectRow { tenant, phone: phone.digits().into(), verified, dollars, changed_at: now, source }
}
