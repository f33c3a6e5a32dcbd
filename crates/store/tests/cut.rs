//! The connection to the database is cut or freezes at every moment of a batch: what a caller is told is what happened.
//! These tests run on PostgreSQL in every run.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base::Stop;
use kit::place::{markers, opened};
use kit::proxy::{Moment, Proxy, Trouble};
use kit::tables::Account;
use kit::transfer::Transfer;
use kit::{account, fault, funded, head, journal, submit};
use store::{Draft, Lane, Store, Tx};

/// What callers wait for at most when the database says nothing.
const LIMIT: Duration = Duration::from_secs(15);
const FUNDS: i128 = 1_000_000;
/// For how long a commit proves the server to readers.
const PROVES: Duration = Duration::from_secs(2);

/// A database with a store that reaches it through a network of ours, and one that reaches it directly.
struct Both {
    url: String,
    proxy: Proxy,
    store: Store,
    beside: Store,
}

/// How a transfer went, after it was proved right.
struct Told {
    accepted: bool,
    /// It was over before all of the trouble came.
    spared: bool,
}

impl Both {
    async fn new() -> Option<Both> {
        if !pgkit::available() {
            return None;
        }
        let url = pgkit::fresh_database();
        let proxy = Proxy::to(&url);
        let (store, beside) = (opened(&proxy.url(&url)), opened(&url));
        funded(&store, 1, FUNDS).await;
        Some(Both { url, proxy, store, beside })
    }

    /// Sends a transfer once, holds what its caller is told against the rows, then sends it again.
    async fn told_rightly(&self, key: &str) -> Told {
        let before = head(&self.beside, 1);
        let outcome = submit(&self.store, Transfer::new(1, key, 1)).await;
        let spared = self.proxy.forget();
        let now = head(&self.beside, 1);
        let accepted = match outcome {
            Ok(accepted) => {
                assert_eq!((accepted.seq, now), (before + 1, before + 1), "{key}");
                Some(accepted)
            }
            refused => {
                let fault = fault(refused);
                assert!(fault.busy, "{key}: {}", fault.chain());
                assert_eq!(now, before, "{key} was refused and is there");
                None
            }
        };
        let again = submit(&self.store, Transfer::new(1, key, 1)).await.unwrap();
        assert!(accepted.as_ref().is_none_or(|first| *first == again), "{key}: {accepted:?}, {again:?}");
        assert_eq!(head(&self.beside, 1), before + 1, "{key}");
        Told { accepted: accepted.is_some(), spared: spared > 0 }
    }

    /// An entry that no key keeps from being there twice: only the marker knows whether its batch was kept.
    async fn noted_once(&self) {
        let before = head(&self.beside, 2);
        let draft = || Draft { kind: "noted", facts: String::new(), postings: String::new(), answer: None };
        let note = move |tx: &mut Tx<'_>| tx.append::<()>(2, draft());
        let seq = self.store.submit(Lane::Client(2), note).await.unwrap();
        assert_eq!((self.proxy.forget(), seq, head(&self.beside, 2)), (0, before + 1, before + 1));
    }

    /// Every transfer counts once, and each process leaves one marker however often its commits were in doubt.
    fn check(&self) {
        let entries = journal(&self.beside, 1).len();
        let account = account(&self.beside, 1);
        assert_eq!((account.balance, account.moves), (FUNDS - entries as i128, i64::try_from(entries).unwrap()));
        assert!(markers(&self.url) <= 2, "{} markers", markers(&self.url));
    }
}

