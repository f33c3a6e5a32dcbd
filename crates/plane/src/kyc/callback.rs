//! The verification provider's signed word: `X-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`.

use base::{Secret, Span, Time, mac};
use data_encoding::HEXLOWER_PERMISSIVE;

/// A body whose signature was right and recent. Only [`SignedCallback::open`] makes one.
#[derive(Debug)]
pub struct SignedCallback {
    id: String,
    body: Vec<u8>,
}

/// Why a callback is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("X-Signature: send t=<unix seconds>,v1=<64 hexadecimal digits>")]
    Malformed,
    #[error("X-Signature: t is more than 5 minutes from now")]
    Stale,
    #[error("X-Signature: v1 is not the HMAC-SHA-256 of t.body under the shared secret")]
    Wrong,
}

/// How far the provider's clock may be from ours, either way.
pub const CALLBACK_TOLERANCE: Span = Span::seconds(300);
/// While a secret is being changed, a provider signs with both.
const SIGNATURES_MOST: usize = 4;

impl SignedCallback {
    /// Judges the value of `X-Signature` over a body as it arrived.
    pub fn open(secret: &Secret<String>, signature: &str, body: &[u8], now: Time) -> Result<SignedCallback, NotSigned> {
        let (signed_at, signatures) = parse(signature)?;
        let right = mac::hmac_of(secret, &[signed_at.as_bytes(), b".", body]);
        let matches = signatures.iter().any(|signature| mac::equal(signature, &right));
        // The time is part of what is signed, so it is judged only once it is known to be the provider's.
        if !matches {
            return Err(NotSigned::Wrong);
        }
        let seconds: i64 = signed_at.parse().map_err(|_| NotSigned::Malformed)?;
        let off = now.unix_seconds().saturating_sub(seconds).saturating_abs();
        if Span::seconds(off) > CALLBACK_TOLERANCE {
            return Err(NotSigned::Stale);
        }
        Ok(SignedCallback { id: HEXLOWER_PERMISSIVE.encode(&right), body: body.to_vec() })
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same for the same time, body and secret.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// The time as it was written, and the signatures.
fn parse(header: &str) -> Result<(&str, Vec<Vec<u8>>), NotSigned> {
    let (mut signed_at, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) if signed_at.is_none() && is_seconds(seconds) => signed_at = Some(seconds),
            Some(("v1", hex)) if signatures.len() < SIGNATURES_MOST => {
                signatures.push(HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| NotSigned::Malformed)?);
            }
            // Schemes to come stand beside v1.
            Some((name, _)) if name != "t" && name != "v1" => {}
            _ => return Err(NotSigned::Malformed),
        }
    }
    let whole = !signatures.is_empty() && signatures.iter().all(|signature| signature.len() == 32);
    signed_at.filter(|_| whole).map(|signed_at| (signed_at, signatures)).ok_or(NotSigned::Malformed)
}

fn is_seconds(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
