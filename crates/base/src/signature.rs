//! A signed word from outside: `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">` under a secret that both sides know.

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::{Secret, Span, Time, mac};

/// Why a word is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("send t=<unix seconds>,v1=<64 hexadecimal digits>")]
    Malformed,
    #[error("t is more than 5 minutes from now")]
    Stale,
    #[error("v1 is not the HMAC-SHA-256 of t.body under the shared secret")]
    Wrong,
}

/// How far the other's clock may be from ours, either way.
const TOLERANCE: Span = Span::seconds(300);
/// While a secret is being changed, the other side signs with both.
const SIGNATURES_MOST: usize = 4;

/// Judges a signature's header over a body as it arrived; answers the MAC, which is the same for the same time, body and
/// secret.
pub fn judge(secret: &Secret<String>, header: &str, body: &[u8], now: Time) -> Result<[u8; 32], NotSigned> {
    let (signed_at, signatures) = parse(header)?;
    let right = mac::hmac_of(secret, &[signed_at.as_bytes(), b".", body]);
    // The time is part of what is signed, so it is judged only once it is known to be the other side's.
    if !signatures.iter().any(|signature| mac::equal(signature, &right)) {
        return Err(NotSigned::Wrong);
    }
    let seconds: i64 = signed_at.parse().map_err(|_| NotSigned::Malformed)?;
    let off = now.unix_seconds().saturating_sub(seconds).saturating_abs();
    if Span::seconds(off) > TOLERANCE { Err(NotSigned::Stale) } else { Ok(right) }
}

/// The header of somebody who signs a body now.
pub fn sign(secret: &Secret<String>, body: &[u8], now: Time) -> String {
    let signed_at = now.unix_seconds().to_string();
    let signature = mac::hmac_of(secret, &[signed_at.as_bytes(), b".", body]);
    format!("t={signed_at},v1={}", HEXLOWER_PERMISSIVE.encode(&signature))
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

#[cfg(test)]
mod tests {
    use super::{NotSigned, judge, sign};
    use crate::{Secret, Span, Time};

    const NOW: Time = Time(1_800_000_000_000_000);

    fn secret() -> Secret<String> {
        Secret::new("agreed with the other side".to_owned())
    }

    fn judged(header: &str, body: &[u8]) -> Result<(), NotSigned> {
        judge(&secret(), header, body, NOW).map(|_| ())
    }

    #[test]
    fn a_word_is_believed_when_its_signature_is_right_and_recent() {
        let header = sign(&secret(), b"{}", NOW);
        assert_eq!(judged(&header, b"{}"), Ok(()));
        assert_eq!(judged(&header, b"{ }"), Err(NotSigned::Wrong));
        assert_eq!(judged(&header.replace("v1=", "v2=x, v1="), b"{}"), Ok(()), "another scheme beside it");
        let changing = format!("{header},v1={}", "0".repeat(64));
        assert_eq!(judged(&changing, b"{}"), Ok(()), "one of two secrets");
        for (off, expected) in
            [(300, Ok(())), (-300, Ok(())), (301, Err(NotSigned::Stale)), (-301, Err(NotSigned::Stale))]
        {
            let header = sign(&secret(), b"{}", NOW.plus(Span::seconds(off)));
            assert_eq!(judged(&header, b"{}"), expected, "{off} s off");
        }
        assert_eq!(judge(&Secret::new("another".to_owned()), &header, b"{}", NOW), Err(NotSigned::Wrong));
    }

    #[test]
    fn what_is_no_signature_is_said_to_be_none() {
        let zeros = "0".repeat(64);
        for header in [
            "",
            "t=1",
            "v1=00",
            &format!("v1={zeros}"),
            &format!("t=,v1={zeros}"),
            &format!("t=-1,v1={zeros}"),
            &format!("t=1e3,v1={zeros}"),
            &format!("t=1,t=2,v1={zeros}"),
            &format!("t=1,v1={zeros}00"),
            &format!("t=1,v1=g{}", "0".repeat(63)),
            &format!("t=9999999999999,v1={zeros}"),
            &format!("t=1{}", format!(",v1={zeros}").repeat(5)),
            "t=1,v1",
        ] {
            assert_eq!(judged(header, b"{}"), Err(NotSigned::Malformed), "{header:?}");
        }
    }
}
