//! 128-bit amounts as PostgreSQL's `NUMERIC`: base-10,000 digits, most significant first.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

const BASE: u128 = 10_000;
const NEGATIVE: u16 = 0x4000;

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numeric(pub(super) i128);

impl ToSql for Numeric {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let mut digits = Vec::with_capacity(10);
        let mut rest = self.0.unsigned_abs();
        while rest > 0 {
            digits.push(u16::try_from(rest % BASE)?);
            rest /= BASE;
        }
        out.put_u16(u16::try_from(digits.len())?);
        out.put_i16(i16::try_from(digits.len())?.saturating_sub(1).max(0));
        out.put_u16(if self.0 < 0 { NEGATIVE } else { 0 });
        out.put_u16(0);
        digits.iter().rev().for_each(|digit| out.put_u16(*digit));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Numeric {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Numeric, Box<dyn Error + Sync + Send>> {
        let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let [count, weight, sign, _, digits @ ..] = words.as_slice() else { return Err("a short number".into()) };
        if usize::from(*count) != digits.len() || (*sign != 0 && *sign != NEGATIVE) {
            return Err("not a number".into());
        }
        let weight = i16::from_be_bytes(weight.to_be_bytes());
        if digits.is_empty() {
            return Ok(Numeric(0));
        }
        // Trailing zeroes are not sent: the weight is that of the first digit.
        let zeroes = usize::try_from(weight)? + 1;
        let zeroes = zeroes.checked_sub(digits.len()).ok_or("a fraction")?;
        let digits = digits.iter().copied().chain(std::iter::repeat_n(0, zeroes));
        let mut value: u128 = 0;
        for digit in digits {
            value =
                value.checked_mul(BASE).and_then(|value| value.checked_add(u128::from(digit))).ok_or("too large")?;
        }
        let negative = *sign == NEGATIVE;
        let value = if negative { 0i128.checked_sub_unsigned(value) } else { i128::try_from(value).ok() };
        value.map(Numeric).ok_or_else(|| "beyond 128 bits".into())
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn every_size_comes_back() {
        let mut values = vec![0, 1, -1, 9_999, 10_000, 10_001, 100_000_000, -100_000_000, i128::MAX, i128::MIN];
        values.extend((0..38).flat_map(|power| [10i128.pow(power), -(10i128.pow(power)) + 1]));
        for value in values {
            let mut bytes = BytesMut::new();
            Numeric(value).to_sql(&Type::NUMERIC, &mut bytes).unwrap();
            assert_eq!(Numeric::from_sql(&Type::NUMERIC, &bytes).unwrap(), Numeric(value));
        }
    }

    #[test]
    fn numbers_without_their_trailing_zeroes_are_read() {
        // 120,000: as the server sends it, one digit of weight 1 and one of weight 0.
        let bytes = [0, 1, 0, 1, 0, 0, 0, 0, 0, 12];
        assert_eq!(Numeric::from_sql(&Type::NUMERIC, &bytes).unwrap(), Numeric(120_000));
    }
}
