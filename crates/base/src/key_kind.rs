//! The kinds of keys: control offers them, planes mint and judge them.

use serde::{Deserialize, Serialize};

/// What kind of key it is. The kind outranks any scope (contracts/README section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    Standard,
    Payout,
    Agent,
}

impl KeyKind {
    pub const ALL: [KeyKind; 3] = [KeyKind::Standard, KeyKind::Payout, KeyKind::Agent];

    pub fn word(self) -> &'static str {
        match self {
            KeyKind::Standard => "standard",
            KeyKind::Payout => "payout",
            KeyKind::Agent => "agent",
        }
    }

    pub fn from_word(word: &str) -> Option<KeyKind> {
        KeyKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
