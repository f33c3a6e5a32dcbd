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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{NotAPhone, Phone, exists};

    /// (country, a number somebody can have, one that nobody can: wrong length or a prefix that is not given out)
    const NUMBERS: [(&str, &str, &str); 36] = [
        ("US, the contract's sender", "15615019469", "5615019469"),
        ("EG, the contract's receiver", "201234567890", "2012345678901"),
        ("US, the contract's account", "16175551212", "6175551212"),
        ("CA", "14165550123", "14160550123"),
        ("MX", "525512345678", "52551234567"),
        ("GT", "50251234567", "5025123456"),
        ("CO", "573211234567", "57321123456"),
        ("BR", "5511961234567", "551196123456789"),
        ("DO", "18092345678", "1809234567"),
        ("PH", "639051234567", "63905123456"),
        ("IN", "919876543210", "91987654321"),
        ("PK", "923012345678", "92301234567"),
        ("BD", "8801812345678", "880181234567"),
        ("NG", "2348021234567", "23480212345"),
        ("KE", "254712123456", "25471212345"),
        ("GH", "233231234567", "23323123456"),
        ("ZA", "27711234567", "2771123456"),
        ("MA", "212650123456", "21265012345"),
        ("EG, landline", "20234567890", "202345678"),
        ("GB", "447400123456", "44740012345"),
        ("IE", "353850123456", "35385012345"),
        ("FR", "33612345678", "33012345678"),
        ("DE", "4915123456789", "49151234567"),
        ("ES", "34612345678", "34112345678"),
        ("PT", "351912345678", "351412345678"),
        ("IT", "393123456789", "39312"),
        ("PL", "48512345678", "4851234567"),
        ("UA", "380501234567", "38050123456"),
        ("RO", "40712034567", "4071203456"),
        ("TR", "905012345678", "90501234567"),
        ("JP", "819012345678", "8190123456"),
        ("KR", "821020000000", "82102000000000"),
        ("CN", "8613123456789", "861312345678"),
        ("ID", "62812345678", "628"),
        ("VN", "84912345678", "8491234567"),
        ("AU", "61412345678", "61012345678"),
    ];

    #[test]
    fn real_numbers_of_many_countries_are_told_from_unreal_ones() {
        let said = |number| Phone::from_digits(number).map(|phone| phone.digits().to_owned());
        let wrong =
            NUMBERS.iter().filter(|(_, real, unreal)| said(real) != Ok((*real).to_owned()) || said(unreal).is_ok());
        assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&(&str, &str, &str)>::new());
        assert_eq!(Phone::from_digits("999123456789"), Err(NotAPhone), "no country has this code");
    }

    #[test]
    fn verdicts_that_are_remembered_are_the_same() {
        for (_, real, unreal) in NUMBERS.into_iter().chain(NUMBERS) {
            assert!(Phone::from_digits(real).is_ok() && Phone::from_digits(unreal).is_err());
        }
    }

    #[test]
    fn a_number_is_ascii_digits_of_a_number_s_length() {
        let sevens = |length| "7".repeat(length);
        let wrong = [
            "".to_owned(),
            "+".to_owned(),
            "２０１２３４５６７８９０".to_owned(),
            "٢٠١٢٣٤٥٦٧٨٩٠".to_owned(),
            "20 1234567890".to_owned(),
            "20-123-456-7890".to_owned(),
            "(20)1234567890".to_owned(),
            "201234567890\n".to_owned(),
            "201234567890;ext=5".to_owned(),
            "201234567890x5".to_owned(),
            "tel:201234567890".to_owned(),
            "0020123456789".to_owned(),
            "1800FLOWERS".to_owned(),
            sevens(6),
            sevens(16),
            sevens(1 << 20),
        ];
        for text in wrong {
            assert_eq!(Phone::from_digits(&text), Err(NotAPhone), "{text:.20}");
            assert_eq!(Phone::from_e164(&text), Err(NotAPhone), "{text:.20}");
        }
    }

    #[test]
    fn a_plus_is_taken_where_it_may_stand() {
        let digits = Phone::from_digits("201234567890");
        assert_eq!(Phone::from_e164("+201234567890"), digits);
        assert_eq!(Phone::from_e164("201234567890"), digits);
        for text in ["++201234567890", "+ 201234567890", "201234567890+", "＋201234567890"] {
            assert_eq!(Phone::from_e164(text), Err(NotAPhone), "{text}");
        }
        assert_eq!(Phone::from_digits("+201234567890"), Err(NotAPhone));
    }

    #[test]
    fn a_check_costs_what_it_costs() {
        let numbers: Vec<String> = (0..2_000).map(|at| format!("2010{:08}", 10_000_000 + at)).collect();
        assert!(exists(&numbers[0]), "loads the numbering plans, once");
        let started = Instant::now();
        assert!(numbers.iter().all(|number| exists(number)));
        let fresh = started.elapsed().as_nanos() / 2_000;
        numbers.iter().for_each(|number| assert!(Phone::from_digits(number).is_ok()));
        let started = Instant::now();
        numbers.iter().for_each(|number| assert!(Phone::from_digits(number).is_ok()));
        println!("a check: {fresh} ns; remembered: {} ns", started.elapsed().as_nanos() / 2_000);
    }
}
