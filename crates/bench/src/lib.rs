//! `counterfoil bench`: how fast a durable transfer is, as a ratio to what this machine can do at all.
//!
//! Everything is measured over the wire, as a customer would see it: the servers are child processes, the load comes
//! over loopback TCP, and the rest is read from the metrics listener and from the operating system. The yardstick is
//! the **append reference** ([`run_reference`]): the product's own HTTP stack in front of one file that each request is
//! appended to, with the same group sync and nothing else. Rounds of reference and product alternate, so that a noisy
//! minute touches both; each figure is the median of its rounds.
//!
//! With `--store postgres://…` the yardstick is another: `pgbench` calling one stored function that keeps the same facts.
//!
//! Exit codes of [`run`]:
//!
//! | code | meaning |
//! |---|---|
//! | 0 | measured, and the machine was fit to judge |
//! | 1 | could not measure (a server did not start, the disk is full, …); the reason is on stderr |
//! | 2 | the command line was wrong |
//! | 3 | measured, but no judgement: the reference was too slow, or PostgreSQL does not sync; figures carry `"judged":false` |
//! | 4 | measured, but some answers were missing or wrong: figures carry `errors` above 0 |

#![allow(clippy::float_arithmetic, reason = "rates, ratios and times are measured here; no money is computed")]

mod connection;
mod group;
mod line;
mod load;
mod machine;
mod metrics;
mod options;
mod postgres;
mod reference;
mod report;
mod round;
mod scenario;
mod server;
mod tally;
mod yardstick;

use std::process::ExitCode;

pub use load::{Load, Requests, Until, run as run_load};
pub use machine::CpuList;
pub use options::Options;
pub use reference::{Append, Appender, ReferenceKind, ReferenceOptions, run as run_reference};
pub use scenario::{Template, Transfers, is_success};
pub use tally::Tally;

/// Measures what the options name and prints it on stdout; progress goes to stderr. Exit codes: see the crate's page.
///
/// # Errors
/// A server could not be started or observed, or the work directory could not be written.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(report::run(options))
}
