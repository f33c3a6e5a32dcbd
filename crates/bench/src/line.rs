//! A line of the report: the medians of one setting.

use std::fmt;

use serde::Serialize;

use crate::round::Round;
use crate::scenario::Scenario;
use crate::tally::median;

/// One setting's figures. Rates are answers per second, `*_ms` and `*_us` are per answer, `*_s` seconds; what could not
/// be observed is null.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub scenario: &'static str,
    pub connections: usize,
    pub tenants: usize,
    pub preloaded: u64,
    pub rps: Option<f64>,
    pub reference_rps: Option<f64>,
    /// `rps` over `reference_rps`.
    pub ratio: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Processor time of the server's process per accepted request.
    pub server_cpu_us: Option<f64>,
    /// Time of the committer's thread per operation of a client, without waiting for the disk.
    pub committer_us: Option<f64>,
    /// Transfers not final when the load ended, and how long they took then.
    pub backlog: Option<u64>,
    pub drain_s: Option<f64>,
    /// Mean time of one sync.
    pub sync_ms: Option<f64>,
    /// Of all rounds of the product and of the reference together.
    pub errors: u64,
    /// False when the machine was not fit to judge; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<bool>,
}

impl Line {
    /// Medians over the rounds; errors are summed.
    pub fn of(
        scenario: Scenario,
        connections: usize,
        tenants: usize,
        preloaded: u64,
        references: &[Round],
        products: &[Round],
    ) -> Line {
        let middle = |figure: fn(&Round) -> Option<f64>| median(products.iter().filter_map(figure).collect());
        let rps = middle(|round| Some(round.tally.rate()));
        let reference_rps = median(references.iter().map(|round| round.tally.rate()).collect());
        let ratio = rps.zip(reference_rps).filter(|(_, reference)| *reference > 0.0).map(|(rps, other)| rps / other);
        Line {
            scenario: scenario.name(),
            connections,
            tenants,
            preloaded,
            rps: rounded(rps, 0),
            reference_rps: rounded(reference_rps, 0),
            ratio: rounded(ratio, 3),
            p50_ms: rounded(middle(|round| Some(round.tally.latency_ms(50.0))), 3),
            p99_ms: rounded(middle(|round| Some(round.tally.latency_ms(99.0))), 3),
            server_cpu_us: rounded(middle(|round| round.server_cpu_us), 2),
            committer_us: rounded(middle(|round| round.committer_us), 2),
            backlog: rounded(middle(|round| round.backlog), 0).map(|open| open as u64),
            drain_s: rounded(middle(|round| round.drain_s), 2),
            sync_ms: rounded(middle(|round| round.sync_ms), 3),
            errors: products.iter().chain(references).map(|round| round.tally.errors).sum(),
            judged: None,
        }
    }
}

/// Cut to so many places after the point.
pub fn rounded(value: Option<f64>, places: i32) -> Option<f64> {
    let scale = 10f64.powi(places);
    value.map(|value| (value * scale).round() / scale)
}

/// Heads the columns of [`Line`]'s display.
pub const TABLE_HEAD: &str = "scenario  conns tenants preloaded      rps  ref rps ratio  p50 ms  p99 ms  cpu us  com us \
                              backlog drain s sync ms errors";

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<f64>, places: usize| value.map_or("-".to_owned(), |it| format!("{it:.places$}"));
        write!(
            out,
            "{:<9} {:>5} {:>7} {:>9} {:>8} {:>8} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6}{}",
            self.scenario,
            self.connections,
            self.tenants,
            self.preloaded,
            show(self.rps, 0),
            show(self.reference_rps, 0),
            show(self.ratio, 2),
            show(self.p50_ms, 2),
            show(self.p99_ms, 2),
            show(self.server_cpu_us, 1),
            show(self.committer_us, 1),
            self.backlog.map_or("-".to_owned(), |open| open.to_string()),
            show(self.drain_s, 1),
            show(self.sync_ms, 2),
            self.errors,
            if self.judged == Some(false) { "  not judged" } else { "" },
        )
    }
}
