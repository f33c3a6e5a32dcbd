//! How a key is named outside, and why nothing was done with one.

use base::{Environment, KeyId};

use crate::planes::PlaneRefusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Such a key is nobody's, another tenant's, or of an environment that the role does not reach.
    #[error("no key has this id")]
    Unknown,
    #[error("the {0} environment is not active")]
    NotActive(Environment),
    #[error("payout keys are made elsewhere")]
    KindElsewhere,
    #[error("prove that it is you first")]
    StepUpRequired,
    /// The same idempotency key came with other content.
    #[error("the idempotency key was used for something else")]
    OtherContent,
    #[error("the same request is being worked on; try again")]
    InProgress,
    #[error("{0}")]
    Plane(PlaneRefusal),
    #[error("the {0} plane does not answer; try again")]
    Unreachable(Environment),
}

/// What a caller names a request with, so that it has one effect: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn parse(text: &str) -> Option<IdempotencyKey> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| IdempotencyKey(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `key_{test|live}_{public id}`.
pub fn wire_id(environment: Environment, id: KeyId) -> String {
    format!("key_{}_{id}", environment.key_word())
}

/// The reverse of [`wire_id`]; `None` is an unknown key.
pub fn key_of(text: &str) -> Option<(Environment, KeyId)> {
    let (word, id) = text.strip_prefix("key_")?.split_once('_')?;
    let environment = Environment::ALL.into_iter().find(|environment| environment.key_word() == word)?;
    Some((environment, id.parse().ok()?))
}

/// Keys on one page.
pub(super) fn per_page(wished: u32) -> usize {
    const MOST: u32 = 100;
    usize::try_from(wished.clamp(1, MOST)).unwrap_or(1)
}
