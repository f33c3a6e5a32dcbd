//! How well times tell two kinds of questions apart. Also used by tests of surfaces.

/// Pairs of one question of each kind.
pub fn pairs() -> usize {
    if std::env::var_os("COUNTERFOIL_SOAK").is_some() { 2_000 } else { 200 }
}

/// Of a thousand, how far from 500 a classifier may get. Chance alone makes 29 of 200 pairs, and 9 of 2,000.
fn bound() -> u64 {
    if pairs() > 200 { 50 } else { 100 }
}

/// How often, of a thousand, one of the first took longer than one of the second: the area under the curve of every classifier
/// that compares times with a threshold.
pub fn auc_milli(first: &[u128], second: &[u128]) -> u64 {
    let mut halves = 0u64;
    for one in first {
        for other in second {
            halves += match one.cmp(other) {
                std::cmp::Ordering::Greater => 2,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 0,
            };
        }
    }
    halves * 500 / (first.len() as u64 * second.len() as u64)
}

/// Measures until the figure is within bounds, twice at most: a real difference is there both times, chance is not. `took` asks
/// once, in the given round (0 or 1), as this member of this pair, and answers how many nanoseconds that took; the order within
/// a pair is drawn.
pub async fn judged(figure: &str, seed: u64, took: impl AsyncFn(usize, usize, usize) -> u128) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut said = Vec::new();
    for round in [0, 1] {
        let mut times = [Vec::new(), Vec::new()];
        for at in 0..pairs() {
            let first = random.usize(..2);
            for side in [first, 1 - first] {
                times[side].push(took(round, at, side).await);
            }
        }
        let auc = auc_milli(&times[0], &times[1]);
        said.push(auc);
        if auc.abs_diff(500) <= bound() {
            println!("figure: {figure} = {auc}");
            return;
        }
        println!("{figure}: {auc}, which is measured once more");
    }
    panic!("{figure}: {said:?} of a thousand, for {} pairs", pairs());
}
