//! The database's server is stopped at once and started again under load, again and again, as after a failure: 5 times, or
//! 200 with `COUNTERFOIL_SOAK=1`. Runs on a cluster of its own that keeps what it has answered.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod kit;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base::Stop;
use kit::place::{markers, opened};
use kit::transfer::Transfer;
use kit::{account, funded, head, journal, submit};
use store::Store;
use tokio::sync::watch;

const SENDERS: u64 = 8;
const TENANTS: u32 = 3;
const FUNDS: i128 = 1_000_000_000;
/// How long the store may take to work again once the server does.
const RECOVERY: Duration = Duration::from_secs(10);
/// Between two tries of what was refused.
const PAUSE: Duration = Duration::from_millis(10);

/// What one sender was told: (tenant, key) and the sequence that was answered.
#[derive(Default)]
struct Told {
    accepted: BTreeMap<(u32, String), u64>,
    busy: u64,
    /// Answers that the outcome is unknown.
    unknown: u64,
}

#[test]
fn stopped_at_any_moment_the_database_loses_nothing_and_callers_learn_what_happened() {
    if !pgkit::available() {
        return;
    }
    let restarts = if std::env::var_os("COUNTERFOIL_SOAK").is_some() { 200 } else { 5 };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut cluster = pgkit::Cluster::start();
    let url = cluster.create_database("store");
    let stores = [opened(&url), opened(&url)];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for tenant in 1..=TENANTS {
        runtime.block_on(funded(&stores[0], tenant, FUNDS));
    }
    let (over, running) = watch::channel(false);
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            runtime.spawn(send(stores[usize::try_from(sender % 2).unwrap()].clone(), sender, running.clone()))
        })
        .collect();
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    for _ in 0..restarts {
        std::thread::park_timeout(Duration::from_millis(chance.u64(20..400)));
        cluster.restart_immediate();
        longest = longest.max(works_again(&stores));
    }
    over.send(true).unwrap();
    let told: Vec<Told> = senders.into_iter().map(|sender| runtime.block_on(sender).unwrap()).collect();
    let sum = |count: fn(&Told) -> u64| told.iter().map(count).sum::<u64>();
    let (busy, unknown) = (sum(|told| told.busy), sum(|told| told.unknown));
    let accepted: BTreeMap<_, _> = told.into_iter().flat_map(|told| told.accepted).collect();
    let (lost, doubled) = runtime.block_on(lost_and_doubled(&stores, &accepted));
    println!("figure: restarts = {restarts}");
    println!("figure: restart_transfers_acknowledged = {}", accepted.len());
    println!("figure: restart_transfers_lost = {lost}");
    println!("figure: restart_transfers_doubled = {doubled}");
    println!("figure: restart_calls_refused_meanwhile = {busy}");
    println!("figure: restart_unknown_outcomes_resolved = {unknown}");
    println!("figure: restart_longest_recovery_ms = {}", longest.as_millis());
    println!("figure: restart_seconds = {}", started.elapsed().as_secs());
    assert_eq!((lost, doubled), (0, 0));
    assert!(markers(&url) <= stores.len(), "{} markers", markers(&url));
}

/// Transfers under keys of its own until the end, each sent again until it is accepted. Whatever else it is told than that the
/// store is busy, or that the outcome is unknown, ends it.
async fn send(store: Store, sender: u64, mut over: watch::Receiver<bool>) -> Told {
    let mut told = Told::default();
    for number in 0u32.. {
        let (tenant, key) = (1 + number % TENANTS, format!("{sender} {number}"));
        let accepted = loop {
            match submit(&store, Transfer::new(tenant, key.as_str(), 1)).await {
                Ok(accepted) => break accepted,
                Err(Stop::Faulted(fault)) if fault.busy => told.busy += 1,
                Err(Stop::Faulted(fault)) if fault.chain().ends_with("is unknown") => told.unknown += 1,
                other => panic!("{key}: {other:?}"),
            }
            let _ = tokio::time::timeout(PAUSE, over.changed()).await;
        };
        told.accepted.insert((tenant, key), accepted.seq);
        if *over.borrow() {
            break;
        }
    }
    told
}

/// How long it takes from the server's start until every process has committed something new and reads.
fn works_again(stores: &[Store]) -> Duration {
    let commits = |store: &Store| store.stats().figures().commits;
    let (begun, before) = (Instant::now(), stores.iter().map(commits).collect::<Vec<_>>());
    for (store, before) in stores.iter().zip(before) {
        while commits(store) == before || store.read(|reader| reader.get::<store::Head>(&1)).is_err() {
            assert!(begun.elapsed() < RECOVERY, "the store did not work {RECOVERY:?} after the database did");
            std::thread::park_timeout(PAUSE);
        }
    }
    begun.elapsed()
}

/// How many that were accepted are not there, and how many are there that nobody was told of. Balances agree with journals.
async fn lost_and_doubled(stores: &[Store], accepted: &BTreeMap<(u32, String), u64>) -> (usize, usize) {
    let (mut entries, mut lost) = (0, 0);
    for tenant in 1..=TENANTS {
        let journal = journal(&stores[0], tenant).len();
        let account = account(&stores[1], tenant);
        assert_eq!((account.balance, account.moves), (FUNDS - journal as i128, i64::try_from(journal).unwrap()));
        entries += journal;
    }
    for ((tenant, key), seq) in accepted {
        let before = head(&stores[1], *tenant);
        let again = submit(&stores[1], Transfer::new(*tenant, key.as_str(), 1)).await.unwrap();
        lost += usize::from((again.seq, head(&stores[1], *tenant)) != (*seq, before));
    }
    (lost, entries + lost - accepted.len())
}
