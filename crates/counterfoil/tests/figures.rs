//! Figures that need a full store or two pinned processes: memory and start-up after many transfers, and what a flood on
//! the sandbox does to live. Small here, so that the way stays walkable; whole with `COUNTERFOIL_SOAK=1`, which prints
//! `figure:` lines for `docs/figures.md`. Only the whole run's memory is asserted: times are figures, not tests.

#![allow(clippy::float_arithmetic, reason = "latencies and rates are measured here; no money is computed")]

mod kit;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::{CpuList, Load, Tally, Template, Transfers, Until, is_success, run_load};
use kit::{Server, admin_json, serve_command, soak};

/// One side under load: where, with which key, and on which core the load runs.
#[derive(Clone, Copy)]
struct Side<'a> {
    url: &'a str,
    key: &'a str,
    core: Option<&'a str>,
}

/// New transfers on one side, from `connections` connections, each at most one in `every`.
fn send(side: Side<'_>, connections: usize, until: Until, every: Option<Duration>, seed: u64) -> Tally {
    let host = side.url.trim_start_matches("http://");
    let target: SocketAddr = host.parse().expect("a base URL has an address and a port");
    let templates: Arc<[Template]> = [Template::new(host, side.key)].into();
    let cpus = side.core.map(|core| core.parse::<CpuList>().expect("a core's number"));
    let load = Load { target, connections, threads: 1, until, accepted: is_success, cpus, every };
    let source = |at: usize| Box::new(Transfers::new(Arc::clone(&templates), seed + at as u64)) as Box<_>;
    let tally = run_load(&load, source).expect("the load runs");
    assert_eq!(tally.errors, 0, "{:?}", tally.first_errors);
    tally
}

/// Resident memory of a process, in MB.
fn memory_mb(pid: u64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has resident memory");
    let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB");
    kilobytes / 1_024
}

#[test]
fn memory_and_start_up_after_many_transfers() {
    let transfers = if soak() { 1_000_000 } else { 20_000 };
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::dev(dir.path());
    let key = server.key("sandbox", "agent").to_owned();
    let side = Side { url: server.url("sandbox"), key: &key, core: None };
    send(side, 64, Until::Sent(transfers), None, 1);
    let pid = server.facts["pid"].as_u64().expect("dev.json names it");
    let memory = memory_mb(pid);
    println!("figure: memory_mb_after_{transfers}_transfers = {memory}");
    assert!(!soak() || memory < 100, "{memory} MB after {transfers} transfers");
    let ended = server.interrupt();
    assert!(ended.status.success(), "{}", ended.stderr);
    let begun = Instant::now();
    let server = Server::dev(dir.path());
    println!("figure: start_ms_with_{transfers}_transfers = {}", begun.elapsed().as_millis());
    let begun = Instant::now();
    server.kill();
    let server = Server::dev(dir.path());
    println!("figure: start_ms_after_a_kill_with_{transfers}_transfers = {}", begun.elapsed().as_millis());
    let answer = server.get("sandbox", "/api/agent_balance", Some(&key));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn a_flood_on_the_sandbox_beside_live() {
    let dir = tempfile::tempdir().expect("a directory");
    let seeded = Server::dev(dir.path());
    let (sandbox_key, live_key) = (seeded.key("sandbox", "agent").to_owned(), seeded.key("live", "agent").to_owned());
    let tenant = seeded.tenant().to_owned();
    let fund = ["fund", "--tenant", &tenant, "--env", "live", "--amount", "1000000.00", "--reason", "figures"];
    admin_json(dir.path(), &fund);
    let live = Side { url: seeded.url("live"), key: &live_key, core: None };
    let flooded = Side { url: seeded.url("sandbox"), key: &sandbox_key, core: None };
    let (alone, beside) = live_beside_flood(live, flooded, None);
    tell("one_process", &alone, &beside);
    assert!(seeded.interrupt().status.success());

    let sandbox = pinned("sandbox", dir.path(), "0");
    let serving = pinned("live", dir.path(), "1");
    let live = Side { url: serving.url("listening"), key: &live_key, core: Some("1") };
    let flooded = Side { url: sandbox.url("listening"), key: &sandbox_key, core: Some("0") };
    let (alone, beside) = live_beside_flood(live, flooded, None);
    tell("two_processes_pinned_full_load", &alone, &beside);
    let (alone, beside) = live_beside_flood(live, flooded, Some(Duration::from_millis(2)));
    tell("two_processes_pinned", &alone, &beside);
}

/// One role on one core, with limits that let a load through.
fn pinned(role: &str, data: &Path, core: &str) -> Server {
    let unpinned = serve_command(role, data);
    let mut command = std::process::Command::new("taskset");
    command.args(["-c", core]).arg(unpinned.get_program()).args(unpinned.get_args());
    command.envs(unpinned.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let section = role.to_uppercase();
    for limit in ["REQUESTS_PER_SECOND", "BURST"] {
        command.env(format!("COUNTERFOIL_{section}__LIMITS__{limit}"), "1000000");
    }
    Server::serve(command)
}

/// Live's answers to four connections that ask as fast as they can or once in `every`, alone and then while 64 connections
/// flood the sandbox.
fn live_beside_flood(live: Side<'_>, sandbox: Side<'_>, every: Option<Duration>) -> (Tally, Tally) {
    let span = if soak() { Duration::from_secs(15) } else { Duration::from_secs(1) };
    let measure = |seed| send(live, 4, Until::Elapsed(span), every, seed);
    let alone = measure(1_000);
    let beside = std::thread::scope(|scope| {
        let flood = scope.spawn(|| send(sandbox, 64, Until::Elapsed(span + span / 5), None, 2_000));
        let beside = measure(3_000);
        flood.join().expect("the flood ends by itself");
        beside
    });
    (alone, beside)
}

fn tell(name: &str, alone: &Tally, beside: &Tally) {
    for (when, tally) in [("alone", alone), ("beside_a_flood", beside)] {
        println!("figure: live_p99_ms_{name}_{when} = {:.2}", tally.latency_ms(99.0));
        println!("figure: live_p50_ms_{name}_{when} = {:.2}", tally.latency_ms(50.0));
        println!("figure: live_per_second_{name}_{when} = {:.0}", tally.rate());
    }
}
