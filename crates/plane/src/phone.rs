//! Phone numbers, checked against the numbering plan and compared on their digits.

use std::fmt;
use std::sync::LazyLock;

use quick_cache::sync::Cache;

/// A number that exists in some country's numbering plan, as its digits with the country code and no `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(Box<str>);

/// Not a number of any numbering plan, or not written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number with its country code")]
pub struct NotAPhone;

/// Checking costs microseconds and senders repeat receivers, so verdicts are remembered. Holds no secret and no state.
static VERDICTS: LazyLock<Cache<Box<str>, bool>> = LazyLock::new(|| Cache::new(20_000));

impl Phone {
    /// Digits only, country code included: 7 to 15 of them (E.164).
    pub fn from_digits(digits: &str) -> Result<Phone, NotAPhone> {
        if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAPhone);
        }
        let valid = match VERDICTS.get(digits) {
            Some(valid) => valid,
            None => {
                let valid = exists(digits);
                VERDICTS.insert(digits.into(), valid);
                valid
            }
        };
        valid.then(|| Phone(digits.into())).ok_or(NotAPhone)
    }

    /// As [`Phone::from_digits`], and a single leading `+` may be there.
    pub fn from_e164(text: &str) -> Result<Phone, NotAPhone> {
        Phone::from_digits(text.strip_prefix('+').unwrap_or(text))
    }

    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn exists(digits: &str) -> bool {
    match phonenumber::parse(None, format!("+{digits}")) {
        // The parser is lenient about what it drops; what it understood must be what was written.
        Ok(number) => {
            number.is_valid()
                && number.format().mode(phonenumber::Mode::E164).to_string().strip_prefix('+') == Some(digits)
        }
        Err(_) => false,
    }
}
