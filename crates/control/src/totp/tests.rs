//! The arithmetic of codes. What the doors do is in `control/tests/second_step.rs` and `control/tests/once.rs`.

use base::Time;

use super::state::{code_at, steps_of, typed, url};

/// RFC 6238's own, with the last six of its eight digits.
const SEED: &[u8] = b"12345678901234567890";
const KNOWN: [(i64, &str); 6] = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
];

fn at(seconds: i64) -> Time {
    Time(seconds * 1_000_000)
}

#[test]
fn codes_are_those_of_the_standard() {
    for (seconds, code) in KNOWN {
        assert_eq!(code_at(SEED, seconds / 30), code);
        assert_eq!(steps_of(SEED, code, at(seconds)), [seconds / 30]);
    }
}

#[test]
fn a_code_counts_in_its_own_half_minute_and_in_those_beside_it() {
    let (code, step) = (code_at(SEED, 37_037_037), 37_037_037);
    let from = step * 30;
    for (seconds, counts) in [(-31, false), (-30, true), (-1, true), (0, true), (29, true), (59, true), (60, false)] {
        let found = steps_of(SEED, &code, at(from + seconds));
        assert_eq!(found, if counts { vec![step] } else { vec![] }, "{seconds}");
    }
    let other = steps_of(b"another seed of 20 b", &code, at(from));
    assert!(other.is_empty());
}

#[test]
fn what_is_no_code_is_of_no_step() {
    let code = code_at(SEED, 1_000);
    for wrong in ["", "12345", "1234567", "no code", "－12345", &format!("{code}0"), &format!("{code}\n"), &code[..5]]
    {
        assert!(steps_of(SEED, wrong, at(30_000)).is_empty(), "{wrong:?}");
    }
    assert_eq!(typed("287 082"), "287082");
}

#[test]
fn an_address_stands_in_the_picture_as_it_is_and_ends_nothing() {
    assert_eq!(
        url("ABC", "jo+x&secret=Y?#@example.com"),
        "otpauth://totp/Counterfoil:jo%2Bx%26secret%3DY%3F%23@example.com?secret=ABC&issuer=Counterfoil&algorithm=SHA1\
         &digits=6&period=30"
    );
}
