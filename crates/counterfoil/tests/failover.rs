//! Failovers of a real cluster: PostgreSQL under Patroni, with synchronous commits. One of them, or 21 with
//! `COUNTERFOIL_SOAK=1`.

mod cluster;

use std::time::{Duration, Instant};

use cluster::Patroni;

/// A way to lose the leader, and its name.
type Loss = (&'static str, fn(&mut Patroni) -> usize);

const LOSSES: [Loss; 3] =
    [("killed", Patroni::kill_leader), ("cut_off", Patroni::partition_leader), ("paused", Patroni::pause_leader)];

/// The cluster itself, without our servers: what a strict commit acknowledged outlives a leader that is killed, cut off or
/// paused, and the old leader comes back as a standby.
#[test]
fn the_cluster_keeps_what_it_acknowledged() {
    if !cluster::available() {
        return;
    }
    let losses: Vec<Loss> =
        if std::env::var_os("COUNTERFOIL_SOAK").is_some() { LOSSES.repeat(7) } else { LOSSES[..1].to_vec() };
    let begun = Instant::now();
    let mut cluster = Patroni::start();
    println!("figure: failover_start_ms = {}", begun.elapsed().as_millis());
    let url = cluster.create_database("facts");
    pgkit::query(&url, "CREATE TABLE fact (number INT)").unwrap();
    let mut longest = LOSSES.map(|_| Duration::ZERO);
    for (number, (how, lose)) in (1..).zip(&losses) {
        pgkit::query(&url, &format!("INSERT INTO fact VALUES ({number})")).unwrap();
        let (old, new, took) = fail_over(&mut cluster, *lose);
        println!("node {old} {how}: node {new} took over in {took:.1?}");
        assert_eq!(pgkit::query(&url, "SELECT count(*) FROM fact").unwrap(), format!("{number}\n"));
        let begun = Instant::now();
        cluster.heal();
        cluster.wait_for_standbys(2);
        println!("node {old} follows again after {:.1?}", begun.elapsed());
        assert_eq!(cluster.leader(), Some(new), "the old leader took over again");
        let kind = (number - 1) % LOSSES.len();
        longest[kind] = longest[kind].max(took);
    }
    println!("figure: failover_count = {}", losses.len());
    for ((how, _), took) in LOSSES.iter().zip(longest).take(losses.len()) {
        println!("figure: failover_{how}_longest_ms = {}", took.as_millis());
    }
}

/// Loses the leader in the given way. The old node, the new one, and how long it took until commits went through again.
fn fail_over(cluster: &mut Patroni, lose: fn(&mut Patroni) -> usize) -> (usize, usize, Duration) {
    let begun = Instant::now();
    let old = lose(cluster);
    let new = cluster.wait_for_leader();
    assert_ne!(old, new);
    (old, new, begun.elapsed())
}
