//! What a run of the load generator saw: answers, errors, and how long the answers took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Errors that are kept with their text; the others are only counted.
const KEPT: usize = 5;
/// Longest latency told apart, in microseconds: a minute.
const LONGEST_US: u64 = 60_000_000;

/// Counts of one run. `sent` = `accepted` + `errors`, also when answers never came.
#[derive(Clone, Debug)]
pub struct Tally {
    pub sent: u64,
    /// Answers that the run's predicate took.
    pub accepted: u64,
    /// Refusals, wrong answers, broken connections and answers that never came.
    pub errors: u64,
    /// The first few errors, in words.
    pub first_errors: Vec<String>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Of accepted answers, in microseconds.
    latency: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> anyhow::Result<Tally> {
        let latency = Histogram::new_with_bounds(1, LONGEST_US, 3)?;
        Ok(Tally { sent: 0, accepted: 0, errors: 0, first_errors: Vec::new(), elapsed: Duration::ZERO, latency })
    }

    pub(crate) fn accept(&mut self, latency: Duration) {
        self.accepted += 1;
        self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US));
    }

    pub(crate) fn refuse(&mut self, what: impl FnOnce() -> String) {
        self.errors += 1;
        if self.first_errors.len() < KEPT {
            self.first_errors.push(what());
        }
    }

    /// Adds what another thread saw in the same span of time.
    pub(crate) fn merge(&mut self, other: Tally) -> anyhow::Result<()> {
        self.sent += other.sent;
        self.accepted += other.accepted;
        self.errors += other.errors;
        self.first_errors.extend(other.first_errors);
        self.first_errors.truncate(KEPT);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latency.add(other.latency)?;
        Ok(())
    }

    /// Accepted answers per second; 0 when nothing was measured.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.accepted as f64 / seconds } else { 0.0 }
    }

    /// The latency in milliseconds that `percent` of the accepted answers stayed within; 0 when there were none.
    pub fn latency_ms(&self, percent: f64) -> f64 {
        self.latency.value_at_percentile(percent) as f64 / 1000.0
    }
}

/// The middle value, or the mean of the two middle ones. `None` of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![7.0]), Some(7.0));
        assert_eq!(median(vec![9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn percentiles_are_milliseconds_to_three_digits() {
        let mut tally = Tally::new().unwrap();
        for micros in 1..=10_000 {
            tally.accept(Duration::from_micros(micros));
        }
        assert!((tally.latency_ms(50.0) - 5.0).abs() < 0.01, "{}", tally.latency_ms(50.0));
        assert!((tally.latency_ms(99.0) - 9.9).abs() < 0.02, "{}", tally.latency_ms(99.0));
        tally.accept(Duration::from_secs(3600));
        assert!((tally.latency_ms(100.0) - 60_000.0).abs() < 60.0, "longer than the scale counts as its end");
    }

    #[test]
    fn merged_tallies_add_up_and_keep_few_texts() {
        let mut one = Tally::new().unwrap();
        let mut two = Tally::new().unwrap();
        for number in 0..4 {
            one.refuse(|| format!("one {number}"));
            two.refuse(|| format!("two {number}"));
        }
        one.accept(Duration::from_millis(1));
        two.accept(Duration::from_millis(3));
        (one.elapsed, two.elapsed) = (Duration::from_secs(1), Duration::from_secs(2));
        one.merge(two).unwrap();
        assert_eq!((one.accepted, one.errors, one.first_errors.len()), (2, 8, KEPT));
        assert_eq!(one.elapsed, Duration::from_secs(2));
        assert!((one.rate() - 1.0).abs() < 1e-9);
        assert!((one.latency_ms(100.0) - 3.0).abs() < 0.01);
    }
}
