//! What a payout key may withdraw, and where to: one meaning from the wire to the plane's row. Pure; whatever was made by this
//! file's constructors is usable.

use serde::{Deserialize, Serialize};

use crate::{Amount, Asset};

/// A key without one may withdraw nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutPolicy {
    pub destinations: Destinations,
    /// A token on a network that is not among them may not be withdrawn.
    pub limits: Vec<PayoutLimit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destinations {
    /// Each valid address of the withdrawal's chain.
    Any,
    Only(Vec<Destination>),
}

/// One address that may be paid.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    pub chain: Chain,
    /// As it was given: on some chains its capitals are a checksum.
    pub address: String,
    pub label: Option<String>,
}

/// How much of one token on one network.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutLimit {
    pub chain: Chain,
    pub network: String,
    pub token: String,
    /// In one withdrawal.
    pub most: Tokens,
    /// Within any 24 hours.
    pub daily: Tokens,
}

/// A family of chains: how an address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    Eth,
    Sol,
}

/// How much of a token, above zero, in whole tokens with at most 18 decimals: how many of them a token has is its network's to
/// say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens(String);

/// Why a part of a policy is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the address is none of its chain")]
    Address,
    #[error("the label cannot be shown")]
    Label,
    #[error("no network is called like this")]
    Network,
    #[error("no token is called like this")]
    Token,
    #[error("there is none, or there are too many")]
    Number,
    #[error("one is there twice")]
    Twice,
}

impl PayoutPolicy {
    pub const DESTINATIONS_MOST: usize = 50;
    pub const LIMITS_MOST: usize = 20;

    /// What a key may that was given no policy: nothing.
    pub fn nothing() -> PayoutPolicy {
        PayoutPolicy { destinations: Destinations::Only(Vec::new()), limits: Vec::new() }
    }
}

impl Destinations {
    pub fn only(all: Vec<Destination>) -> Result<Destinations, Unusable> {
        listed(&all, PayoutPolicy::DESTINATIONS_MOST, Destination::is_the_place_of)?;
        Ok(Destinations::Only(all))
    }
}

impl Destination {
    pub fn new(chain: Chain, address: String, label: Option<String>) -> Result<Destination, Unusable> {
        if !chain.has(&address) {
            return Err(Unusable::Address);
        }
        if label.as_ref().is_some_and(|label| !is_label(label)) {
            return Err(Unusable::Label);
        }
        Ok(Destination { chain, address, label })
    }

    fn is_the_place_of(&self, other: &Destination) -> bool {
        let same = match self.chain {
            Chain::Eth => self.address.eq_ignore_ascii_case(&other.address),
            Chain::Sol => self.address == other.address,
        };
        self.chain == other.chain && same
    }
}

impl PayoutLimit {
    pub fn new(
        chain: Chain,
        network: String,
        token: String,
        most: Tokens,
        daily: Tokens,
    ) -> Result<PayoutLimit, Unusable> {
        let is_network = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&network.len()) || !network.bytes().all(is_network) {
            return Err(Unusable::Network);
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
        if !(1..=16).contains(&token.len()) || !token.bytes().all(is_token) {
            return Err(Unusable::Token);
        }
        Ok(PayoutLimit { chain, network, token, most, daily })
    }

    /// All limits of a policy: one for each token on each network.
    pub fn all(limits: Vec<PayoutLimit>) -> Result<Vec<PayoutLimit>, Unusable> {
        let same = |one: &PayoutLimit, other: &PayoutLimit| one.network == other.network && one.token == other.token;
        listed(&limits, PayoutPolicy::LIMITS_MOST, same)?;
        Ok(limits)
    }
}

fn listed<T>(all: &[T], most: usize, same: impl Fn(&T, &T) -> bool) -> Result<(), Unusable> {
    if !(1..=most).contains(&all.len()) {
        return Err(Unusable::Number);
    }
    let twice = all.iter().enumerate().any(|(at, one)| all[..at].iter().any(|before| same(before, one)));
    if twice { Err(Unusable::Twice) } else { Ok(()) }
}

impl Chain {
    pub const ALL: [Chain; 2] = [Chain::Eth, Chain::Sol];

    pub fn word(self) -> &'static str {
        match self {
            Chain::Eth => "eth",
            Chain::Sol => "sol",
        }
    }

    pub fn from_word(word: &str) -> Option<Chain> {
        Chain::ALL.into_iter().find(|chain| chain.word() == word)
    }

    /// Whether a text is an address there, by its form. A checksum in its capitals is not looked at.
    fn has(self, address: &str) -> bool {
        match self {
            Chain::Eth => {
                let digits = address.strip_prefix("0x").unwrap_or_default();
                digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            Chain::Sol => is_base58_of_32_bytes(address),
        }
    }
}

fn is_base58_of_32_bytes(text: &str) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const LONGEST: usize = 44;
    if text.len() > LONGEST {
        return false;
    }
    let mut bytes = [0u8; 32];
    for letter in text.bytes() {
        let Some(digit) = ALPHABET.iter().position(|known| *known == letter) else { return false };
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * ALPHABET.len();
            *byte = u8::try_from(carry % 256).unwrap_or_default();
            carry /= 256;
        }
        if carry > 0 {
            return false;
        }
    }
    // Each leading one is a byte that is zero.
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    zeros == text.bytes().take_while(|letter| *letter == b'1').count()
}

