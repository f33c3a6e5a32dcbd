//! The whole measurement: groups of rounds, their medians, the judgement, and how it is printed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use base::Chance as _;

use crate::group::{Group, groups};
use crate::line::{Line, TABLE_HEAD};
use crate::machine;
use crate::options::Options;
use crate::round::{self, Round, Shape};
use crate::server::{Launcher, Server, Target};
use crate::yardstick::Yardstick;

/// Connections at which the reference shows whether the machine is fit.
const JUDGED_AT: usize = 64;

/// Measures every group and prints its lines as soon as it is done.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    if let Err(wrong) = options.check() {
        eprintln!("error: {wrong}");
        return Ok(ExitCode::from(2));
    }
    let bench = Bench::prepare(options)?;
    if let Some(url) = bench.options.store.clone() {
        return crate::postgres::run(bench, &url).await;
    }
    if !bench.options.json {
        println!("{TABLE_HEAD}");
    }
    let (mut fit, mut errors) = (true, 0);
    for group in groups(&bench.options) {
        let mut lines = bench.measure(&group).await?;
        if let Some(slow) = slow_reference(&lines, bench.options.floor as f64) {
            fit = false;
            lines.iter_mut().for_each(|line| line.judged = Some(false));
            bench.explain(slow)?;
        }
        for line in &lines {
            errors += line.errors;
            if bench.options.json { println!("{}", serde_json::to_string(line)?) } else { println!("{line}") }
        }
    }
    bench.leave();
    Ok(exit_code(fit, errors))
}

/// Errors come before the fitness of the machine: see the crate's page.
pub fn exit_code(fit: bool, errors: u64) -> ExitCode {
    match (fit, errors) {
        (_, 1..) => ExitCode::from(4),
        (false, 0) => ExitCode::from(3),
        (true, 0) => ExitCode::SUCCESS,
    }
}

/// The rate of the reference that the judgement rests on, when it is below the floor. Without a reference there is
/// nothing to judge by.
fn slow_reference(lines: &[Line], floor: f64) -> Option<f64> {
    let at = lines.iter().find(|line| line.connections == JUDGED_AT).or(lines.first())?;
    let rate = at.reference_rps.unwrap_or(0.0);
    (rate < floor).then_some(rate)
}

/// One run of the command: what it was told, and where its servers live.
pub struct Bench {
    pub options: Options,
    launcher: Launcher,
    dir: tempfile::TempDir,
    seed: u64,
    /// The machine before we burdened it.
    load_before: Option<f64>,
    sync_before: Duration,
}

impl Bench {
    fn prepare(options: Options) -> anyhow::Result<Bench> {
        let above = options.dir.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir_in(above)?;
        let program = std::env::current_exe().context("finding this program")?;
        let seed = options.seed.unwrap_or_else(|| base::OsChance.below(1 << 53));
        let launcher = Launcher { program, cpus: options.server_cpu.clone() };
        let (load_before, sync_before) = (machine::load_average(), machine::sync_time(dir.path())?);
        eprintln!("seed {seed}; directory {}; one sync takes {sync_before:.0?}", dir.path().display());
        Ok(Bench { options, launcher, dir, seed, load_before, sync_before })
    }

    async fn measure(&self, group: &Group) -> anyhow::Result<Vec<Line>> {
        eprintln!("{}: {} tenants, {} transfers before", group.scenario.name(), group.tenants, group.preload);
        let yardstick =
            Yardstick::start(&self.launcher, &self.options, group.scenario, self.subdirectory("reference")?).await?;
        // A filled store is filled once; an empty one is made anew for each round.
        let filled = match group.preload {
            0 => None,
            count => Some(self.filled_product(group, count).await?),
        };
        let mut lines = Vec::new();
        for connections in &self.options.connections {
            let (mut references, mut products) = (Vec::new(), Vec::new());
            for number in 0..self.options.rounds {
                let shape = self.shape(group, *connections, number);
                if let Some(target) = yardstick.target() {
                    references.push(self.round("reference", &shape, target).await?);
                }
                products.push(match &filled {
                    Some(server) => self.round("product", &shape, &server.target).await?,
                    None => self.fresh_round(group, &shape, None).await?,
                });
            }
            lines.push(Line::of(group.scenario, *connections, group.tenants, group.preload, &references, &products));
        }
        for server in [filled, yardstick.into_child()].into_iter().flatten() {
            server.end().await?;
        }
        Ok(lines)
    }

