//! How a recovery code is written and read, pure.

use base::Secret;

/// How many there are, each good once.
pub(super) const CODES: usize = 10;
const CHARACTERS: usize = 12;
const GROUP: usize = 4;
/// Base32 without what is easily taken for something else: RFC 4648's own has neither 0, 1, 8 nor 9.
pub(super) const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn draw(chance: &dyn base::Chance) -> String {
    chance.text(ALPHABET, CHARACTERS)
}

/// `ABCD-EFGH-IJKL`.
pub(super) fn written(code: &str) -> String {
    let groups: Vec<&str> = (0..CHARACTERS).step_by(GROUP).filter_map(|at| code.get(at..at + GROUP)).collect();
    groups.join("-")
}

/// The code as it is compared, however its user typed it; `None` where it can be none.
pub(super) fn typed(text: &Secret<String>) -> Option<Secret<String>> {
    let signs = text.expose().chars().filter(|sign| !" -".contains(*sign)).map(|sign| sign.to_ascii_uppercase());
    let code: String = signs.take(CHARACTERS + 1).collect();
    let is_one = code.len() == CHARACTERS && code.bytes().all(|byte| ALPHABET.contains(&byte));
    is_one.then(|| Secret::new(code))
}
