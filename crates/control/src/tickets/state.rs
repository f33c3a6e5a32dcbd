//! What a ticket is good for, and for how long.

use base::Span;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Verify,
    Reset,
    Invite,
    /// Between the two steps of a login; never mailed.
    SecondStep,
}

impl Purpose {
    /// From when it was issued, and anew from each time that it is mailed.
    pub(super) fn life(self) -> Span {
        match self {
            Purpose::Verify | Purpose::Invite => Span::days(7),
            Purpose::Reset => Span::seconds(30 * 60),
            Purpose::SecondStep => Span::seconds(5 * 60),
        }
    }

    /// What the proof in its text is bound to.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
            Purpose::Invite => "invite",
            Purpose::SecondStep => "second step",
        }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(super) const PROOF_CHARACTERS: usize = 20;

/// 119 bits of a MAC as 20 letters and digits.
pub(super) fn proof_text(mac: &[u8; 32]) -> String {
    let (half, _) = mac.split_at(16);
    let mut left = half.iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let mut text = String::with_capacity(PROOF_CHARACTERS);
    for _ in 0..PROOF_CHARACTERS {
        text.push(char::from(BASE62[usize::try_from(left % 62).unwrap_or(0)]));
        left /= 62;
    }
    text
}
