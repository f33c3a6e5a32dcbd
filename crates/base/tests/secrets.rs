//! Secrets are not seen and are wiped; keyed hashes are the standard's; chance is even and repeatable.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::mac::{equal, hmac, sha256};
use base::{Chance, OsChance, Secret, SeededChance};
use zeroize::Zeroize;

/// Whether a type can be shown: the type's own constants, where they apply, hide those of the traits.
struct Shown<T>(PhantomData<T>);

trait NotDebug {
    const DEBUG: bool = false;
}
impl<T> NotDebug for Shown<T> {}
impl<T: Debug> Shown<T> {
    const DEBUG: bool = true;
}

trait NotDisplay {
    const DISPLAY: bool = false;
}
impl<T> NotDisplay for Shown<T> {}
impl<T: Display> Shown<T> {
    const DISPLAY: bool = true;
}

#[test]
fn a_secret_cannot_be_shown() {
    let plain = (Shown::<String>::DEBUG, Shown::<String>::DISPLAY);
    let secret = (Shown::<Secret<String>>::DEBUG, Shown::<Secret<String>>::DISPLAY);
    assert_eq!(plain, (true, true), "the probe itself works");
    assert_eq!(secret, (false, false));
}

#[derive(Clone)]
struct Watched(Arc<AtomicBool>);

impl Zeroize for Watched {
    fn zeroize(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_secret_is_wiped_when_dropped() {
    let wiped = Arc::new(AtomicBool::new(false));
    let secret = Secret::new(Watched(wiped.clone()));
    assert!(!secret.expose().0.load(Ordering::SeqCst));
    drop(secret);
    assert!(wiped.load(Ordering::SeqCst));
}

#[test]
fn a_copy_of_a_secret_outlives_the_first() {
    let first = Secret::new("pepper".to_owned());
    let second = first.clone();
    drop(first);
    assert_eq!(second.expose(), "pepper");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC pads short keys with zeros, so the shorter keys of the standard's cases are written out to 32 bytes.
fn key(bytes: &[u8]) -> Secret<[u8; 32]> {
    let mut key = [0u8; 32];
    key[..bytes.len()].copy_from_slice(bytes);
    Secret::new(key)
}

/// Cases 1 and 2 of RFC 4231.
#[test]
fn hmac_is_the_standards() {
    let first = hmac(&key(&[0x0b; 20]), &[b"Hi There"]);
    assert_eq!(hex(&first), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    let second = hmac(&key(b"Jefe"), &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(hex(&second), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/// The first is FIPS 180-4's example.
#[test]
fn sha256_is_the_standards() {
    assert_eq!(hex(&sha256(&[b"abc"])), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&[b"a", b"", b"bc"]), sha256(&[b"abc"]));
    assert_eq!(hex(&sha256(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn hmac_depends_on_key_and_content() {
    let one = hmac(&key(&[1]), &[b"ask"]);
    assert_eq!(one, hmac(&key(&[1]), &[b"as", b"k"]));
    assert_ne!(one, hmac(&key(&[2]), &[b"ask"]));
    assert_ne!(one, hmac(&key(&[1]), &[b"asl"]));
}

#[test]
fn equal_compares_length_and_each_byte() {
    assert!(equal(b"", b"") && equal(b"same", b"same"));
    for (a, b) in [("same", "samf"), ("same", "tame"), ("same", "sam"), ("", "a")] {
        assert!(!equal(a.as_bytes(), b.as_bytes()), "{a} {b}");
    }
}

#[test]
fn a_seed_repeats_its_draws_and_another_does_not() {
    let draw = |seed| {
        let chance = SeededChance::new(seed);
        let mut bytes = [0u8; 100];
        chance.fill(&mut bytes);
        (bytes, chance.below(1_000_000), chance.text(b"ab", 40))
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1).0, draw(2).0);
    let bytes = draw(1).0;
    assert_ne!(bytes[..32], bytes[32..64], "blocks must not repeat");
}

#[test]
fn the_system_draws_differ() {
    let draw = || OsChance.text(b"0123456789abcdef", 32);
    assert_ne!(draw(), draw());
}

/// 60,000 throws of a die from a fixed seed: each face within 5 % of its share.
#[test]
fn draws_are_even_and_below_their_bound() {
    let chance = SeededChance::new(2);
    let mut faces = [0u32; 6];
    for _ in 0..60_000 {
        faces[usize::try_from(chance.below(6)).expect("small")] += 1;
    }
    assert!(faces.iter().all(|times| (9_500..10_500).contains(times)), "{faces:?}");
    assert!((0..100).all(|_| chance.below(1) == 0));
    assert!((0..100).any(|_| chance.below(u64::MAX) > u64::MAX / 2));
}

#[test]
fn text_has_its_length_and_alphabet() {
    let text = SeededChance::new(3).text(b"xyz", 500);
    assert_eq!(text.len(), 500);
    assert!(['x', 'y', 'z'].iter().all(|letter| text.contains(*letter)));
    assert!(text.chars().all(|letter| "xyz".contains(letter)));
    assert_eq!(SeededChance::new(3).text(b"xyz", 0), "");
}
