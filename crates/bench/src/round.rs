//! One round: load on one server for a while, and what it cost the server.

use std::time::{Duration, Instant};

use crate::load::{self, Load, Requests, Until};
use crate::machine;
use crate::metrics::{self, Reading};
use crate::scenario::{REPLAYED, Repeated, Scenario, Template, Transfers, is_success};
use crate::server::Target;
use crate::tally::Tally;

/// How long open payouts may take to become final after a round.
const DRAIN: Duration = Duration::from_secs(900);
const DRAIN_POLL: Duration = Duration::from_millis(50);
/// Connections and requests per step when a store is filled beforehand.
const PRELOAD_CONNECTIONS: usize = 256;
const PRELOAD_STEP: u64 = 50_000;

/// The shape of the load, the same for reference and product.
#[derive(Clone, Debug)]
pub struct Shape {
    pub scenario: Scenario,
    pub connections: usize,
    pub span: Duration,
    pub threads: usize,
    pub cpus: Option<machine::CpuList>,
    /// Seed of this round; two rounds on one store must differ in it.
    pub seed: u64,
}

/// What one round showed. Times are medians and means of this round alone; `None` where it could not be observed.
#[derive(Clone, Debug)]
pub struct Round {
    pub tally: Tally,
    pub server_cpu_us: Option<f64>,
    pub committer_us: Option<f64>,
    pub sync_ms: Option<f64>,
    /// Transfers not yet final when the last answer came.
    pub backlog: Option<f64>,
    /// Seconds from then until all were.
    pub drain_s: Option<f64>,
}

/// Runs one round and waits until the server has nothing left to do.
pub async fn measure(shape: &Shape, target: &Target) -> anyhow::Result<Round> {
    let mut sources = sources(shape, target)?;
    let before = observe(target).await;
    let tally = load::run(&load_of(shape, target, Until::Elapsed(shape.span)), |connection| sources(connection))?;
    let after = observe(target).await;
    let ended = Instant::now();
    let backlog = after.reading.open_payouts;
    let drained = wait_until_drained(target, backlog).await;
    Ok(Round {
        server_cpu_us: each_us(before.processor, after.processor, tally.accepted),
        committer_us: ratio_of_growth(
            (before.reading.committer_busy_us, after.reading.committer_busy_us),
            (before.reading.client_operations, after.reading.client_operations),
        ),
        sync_ms: ratio_of_growth(
            (before.reading.sync_us, after.reading.sync_us),
            (before.reading.commits, after.reading.commits),
        )
        .map(|us| us / 1000.0),
        backlog,
        drain_s: drained.then(|| ended.elapsed().as_secs_f64()),
        tally,
    })
}

/// Makes `count` transfers and waits until they are final, with progress on stderr.
pub async fn preload(shape: &Shape, target: &Target, count: u64) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut done = 0;
    while done < count {
        let step = PRELOAD_STEP.min(count - done);
        let shape = Shape {
            scenario: Scenario::Transfer,
            connections: PRELOAD_CONNECTIONS,
            seed: shape.seed.wrapping_add(done),
            ..shape.clone()
        };
        let mut sources = sources(&shape, target)?;
        let tally = load::run(&load_of(&shape, target, Until::Sent(step)), |connection| sources(connection))?;
        if tally.errors > 0 {
            anyhow::bail!("filling the store: {} of {step} failed: {:?}", tally.errors, tally.first_errors);
        }
        done += step;
        eprintln!("  {done} of {count} transfers made, {:.0}/s, {:.0?} so far", tally.rate(), started.elapsed());
    }
    let open = observe(target).await.reading.open_payouts;
    wait_until_drained(target, open).await;
    Ok(())
}

fn load_of(shape: &Shape, target: &Target, until: Until) -> Load {
    Load {
        target: target.base.address,
        connections: shape.connections,
        threads: shape.threads,
        until,
        accepted: is_success,
        cpus: shape.cpus.clone(),
        every: None,
    }
}

