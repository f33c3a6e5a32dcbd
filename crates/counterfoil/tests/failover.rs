//! Failovers of a real cluster under our servers: PostgreSQL under Patroni with strict synchronous commits, and two processes
//! of one sandbox that callers load while the leader is killed, cut off or paused. One failover, or 24 with
//! `COUNTERFOIL_SOAK=1`.

mod callers;
mod cluster;
mod kit;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callers::{Callers, Sent};
use cluster::Patroni;
use kit::shared;

/// A way to lose the leader, and its name.
type Loss = (&'static str, fn(&mut Patroni) -> usize);

const LOSSES: [Loss; 3] =
    [("killed", Patroni::kill_leader), ("cut_off", Patroni::partition_leader), ("paused", Patroni::pause_leader)];
/// How long many read at once: before the loss, and while a paused leader wakes up and is not told yet that it is none.
const CROWDED: Duration = Duration::from_millis(1_000);
/// Accepted by each process before the leader is lost, and again afterwards.
const IN_FLOW: u64 = 20;

#[derive(Default)]
struct Figures {
    failovers: usize,
    cents: i64,
    sent: u64,
    acknowledged: u64,
    lost: u64,
    unknown: u64,
    refused: u64,
    /// For which a process committed nothing, by the way of the loss.
    longest: BTreeMap<&'static str, Duration>,
}

#[test]
fn no_failover_loses_or_doubles_a_transfer() {
    if !cluster::available() || pgkit::wanted() {
        // Its stores are in a cluster of its own: a run of the tests on either engine is the same.
        return;
    }
    let mut chance = fastrand::Rng::with_seed(kit::seed());
    let begun = Instant::now();
    let mut cluster = Patroni::start();
    println!("figure: failover_start_ms = {}", begun.elapsed().as_millis());
    let dir = tempfile::tempdir().unwrap();
    let agent = shared::seeded(dir.path(), &cluster.url_across("pay"));
    let (near, across) = (cluster.url("pay_sandbox"), cluster.url_across("pay_sandbox"));
    // Of a leader that is cut off, one process is on its side and one is not; then both are, and nobody else holds their locks.
    let sides = [[&near, &across], [&near, &near]];
    let (sides, losses) = if kit::soak() { (&sides[..], LOSSES.repeat(4)) } else { (&sides[..1], vec![LOSSES[0]]) };
    let mut figures = Figures::default();
    for databases in sides {
        let servers = databases.map(|database| shared::process(dir.path(), database));
        let callers = Callers::new(&servers, &agent, figures.sent + 1);
        for (how, lose) in &losses {
            let seed = chance.u64(..);
            let sent = callers.during(seed, || fail_over(&mut cluster, &callers, *lose, seed));
            println!("{how}: {} sent, no commit for {:.1?} at most", sent.len(), callers.longest_silence());
            figures.add(how, &sent, &callers);
            assert_eq!(shared::spent(dir.path(), &servers, &agent), figures.cents, "each transfer counts once");
        }
        figures.refused += callers.refused.load(Ordering::Relaxed);
    }
    let doubled = shared::transfers(&near) - figures.sent;
    figures.print(doubled);
    assert_eq!((figures.lost, doubled), (0, 0));
}

/// Loses the leader in the flow of transfers, waits until every process works with the next one, and lets the old one come
/// back.
fn fail_over(cluster: &mut Patroni, callers: &Callers<'_>, lose: fn(&mut Patroni) -> usize, seed: u64) {
    callers.wait_for_accepted(IN_FLOW);
    callers.crowd(CROWDED);
    std::thread::park_timeout(Duration::from_millis(seed % 300));
    let old = lose(cluster);
    let new = cluster.wait_for_leader();
    assert_ne!(old, new);
    callers.wait_for_accepted(IN_FLOW);
    cluster.heal();
    callers.crowd(CROWDED);
    cluster.wait_for_standbys(2);
    callers.wait_for_accepted(IN_FLOW);
    assert_eq!(cluster.leader(), Some(new), "the old leader took over again");
}

impl Figures {
    fn add(&mut self, how: &'static str, sent: &[Sent], callers: &Callers<'_>) {
        let count = |of: fn(&Sent) -> bool| sent.iter().filter(|sent| of(sent)).count() as u64;
        self.failovers += 1;
        self.cents += sent.iter().map(|sent| sent.cents).sum::<i64>();
        self.sent += sent.len() as u64;
        self.acknowledged += count(|sent| sent.answer.is_some());
        self.unknown += count(|sent| sent.unknown);
        self.lost += callers.settle(sent);
        let longest = self.longest.entry(how).or_default();
        *longest = callers.longest_silence().max(*longest);
    }

    fn print(&self, doubled: u64) {
        println!("figure: failovers = {}", self.failovers);
        println!("figure: failover_transfers_acknowledged = {}", self.acknowledged);
        println!("figure: failover_transfers_lost = {}", self.lost);
        println!("figure: failover_transfers_doubled = {doubled}");
        println!("figure: failover_unknown_outcomes_resolved = {}", self.unknown);
        println!("figure: failover_calls_refused_meanwhile = {}", self.refused);
        for (how, silence) in &self.longest {
            println!("figure: failover_{how}_longest_ms_without_a_commit = {}", silence.as_millis());
        }
    }
}
