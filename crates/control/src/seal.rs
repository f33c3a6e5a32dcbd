//! Sealing of what must be read again, unlike a password: AES-256-GCM under a key of control's secret, bound to whose
//! it is.

use base::{Chance, Fault, Secret};
use data_encoding::HEXLOWER;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Nonce, sealed bytes and tag, in hex. Each sealing draws a nonce: the same bytes never look the same.
pub(crate) fn seal(key: &Secret<[u8; 32]>, chance: &dyn Chance, of: &str, plain: &[u8]) -> Result<String, Fault> {
    let mut nonce = [0u8; NONCE_LEN];
    chance.fill(&mut nonce);
    let mut sealed = plain.to_vec();
    let (with, about) = (Nonce::assume_unique_for_key(nonce), Aad::from(of.as_bytes()));
    let done = cipher(key)?.seal_in_place_append_tag(with, about, &mut sealed);
    done.map_err(|_| Fault::new("sealing a seed"))?;
    Ok(HEXLOWER.encode(&[nonce.as_slice(), &sealed].concat()))
}

/// What was sealed under this key for `of`; anything else is a fault, for nobody but us writes it.
pub(crate) fn open(key: &Secret<[u8; 32]>, of: &str, sealed: &str) -> Result<Secret<Vec<u8>>, Fault> {
    let broken = || Fault::new("a sealed seed does not open: it was changed, or control's secret is another one");
    let mut bytes = HEXLOWER.decode(sealed.as_bytes()).map_err(|_| broken())?;
    let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let plain = cipher(key)?.open_in_place(nonce, Aad::from(of.as_bytes()), sealed).map_err(|_| broken())?;
    let length = plain.len();
    // In place: the bytes without nonce and tag are the plain ones.
    bytes.drain(..NONCE_LEN);
    bytes.truncate(length);
    Ok(Secret::new(bytes))
}

fn cipher(key: &Secret<[u8; 32]>) -> Result<LessSafeKey, Fault> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| Fault::new("a sealing key of another length"))?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use base::{Secret, SeededChance};

    use super::{open, seal};

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone_and_never_looks_the_same() {
        let (key, chance) = (Secret::new([7; 32]), SeededChance::new(1));
        let sealed = |of: &str| seal(&key, &chance, of, b"twenty bytes of seed").unwrap();
        let (first, second) = (sealed("totp:usr_1"), sealed("totp:usr_1"));
        assert_ne!(first, second);
        assert_eq!(open(&key, "totp:usr_1", &first).unwrap().expose(), b"twenty bytes of seed");
        assert!(
            open(&key, "totp:usr_2", &first).is_err() && open(&Secret::new([8; 32]), "totp:usr_1", &first).is_err()
        );
        for at in 0..first.len() {
            let mut other = first.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert!(open(&key, "totp:usr_1", &String::from_utf8(other).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "00", &first[..first.len() - 2], "not hex"] {
            assert!(open(&key, "totp:usr_1", bad).is_err(), "{bad}");
        }
    }
}
