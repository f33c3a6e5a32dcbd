//! Amounts, by example: what is read, what is refused and why, what is written, and sums.

use base::money::NotAnAmount;
use base::{Amount, Asset};

use NotAnAmount::{Malformed, TooLarge, TooPrecise};

const JPY: Asset = Asset::new("JPY", 0);
const USDC: Asset = Asset::new("USDC", 6);
const ETH: Asset = Asset::new("ETH", 18);

fn read(text: &str, asset: Asset) -> Result<i128, NotAnAmount> {
    let amount = Amount::parse(text, asset)?;
    assert_eq!(amount.asset, asset);
    Ok(amount.minor)
}

#[test]
fn decimals_are_read_in_minor_units() {
    let rows = [
        ("0", Asset::USD, 0),
        ("0.00", Asset::USD, 0),
        ("5", Asset::USD, 500),
        ("5.0", Asset::USD, 500),
        ("5.00", Asset::USD, 500),
        ("0.01", Asset::USD, 1),
        ("0.1", Asset::USD, 10),
        ("1000000.00", Asset::USD, 100_000_000),
        ("007.50", Asset::USD, 750),
        ("00", Asset::USD, 0),
        ("1271", JPY, 1_271),
        ("1.000001", USDC, 1_000_001),
        ("0.000001", USDC, 1),
        ("47.2945", USDC, 47_294_500),
        ("0.000000000000000001", ETH, 1),
        ("1", ETH, 1_000_000_000_000_000_000),
        ("170141183460469231731.687303715884105727", ETH, i128::MAX),
        ("170141183460469231731687303715884105727", JPY, i128::MAX),
        ("1701411834604692317316873037158841057.27", Asset::USD, i128::MAX),
    ];
    for (text, asset, minor) in rows {
        assert_eq!(read(text, asset), Ok(minor), "{text:?} {}", asset.code());
    }
}

#[test]
fn what_is_not_a_plain_decimal_is_malformed() {
    let texts = [
        "",
        ".",
        ".5",
        "5.",
        "..",
        "1..2",
        "1.2.3",
        "1.2.",
        "-5",
        "+5",
        "-0",
        "5-",
        "1e3",
        "1E3",
        "1e-2",
        "0x10",
        "0b1",
        "1_000",
        "1,000",
        "1,5",
        "1'000",
        " 5",
        "5 ",
        "5 00",
        "\t5",
        "5\n",
        "5\0",
        "\u{a0}5",
        "\u{feff}5",
        "5\u{200b}",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "null",
        "true",
        "five",
        "$5",
        "5 USD",
        "5%",
        "1/2",
        "½",
        "５",
        "５.00",
        "5.０0",
        "٥",
        "५",
        "𝟓",
        "5。0",
        "5．0",
        "5٫0",
        "²",
        "−5",
        "\"5\"",
        "5.-1",
        "5.+1",
        "5.1e1",
        "5. 1",
        "é",
        "💵",
    ];
    for text in texts {
        for asset in [JPY, Asset::USD, USDC, ETH] {
            assert_eq!(read(text, asset), Err(Malformed), "{text:?} {}", asset.code());
        }
    }
}

/// More places than the asset has are refused even when they are zeros: nothing is rounded or guessed.
#[test]
fn more_places_than_the_asset_has_are_refused() {
    let rows = [
        ("5.0", JPY),
        ("5.000", Asset::USD),
        ("0.001", Asset::USD),
        ("1.0000000", USDC),
        ("0.0000000000000000001", ETH),
    ];
    for (text, asset) in rows {
        assert_eq!(read(text, asset), Err(TooPrecise), "{text:?} {}", asset.code());
    }
}

#[test]
fn what_does_not_fit_is_too_large() {
    let rows = [
        ("170141183460469231731687303715884105728", JPY),
        ("340282366920938463463374607431768211456", JPY),
        ("340282366920938463463374607431768211461", JPY),
        ("1701411834604692317316873037158841057.28", Asset::USD),
        ("1701411834604692317316873037158841058", Asset::USD),
        ("170141183460469231731.687303715884105728", ETH),
        ("170141183460469231732", ETH),
    ];
    for (text, asset) in rows {
        assert_eq!(read(text, asset), Err(TooLarge), "{text:?} {}", asset.code());
    }
}

#[test]
fn a_megabyte_of_text_is_answered_like_any_other() {
    const MEGABYTE: usize = 1 << 20;
    assert_eq!(read(&"9".repeat(MEGABYTE), Asset::USD), Err(TooLarge));
    assert_eq!(read(&"0".repeat(MEGABYTE), Asset::USD), Ok(0));
    assert_eq!(read(&format!("{}7", "0".repeat(MEGABYTE)), Asset::USD), Ok(700));
    assert_eq!(read(&format!("1.{}", "0".repeat(MEGABYTE)), Asset::USD), Err(TooPrecise));
    assert_eq!(read(&"x".repeat(MEGABYTE), Asset::USD), Err(Malformed));
    assert_eq!(read(&format!("{}x", "9".repeat(MEGABYTE)), Asset::USD), Err(Malformed));
}

#[test]
fn amounts_are_written_with_all_places() {
    let rows = [
        (0, Asset::USD, "0.00"),
        (5, Asset::USD, "0.05"),
        (-5, Asset::USD, "-0.05"),
        (-2_000, Asset::USD, "-20.00"),
        (100_000_000, Asset::USD, "1000000.00"),
        (12, JPY, "12"),
        (-12, JPY, "-12"),
        (1, USDC, "0.000001"),
        (1, ETH, "0.000000000000000001"),
        (i128::MAX, ETH, "170141183460469231731.687303715884105727"),
        (i128::MIN, ETH, "-170141183460469231731.687303715884105728"),
        (i128::MIN, JPY, "-170141183460469231731687303715884105728"),
    ];
    for (minor, asset, text) in rows {
        assert_eq!(Amount::new(minor, asset).to_string(), text);
    }
}

#[test]
fn sums_are_exact_or_refused() {
    let cents = Amount::cents;
    assert_eq!(cents(5).plus(cents(-7)), Ok(cents(-2)));
    assert_eq!(cents(5).minus(cents(7)), Ok(cents(-2)));
    assert!(cents(5).plus(Amount::new(5, JPY)).is_err());
    assert!(cents(5).minus(Amount::new(5, Asset::new("USD", 3))).is_err());
    assert!(Amount::new(i128::MAX, JPY).plus(Amount::new(1, JPY)).is_err());
    assert!(Amount::new(i128::MIN, JPY).minus(Amount::new(1, JPY)).is_err());
    assert!(Amount::new(0, JPY).minus(Amount::new(i128::MIN, JPY)).is_err());
}

#[test]
fn an_asset_is_its_code_and_its_places() {
    assert_eq!((Asset::USD.code(), Asset::USD.decimals()), ("USD", 2));
    assert_eq!(Asset::new("ABCDEFG8", 18).code(), "ABCDEFG8");
    assert_ne!(Asset::new("USD", 2), Asset::new("USD", 6));
    assert_ne!(Asset::new("USD", 2), Asset::new("usd", 2));
}

#[test]
fn a_wrong_asset_constant_is_caught() {
    for (code, decimals) in [("", 2), ("NINECHARS", 2), ("USD", 19), ("US$", 2), ("U\0", 2), ("é", 2)] {
        assert!(std::panic::catch_unwind(|| Asset::new(code, decimals)).is_err(), "{code:?} {decimals}");
    }
}
