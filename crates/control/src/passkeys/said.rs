//! What a browser and an authenticator say, pure: the client's data in JSON, the authenticator's in bytes, and public
//! keys, of which we take the two kinds that we ask for, each in the one byte layout that authenticators have to write
//! it in.

use base::mac;
use data_encoding::HEXLOWER;
use ring::signature::{ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::state::Site;

/// The client's data, which the authenticator signs as a hash. It may have further members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
}

pub(super) const CREATE: &str = "webauthn.create";
pub(super) const GET: &str = "webauthn.get";

/// Whether a page of this site said it, for this purpose, in answer to this challenge.
pub(super) fn is_for(client_data: &[u8], kind: &str, challenge: &str, site: &Site) -> bool {
    let said = serde_json::from_slice::<ClientData>(client_data).ok().filter(|_| client_data.first() == Some(&b'{'));
    said.is_some_and(|said| {
        let same = said.kind == kind && said.challenge == challenge && said.origin == site.origin;
        same && said.cross_origin != Some(true)
    })
}

/// What is signed: the authenticator's data, and the hash of the client's.
pub(super) fn signed(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, &mac::sha256(&[client_data])].concat()
}

/// The authenticator's data: for which site, with which flags, after how many uses; and what follows.
pub(super) struct Authenticated<'a> {
    flags: u8,
    pub(super) counter: u32,
    rest: &'a [u8],
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const CREDENTIAL_FOLLOWS: u8 = 1 << 6;
const EXTENSIONS_FOLLOW: u8 = 1 << 7;
/// The model of the authenticator, which we do not look at.
const AAGUID_BYTES: usize = 16;
const ID_BYTES_MOST: usize = 1_023;

impl Authenticated<'_> {
    /// `None`: it is not for this site, or its user was not there and verified.
    pub(super) fn read<'a>(bytes: &'a [u8], site: &Site) -> Option<Authenticated<'a>> {
        let (site_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk::<4>()?;
        let for_us = mac::sha256(&[site.id.as_bytes()]) == *site_hash;
        let verified = flags & USER_PRESENT != 0 && flags & USER_VERIFIED != 0;
        (for_us && verified).then(|| Authenticated { flags: *flags, counter: u32::from_be_bytes(*counter), rest })
    }

    /// The new credential: its id and key. What extensions may follow was not asked for and is not read.
    pub(super) fn credential(&self) -> Option<(&[u8], PublicKey)> {
        if self.flags & CREDENTIAL_FOLLOWS == 0 {
            return None;
        }
        let (_, rest) = self.rest.split_at_checked(AAGUID_BYTES)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (key, rest) = PublicKey::read(rest)?;
        let extended = self.flags & EXTENSIONS_FOLLOW != 0;
        let whole = rest.is_empty() != extended && (1..=ID_BYTES_MOST).contains(&id.len());
        whole.then_some((id, key))
    }
}

/// A public key as it is kept, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256, COSE's -7: the point, uncompressed.
    Es256(String),
    /// RSA of 2048 bits with PKCS #1 and SHA-256, COSE's -257: the modulus. The exponent is 65537.
    Rs256(String),
}

/// What we ask authenticators for, the first preferred.
pub const ALGORITHMS: [i32; 2] = [-7, -257];

/// A map of five: kty 2, alg -7, crv 1, then x as 32 bytes.
const ES256_X: &[u8] = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20";
/// y as 32 bytes.
const ES256_Y: &[u8] = b"\x22\x58\x20";
const ES256_BYTES: usize = 32;
/// A map of four: kty 3, alg -257, then n as 256 bytes.
const RS256_N: &[u8] = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00";
/// e as 3 bytes, 65537.
const RS256_E: &[u8] = b"\x21\x43\x01\x00\x01";
const RS256_BYTES: usize = 256;
const EXPONENT: [u8; 3] = [1, 0, 1];

impl PublicKey {
    /// The key at the beginning of these bytes, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(PublicKey, &[u8])> {
        if let Some(rest) = bytes.strip_prefix(ES256_X) {
            let (x, rest) = rest.split_at_checked(ES256_BYTES)?;
            let (y, rest) = rest.strip_prefix(ES256_Y)?.split_at_checked(ES256_BYTES)?;
            let point = [b"\x04", x, y].concat();
            return Some((PublicKey::Es256(HEXLOWER.encode(&point)), rest));
        }
        let (modulus, rest) = bytes.strip_prefix(RS256_N)?.split_at_checked(RS256_BYTES)?;
        let rest = rest.strip_prefix(RS256_E)?;
        // Shorter in fact than it says: refused here rather than at each use.
        let whole = modulus.first().is_some_and(|first| first & 0x80 != 0);
        whole.then(|| (PublicKey::Rs256(HEXLOWER.encode(modulus)), rest))
    }

    pub(super) fn verifies(&self, said: &[u8], signature: &[u8]) -> bool {
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap_or_default();
        match self {
            PublicKey::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes(point)).verify(said, signature).is_ok()
            }
            PublicKey::Rs256(modulus) => {
                let modulus = bytes(modulus);
                let key = RsaPublicKeyComponents { n: &modulus[..], e: &EXPONENT[..] };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, said, signature).is_ok()
            }
        }
    }
}