impl Tokens {
    /// The finest unit that a token may have.
    const UNIT: Asset = Asset::new("UNIT", 18);

    pub fn parse(text: &str) -> Option<Tokens> {
        let amount = Amount::parse(text, Tokens::UNIT).ok().filter(|amount| amount.minor > 0)?;
        let shown = amount.to_string();
        Some(Tokens(shown.trim_end_matches('0').trim_end_matches('.').to_owned()))
    }

    /// Without zeros that say nothing: `250`, `0.5`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(text: &str) -> bool {
    (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{Chain, Destination, Destinations, PayoutLimit, Tokens, Unusable};

    const ETH: &str = "0x52908400098527886E0F7030069857D2E4169EE7";
    const SOL: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";

    fn at(chain: Chain, address: &str) -> Result<Destination, Unusable> {
        Destination::new(chain, address.to_owned(), None)
    }

    fn limit(network: &str, token: &str) -> Result<PayoutLimit, Unusable> {
        let amount = || Tokens::parse("1").unwrap();
        PayoutLimit::new(Chain::Eth, network.to_owned(), token.to_owned(), amount(), amount())
    }

    #[test]
    fn an_address_has_the_form_of_its_chain() {
        assert_eq!(at(Chain::Eth, ETH).unwrap().address, ETH);
        assert_eq!(at(Chain::Sol, SOL).unwrap().address, SOL);
        // 32 bytes of zero.
        assert!(at(Chain::Sol, &"1".repeat(32)).is_ok());
        let one_more = format!("{ETH}0");
        for wrong in ["", "0x", &ETH[..41], &one_more, &ETH[2..], &ETH.replace('E', "G"), SOL] {
            assert_eq!(at(Chain::Eth, wrong), Err(Unusable::Address), "{wrong}");
        }
        let (short, long) = ("1".repeat(31), "1".repeat(33));
        // A letter that is no digit, one byte less, one more, and more than 32 bytes hold.
        for wrong in ["", &SOL.replace('E', "0"), &short, &long, &"z".repeat(44), &"z".repeat(45), ETH] {
            assert_eq!(at(Chain::Sol, wrong), Err(Unusable::Address), "{wrong}");
        }
    }

    #[test]
    fn a_label_can_be_shown() {
        let labelled = |label: &str| Destination::new(Chain::Eth, ETH.to_owned(), Some(label.to_owned()));
        assert!(labelled(&"é".repeat(100)).is_ok());
        for wrong in ["", "two\nlines", &"é".repeat(101)] {
            assert_eq!(labelled(wrong), Err(Unusable::Label), "{wrong:?}");
        }
    }

    #[test]
    fn a_list_has_something_not_too_much_and_nothing_twice() {
        let place = |number: usize| at(Chain::Eth, &format!("0x{number:040x}")).unwrap();
        assert!(Destinations::only((0..50).map(place).collect()).is_ok());
        assert_eq!(Destinations::only((0..51).map(place).collect()), Err(Unusable::Number));
        assert_eq!(Destinations::only(Vec::new()), Err(Unusable::Number));
        // Capitals are no other address there.
        let twice = vec![at(Chain::Eth, ETH).unwrap(), place(1), at(Chain::Eth, &ETH.to_lowercase()).unwrap()];
        assert_eq!(Destinations::only(twice), Err(Unusable::Twice));

        let token = |number: usize| limit("base-mainnet", &format!("T{number}")).unwrap();
        assert!(PayoutLimit::all((0..20).map(token).collect()).is_ok());
        assert_eq!(PayoutLimit::all((0..21).map(token).collect()), Err(Unusable::Number));
        assert_eq!(PayoutLimit::all(vec![token(1), token(1)]), Err(Unusable::Twice));
        assert!(PayoutLimit::all(vec![token(1), limit("base-sepolia", "T1").unwrap()]).is_ok());
    }

    #[test]
    fn networks_and_tokens_are_words() {
        assert!(limit("sol-devnet", "USDC").is_ok() && limit("8453", "USDC.e").is_ok());
        for wrong in ["", "Base", "base mainnet", "base_mainnet", &"a".repeat(65)] {
            assert_eq!(limit(wrong, "USDC"), Err(Unusable::Network), "{wrong}");
        }
        for wrong in ["", "US DC", "USDC\n", "USDÇ", &"A".repeat(17)] {
            assert_eq!(limit("base-mainnet", wrong), Err(Unusable::Token), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_exact_decimals_above_zero() {
        let kept = |text| Tokens::parse(text).map(|tokens| tokens.as_str().to_owned());
        for (text, shown) in [
            ("250.00", "250"),
            ("250", "250"),
            ("100", "100"),
            ("0.500", "0.5"),
            ("007.10", "7.1"),
            ("0.000000000000000001", "0.000000000000000001"),
            ("100000000000000000000", "100000000000000000000"),
        ] {
            assert_eq!(kept(text).as_deref(), Some(shown), "{text}");
        }
        for wrong in ["", "0", "0.0", "-1", "1e3", "1,5", ".5", "5.", " 5", "0.0000000000000000001", &"9".repeat(40)] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
    }
}
