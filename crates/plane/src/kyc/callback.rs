//! The verification provider's signed word, in the header `X-Signature`.

use base::signature::{self, NotSigned};
use base::{Secret, Time};
use data_encoding::HEXLOWER;

/// A body whose signature was right and recent. Only [`SignedCallback::open`] makes one.
#[derive(Debug)]
pub struct SignedCallback {
    id: String,
    body: Vec<u8>,
}

impl SignedCallback {
    /// Judges the value of `X-Signature` over a body as it arrived.
    pub fn open(secret: &Secret<String>, signature: &str, body: &[u8], now: Time) -> Result<SignedCallback, NotSigned> {
        let right = signature::judge(secret, signature, body, now)?;
        Ok(SignedCallback { id: HEXLOWER.encode(&right), body: body.to_vec() })
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same for the same time, body and secret.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}
