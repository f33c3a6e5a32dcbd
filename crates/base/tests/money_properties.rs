//! Amounts, by property: what is written is read back, any text has an answer, sums are exact or refused.

use base::money::NotAnAmount::{Malformed, TooPrecise};
use base::{Amount, Asset, Chance, OsChance};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// Draws a seed, unless PROPTEST_RNG_SEED gives one, and prints it: a failure shows it.
fn config() -> Config {
    let mut config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(OsChance.below(u64::MAX));
    }
    println!("again with PROPTEST_RNG_SEED: {:?}", config.rng_seed);
    config
}

fn assets() -> impl Strategy<Value = Asset> {
    (0..=18u8).prop_map(|decimals| Asset::new("ANY", decimals))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_back(minor in 0..=i128::MAX, shift in 0..127u32, asset in assets()) {
        let amount = Amount::new(minor >> shift, asset);
        prop_assert_eq!(Amount::parse(&amount.to_string(), asset), Ok(amount));
    }

    #[test]
    fn a_negative_amount_is_the_written_positive_with_a_minus(minor in 1..=i128::MAX, asset in assets()) {
        let (plus, minus) = (Amount::new(minor, asset).to_string(), Amount::new(-minor, asset).to_string());
        prop_assert_eq!(&minus, &format!("-{plus}"));
        prop_assert_eq!(Amount::parse(&minus, asset), Err(Malformed));
    }

    /// Whatever the text: an answer, never a panic, and only digits with at most one point inside are accepted.
    #[test]
    fn any_text_is_answered(text in "[0-9.]{0,12}|[-+0-9.eE ]{0,8}|\\PC{0,8}", asset in assets()) {
        let plain = !text.is_empty()
            && text.chars().all(|c| matches!(c, '0'..='9' | '.'))
            && text.matches('.').count() <= 1
            && !text.starts_with('.')
            && !text.ends_with('.');
        let places = text.split_once('.').map_or(0, |(_, part)| part.len());
        let expected = match (plain, places <= usize::from(asset.decimals())) {
            (false, _) => Err(Malformed),
            (true, false) => Err(TooPrecise),
            (true, true) => Ok(()),
        };
        prop_assert_eq!(Amount::parse(&text, asset).map(|_| ()), expected);
    }

    /// Plus and minus agree with each other, and either both amounts are in range or the sum is refused.
    #[test]
    fn minus_undoes_plus(a in any::<i128>(), b in any::<i128>(), asset in assets()) {
        let (a, b) = (Amount::new(a, asset), Amount::new(b, asset));
        match a.plus(b) {
            Ok(sum) => prop_assert_eq!(sum.minus(b), Ok(a)),
            Err(_) => prop_assert!((a.minor > 0) == (b.minor > 0), "opposite signs never overflow"),
        }
    }
}
