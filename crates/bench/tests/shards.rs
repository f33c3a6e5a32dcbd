//! The simulation behind `docs/scale.md` keeps what queueing theory and the store's own rules say.

#![allow(clippy::float_arithmetic, reason = "rates and shares are simulated; no money is computed")]

#[path = "../examples/shards/model.rs"]
mod model;

use model::{Cost, MOVES, Placement, Source, place, run, shares};

const COST: Cost = Cost { fixed: 2_000, each: 50, later: 5, share: 0, batch: 256 };

fn even(count: usize, per_second: f64) -> Vec<Source> {
    vec![Source { per_second, burst: 0 }; count]
}

#[test]
fn every_tenant_is_placed_once_and_by_rate_evenly() {
    let shares = shares(1_000, 1.0);
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    let spread = |placement| {
        let placed = place(&shares, 4, placement, &mut fastrand::Rng::with_seed(1));
        let mut all: Vec<usize> = placed.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
        let sums: Vec<f64> = placed.iter().map(|tenants| tenants.iter().map(|tenant| shares[*tenant]).sum()).collect();
        sums.iter().copied().fold(0.0, f64::max)
    };
    let (turn, rate) = (spread(Placement::Turn), spread(Placement::Rate));
    assert!(rate < 0.251 && turn > rate, "a quarter each when placed by rate: {rate}; in turn {turn}");
}

#[test]
fn a_lone_transfer_waits_for_one_batch() {
    let shown = run(&[Source { per_second: 0.0, burst: 1 }], COST, 10, 1).unwrap();
    assert_eq!(shown.answered(), 1);
    assert!(shown.first.equivalent(shown.first.max(), COST.fixed + COST.each), "{}", shown.first.max());
    // Nobody comes after it, so its moves are left.
    assert_eq!((shown.batches, shown.busy_us, shown.behind), (1, COST.fixed + COST.each, MOVES));
}

#[test]
fn below_its_capacity_a_store_keeps_up_and_above_it_refuses() {
    let at = |part: f64| run(&even(100, COST.capacity() * part / 100.0), COST, 20, 7).unwrap();
    let (half, over) = (at(0.5), at(4.0));
    assert_eq!(half.refused, 0);
    assert!(half.others.value_at_percentile(99.0) < 50_000, "{}", half.others.value_at_percentile(99.0));
    assert!(over.refused > 0 && over.others.value_at_percentile(50.0) > 900_000);
    assert!(over.busy_us > 19_000_000, "an overloaded store does not rest");
}

#[test]
fn workers_keep_up_where_batches_have_room_for_them() {
    // A client in every batch: what is earned, five twelfths of a move a transfer, is less than the four moves that each needs.
    let sources = even(100, 20.0);
    let long = Cost { fixed: 5_000, ..COST };
    let earned = run(&sources, long, 20, 7).unwrap();
    let shared = run(&sources, Cost { share: 200, ..long }, 20, 7).unwrap();
    assert!(earned.behind > 40_000, "{}", earned.behind);
    assert!(shared.behind < 1_000, "{}", shared.behind);
    // Short batches leave moments in which nobody waits, and workers go alone.
    let short = run(&sources, Cost { fixed: 100, ..COST }, 20, 7).unwrap();
    assert!(short.behind < 1_000, "{}", short.behind);
}

#[test]
fn a_burst_delays_its_own_tenant_first() {
    let mut sources = even(100, 20.0);
    sources[0].burst = 4_000;
    let shown = run(&sources, COST, 20, 7).unwrap();
    let (own, others) = (shown.first.value_at_percentile(99.0), shown.others.value_at_percentile(99.0));
    assert!(own > 4 * others, "tenants take turns: {own} us for the burst, {others} us for the others");
    assert_eq!(shown.refused, 0);
}

#[test]
fn one_seed_is_one_run() {
    let figures = |seed| {
        let shown = run(&even(10, 50.0), COST, 5, seed).unwrap();
        (shown.answered(), shown.busy_us, shown.others.value_at_percentile(99.0))
    };
    assert_eq!(figures(3), figures(3));
    assert_ne!(figures(3), figures(4));
}
