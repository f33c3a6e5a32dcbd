//! How a billion transfers a month feel on one shard or several: a simulation for `docs/scale.md`, because that load cannot
//! be run on one small machine. `cargo run --release -p bench --example shards -- --help`.

#![allow(clippy::float_arithmetic, reason = "rates and shares are simulated; no money is computed")]

mod model;

use clap::Parser;

use self::model::{Cost, Placement, Source};

#[derive(Parser)]
struct Options {
    /// Transfers per second of all tenants together.
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
    /// Tenant number n has a share in proportion to 1 / n^skew; at 1 the largest of ten thousand has a tenth.
    #[arg(long, default_value_t = 1.0)]
    skew: f64,
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    shards: Vec<usize>,
    #[arg(long, value_delimiter = ',', value_enum, default_value = "turn,rate")]
    placement: Vec<Placement>,
    /// Transfers that the largest tenant sends at one moment, beside its rate.
    #[arg(long, default_value_t = 0)]
    burst: u64,
    /// Cost of a batch, however large, in microseconds.
    #[arg(long)]
    fixed: u64,
    /// Cost of each transfer in its batch.
    #[arg(long)]
    each: u64,
    /// Cost of each of the four moves that workers make for a transfer afterwards.
    #[arg(long)]
    later: u64,
    /// Moves that workers may make in every batch, beyond what clients' operations earn them.
    #[arg(long, default_value_t = 0)]
    share: u64,
    #[arg(long, default_value_t = 256)]
    batch: usize,
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    #[arg(long, default_value_t = 20_261_121)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    anyhow::ensure!(options.tenants > 0 && options.shards.iter().all(|count| *count > 0), "nothing to place");
    anyhow::ensure!(options.batch > 0 && options.seconds > 0 && options.rate > 0.0, "nothing to run");
    let Options { fixed, each, later, share, batch, .. } = options;
    let cost = Cost { fixed, each, later, share, batch };
    let shares = model::shares(options.tenants, options.skew);
    println!(
        "seed {}; one shard can do {:.0}/s; the largest tenant has {:.1} % of {}/s",
        options.seed,
        cost.capacity(),
        shares[0] * 100.0,
        options.rate,
    );
    println!(
        "shards placed    its/s load % busy % batch  p50 ms  p99 ms  p99 ms of the largest tenant  refused  moves behind"
    );
    for shards in &options.shards {
        for placement in &options.placement {
            println!("{}", hottest(&options, &shares, cost, *shards, *placement)?);
        }
    }
    Ok(())
}

/// Runs the shard that has the largest tenant, the one that an operator would hear of first.
fn hottest(
    options: &Options,
    shares: &[f64],
    cost: Cost,
    shards: usize,
    placement: Placement,
) -> anyhow::Result<String> {
    let placed = model::place(shares, shards, placement, &mut fastrand::Rng::with_seed(options.seed));
    let Some(tenants) = placed.iter().find(|tenants| tenants.contains(&0)) else { anyhow::bail!("no shard") };
    let rate = tenants.iter().map(|tenant| shares[*tenant]).sum::<f64>() * options.rate;
    let mut sorted = tenants.clone();
    sorted.sort_unstable();
    let source = |tenant: &usize| Source {
        per_second: shares[*tenant] * options.rate,
        burst: if *tenant == 0 { options.burst } else { 0 },
    };
    let sources: Vec<Source> = sorted.iter().map(source).collect();
    let shown = model::run(&sources, cost, options.seconds, options.seed)?;
    let ms = |histogram: &hdrhistogram::Histogram<u64>, percent| histogram.value_at_percentile(percent) as f64 / 1e3;
    Ok(format!(
        "{shards:>6} {:<6} {rate:>9.0} {:>6.0} {:>6.0} {:>5.1} {:>7.2} {:>7.2} {:>29.2} {:>8} {:>13}",
        format!("{placement:?}").to_lowercase(),
        100.0 * rate / cost.capacity(),
        100.0 * shown.busy_us as f64 / (options.seconds * 1_000_000) as f64,
        shown.answered() as f64 / shown.batches.max(1) as f64,
        ms(&shown.others, 50.0),
        ms(&shown.others, 99.0),
        ms(&shown.first, 99.0),
        shown.refused,
        shown.behind,
    ))
}
