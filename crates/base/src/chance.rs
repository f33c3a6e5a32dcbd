//! Randomness as a value that is passed in. Operations never draw: a seed is drawn before they are queued.

use std::sync::Mutex;

use crate::mac::sha256;

/// A source of unpredictable bytes.
pub trait Chance: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);

    /// A number below `bound` (which must be above zero) without bias that matters: 128 bits are reduced.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        u64::try_from(u128::from_le_bytes(bytes) % u128::from(bound)).unwrap_or(0)
    }

    /// `length` characters drawn evenly from `alphabet`.
    fn text(&self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| {
                let at = self.below(alphabet.len() as u64);
                char::from(alphabet[usize::try_from(at).unwrap_or(0)])
            })
            .collect()
    }
}

/// The operating system's generator. Ends the process if it cannot be read: nothing may go on with guessable secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsChance;

impl Chance for OsChance {
    #[allow(clippy::disallowed_methods, reason = "the one place that draws from the operating system")]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// Repeatable bytes from a printed seed, for tests and load generators. Not for secrets.
#[derive(Debug)]
pub struct SeededChance {
    seed: u64,
    drawn: Mutex<u64>,
}

impl SeededChance {
    pub fn new(seed: u64) -> SeededChance {
        SeededChance { seed, drawn: Mutex::new(0) }
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        let mut drawn = self.drawn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            let block = sha256(&[&self.seed.to_le_bytes(), &drawn.to_le_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            *drawn += 1;
        }
    }
}
