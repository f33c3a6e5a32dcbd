//! Calendar months, UTC: the periods that usage is counted in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Time;

/// One month of the years 0000 to 9999. Written `2026-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i64,
    /// 1 to 12.
    month: i64,
}

/// Not written as a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a month as YYYY-MM")]
pub struct NotAMonth;

const DAY_US: i64 = 86_400_000_000;

impl Month {
    /// The month that a time lies in.
    pub fn of(time: Time) -> Month {
        // Years that begin in March, in eras of 400 years: so the leap day is a year's last.
        let day = time.0.div_euclid(DAY_US) + 719_468;
        let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year + i64::from(month <= 2);
        Month { year: year.clamp(0, 9_999), month }
    }

    /// `202601`: months in order are numbers in order.
    pub fn number(self) -> i64 {
        self.year * 100 + self.month
    }

    /// The reverse of [`Month::number`].
    pub fn from_number(number: i64) -> Option<Month> {
        let (year, month) = (number.div_euclid(100), number.rem_euclid(100));
        ((0..=9_999).contains(&year) && (1..=12).contains(&month)).then_some(Month { year, month })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Month, NotAMonth> {
        let (year, month) = text.split_once('-').ok_or(NotAMonth)?;
        let number = |text: &str, digits: usize| {
            let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| fits).ok_or(NotAMonth)
        };
        Month::from_number(number(year, 4)? * 100 + number(month, 2)?).ok_or(NotAMonth)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Month, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Month;
    use crate::Time;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn months_begin_and_end_where_the_calendar_says() {
        // (seconds at which a month begins, the month, the one before), as `date -u +%s` gives them.
        for (begins, month, before) in [
            (0, "1970-01", "1969-12"),
            (951_868_800, "2000-03", "2000-02"),
            (1_709_251_200, "2024-03", "2024-02"),
            (1_767_225_600, "2026-01", "2025-12"),
            (4_107_542_400, "2100-03", "2100-02"),
        ] {
            let at = Time(begins * SECOND_US);
            assert_eq!(Month::of(at).to_string(), month);
            assert_eq!(Month::of(Time(at.0 - 1)).to_string(), before);
        }
        // The leap day itself, and the day that 2100 does not have.
        assert_eq!(Month::of(Time(1_709_164_800 * SECOND_US)).to_string(), "2024-02");
        assert_eq!(Month::of(Time((4_107_542_400 - 86_400) * SECOND_US)).to_string(), "2100-02");
    }

    #[test]
    fn a_month_is_read_as_it_is_written() {
        for text in ["2026-01", "0000-12", "9999-12"] {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.to_string().as_str(), Month::from_number(month.number())), (text, Some(month)));
        }
        for bad in ["", "2026", "2026-00", "2026-13", "2026-1", "+026-01", "2026-01-01", "2026-01 ", "12026-01"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