    pub fn shape(&self, group: &Group, connections: usize, number: u64) -> Shape {
        Shape {
            scenario: group.scenario,
            connections,
            span: Duration::from_secs(self.options.seconds),
            threads: self.options.client_threads,
            cpus: self.options.client_cpu.clone(),
            // Rounds on one store must not repeat ids; `number` is below 2^32 and `connections` far below.
            seed: self.seed.wrapping_add((connections as u64) << 32).wrapping_add(number),
        }
    }

    async fn round(&self, who: &str, shape: &Shape, target: &Target) -> anyhow::Result<Round> {
        machine::settle_disk(self.dir.path())?;
        let round = round::measure(shape, target).await?;
        let (tally, cost) = (&round.tally, round.server_cpu_us.unwrap_or(f64::NAN));
        eprintln!(
            "  {who} at {} connections: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {cost:.1} us of processor each, {} errors",
            shape.connections,
            tally.rate(),
            tally.latency_ms(50.0),
            tally.latency_ms(99.0),
            tally.errors,
        );
        tally.first_errors.iter().for_each(|error| eprintln!("    {error}"));
        Ok(round)
    }

    /// A round on a server of its own, whose store is in `store` or else in its directory.
    pub async fn fresh_round(&self, group: &Group, shape: &Shape, store: Option<&str>) -> anyhow::Result<Round> {
        let dir = self.subdirectory("product")?;
        let server = Server::product(&self.launcher, &dir, group.tenants, store).await?;
        let round = self.round("product", shape, &server.target).await?;
        server.end().await?;
        if !self.options.keep_data {
            std::fs::remove_dir_all(dir)?;
        }
        Ok(round)
    }

    async fn filled_product(&self, group: &Group, count: u64) -> anyhow::Result<Server> {
        let dir = self.subdirectory("filled")?;
        let server = Server::product(&self.launcher, &dir, group.tenants, None).await?;
        round::preload(&self.shape(group, 0, u64::MAX >> 1), &server.target, count).await?;
        Ok(server)
    }

    /// A new directory below the bench's own.
    pub fn subdirectory(&self, name: &str) -> anyhow::Result<PathBuf> {
        for number in 0.. {
            let dir = self.dir.path().join(format!("{name}-{number}"));
            if !dir.exists() {
                std::fs::create_dir(&dir)?;
                return Ok(dir);
            }
        }
        anyhow::bail!("no name left for a directory")
    }

    fn explain(&self, rate: f64) -> anyhow::Result<()> {
        let sync = machine::sync_time(self.dir.path())?;
        let load = self.load_before.unwrap_or(f64::NAN);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cause =
            if sync.max(self.sync_before) > Duration::from_millis(1) { "a slow disk" } else { "a busy machine" };
        eprintln!(
            "not judged: the reference reached {rate:.0}/s and {}/s are needed; probably {cause}: one sync takes \
             {sync:.0?} ({:.0?} before the run), the load average was {load:.2} on {cores} cores before the run",
            self.options.floor, self.sync_before,
        );
        Ok(())
    }

    pub fn leave(self) {
        if self.options.keep_data {
            eprintln!("kept: {}", self.dir.keep().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn the_reference_at_64_connections_decides() {
        let line = |connections, rate| Line {
            reference_rps: rate,
            ..Line::of(Scenario::Transfer, connections, 1, 0, &[], &[])
        };
        let (slow, fast) = (Some(29_999.0), Some(30_000.0));
        assert_eq!(slow_reference(&[line(1, slow), line(64, fast), line(256, slow)], 30_000.0), None);
        assert_eq!(slow_reference(&[line(256, fast), line(64, slow)], 30_000.0), slow);
        assert_eq!(slow_reference(&[line(256, slow)], 30_000.0), slow, "without 64, the first");
        assert_eq!(slow_reference(&[line(64, None)], 30_000.0), Some(0.0), "no reference is no judgement");
    }
}
