//! `counterfoil bench --store postgres://…`: our server beside the best stored function that keeps the same facts, in the
//! same cluster, in turns.
//!
//! A round of pgbench and a round of our server follow each other, each on databases made for it and dropped after it, with
//! as many clients as connections and the same number of tenants. Our rounds go over HTTP and keep the payout processor
//! running; pgbench speaks to the database itself and moves no transfer on. Where fsync, full_page_writes or
//! synchronous_commit is off, figures are printed and not judged.

mod cluster;
mod line;
mod pgbench;
mod programs;

use std::cell::Cell;
use std::process::ExitCode;

use self::cluster::{Cluster, Database, Settings, weakness};
use self::line::{PostgresLine, Rounds, TABLE_HEAD};
use self::pgbench::Yardstick;
use self::programs::Programs;
use crate::group::{Group, groups};
use crate::report::{Bench, exit_code};
use crate::round::{Round, Shape};

/// Measures every number of tenants and prints its lines as soon as they are done.
pub async fn run(bench: Bench, url: &str) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::reach(Programs::find()?, url).await?;
    let settings = cluster.settings().await?;
    announce(&cluster, &settings);
    let weak = weakness(&settings);
    if let Some(weak) = &weak {
        eprintln!("not judged: the server runs with {weak}, and a commit on it may be lost");
    }
    if !bench.options.json {
        println!("{TABLE_HEAD}");
    }
    let beside = Beside { bench, cluster, settings, judged: weak.is_none(), databases: Cell::new(0) };
    let mut errors = 0;
    for group in groups(&beside.bench.options) {
        for connections in beside.bench.options.connections.clone() {
            let line = beside.line(&group, connections).await?;
            errors += line.errors;
            if beside.bench.options.json { println!("{}", serde_json::to_string(&line)?) } else { println!("{line}") }
        }
    }
    beside.bench.leave();
    Ok(exit_code(beside.judged, errors))
}

fn announce(cluster: &Cluster, settings: &Settings) {
    let told: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    eprintln!("the server's settings: {}", told.join(", "));
    eprintln!("databases named {}_… are made and dropped again; after a kill they stay", cluster.prefix());
}

struct Beside {
    bench: Bench,
    cluster: Cluster,
    settings: Settings,
    judged: bool,
    /// Databases made so far.
    databases: Cell<u64>,
}

impl Beside {
    async fn line(&self, group: &Group, connections: usize) -> anyhow::Result<PostgresLine> {
        let mut rounds = Rounds { connections, tenants: group.tenants, yardsticks: Vec::new(), products: Vec::new() };
        for number in 0..self.bench.options.rounds {
            let shape = self.bench.shape(group, connections, number);
            rounds.yardsticks.push(self.yardstick(group, &shape).await?);
            rounds.products.push(self.product(group, &shape).await?);
        }
        Ok(PostgresLine::of(&rounds, &self.settings, self.judged))
    }

    async fn yardstick(&self, group: &Group, shape: &Shape) -> anyhow::Result<Yardstick> {
        let (dir, database) = (self.bench.subdirectory("pgbench")?, self.fresh().await?);
        let measured = async {
            pgbench::prepare(&self.cluster, &database, group.tenants, &dir).await?;
            self.cluster.settle().await;
            pgbench::measure(&self.cluster, &database, shape, group.tenants, &dir).await
        }
        .await;
        self.cluster.drop(database).await?;
        let yardstick = measured?;
        eprintln!(
            "  pgbench at {} clients: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
            shape.connections,
            yardstick.tps,
            yardstick.tally.latency_ms(50.0),
            yardstick.tally.latency_ms(99.0),
        );
        yardstick.tally.first_errors.iter().for_each(|error| eprintln!("    {error}"));
        Ok(yardstick)
    }

    async fn product(&self, group: &Group, shape: &Shape) -> anyhow::Result<Round> {
        let database = self.fresh().await?;
        self.cluster.settle().await;
        let measured = self.bench.fresh_round(group, shape, Some(&database.url)).await;
        self.cluster.drop(database).await?;
        measured
    }

    async fn fresh(&self) -> anyhow::Result<Database> {
        self.databases.set(self.databases.get() + 1);
        self.cluster.fresh(self.databases.get()).await
    }
}
