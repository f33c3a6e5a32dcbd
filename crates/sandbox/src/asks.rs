//! What the controls are asked, read strictly: an unknown field is refused, an amount is a decimal string.

use base::{Amount, Asset, Span};
use jiff::SpanRelativeTo;
use plane::kyc::Verdict;
use plane::payouts::FailReason;
use plane::sandbox::{LISTED_MOST, Wish};
use serde::Deserialize;

use crate::words::Failure;

/// Dollars as a decimal string, such as `250.00`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Money {
    amount: String,
}

impl Money {
    pub(crate) fn amount(&self) -> Result<Amount, Failure> {
        Amount::parse(&self.amount, Asset::USD).map_err(|why| Failure::invalid(format!("amount: {why}.")))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receiver {
    verified: bool,
    /// Whole dollars; the plane's own limit for that standing when it is left out.
    limit: Option<u32>,
}

impl Receiver {
    pub(crate) fn verdict(&self) -> Verdict {
        match self.verified {
            true => Verdict::Verified { dollars: self.limit },
            false => Verdict::Unverified { dollars: self.limit },
        }
    }
}

/// A wish by its word, or the numbers of the state that is wished for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Force {
    to: Option<String>,
    reason: Option<String>,
    state: Option<i64>,
    substate: Option<i64>,
}

const FORCE: &str = "Give `to`: step, link, run_short, doubt, retry, pay or fail; or `state` and `substate`.";

impl Force {
    pub(crate) fn wish(&self) -> Result<Wish, Failure> {
        if self.reason.is_some() && self.to.as_deref() != Some("fail") {
            return Err(Failure::invalid("reason: only a failure has one."));
        }
        let reason = self.reason.as_deref().map(reason).transpose()?;
        match (self.to.as_deref(), self.state) {
            (Some(word), None) if self.substate.is_none() => Wish::from_word(word, reason),
            (None, Some(state)) => match Wish::state(state, self.substate.unwrap_or(0)) {
                Some(wish) => return Ok(wish),
                None => return Err(Failure::invalid("state: no transfer is ever in this state and substate.")),
            },
            _ => None,
        }
        .ok_or_else(|| Failure::invalid(FORCE))
    }
}

fn reason(word: &str) -> Result<FailReason, Failure> {
    let known = || FailReason::ALL.map(FailReason::word).join(", ");
    FailReason::from_word(word).ok_or_else(|| Failure::invalid(format!("reason: give one of {}.", known())))
}

/// How far the clock is moved: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    /// ISO 8601 in units of fixed length, such as `PT36H` or `P1DT12H`.
    by: Option<String>,
    by_ms: Option<i64>,
}

impl Advance {
    pub(crate) fn by(&self) -> Result<Span, Failure> {
        match (&self.by, self.by_ms) {
            (Some(text), None) => duration(text).ok_or_else(|| {
                Failure::invalid("by: give a duration in weeks, days, hours, minutes and seconds, such as P1DT12H.")
            }),
            (None, Some(millis)) => Ok(Span::millis(millis)),
            _ => Err(Failure::invalid("Give either `by`, such as P1DT12H, or `by_ms`.")),
        }
    }
}

/// Months and years have no fixed length and are refused.
fn duration(text: &str) -> Option<Span> {
    let span: jiff::Span = text.starts_with('P').then(|| text.parse().ok()).flatten()?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return None;
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    i64::try_from(length.as_micros()).ok().map(Span)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) link_pay_ins: bool,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) before: Option<u64>,
}

const LISTED: usize = 20;

/// Reads `limit` and `before` from a query; neither is needed.
pub(crate) fn page(query: &str) -> Result<Page, Failure> {
    let mut page = Page { limit: LISTED, before: None };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LISTED_MOST).contains(limit));
                let refused = || Failure::invalid(format!("limit: give 1 to {LISTED_MOST}."));
                page.limit = limit.ok_or_else(refused)?;
            }
            "before" => {
                let refused = || Failure::invalid("before: give the `next` of the page before.");
                page.before = Some(value.parse().map_err(|_| refused())?);
            }
            _ => return Err(Failure::invalid("Only `limit` and `before` can be asked for.")),
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_fixed_length() {
        assert_eq!(duration("PT1S"), Some(Span::seconds(1)));
        assert_eq!(duration("P1DT12H"), Some(Span::hours(36)));
        assert_eq!(duration("P2W"), Some(Span::days(14)));
        assert_eq!(duration("PT0.5S"), Some(Span::millis(500)));
        for text in ["", "1 day", "P1M", "P1Y", "P", "tomorrow", "+P", "PT99999999999999H"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_page_is_asked_for_by_limit_and_place() {
        assert_eq!(page("").ok(), Some(Page { limit: 20, before: None }));
        assert_eq!(page("limit=100&before=7").ok(), Some(Page { limit: 100, before: Some(7) }));
        for query in ["limit=0", "limit=101", "limit=x", "before=-1", "before=", "after=1", "limit=%31%30%31"] {
            assert!(page(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_force_is_a_word_or_a_state() {
        let wish = |json: &str| serde_json::from_str::<Force>(json).unwrap().wish().ok();
        assert_eq!(wish(r#"{"to":"pay"}"#), Some(Wish::Pay));
        assert_eq!(wish(r#"{"to":"fail"}"#), Some(Wish::Fail(FailReason::Processing)));
        assert_eq!(wish(r#"{"to":"fail","reason":"cancelled"}"#), Some(Wish::Fail(FailReason::Cancelled)));
        assert_eq!(wish(r#"{"state":40,"substate":5}"#), Wish::state(40, 5));
        assert_eq!(wish(r#"{"state":60}"#), Wish::state(60, 0));
        for json in [
            "{}",
            r#"{"to":"fly"}"#,
            r#"{"to":"pay","reason":"funds"}"#,
            r#"{"to":"fail","reason":"bored"}"#,
            r#"{"to":"pay","state":60}"#,
            r#"{"to":"pay","substate":0}"#,
            r#"{"substate":4}"#,
            r#"{"state":40,"substate":9}"#,
        ] {
            assert_eq!(wish(json), None, "{json}");
        }
    }
}
