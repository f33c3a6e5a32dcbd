//! The signed token in a verification link: whose page it is, without a row.

use ::store::TenantNo;
use base::{Secret, mac};
use data_encoding::BASE32_NOPAD;

use crate::Phone;

/// A token: tenant (4 bytes), phone (8), signature (10), as lower-case base32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(String);

const SIGNED: usize = 12;
const SIGNATURE: usize = 10;

impl Link {
    pub(super) fn sign(key: &Secret<[u8; 32]>, tenant: TenantNo, phone: &Phone) -> Link {
        // A phone has at most 15 digits, so it fits; a leading zero cannot be, country codes have none.
        let number: u64 = phone.digits().parse().unwrap_or_default();
        let mut bytes = Vec::with_capacity(SIGNED + SIGNATURE);
        bytes.extend_from_slice(&tenant.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        let signature = mac::hmac(key, &[&bytes]);
        bytes.extend_from_slice(&signature[..SIGNATURE]);
        Link(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
    }

    pub(super) fn open(key: &Secret<[u8; 32]>, token: &str) -> Option<(TenantNo, Phone)> {
        let bytes = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        if !mac::equal(&mac::hmac(key, &[signed])[..SIGNATURE], signature) {
            return None;
        }
        let tenant = TenantNo::from_be_bytes(signed[..4].try_into().ok()?);
        let number = u64::from_be_bytes(signed[4..].try_into().ok()?);
        Some((tenant, Phone::from_digits(&number.to_string()).ok()?))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