/// Also when the commit by which it is found out is in doubt itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_doubt_is_found_out_whether_it_happened_or_not() {
    let Some(both) = Both::new().await else { return };
    let moments = [Moment::BeforeCommit, Moment::AfterCommit, Moment::Committed];
    for (at, first) in moments.into_iter().enumerate() {
        both.proxy.expect(&[(first, Trouble::Cut)]);
        assert!(both.told_rightly(&format!("{at}")).await.accepted);
        both.proxy.expect(&[(first, Trouble::Cut)]);
        both.noted_once().await;
        for second in moments {
            both.proxy.expect(&[(first, Trouble::Cut), (second, Trouble::Cut)]);
            assert!(both.told_rightly(&format!("{at} {second:?}")).await.accepted);
            both.proxy.expect(&[(first, Trouble::Cut), (second, Trouble::Cut)]);
            both.noted_once().await;
        }
    }
    both.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_before_any_byte_to_or_from_the_database_is_told_rightly() {
    let Some(both) = Both::new().await else { return };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let (mut accepted, mut refused) = (0, 0);
    for (way, moment) in [("out", Moment::Sent as fn(usize) -> Moment), ("back", Moment::Answered)] {
        let mut bytes = 1;
        loop {
            // What is prepared once a connection is done before.
            submit(&both.store, Transfer::new(1, "warm", 1)).await.unwrap();
            submit(&both.store, Transfer::new(1, format!("warm {way} {bytes}"), 1)).await.unwrap();
            both.proxy.expect(&[(moment(bytes), Trouble::Cut)]);
            let told = both.told_rightly(&format!("{way} {bytes}")).await;
            if told.spared {
                break;
            }
            accepted += u32::from(told.accepted);
            refused += u32::from(!told.accepted);
            bytes += chance.usize(1..90);
        }
        println!("{way}: a batch has about {bytes} bytes");
    }
    both.check();
    // Both of its round trips can be begun again: one cut costs the caller nothing.
    assert!(accepted > 20 && refused == 0, "{accepted} accepted, {refused} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_again_and_again_under_load_every_transfer_counts_once() {
    let Some(both) = Both::new().await else { return };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let (over, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut running = tokio::task::JoinSet::new();
    for task in 0..8 {
        let (store, over, busy) = (both.store.clone(), Arc::clone(&over), Arc::clone(&busy));
        running.spawn(async move { transfers_until(&store, task, &over, &busy).await });
    }
    for _ in 0..30 {
        let (sent, goal) = (head(&both.beside, 1), chance.u64(1..40));
        kit::until("work goes on", || head(&both.beside, 1) >= sent + goal).await;
        both.proxy.cut();
    }
    over.store(true, Ordering::Relaxed);
    let sent: u64 = running.join_all().await.into_iter().sum();
    println!("{sent} transfers, {} of them asked for again", busy.load(Ordering::Relaxed));
    assert_eq!(head(&both.beside, 1), sent);
    both.check();
}

/// How many were accepted, each asked for until it was.
async fn transfers_until(store: &Store, task: u32, over: &AtomicBool, busy: &AtomicU32) -> u64 {
    let mut sent = 0;
    while !over.load(Ordering::Relaxed) {
        while let Err(Stop::Faulted(fault)) = submit(store, Transfer::new(1, format!("{task} {sent}"), 1)).await {
            assert!(fault.busy, "{}", fault.chain());
            busy.fetch_add(1, Ordering::Relaxed);
        }
        sent += 1;
    }
    sent
}

/// The server keeps what the frozen connection has open for ten seconds at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_on_a_connection_that_froze_is_found_out_through_another() {
    let Some(both) = Both::new().await else { return };
    for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
        both.proxy.expect(&[(moment, Trouble::Freeze)]);
        let told = both.told_rightly(&format!("{moment:?}")).await;
        assert!(told.accepted && !told.spared);
    }
    both.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_database_is_a_busy_fault_for_operations_and_reads_and_work_goes_on_behind_it() {
    let Some(both) = Both::new().await else { return };
    both.proxy.freeze();
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    // More reads than there are connections: each fails, and none waits for the others' failures.
    for _ in 0..20 {
        let store = both.store.clone();
        running.spawn_blocking(move || {
            let read = store.read(|reader| reader.get::<store::Head>(&1));
            assert!(read.unwrap_err().busy);
        });
    }
    for at in 0..10 {
        let store = both.store.clone();
        running.spawn(async move {
            let fault = fault(submit(&store, Transfer::new(1, format!("frozen {at}"), 1)).await);
            assert!(fault.busy, "{}", fault.chain());
        });
    }
    running.join_all().await;
    assert!(begun.elapsed() < LIMIT, "callers waited {:?}", begun.elapsed());
    assert_eq!(head(&both.beside, 1), 0);
    both.proxy.thaw();
    let thawed = Instant::now();
    assert!(both.told_rightly("thawed").await.accepted);
    assert_eq!(head(&both.store, 1), 1);
    assert!(thawed.elapsed() < LIMIT, "it took {:?} to go on", thawed.elapsed());
    both.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_that_the_outcome_is_unknown_finds_it_out_with_the_same_key() {
    tokio::join!(unknown(Moment::BeforeCommit, false), unknown(Moment::AfterCommit, true));
}

/// Everything freezes at the commit, for longer than its outcome is looked for.
async fn unknown(moment: Moment, kept: bool) {
    let Some(both) = Both::new().await else { return };
    both.proxy.expect(&[(moment, Trouble::FreezeAll)]);
    let told = fault(submit(&both.store, Transfer::new(1, "key", 1)).await);
    assert!(!told.busy && told.chain().contains("unknown"), "{}", told.chain());
    assert_eq!(head(&both.beside, 1), u64::from(kept));
    both.proxy.thaw();
    let again = submit(&both.store, Transfer::new(1, "key", 1)).await.unwrap();
    assert_eq!((again.seq, head(&both.beside, 1)), (1, 1));
    both.check();
}

/// While the committer hears nothing, another server may have taken over: others' commits would be missing from what is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_end_soon_after_the_last_commit_that_proved_the_server_and_go_on_with_the_next() {
    let Some(both) = Both::new().await else { return };
    let read = || both.store.read(|reader| reader.get::<Account>(&(1, "hot".into())));
    let committed = Instant::now();
    both.proxy.expect(&[(Moment::BeforeCommit, Trouble::Freeze)]);
    let store = both.store.clone();
    let transfer = tokio::spawn(async move { submit(&store, Transfer::new(1, "one", 1)).await });
    kit::until("its commit stands still", || both.proxy.left() == 0).await;
    let mut answered = 0;
    let refused = loop {
        let begun = committed.elapsed();
        match read() {
            Ok(_) => assert!(begun < PROVES, "answered {begun:?} after the last commit"),
            Err(refused) => break refused,
        }
        answered += 1;
    };
    assert!(refused.busy, "{}", refused.chain());
    println!("{answered} reads were answered, none after {:?}", committed.elapsed());
    kit::until("reads are answered again", || read().is_ok()).await;
    transfer.await.unwrap().unwrap();
}
