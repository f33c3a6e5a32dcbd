//! Somebody with an authenticator app.

use base::{Secret, Stop};
use control::factors;
use control::sessions::{self, LoggedIn, Proof, Refusal, SecondStep};
use control::{Carried, Control, totp};
use data_encoding::BASE32_NOPAD;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use super::{PASSWORD, desk, from, secret};

/// The code that an app shows at this time for a seed in base32.
pub fn code(seed: &str, unix_seconds: i64) -> String {
    let seed = BASE32_NOPAD.decode(seed.as_bytes()).unwrap();
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed), &(unix_seconds / 30).to_be_bytes());
    let (tag, at) = (tag.as_ref(), usize::from(tag.as_ref()[19] & 0xf));
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// The code of this moment.
pub fn now(control: &Control, seed: &str) -> String {
    code(seed, control.now().unix_seconds())
}

/// Sets an app up in the session of this token: its seed, and the recovery codes that came with it.
pub async fn added(control: &Control, token: &Secret<String>) -> (String, Vec<String>) {
    let (permit, proof) = (desk::permit(control, token, desk::OWN), desk::proof(control, token));
    let begun = totp::begin(control, &permit, &proof).await.map_err(|_| "not begun").unwrap();
    let seed = begun.secret.expose().clone();
    let first = secret(&now(control, &seed));
    let codes = totp::confirm(control, &permit, &proof, &first).await.map_err(|_| "not confirmed").unwrap();
    let codes = codes.map(|codes| codes.written.iter().map(|code| code.expose().clone()).collect());
    (seed, codes.unwrap_or_default())
}

/// The right password of somebody who has a factor.
pub async fn half(control: &Control, email: &str, ip: &str) -> SecondStep {
    let logged_in = sessions::log_in(control, &from(ip), email, secret(PASSWORD), Carried::Bearer).await;
    match logged_in.map_err(|_| "refused").unwrap() {
        LoggedIn::SecondStep(second_step) => second_step,
        LoggedIn::In { .. } => panic!("the password was enough"),
    }
}

/// What the second step leads to.
pub async fn second(control: &Control, ip: &str, ticket: &str, proof: Proof) -> Result<LoggedIn, Refusal> {
    factors::second_step(control, &from(ip), ticket, proof, Carried::Bearer).await.map_err(refused)
}

/// What proving oneself again in a session leads to.
pub async fn prove(control: &Control, token: &Secret<String>, ip: &str, proof: Proof) -> Result<(), Refusal> {
    let session = sessions::authenticate(control, control::Presented::Bearer(token.expose()), &from(ip));
    let permit = session.map_err(|_| "no session").unwrap().permit(desk::OWN).unwrap();
    sessions::prove(control, &permit, proof).await.map(|_| ()).map_err(refused)
}

pub fn refused(stop: Stop<Refusal>) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    }
}
