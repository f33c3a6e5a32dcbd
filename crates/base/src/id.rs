//! Typed ids. An id that cannot be parsed is an unknown id: surfaces answer 404, never a parse error.

use std::fmt;
use std::str::FromStr;

use crate::Chance;

/// Lower-case letters and digits: the body of every public id.
pub const ID_ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The id has another prefix, length or alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

fn is_body(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| ID_ALPHABET.contains(&byte))
}

/// One customer of the platform. The same body is written `tnt_…`, `biz_…` or `bill_…` by contract
/// (facts: contracts/README section 1); `Display` writes `tnt_…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(String);

impl TenantId {
    const BODY: usize = 16;

    pub fn draw(chance: &dyn Chance) -> TenantId {
        TenantId(chance.text(ID_ALPHABET, TenantId::BODY))
    }

    /// The shared part, without a prefix.
    pub fn body(&self) -> &str {
        &self.0
    }

    /// The PayChainHQ spelling.
    pub fn business(&self) -> String {
        format!("biz_{}", self.0)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tnt_{}", self.0)
    }
}

impl FromStr for TenantId {
    type Err = NotAnId;

    /// Accepts all three spellings.
    fn from_str(text: &str) -> Result<TenantId, NotAnId> {
        let body = ["tnt_", "biz_", "bill_"].iter().find_map(|prefix| text.strip_prefix(prefix)).ok_or(NotAnId)?;
        is_body(body, TenantId::BODY).then(|| TenantId(body.to_owned())).ok_or(NotAnId)
    }
}

/// The public part of a key: 12 lower-case alphanumerics (contracts/README section 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; KeyId::LENGTH]);

impl KeyId {
    pub const LENGTH: usize = 12;

    pub fn draw(chance: &dyn Chance) -> KeyId {
        let text = chance.text(ID_ALPHABET, KeyId::LENGTH);
        text.parse().unwrap_or_else(|_| unreachable!("drawn from the id alphabet at the id's length"))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for KeyId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<KeyId, NotAnId> {
        if !is_body(text, KeyId::LENGTH) {
            return Err(NotAnId);
        }
        text.as_bytes().try_into().map(KeyId).map_err(|_| NotAnId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
