//! The signed token in a verification link: whose page it is, without a row.

use ::store::TenantNo;
use base::{Secret, Time, mac};
use data_encoding::{BASE32_NOPAD, HEXLOWER};

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

    /// A token has one spelling: capitals are another text, and another text opens nothing.
    pub(super) fn open(key: &Secret<[u8; 32]>, token: &str) -> Option<(TenantNo, Phone)> {
        if token.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
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

/// Hours since 1970: how long a form is good for is counted in them.
pub(super) fn hour(now: Time) -> i64 {
    now.unix_seconds().div_euclid(3_600)
}

pub(super) fn seal(key: &Secret<[u8; 32]>, tenant: TenantNo, phone: &Phone, hour: i64) -> String {
    let parts: [&[u8]; 4] = [b"form:", &tenant.to_be_bytes(), &hour.to_be_bytes(), phone.digits().as_bytes()];
    HEXLOWER.encode(&mac::hmac(key, &parts))
}

pub(super) fn is_seal(key: &Secret<[u8; 32]>, tenant: TenantNo, phone: &Phone, hour: i64, sent: &str) -> bool {
    [hour, hour - 1].iter().any(|hour| mac::equal(seal(key, tenant, phone, *hour).as_bytes(), sent.as_bytes()))
}
