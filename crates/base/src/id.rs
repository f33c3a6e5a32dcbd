//! Typed ids. An id that cannot be parsed is an unknown id: surfaces answer 404, never a parse error.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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

/// An id that has one prefix: drawn, written and read as `prefix` and 16 of the id alphabet.
macro_rules! prefixed {
    ($($(#[$about:meta])* $name:ident $prefix:literal;)+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            const BODY: usize = 16;
            /// How long the whole id is as text.
            pub const LENGTH: usize = $prefix.len() + $name::BODY;

            pub fn draw(chance: &dyn Chance) -> $name {
                $name(chance.text(ID_ALPHABET, $name::BODY))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<$name, NotAnId> {
                let body = text.strip_prefix($prefix).ok_or(NotAnId)?;
                is_body(body, $name::BODY).then(|| $name(body.to_owned())).ok_or(NotAnId)
            }
        }
    )+};
}

prefixed! {
    /// A person who signs in to the dashboard.
    UserId "usr_";
    /// One sign-in of a user.
    SessionId "ses_";
    /// A mailed single-use word, without the part that proves it.
    TicketId "tkt_";
    /// One environment of a tenant, as the dashboard lists it.
    ContractId "ctr_";
}

/// In stored bodies and between our own processes an id is its text.
macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

as_text! { TenantId KeyId UserId SessionId TicketId ContractId }
