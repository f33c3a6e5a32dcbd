//! Time as a value. Rules take a [`Time`]; only the wiring holds a [`Clock`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Time(pub i64);

/// A length of time in microseconds; may be negative. Lengths beyond the range (290,000 years) stop at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Span(pub i64);

impl Span {
    pub const fn millis(millis: i64) -> Span {
        Span(millis.saturating_mul(1_000))
    }

    pub const fn seconds(seconds: i64) -> Span {
        Span(seconds.saturating_mul(1_000_000))
    }

    pub const fn hours(hours: i64) -> Span {
        Span::seconds(hours.saturating_mul(3_600))
    }

    pub const fn days(days: i64) -> Span {
        Span::hours(days.saturating_mul(24))
    }
}

impl Time {
    /// Later (or, with a negative span, earlier) by `span`; stops at the ends of the representable range.
    pub fn plus(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }

    /// How long after `earlier` this is; negative when it is before.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since 1970, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// Where the wiring gets the time from.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Time;
}

/// The machine's wall clock: the only place that reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Time {
        let elapsed = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves when a test says so.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn at(time: Time) -> TestClock {
        TestClock(AtomicI64::new(time.0))
    }

    /// Moves the clock and answers the new time; stops at the ends of the range, as [`Time::plus`] does.
    pub fn advance(&self, span: Span) -> Time {
        let moved = |now| Some(Time(now).plus(span).0);
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved) {
            Ok(before) | Err(before) => Time(before).plus(span),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}
