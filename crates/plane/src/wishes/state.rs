//! What became of a wish, and what a successor of a key is. Pure.

use ::store::Halt;
use base::{KeyId, Span, Time};
use serde::{Deserialize, Serialize};

use crate::KeyKind;
use crate::grants::{self, KeyLimits, KeyRow, NewKey};

/// A wish as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wished {
    pub(super) fingerprint: String,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Minted(Content),
    Voided,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) key: KeyId,
    pub(super) replaced: Option<Replaced>,
}

/// The old key of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Replaced {
    pub(super) key: KeyId,
    /// Its expiry before.
    pub(super) expired_at: Option<i64>,
}

/// Why nothing was minted under a wish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the wish was voided; draw another")]
    Voided,
    #[error("the wish was used for other content")]
    OtherContent,
    #[error("{0}")]
    Grants(grants::Refusal),
}

impl Wished {
    /// What the same wish led to.
    pub(super) fn again(self, fingerprint: &str) -> Result<Content, Refusal> {
        match self.outcome {
            Outcome::Voided => Err(Refusal::Voided),
            Outcome::Minted(_) if self.fingerprint != fingerprint => Err(Refusal::OtherContent),
            Outcome::Minted(content) => Ok(content),
        }
    }
}

impl Refusal {
    pub(super) fn of_grants(halt: Halt<grants::Refusal>) -> Halt<Refusal> {
        match halt {
            Halt::NotLoaded => Halt::NotLoaded,
            Halt::Refused(refusal) => Halt::Refused(Refusal::Grants(refusal)),
            Halt::Faulted(fault) => Halt::Faulted(fault),
        }
    }
}

impl From<Refusal> for Halt<Refusal> {
    fn from(refusal: Refusal) -> Halt<Refusal> {
        Halt::Refused(refusal)
    }
}

/// A key like this one. One that expires gets as long a life again, as far as its kind may live.
pub(super) fn successor(old: &KeyRow, now: Time) -> Result<NewKey, Refusal> {
    if old.revoked_at.is_some() {
        return Err(Refusal::Grants(grants::Refusal::KeyRevoked));
    }
    let life = old.limits.expires_at.map(|at| Span(at.saturating_sub(old.created_at)));
    let most = Span::days(grants::PAYOUT_KEY_DAYS_MOST);
    let life = life.map(|life| if old.kind == KeyKind::Payout { life.min(most) } else { life });
    let limits = KeyLimits { expires_at: life.map(|life| now.plus(life).0), ..old.limits.clone() };
    Ok(NewKey { tenant: old.owner.clone(), kind: old.kind, name: old.name.clone(), limits })
}
