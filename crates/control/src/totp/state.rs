//! RFC 6238, pure: SHA-1, six digits, 30 seconds, which is what every authenticator app speaks.

use base::{Time, mac};
use ring::hmac;

const STEP_SECONDS: i64 = 30;
/// One step early or late: clocks differ, and typing takes time.
const SKEW: i64 = 1;

/// The steps, among those that count now, whose code this is: almost always one or none.
pub(super) fn steps_of(seed: &[u8], code: &str, now: Time) -> Vec<i64> {
    let present = now.unix_seconds().div_euclid(STEP_SECONDS);
    let steps = present - SKEW..=present + SKEW;
    steps.filter(|step| mac::equal(code_at(seed, *step).as_bytes(), code.as_bytes())).collect()
}

/// The code of one step.
pub(super) fn code_at(seed: &[u8], step: i64) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed), &step.to_be_bytes());
    let tag = tag.as_ref();
    let from = usize::from(tag.last().copied().unwrap_or(0) & 15);
    let number = tag.iter().skip(from).take(4).fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The code as it is compared: apps show it in two groups.
pub(super) fn typed(code: &str) -> String {
    code.chars().filter(|sign| *sign != ' ').collect()
}

/// What an app reads from a picture: `otpauth://totp/Counterfoil:jo@example.com?secret=…`.
pub(super) fn url(secret: &str, email: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let email: String = email.bytes().map(encoded).collect();
    format!("otpauth://totp/{ISSUER}:{email}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30")
}

const ISSUER: &str = "Counterfoil";
