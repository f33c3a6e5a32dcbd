//! A line of the report beside PostgreSQL.

use std::fmt;

use serde::Serialize;

use super::cluster::Settings;
use super::pgbench::Yardstick;
use crate::line::rounded;
use crate::round::Round;
use crate::tally::{Tally, median};

/// One setting's figures: medians over the rounds, errors summed. Units as in [`crate::line::Line`].
#[derive(Clone, Debug, Serialize)]
pub struct PostgresLine {
    pub scenario: &'static str,
    pub engine: &'static str,
    /// Connections of our server's clients, and clients of pgbench.
    pub connections: usize,
    pub tenants: usize,
    pub rps: Option<f64>,
    pub pgbench_tps: Option<f64>,
    /// `rps` over `pgbench_tps`.
    pub ratio: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub pgbench_p50_ms: Option<f64>,
    pub pgbench_p99_ms: Option<f64>,
    /// Processor time of our server's process per accepted request; the database's own is not in it.
    pub server_cpu_us: Option<f64>,
    pub committer_us: Option<f64>,
    pub backlog: Option<u64>,
    pub drain_s: Option<f64>,
    pub sync_ms: Option<f64>,
    pub errors: u64,
    /// What the server says of its commits.
    pub settings: Settings,
    /// False when a commit on that server is not durable; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<bool>,
}

/// What was measured for a line.
pub struct Rounds {
    pub connections: usize,
    pub tenants: usize,
    pub yardsticks: Vec<Yardstick>,
    pub products: Vec<Round>,
}

impl PostgresLine {
    pub fn of(rounds: &Rounds, settings: &Settings, judged: bool) -> PostgresLine {
        let Rounds { yardsticks, products, .. } = rounds;
        let ours = |figure: fn(&Round) -> Option<f64>| median(products.iter().filter_map(figure).collect());
        let theirs = |figure: fn(&Yardstick) -> f64| median(yardsticks.iter().map(figure).collect());
        let (rps, tps) = (ours(|round| Some(round.tally.rate())), theirs(|round| round.tps));
        let ratio = rps.zip(tps).filter(|(_, tps)| *tps > 0.0).map(|(rps, tps)| rps / tps);
        let tallies = products.iter().map(|round| &round.tally).chain(yardsticks.iter().map(|round| &round.tally));
        PostgresLine {
            scenario: "transfer",
            engine: "postgres",
            connections: rounds.connections,
            tenants: rounds.tenants,
            rps: rounded(rps, 0),
            pgbench_tps: rounded(tps, 0),
            ratio: rounded(ratio, 3),
            p50_ms: rounded(ours(|round| Some(round.tally.latency_ms(50.0))), 3),
            p99_ms: rounded(ours(|round| Some(round.tally.latency_ms(99.0))), 3),
            pgbench_p50_ms: rounded(theirs(|round| round.tally.latency_ms(50.0)), 3),
            pgbench_p99_ms: rounded(theirs(|round| round.tally.latency_ms(99.0)), 3),
            server_cpu_us: rounded(ours(|round| round.server_cpu_us), 2),
            committer_us: rounded(ours(|round| round.committer_us), 2),
            backlog: rounded(ours(|round| round.backlog), 0).map(|open| open as u64),
            drain_s: rounded(ours(|round| round.drain_s), 2),
            sync_ms: rounded(ours(|round| round.sync_ms), 3),
            errors: tallies.map(|tally: &Tally| tally.errors).sum(),
            settings: settings.clone(),
            judged: (!judged).then_some(false),
        }
    }
}

/// Heads the columns of [`PostgresLine`]'s display.
pub const TABLE_HEAD: &str = "engine    conns tenants      rps  pgbench ratio  p50 ms  p99 ms  pgb 50  pgb 99  cpu us  com us \
                              backlog drain s errors";

impl fmt::Display for PostgresLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<f64>, places: usize| value.map_or("-".to_owned(), |it| format!("{it:.places$}"));
        write!(
            out,
            "{:<9} {:>5} {:>7} {:>8} {:>8} {:>5} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6}{}",
            self.engine,
            self.connections,
            self.tenants,
            show(self.rps, 0),
            show(self.pgbench_tps, 0),
            show(self.ratio, 2),
            show(self.p50_ms, 2),
            show(self.p99_ms, 2),
            show(self.pgbench_p50_ms, 2),
            show(self.pgbench_p99_ms, 2),
            show(self.server_cpu_us, 1),
            show(self.committer_us, 1),
            self.backlog.map_or("-".to_owned(), |open| open.to_string()),
            show(self.drain_s, 1),
            self.errors,
            if self.judged == Some(false) { "  not judged" } else { "" },
        )
    }
}
