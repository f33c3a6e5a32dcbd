//! The yardstick: pgbench calls one stored function over and over. Its SQL is in `crates/bench/sql`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;

use super::cluster::{Cluster, Database};
use crate::round::Shape;
use crate::server::Launcher;
use crate::tally::Tally;

const SCHEMA: &str = include_str!("../../sql/yardstick.sql");
const SCRIPT: &str = include_str!("../../sql/transfer.pgbench");
/// What the product keeps of an ask besides the receiver, the amount and the key; sent with every call.
const FACTS: &str = r#"{"sender":"15615019469","service":"1271","country":"EG","currency":"EGP","attributes":[["receivedAmount","2.36"],["receiverName","Mona Hassan"],["receiverAccType","1"],["receiverAccountNumber","EG380019000500000000ACCOUNT0"],["receiverBankName","National Bank of Egypt"]],"key":"pk_test_000000000000"}"#;

/// What a round of it showed.
pub struct Yardstick {
    pub tally: Tally,
    /// As pgbench counts it, without the time to connect.
    pub tps: f64,
}

/// Makes the tables and the function in an empty database.
pub async fn prepare(cluster: &Cluster, database: &Database, tenants: usize, dir: &Path) -> anyhow::Result<()> {
    let file = dir.join("yardstick.sql");
    std::fs::write(&file, SCHEMA)?;
    let tenants = format!("tenants={tenants}");
    let arguments = ["--set", &tenants, "--file", path(&file)?, "--command", "VACUUM ANALYZE"];
    cluster.programs.psql(&database.url, &arguments).await.context("making the yardstick's tables").map(drop)
}

/// Runs pgbench for the span of `shape` and looks whether the books hold exactly what it counted.
pub async fn measure(
    cluster: &Cluster,
    database: &Database,
    shape: &Shape,
    tenants: usize,
    dir: &Path,
) -> anyhow::Result<Yardstick> {
    let (script, prefix) = (dir.join("transfer.pgbench"), dir.join("latency"));
    std::fs::write(&script, SCRIPT)?;
    // As many threads as cores: with fewer it is pgbench that is measured.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(shape.connections);
    let mut command = Command::new(&cluster.programs.pgbench);
    command.args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix", path(&prefix)?]);
    command.args(["--client", &shape.connections.to_string(), "--jobs", &threads.to_string()]);
    command.args(["--time", &shape.span.as_secs().to_string(), "--random-seed", &shape.seed.to_string()]);
    command.args(["--define", &format!("tenants={tenants}"), "--define", &format!("facts={FACTS}")]);
    command.args(["--file", path(&script)?, &database.url]).current_dir(dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let launcher = Launcher { program: cluster.programs.pgbench.clone(), cpus: shape.cpus.clone() };
    let output = launcher.spawn(command)?.wait_with_output().await.context("waiting for pgbench")?;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pgbench ended with {}: {complained}", output.status);
    let (processed, tps) = figures(&said).with_context(|| format!("pgbench said something else: {said}"))?;
    let mut tally = latencies(dir)?;
    tally.sent = processed;
    tally.elapsed = Duration::from_secs_f64(if tps > 0.0 { processed as f64 / tps } else { 0.0 });
    if let Some(wrong) = disagreement(cluster, database, processed).await? {
        tally.refuse(|| wrong);
    }
    Ok(Yardstick { tally, tps })
}

/// Transactions processed, and their rate.
fn figures(said: &str) -> Option<(u64, f64)> {
    let after = |mark: &str| said.lines().find_map(|line| line.strip_prefix(mark)?.split_whitespace().next());
    Some((after("number of transactions actually processed: ")?.parse().ok()?, after("tps = ")?.parse().ok()?))
}

/// What the log files of all threads tell: the third word of a line is the time of one call in microseconds.
fn latencies(dir: &Path) -> anyhow::Result<Tally> {
    let mut tally = Tally::new()?;
    for entry in std::fs::read_dir(dir)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with("latency.") {
            continue;
        }
        for line in BufReader::new(File::open(entry.path())?).lines() {
            let line = line?;
            match line.split(' ').nth(2).and_then(|time| time.parse().ok()) {
                Some(time) => tally.accept(Duration::from_micros(time)),
                None => bail!("pgbench's log has a line `{line}`"),
            }
        }
        std::fs::remove_file(entry.path())?;
    }
    Ok(tally)
}

/// Refusals and replays do not show in pgbench's own count: what the books hold must be what it counted.
async fn disagreement(cluster: &Cluster, database: &Database, processed: u64) -> anyhow::Result<Option<String>> {
    const BOOKS: &str = "SELECT (SELECT sum(seq) FROM head), (SELECT count(*) FROM transfer), (SELECT count(*) FROM outbox), \
        (SELECT count(*) FROM posting) / 2, (SELECT sum(amount) FROM transfer) = (SELECT sum(debits_held) FROM account) \
        AND (SELECT sum(amount) FROM transfer) = (SELECT sum(credits_held) FROM account)";
    let told = cluster.programs.psql(&database.url, &["--command", BOOKS]).await?;
    let expected = format!("{processed}|{processed}|{processed}|{processed}|t");
    Ok((told.trim() != expected).then(|| format!("the yardstick's books hold {}, not {expected}", told.trim())))
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbenchs_figures_are_read() {
        let said = "transaction type: t.pgbench\nnumber of clients: 64\n\
            number of transactions actually processed: 42037\nnumber of failed transactions: 0 (0.000%)\n\
            latency average = 9.274 ms\ninitial connection time = 63.1 ms\n\
            tps = 6901.120296 (without initial connection time)\n";
        assert_eq!(figures(said), Some((42_037, 6901.120296)));
        assert_eq!(figures("pgbench: error: connection failed"), None);
    }

    #[test]
    fn latencies_of_all_threads_are_read_and_cleared_away() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("latency.7"), "0 1 1500 0 1700000000 5\n1 1 2500 0 1700000000 9\n").unwrap();
        std::fs::write(dir.path().join("latency.7.1"), "3 1 9000 0 1700000000 5\n").unwrap();
        std::fs::write(dir.path().join("other"), "no log").unwrap();
        let tally = latencies(dir.path()).unwrap();
        assert_eq!(tally.accepted, 3);
        assert!((tally.latency_ms(50.0) - 2.5).abs() < 0.01, "{}", tally.latency_ms(50.0));
        assert!((tally.latency_ms(100.0) - 9.0).abs() < 0.01);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        std::fs::write(dir.path().join("latency.8"), "interval 1 2\n0 1 failed 0 0 0\n").unwrap();
        assert!(latencies(dir.path()).is_err());
    }
}
