//! What accepting a transfer costs: `cargo bench -p plane`. 64 tasks create random transfers to 10,000 receivers on a
//! plane of their own. Prints transfers per second and, in microseconds per transfer, the processor time of the
//! committer's thread and of the whole process.

#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "figures for people")]

#[path = "../tests/kit/mod.rs"]
mod kit;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base::{Amount, Chance, Environment, OsChance, PlaneName, SeededChance, SystemClock};
use plane::grants::AgentPolicy;
use plane::{Caller, Phone, Plane, PlaneConfig};

const TRANSFERS: u64 = 200_000;
const TASKS: usize = 64;
const RECEIVERS: u64 = 10_000;
const SEED: u64 = 7;

fn main() -> ExitCode {
    // `cargo test --benches` runs this too: nothing to test here.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    println!("seed {SEED}, {TRANSFERS} transfers, {TASKS} tasks");
    for (name, daily) in [("no policy", None), ("daily policy", Some(i64::MAX))] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(round(name, daily));
    }
    ExitCode::SUCCESS
}

async fn round(name: &str, daily_cents: Option<i64>) {
    let dir = kit::directory();
    let mut config = PlaneConfig::new(PlaneName::main(Environment::Sandbox), dir.path());
    config.sandbox_start.balance = Amount::cents(1 << 60);
    let plane = Plane::open(config, Arc::new(SystemClock), Arc::new(OsChance)).unwrap();
    let tenant = kit::tenant(&plane, "tnt_0123456789abcdef").await;
    let agent = kit::agent(&plane, &tenant, AgentPolicy { daily_cents, ..AgentPolicy::default() }).await;
    let phones: Arc<Vec<Phone>> = Arc::new((0..RECEIVERS).map(receiver).collect());
    let (before, process, committer) = (plane.stats().figures(), cpu_us(|_| true), cpu_us(is_committer));
    let started = Instant::now();
    drive(&plane, &agent, &phones).await;
    let (took, after) = (started.elapsed(), plane.stats().figures());
    let each = |us: u64| us as f64 / TRANSFERS as f64;
    println!(
        "{name:12} {:7.0}/s  committer cpu {:6.2}  busy {:6.2}  commit {:6.2}  process cpu {:6.2}  mean batch {:.0}",
        TRANSFERS as f64 / took.as_secs_f64(),
        each(cpu_us(is_committer) - committer),
        each(after.busy_us - before.busy_us),
        each(after.sync_us - before.sync_us),
        each(cpu_us(|_| true) - process),
        TRANSFERS as f64 / (after.commits - before.commits) as f64,
    );
    plane.close();
}

async fn drive(plane: &Plane, agent: &Caller, phones: &Arc<Vec<Phone>>) {
    let started = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (plane, agent, phones, started) = (plane.clone(), agent.clone(), Arc::clone(phones), Arc::clone(&started));
        tasks.spawn(async move {
            let chance = SeededChance::new(SEED + task as u64);
            while started.fetch_add(1, Ordering::Relaxed) < TRANSFERS {
                let id = 100_000_000_000_000_000 + chance.below(899_999_999_999_999_999);
                let cents = 1 + i64::try_from(chance.below(6_000)).unwrap();
                let mut ask = kit::ask(&id.to_string(), cents);
                ask.receiver = phones[usize::try_from(chance.below(RECEIVERS)).unwrap()].clone();
                kit::create(&plane, &agent, ask).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

fn receiver(at: u64) -> Phone {
    Phone::from_digits(&format!("2010{:08}", 10_000_000 + at * 7)).unwrap()
}

fn is_committer(thread: &str) -> bool {
    thread.starts_with("sandbox/main-co")
}

/// Processor time of this process's threads so far, from the kernel's own accounting.
fn cpu_us(wanted: impl Fn(&str) -> bool) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let wanted = tasks
        .filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| wanted(name.trim_end())));
    wanted.map(|task| thread_us(&task.path())).sum()
}

fn thread_us(task: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap();
    text.split(' ').next().unwrap().parse::<u64>().unwrap() / 1_000
}
