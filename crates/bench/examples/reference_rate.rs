//! How fast the append reference is on this machine, server and load in one process each way round:
//! `cargo run --release -p bench --example reference_rate -- [SECONDS] [WORKERS]`.

#![allow(clippy::float_arithmetic, reason = "a rate is printed")]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bench::{Append, Load, ReferenceKind, ReferenceOptions, Template, Transfers, Until};
use std::io::BufRead as _;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "serve") {
        let append = Append {
            file: arguments[2].clone().into(),
            size: 256,
            listen: "127.0.0.1:0".parse()?,
            workers: arguments.get(3).and_then(|count| count.parse().ok()),
        };
        return bench::run_reference(ReferenceOptions { kind: ReferenceKind::Append(append) });
    }
    let seconds = arguments.get(1).map_or(Ok(5), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let mut server = Command::new(std::env::current_exe()?);
    server.arg("serve").arg(dir.path().join("ref.bin")).args(arguments.get(2)).stdout(Stdio::piped());
    let mut server = server.spawn()?;
    let mut line = String::new();
    std::io::BufReader::new(server.stdout.take().ok_or_else(|| anyhow::anyhow!("no stdout"))?).read_line(&mut line)?;
    let listening: serde_json::Value = serde_json::from_str(&line)?;
    let address = listening["listening"].as_str().unwrap_or_default().trim_start_matches("http://").parse()?;
    let template = Template::new("127.0.0.1", "pk_test_000000000000.000000000000000000000000000000000");
    let templates: Arc<[Template]> = vec![template].into();
    for connections in [64, 256] {
        let load = Load {
            target: address,
            connections,
            threads: 1,
            until: Until::Elapsed(Duration::from_secs(seconds)),
            accepted: |status, _| status == 200,
            cpus: None,
            every: None,
        };
        let before = [server.id(), std::process::id()].map(processor_us);
        let tally =
            bench::run_load(&load, |connection| Box::new(Transfers::new(templates.clone(), connection as u64)))?;
        let after = [server.id(), std::process::id()].map(processor_us);
        let each = |at: usize| (after[at] - before[at]) / tally.accepted.max(1) as f64;
        println!(
            "{connections:>4} connections: {:>6.0}/s, processor server {:.1} us, load {:.1} us each, p50 {:.2} ms, \
             p99 {:.2} ms, {} errors",
            tally.rate(),
            each(0),
            each(1),
            tally.latency_ms(50.0),
            tally.latency_ms(99.0),
            tally.errors
        );
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

/// Microseconds of processor time that a process has used; Linux counts hundredths of a second. 0 when it is gone.
fn processor_us(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}
