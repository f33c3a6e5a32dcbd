//! Tokens: compact JWS with one algorithm, Ed25519, which is never taken from the token. Its header is exactly `alg`, `typ` and
//! `kid`, the number of the epoch whose key pair signed it; that pair follows from control's secret.
//!
//! A token says whose session it is and until when. What the session may do is in rows.

use base::{Secret, SessionId, Time, UserId, mac};
use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// What a token says. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: UserId,
    pub(crate) sid: SessionId,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Where a token stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// It was ours and is past.
    Past,
    /// Another installation's, or of another time to come.
    Foreign,
}

const ALG: &str = "EdDSA";
const TYP: &str = "JWT";
const ISSUER: &str = "counterfoil";
/// Ours have about 400 characters.
const LENGTH_MOST: usize = 1_024;
const KID_DIGITS_MOST: usize = 6;

impl Claims {
    pub(crate) fn new(installation: &str, sub: UserId, sid: SessionId, now: Time, expires_at: Time) -> Claims {
        let (iat, exp) = (now.unix_seconds(), expires_at.unix_seconds());
        Claims { iss: ISSUER.to_owned(), aud: audience(installation), sub, sid, iat, nbf: iat, exp }
    }

    pub(crate) fn standing(&self, installation: &str, now: Time) -> Standing {
        let now = now.unix_seconds();
        if self.iss != ISSUER || self.aud != audience(installation) || now < self.nbf {
            return Standing::Foreign;
        }
        if now < self.exp { Standing::Good } else { Standing::Past }
    }
}

fn audience(installation: &str) -> String {
    format!("{installation}/dashboard")
}

/// The token's text.
pub(crate) fn sign(signer: &Secret<[u8; 32]>, epoch: u64, claims: &Claims) -> Secret<String> {
    let header = Header { alg: ALG.to_owned(), typ: TYP.to_owned(), kid: epoch.to_string() };
    let part = |text: String| BASE64URL_NOPAD.encode(text.as_bytes());
    let said = format!("{}.{}", part(crate::json_row::text_of(&header)), part(crate::json_row::text_of(claims)));
    let signature = BASE64URL_NOPAD.encode(pair(signer, epoch).sign(said.as_bytes()).as_ref());
    Secret::new(format!("{said}.{signature}"))
}

/// The epoch and what is said, if this control's own secret signed it. Whether that epoch was ever begun, and whether the claims
/// stand, is for the caller.
pub(crate) fn read(signer: &Secret<[u8; 32]>, text: &str) -> Option<(u64, Claims)> {
    if text.len() > LENGTH_MOST {
        return None;
    }
    let (said, signature) = text.rsplit_once('.')?;
    let (header, claims) = said.split_once('.')?;
    let bytes = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let header = object::<Header>(&bytes(header)?)?;
    let epoch = epoch_of(&header)?;
    let public = pair(signer, epoch);
    let public = UnparsedPublicKey::new(&ED25519, public.public_key().as_ref());
    public.verify(said.as_bytes(), &bytes(signature)?).ok()?;
    Some((epoch, object(&bytes(claims)?)?))
}

/// A struct is otherwise read from a list of its values too.
fn object<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok().filter(|_| bytes.first() == Some(&b'{'))
}

/// The public half of an epoch's key pair.
pub(crate) fn public(signer: &Secret<[u8; 32]>, epoch: u64) -> [u8; 32] {
    let pair = pair(signer, epoch);
    let bytes = pair.public_key().as_ref();
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0))
}

fn epoch_of(header: &Header) -> Option<u64> {
    let kid = header.kid.as_str();
    let known = header.alg == ALG && header.typ == TYP;
    let digits = (1..=KID_DIGITS_MOST).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_digit());
    // Written in one way only: no leading zero.
    kid.parse().ok().filter(|epoch: &u64| known && digits && epoch.to_string() == kid)
}

/// No private key is kept: it is derived where it is used.
fn pair(signer: &Secret<[u8; 32]>, epoch: u64) -> Ed25519KeyPair {
    let seed = Secret::new(mac::hmac(signer, &[b"ed25519\n", epoch.to_string().as_bytes()]));
    Ed25519KeyPair::from_seed_unchecked(seed.expose())
        .unwrap_or_else(|_| unreachable!("an Ed25519 seed is any 32 bytes"))
}