type Sources = Box<dyn FnMut(usize) -> Box<dyn Requests>>;

/// What each connection will ask. `replay` makes its transfers here, before anything is measured.
fn sources(shape: &Shape, target: &Target) -> anyhow::Result<Sources> {
    let host = target.base.address.to_string();
    let templates = || target.keys.iter().map(|key| Template::new(&host, key)).collect::<Vec<_>>();
    let seed = shape.seed;
    Ok(match shape.scenario {
        Scenario::Transfer => {
            let templates: std::sync::Arc<[Template]> = templates().into();
            Box::new(move |connection| {
                let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(connection as u64);
                Box::new(Transfers::new(templates.clone(), seed))
            })
        }
        Scenario::Replay => {
            let requests = Repeated::transfers(templates().into(), seed);
            let once = Load { connections: 1, ..load_of(shape, target, Until::Sent(REPLAYED)) };
            let tally = load::run(&once, |_| Box::new(Repeated::new(requests.clone(), 0)))?;
            anyhow::ensure!(tally.errors == 0, "making the transfers to replay: {:?}", tally.first_errors);
            Box::new(move |connection| Box::new(Repeated::new(requests.clone(), connection * 37)))
        }
        Scenario::Balance => {
            let requests = Repeated::reads(&host, &target.path, &target.keys);
            Box::new(move |connection| Box::new(Repeated::new(requests.clone(), connection)))
        }
    })
}

struct Observed {
    processor: Option<Duration>,
    reading: Reading,
}

/// Processor time first: after a round, reading the metrics is not counted in. (Before one it is, once: under a ms.)
async fn observe(target: &Target) -> Observed {
    let processor = target.pid.and_then(machine::processor_time);
    let reading = match &target.metrics {
        Some(base) => metrics::read(base).await,
        None => Reading::default(),
    };
    Observed { processor, reading }
}

/// Whether the payouts that were `open` became final in time. Without the figure there is nothing to wait for.
async fn wait_until_drained(target: &Target, mut open: Option<f64>) -> bool {
    let (Some(base), Some(_)) = (&target.metrics, open) else { return false };
    let started = Instant::now();
    while open != Some(0.0) {
        if started.elapsed() > DRAIN {
            eprintln!("  payouts still open after {DRAIN:?}: {open:?}");
            return false;
        }
        tokio::time::sleep(DRAIN_POLL).await;
        open = metrics::read(base).await.open_payouts;
    }
    true
}

fn each_us(before: Option<Duration>, after: Option<Duration>, count: u64) -> Option<f64> {
    let used = after?.checked_sub(before?)?;
    (count > 0).then(|| used.as_secs_f64() * 1e6 / count as f64)
}

fn ratio_of_growth(above: (Option<f64>, Option<f64>), below: (Option<f64>, Option<f64>)) -> Option<f64> {
    let grown = below.1? - below.0.unwrap_or(0.0);
    (grown > 0.0).then_some((above.1? - above.0.unwrap_or(0.0)) / grown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_growth_over_growth() {
        assert_eq!(ratio_of_growth((Some(10.0), Some(40.0)), (Some(1.0), Some(4.0))), Some(10.0));
        assert_eq!(ratio_of_growth((None, Some(40.0)), (None, Some(4.0))), Some(10.0), "counters begin at nothing");
        assert_eq!(ratio_of_growth((Some(1.0), None), (Some(1.0), Some(4.0))), None);
        assert_eq!(ratio_of_growth((Some(1.0), Some(2.0)), (Some(4.0), Some(4.0))), None, "nothing was done");
        let (one, three) = (Some(Duration::from_secs(1)), Some(Duration::from_secs(3)));
        assert_eq!(each_us(one, three, 1000), Some(2000.0));
        assert_eq!(each_us(three, one, 1000), None);
        assert_eq!(each_us(one, three, 0), None);
    }
}
