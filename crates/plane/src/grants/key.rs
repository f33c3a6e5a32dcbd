//! The one key format: `pk_{test|live}_{publicId}.{secret}` (contracts/README section 2). The secret is 30 base62
//! characters (178 random bits) and 6 more that are a checksum, so that scanners recognise a leaked key.

use base::{Chance, Environment, KeyId, Secret, mac};

use super::Denied;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 30;
const CHECK: usize = 6;

/// A whole key, shown once and never stored.
pub struct PlainKey {
    pub id: KeyId,
    environment: Environment,
    secret: Secret<String>,
}

impl PlainKey {
    pub(super) fn draw(environment: Environment, chance: &dyn Chance) -> PlainKey {
        let id = KeyId::draw(chance);
        let random = Secret::new(chance.text(BASE62, RANDOM));
        let check = checksum(environment, id.as_str(), random.expose());
        let secret = Secret::new(format!("{}{check}", random.expose()));
        PlainKey { id, environment, secret }
    }

    /// The key as its holder sends it.
    pub fn reveal(&self) -> Secret<String> {
        Secret::new(format!("pk_{}_{}.{}", self.environment.key_word(), self.id, self.secret.expose()))
    }

    /// What the store keeps in place of the secret.
    pub(super) fn mac(&self, pepper: &Secret<[u8; 32]>) -> [u8; 32] {
        secret_mac(pepper, self.id, self.secret.expose())
    }
}

/// What the store keeps: HMAC-SHA-256 of id and secret under the plane's pepper.
pub(super) fn secret_mac(pepper: &Secret<[u8; 32]>, id: KeyId, secret: &str) -> [u8; 32] {
    mac::hmac(pepper, &[id.as_str().as_bytes(), b".", secret.as_bytes()])
}

/// Splits a presented key. The prefix is judged first: a key of the other environment is refused before any look-up.
pub(super) fn parse(presented: &str, environment: Environment) -> Result<(KeyId, &str), Denied> {
    let rest = presented.strip_prefix("pk_").ok_or(Denied::Unknown)?;
    let (word, rest) = rest.split_once('_').ok_or(Denied::Unknown)?;
    if word != environment.key_word() {
        let other = Environment::ALL.into_iter().any(|other| other.key_word() == word);
        return Err(if other { Denied::OtherEnvironment } else { Denied::Unknown });
    }
    let (id, secret) = rest.split_once('.').ok_or(Denied::Unknown)?;
    let id: KeyId = id.parse().map_err(|_| Denied::Unknown)?;
    let shaped = secret.len() == RANDOM + CHECK && secret.bytes().all(|byte| BASE62.contains(&byte));
    if !shaped || secret[RANDOM..] != checksum(environment, id.as_str(), &secret[..RANDOM]) {
        return Err(Denied::Unknown);
    }
    Ok((id, secret))
}

/// Six base62 characters of CRC-32: no secret, only a mark.
fn checksum(environment: Environment, id: &str, random: &str) -> String {
    let mut hash = crc32fast::Hasher::new();
    hash.update(environment.key_word().as_bytes());
    hash.update(id.as_bytes());
    hash.update(random.as_bytes());
    let mut left = hash.finalize();
    let mut text = [0u8; CHECK];
    for place in text.iter_mut().rev() {
        *place = BASE62[(left % 62) as usize];
        left /= 62;
    }
    String::from_utf8_lossy(&text).into_owned()
}
