//! Storms of duplicates: one transfer, sent as 64 copies at the same moment to three processes of one sandbox on one
//! database, has one effect, and every copy gets the same answer. 40 storms in sequence, or 10,000 with `COUNTERFOIL_SOAK=1`.

mod kit;

use std::time::{Duration, Instant};

use kit::{Answer, Connection, Server, dollars, shared, transfer};

const PROCESSES: usize = 3;
const COPIES: usize = 64;
/// In each storm whose number this divides, some copies ask for something else under the same id.
const MIXED_EVERY: u64 = 16;

#[test]
fn a_storm_of_duplicates_across_processes_has_one_effect_and_one_answer() {
    if !pgkit::available() {
        return;
    }
    let storms: u64 = if kit::soak() { 10_000 } else { 40 };
    let mut chance = fastrand::Rng::with_seed(kit::seed());
    let (dir, store) = (tempfile::tempdir().unwrap(), pgkit::fresh_database());
    let agent = shared::seeded(dir.path(), &store);
    let database = pgkit::beside(&store, "sandbox");
    let servers: Vec<Server> = (0..PROCESSES).map(|_| shared::process(dir.path(), &database)).collect();
    let to = |copy: usize| Connection::open(servers[copy % PROCESSES].url("listening"));
    let mut connections: Vec<Connection> = (0..COPIES).map(to).collect();
    let (started, mut longest, mut cents) = (Instant::now(), Duration::ZERO, 0);
    for storm in 1..=storms {
        let begun = Instant::now();
        cents += blow(&mut connections, &agent, storm, &mut chance);
        longest = longest.max(begun.elapsed());
    }
    let took = started.elapsed();
    assert_eq!(shared::spent(dir.path(), &servers, &agent), cents, "each storm counts once");
    let transfers = shared::transfers(&database);
    assert_eq!(transfers, storms);
    println!("figure: storms = {storms}");
    println!("figure: storm_answers = {}", storms * COPIES as u64);
    println!("figure: storm_transfers = {transfers}");
    println!("figure: storms_mixed = {}", storms / MIXED_EVERY);
    println!("figure: storm_longest_ms = {}", longest.as_millis());
    println!("figure: storms_seconds = {}", took.as_secs());
}

/// One storm, in a new order of connections. Gives the cents of the transfer that it made.
fn blow(connections: &mut [Connection], agent: &str, storm: u64, chance: &mut fastrand::Rng) -> i64 {
    chance.shuffle(connections);
    let id = storm.to_string();
    let mixed = storm.is_multiple_of(MIXED_EVERY);
    // The second is what another copy may ask for.
    let cents = [chance.i64(1..100), chance.i64(100..200)];
    let asked: Vec<usize> = connections.iter().map(|_| usize::from(mixed && chance.bool())).collect();
    let bodies = cents.map(|cents| transfer(&id, &dollars(cents)));
    let answers = at_once(connections, agent, |copy| &bodies[asked[copy]]);
    let mut made = None;
    for (content, cents) in cents.into_iter().enumerate() {
        let mut of_content =
            answers.iter().zip(&asked).filter(|(_, asked)| **asked == content).map(|(answer, _)| answer);
        let Some(first) = of_content.next() else { continue };
        for answer in of_content {
            assert_eq!((answer.status, &answer.body), (first.status, &first.body), "storm {storm}");
        }
        if first.json()["success"] == true {
            assert_eq!((first.status, made.replace(cents)), (200, None), "storm {storm}: {}", first.body);
        } else {
            let said = (first.status, first.code());
            assert_eq!(said, (400, "invalid_request".to_owned()), "storm {storm}: {}", first.body);
            assert!(mixed && first.body.contains("id was used for another transfer"), "storm {storm}: {}", first.body);
        }
    }
    made.unwrap_or_else(|| panic!("storm {storm} made no transfer: {}", answers[0].body))
}

/// The answers to one transfer on each connection. All requests are there but for their last byte before the first is whole.
fn at_once<'b>(connections: &mut [Connection], agent: &str, body: impl Fn(usize) -> &'b String) -> Vec<Answer> {
    let mut last_bytes = Vec::with_capacity(connections.len());
    for (copy, connection) in connections.iter_mut().enumerate() {
        let request = connection.request("POST", "/api/transfer", Some(agent), Some(body(copy)));
        let (most, last) = request.as_bytes().split_at(request.len() - 1);
        connection.write(most).expect("it listens");
        last_bytes.push(last[0]);
    }
    for (connection, last) in connections.iter_mut().zip(last_bytes) {
        connection.write(&[last]).expect("it listens");
    }
    let answers: Vec<Answer> =
        connections.iter_mut().map(|connection| connection.read().expect("it answers")).collect();
    let again = |(copy, answer)| when_not_busy(&mut connections[copy], agent, body(copy), answer);
    answers.into_iter().enumerate().map(again).collect()
}

/// A busy process says that it has not run the request, and to send it again.
fn when_not_busy(connection: &mut Connection, agent: &str, body: &str, mut answer: Answer) -> Answer {
    for _ in 0..100 {
        if answer.status != 503 {
            return answer;
        }
        std::thread::park_timeout(Duration::from_millis(50));
        let request = connection.request("POST", "/api/transfer", Some(agent), Some(body));
        connection.write(request.as_bytes()).expect("it listens");
        answer = connection.read().expect("it answers");
    }
    answer
}
