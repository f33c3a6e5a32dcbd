//! Exact amounts: an integer number of minor units of an asset. No floating point comes near.

use std::fmt;

/// What is counted: an ISO 4217 code or a token symbol, with its number of decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asset {
    code: [u8; 8],
    decimals: u8,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    #[error("must be digits with an optional decimal point, such as 5.00")]
    Malformed,
    #[error("has more decimals than the asset")]
    TooPrecise,
    #[error("is too large")]
    TooLarge,
}

/// Two amounts of different assets met, or a sum left the range of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amounts cannot be combined: another asset, or out of range")]
pub struct Unsummable;

impl Asset {
    pub const USD: Asset = Asset::new("USD", 2);

    /// An asset by code (1 to 8 bytes of ASCII) and decimals (0 to 18). Panics at compile time for constants outside.
    pub const fn new(code: &str, decimals: u8) -> Asset {
        let bytes = code.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 8 && decimals <= 18);
        let mut padded = [0u8; 8];
        let mut at = 0;
        while at < bytes.len() {
            assert!(bytes[at].is_ascii_alphanumeric());
            padded[at] = bytes[at];
            at += 1;
        }
        Asset { code: padded, decimals }
    }

    pub fn code(&self) -> &str {
        let end = self.code.iter().position(|byte| *byte == 0).unwrap_or(self.code.len());
        std::str::from_utf8(&self.code[..end]).unwrap_or_default()
    }

    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    fn scale(&self) -> i128 {
        10i128.pow(u32::from(self.decimals))
    }
}

/// Minor units of one asset. May be negative where a balance may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    pub minor: i128,
    pub asset: Asset,
}

impl Amount {
    pub const fn new(minor: i128, asset: Asset) -> Amount {
        Amount { minor, asset }
    }

    /// United States cents.
    pub const fn cents(cents: i64) -> Amount {
        Amount { minor: cents as i128, asset: Asset::USD }
    }

    pub fn plus(self, other: Amount) -> Result<Amount, Unsummable> {
        if self.asset != other.asset {
            return Err(Unsummable);
        }
        self.minor.checked_add(other.minor).map(|minor| Amount { minor, ..self }).ok_or(Unsummable)
    }

    pub fn minus(self, other: Amount) -> Result<Amount, Unsummable> {
        if self.asset != other.asset {
            return Err(Unsummable);
        }
        self.minor.checked_sub(other.minor).map(|minor| Amount { minor, ..self }).ok_or(Unsummable)
    }

    /// Reads an unsigned decimal: ASCII digits, at least one before the point, at least one after it if there is one.
    /// No sign, exponent, space, separator or digit of another script.
    pub fn parse(text: &str, asset: Asset) -> Result<Amount, NotAnAmount> {
        let (whole, part) = match text.split_once('.') {
            Some((_, "")) => return Err(NotAnAmount::Malformed),
            Some((whole, part)) => (whole, part),
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return Err(NotAnAmount::Malformed);
        }
        if part.len() > usize::from(asset.decimals) {
            return Err(NotAnAmount::TooPrecise);
        }
        let mut minor = 0i128;
        let padding = std::iter::repeat_n(b'0', usize::from(asset.decimals) - part.len());
        for byte in whole.bytes().chain(part.bytes()).chain(padding) {
            minor = minor
                .checked_mul(10)
                .and_then(|minor| minor.checked_add(i128::from(byte - b'0')))
                .ok_or(NotAnAmount::TooLarge)?;
        }
        Ok(Amount { minor, asset })
    }
}

/// The decimal with all of the asset's places and no code: `1000000.00`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.asset.scale().unsigned_abs();
        let (whole, part) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        let sign = if self.minor < 0 { "-" } else { "" };
        match usize::from(self.asset.decimals) {
            0 => write!(f, "{sign}{whole}"),
            places => write!(f, "{sign}{whole}.{part:0places$}"),
        }
    }
}
