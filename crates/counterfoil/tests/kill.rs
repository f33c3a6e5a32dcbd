//! kill -9 under load, again and again: what was acknowledged is there, nothing is there twice, and the books balance.
//! 50 cycles, or 1,000 with `COUNTERFOIL_SOAK=1`.

mod kit;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kit::{Connection, Server, admin_json, serve_command, transfer};

/// Connections that send while the server is killed.
const SENDERS: u64 = 8;
const LOAD: Duration = Duration::from_millis(200);
const START_CENTS: i64 = 100_000_000;

/// A transfer that was sent, and its answer if one came.
struct Sent {
    cents: i64,
    answer: Option<String>,
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_applied_twice() {
    let cycles = if kit::soak() { 1_000 } else { 50 };
    let mut chance = fastrand::Rng::with_seed(kit::seed());
    let dir = tempfile::tempdir().unwrap();
    let agent = first_start(dir.path());
    let (started, ids) = (Instant::now(), AtomicU64::new(1));
    let mut figures = Figures { spent: 0, acknowledged: 0, in_doubt: 0, longest_start: Duration::ZERO };
    for cycle in 0..cycles {
        let server = start(dir.path(), &mut figures);
        let sent = load_and_kill(server, &agent, &ids, chance.u64(..));
        let server = start(dir.path(), &mut figures);
        verify(&server, &agent, &sent, &mut figures);
        if cycle % 10 == 9 {
            let books = admin_json(dir.path(), &["books", "--env", "sandbox"]).remove(0);
            assert_eq!(books["balanced"], true, "after cycle {cycle}: {books}");
        }
        // The next cycle's first start recovers from this one.
        server.kill();
    }
    assert!(figures.acknowledged > cycles, "the load reached the server");
    println!("figure: kill_cycles = {cycles}");
    println!("figure: kill_transfers_acknowledged = {}", figures.acknowledged);
    println!("figure: kill_transfers_in_doubt = {}", figures.in_doubt);
    println!("figure: kill_longest_start_ms = {}", figures.longest_start.as_millis());
    println!("figure: kill_seconds = {}", started.elapsed().as_secs());
}

struct Figures {
    /// All that was ever sent, once each, in cents.
    spent: i64,
    acknowledged: u64,
    in_doubt: u64,
    longest_start: Duration,
}

/// Makes the tenant with `dev`, which ends in order; from then on the sandbox runs alone.
fn first_start(data: &std::path::Path) -> String {
    let server = Server::dev(data);
    let agent = server.key("sandbox", "agent").to_owned();
    assert_eq!(server.interrupt().status.code(), Some(0));
    agent
}

fn start(data: &std::path::Path, figures: &mut Figures) -> Server {
    let started = Instant::now();
    let mut command = serve_command("sandbox", data);
    command.env("COUNTERFOIL_SANDBOX__LIMITS__REQUESTS_PER_SECOND", "1000000");
    command.env("COUNTERFOIL_SANDBOX__LIMITS__BURST", "1000000").env("COUNTERFOIL_SANDBOX__PAYOUTS__STAGE_MS", "20");
    let server = Server::serve(command);
    figures.longest_start = figures.longest_start.max(started.elapsed());
    server
}

/// Kills the server while all connections send; answers everything that was sent, by id.
fn load_and_kill(server: Server, agent: &str, ids: &AtomicU64, seed: u64) -> BTreeMap<String, Sent> {
    let (url, over) = (server.url("listening").to_owned(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (url, over) = (&url, &over);
                scope.spawn(move || send_until_gone(url, agent, ids, over, seed ^ sender))
            })
            .collect();
        std::thread::park_timeout(LOAD);
        server.kill();
        over.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().expect("a sender ends")).collect()
    })
}

fn send_until_gone(url: &str, agent: &str, ids: &AtomicU64, over: &AtomicBool, seed: u64) -> Vec<(String, Sent)> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut sent = Vec::new();
    let Ok(mut connection) = Connection::try_open(url) else { return sent };
    while !over.load(Ordering::Relaxed) {
        let (id, cents) = (ids.fetch_add(1, Ordering::Relaxed).to_string(), chance.i64(1..100));
        let answer = connection.try_send("POST", "/api/transfer", Some(agent), Some(&transfer(&id, &dollars(cents))));
        let gone = answer.is_err();
        let answer = answer.ok().map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.body
        });
        sent.push((id, Sent { cents, answer }));
        if gone {
            break;
        }
    }
    sent
}

/// Every acknowledged transfer is known; all of them sent again give the first answer; the balance says that each counted
/// once.
fn verify(server: &Server, agent: &str, sent: &BTreeMap<String, Sent>, figures: &mut Figures) {
    let mut connection = Connection::open(server.url("listening"));
    for (id, sent) in sent {
        if sent.answer.is_some() {
            let known = connection.send("GET", &format!("/api/status/{id}"), Some(agent), None);
            assert_eq!(known.status, 200, "{id} was acknowledged and is lost: {}", known.body);
        }
        let again = connection.send("POST", "/api/transfer", Some(agent), Some(&transfer(id, &dollars(sent.cents))));
        assert_eq!(again.status, 200, "{id}: {}", again.body);
        assert_eq!(again.json()["success"], true, "{id}: {}", again.body);
        match &sent.answer {
            Some(first) => assert_eq!(&again.body, first, "{id}"),
            None => figures.in_doubt += 1,
        }
        figures.acknowledged += u64::from(sent.answer.is_some());
        figures.spent += sent.cents;
    }
    let balance = connection.send("GET", "/api/agent_balance", Some(agent), None).json();
    assert_eq!(balance["balance"]["balance"], START_CENTS - figures.spent, "each transfer counts once");
}

fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
