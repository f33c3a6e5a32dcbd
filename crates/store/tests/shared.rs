//! One database and several processes. Two handles are as two processes: they share nothing but the database. These tests
//! run on PostgreSQL in every run.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{Span, Stop, TestClock};
use kit::hold::Hold;
use kit::place::{alter_at, markers, opened, opened_with, options_at};
use kit::tables::{Account, Badge, Item, schema};
use kit::transfer::{Refusal, Transfer};
use kit::{START, account, fault, funded, journal, submit};
use store::{Direction, Draft, Entry, Halt, Lane, Options, Store, TenantNo, Tx};
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_one_operation_in_two_processes_are_one_effect_with_equal_answers() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let stores = [opened(&url), opened(&url)];
    funded(&stores[0], 1, 1_000).await;
    for round in 1..=20 {
        let mut running = JoinSet::new();
        for copy in 0..64 {
            let (store, transfer) = (stores[copy % 2].clone(), Transfer::new(1, format!("key {round}"), 1));
            running.spawn(async move { submit(&store, transfer).await.unwrap() });
        }
        let answers = running.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        for store in &stores {
            assert_eq!((account(store, 1).balance, journal(store, 1).len()), (1_000 - round as i128, round));
        }
    }
    assert!(markers(&url) <= 2, "{} markers", markers(&url));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_transfers_in_two_processes_exactly_those_succeed_that_the_balance_covers() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let stores = [opened(&url), opened(&url)];
    funded(&stores[0], 1, 40).await;
    let mut running = JoinSet::new();
    for at in 0..64 {
        let (store, transfer) = (stores[at % 2].clone(), Transfer::new(1, format!("k{at}"), 1));
        running.spawn(async move { submit(&store, transfer).await });
    }
    let outcomes = running.join_all().await;
    let refused = outcomes.iter().filter(|o| matches!(o, Err(Stop::Refused(Refusal::Insufficient)))).count();
    assert_eq!((outcomes.iter().filter(|o| o.is_ok()).count(), refused), (40, 24));
    for store in &stores {
        assert_eq!((account(store, 1).balance, journal(store, 1).len()), (0, 40));
    }
}

/// Moves `amount` from one tenant's account to another's and notes it in both journals.
fn pass(tx: &mut Tx<'_>, from: TenantNo, to: TenantNo, amount: i128) -> Result<(), Halt<()>> {
    for (tenant, change) in [(from, -amount), (to, amount)] {
        let account = tx.get::<Account>(&(tenant, "hot".into()))?.unwrap();
        let draft = Draft { kind: "passed", facts: change.to_string(), postings: String::new(), answer: None };
        tx.append(tenant, draft)?;
        tx.put(Account { balance: account.balance + change, moves: account.moves + 1, ..account });
    }
    Ok(())
}

/// One process's clock is an hour ahead; the lanes name a third tenant; either order of the two comes up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_widen_their_locks_against_each_other_make_progress_and_keep_the_books() {
    if !pgkit::available() {
        return;
    }
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let url = pgkit::fresh_database();
    let clocks = [START, START.plus(Span::hours(1))].map(|at| Arc::new(TestClock::at(at)));
    let stores = clocks.map(|clock| opened_with(&url, clock));
    for tenant in 1..=3 {
        funded(&stores[0], tenant, 1_000).await;
    }
    let mut running = JoinSet::new();
    for task in 0..16 {
        let (store, mut chance) = (stores[task % 2].clone(), fastrand::Rng::with_seed(seed ^ task as u64));
        running.spawn(async move {
            for _ in 0..20 {
                let mut tenants = [1, 2, 3];
                chance.shuffle(&mut tenants);
                let ([from, to, named], amount) = (tenants, chance.i128(1..10));
                passed(&store, Lane::Client(named), move |tx| pass(tx, from, to, amount)).await;
            }
        });
    }
    tokio::time::timeout(PATIENCE, running.join_all()).await.expect("they come to an end");
    let entries: Vec<_> = (1..=3).map(|tenant| journal(&stores[0], tenant)).collect();
    assert_eq!(entries.iter().map(Vec::len).sum::<usize>(), 16 * 20 * 2);
    let mut total = 0;
    for (tenant, entries) in (1..=3).zip(&entries) {
        assert!(entries.is_sorted_by_key(|entry| entry.at), "time runs backwards in tenant {tenant}");
        let passed: i128 = entries.iter().map(|entry| entry.facts.parse::<i128>().unwrap()).sum();
        let account = account(&stores[1], tenant);
        assert_eq!((account.balance, account.moves), (1_000 + passed, i64::try_from(entries.len()).unwrap()));
        total += account.balance;
    }
    assert_eq!(total, 3_000);
}

/// Asks again for as long as the store says that others were in the way.
async fn passed(store: &Store, lane: Lane, run: impl Fn(&mut Tx<'_>) -> Result<(), Halt<()>> + Copy + Send + 'static) {
    while let Err(Stop::Faulted(fault)) = store.submit(lane, run).await {
        assert!(fault.busy, "{}", fault.chain());
    }
}

/// Operations that look at a row, that add one without a look, and that append: each waits for the head of what it
/// touches, whatever its lane says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_waits_for_the_head_that_another_process_has_locked() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let stores = [opened(&url), opened(&url)];
    funded(&stores[0], 1, 100).await;
    type Touch = fn(&mut Tx<'_>) -> Result<(), Halt<()>>;
    let look: Touch = |tx| Ok(tx.get::<Item>(&(1, "x".into())).map(drop)?);
    let add: Touch = |tx| Ok(tx.add(Item { rank: 1, name: "x".into(), note: None }));
    let walk: Touch = |tx| Ok(tx.walk::<Item>(&(0, String::new()), &(9, String::new()), 9).map(drop)?);
    for touch in [look, add, walk] {
        // Of no tenant, as items are.
        let hold = Hold::on(&stores[0]).await;
        let other = stores[1].clone();
        let running = tokio::spawn(async move { other.submit(Lane::Client(1), touch).await });
        kit::until("it waits for a lock", || running.is_finished() || waits(&url)).await;
        assert!(!running.is_finished(), "it ran beside the one that has the lock");
        drop(hold);
        running.await.unwrap().unwrap();
    }
}

/// Reads the badge's number and, where there is a gate, stands there.
fn read_badge(gate: Option<kit::hold::Gate>) -> impl Fn(&mut Tx<'_>) -> Result<i64, Halt<()>> + Send + 'static {
    move |tx| {
        let number = tx.get::<Badge>(&"x".to_owned())?.unwrap().number;
        gate.iter().for_each(kit::hold::Gate::stand);
        Ok(number)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_locked_by_itself_is_read_side_by_side_and_not_changed_meanwhile() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let stores = [opened(&url), opened(&url), opened(&url)];
    let badge = |number| Badge { name: "x".into(), number };
    submit_to(&stores[0], 0, move |tx| Ok(tx.add(badge(1)))).await.unwrap();
    let (gate, mut held) = kit::hold::Gate::new();
    let first = tokio::spawn(submit_to(&stores[0], 1, read_badge(Some(gate))));
    held.reached().await;
    // Another tenant's operation in another process reads it too, and is done before the first one.
    assert_eq!(submit_to(&stores[1], 2, read_badge(None)).await.unwrap(), 1);
    let change = move |tx: &mut Tx<'_>| {
        let now = tx.get::<Badge>(&"x".to_owned())?.unwrap();
        Ok::<_, Halt<()>>(tx.put(badge(now.number + 1)))
    };
    let changing = tokio::spawn(submit_to(&stores[2], 0, change));
    kit::until("it waits for a lock", || changing.is_finished() || waits(&url)).await;
    assert!(!changing.is_finished(), "it was changed under the one that has read it");
    drop(held);
    assert_eq!(first.await.unwrap().unwrap(), 1);
    changing.await.unwrap().unwrap();
    assert_eq!(submit_to(&stores[0], 1, read_badge(None)).await.unwrap(), 2);
}

/// As after another server took over: the one that answers does not have what was committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lacks_what_was_committed_is_not_read_from() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let store = opened(&url);
    funded(&store, 1, 40).await;
    pgkit::query(&url, "DELETE FROM batch").unwrap();
    let refused = store.read(|reader| reader.count::<Account>()).unwrap_err();
    assert!(refused.busy && refused.chain().contains("another one took over"), "{}", refused.chain());
    funded(&store, 2, 40).await;
    assert_eq!(store.read(|reader| reader.count::<Account>()).unwrap(), 2);
}

/// Somebody who does not know of the lock removes a row between its being read and its being changed: the commit that goes
/// with the change must not happen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_went_away_after_it_was_read_fails_whoever_changes_it_and_nothing_is_kept() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let store = opened(&url);
    let item = |rank| Item { rank, name: "x".into(), note: None };
    type Change = fn(&mut Tx<'_>, Item);
    let changes: [Change; 2] = [|tx, item| tx.put(item), |tx, item| tx.remove::<Item>(&(item.rank, item.name))];
    for change in changes {
        submit_to(&store, 0, move |tx| Ok(tx.add(item(1)))).await.unwrap();
        let (gate, mut held) = kit::hold::Gate::new();
        let changing = tokio::spawn(submit_to(&store, 0, move |tx| {
            let now = tx.get::<Item>(&(1, "x".into()))?.unwrap();
            tx.add(item(2));
            gate.stand();
            Ok(change(tx, Item { note: Some("changed".into()), ..now }))
        }));
        held.reached().await;
        alter_at(&url, "DELETE FROM item");
        drop(held);
        let fault = fault(changing.await.unwrap());
        assert!(fault.chain().contains("item") && !fault.busy, "{}", fault.chain());
        assert_eq!(store.read(|reader| reader.count::<Item>()).unwrap(), 0, "the one beside it was not kept either");
    }
    funded(&store, 1, 40).await;
}

/// The first commit proves the server, and whatever was opened before it is opened again: nobody hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_begin_beside_the_first_commit_are_not_refused() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    for round in 0..10 {
        let store = opened(&url);
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                std::thread::spawn(move || (0..5).try_for_each(|_| store.read(|r| r.count::<Account>()).map(drop)))
            })
            .collect();
        funded(&store, 1 + round, 40).await;
        for reader in readers {
            reader.join().unwrap().unwrap_or_else(|fault| panic!("round {round}: {}", fault.chain()));
        }
    }
}

/// Each read follows at once on the one before on the same few connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_crowd_on_few_connections_see_one_state_each() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let store = opened(&url);
    funded(&store, 1, 1_000).await;
    let ended = Arc::new(AtomicBool::new(false));
    let read = |_| {
        let (store, ended) = (store.clone(), Arc::clone(&ended));
        std::thread::spawn(move || {
            let mut torn = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let both = store.read(|reader| {
                    let before = reader.get::<Account>(&(1, "hot".into()))?.unwrap().moves;
                    let entries = reader.walk::<Entry>(&(1, 0), &(2, 0), Direction::Ascending, usize::MAX)?.len();
                    Ok((before, i64::try_from(entries).unwrap()))
                });
                let (moves, entries) = both.unwrap();
                torn.extend((moves != entries).then_some((moves, entries)));
            }
            torn
        })
    };
    let readers: Vec<_> = (0..16).map(read).collect();
    for at in 0..200 {
        submit(&store, Transfer::new(1, format!("k{at}"), 1)).await.unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    for reader in readers {
        assert_eq!(reader.join().unwrap(), [], "a read saw two states: (moves of the account, entries of the journal)");
    }
}

fn submit_to<T: Send + 'static>(
    store: &Store,
    tenant: TenantNo,
    run: impl Fn(&mut Tx<'_>) -> Result<T, Halt<()>> + Send + 'static,
) -> impl Future<Output = Result<T, Stop<()>>> + Send + 'static {
    let store = store.clone();
    async move { store.submit(Lane::Client(tenant), run).await }
}

fn waits(url: &str) -> bool {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    pgkit::query(url, sql).unwrap().trim() != "0"
}

#[test]
fn processes_that_open_a_new_database_at_once_all_get_it() {
    if !pgkit::available() {
        return;
    }
    for _ in 0..5 {
        let url = pgkit::fresh_database();
        let opened = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| opened(&url))).collect();
            opening.into_iter().map(|opening| opening.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(opened.iter().all(|store| store.read(|reader| reader.count::<Item>()).unwrap() == 0));
    }
}

fn refused(url: &str, strict: bool) -> Option<String> {
    let options = Options { strict, ..options_at(url) };
    Store::open(options, &schema(), Arc::new(TestClock::at(START))).err().map(|fault| fault.chain())
}

#[test]
fn settings_under_which_an_answer_could_be_lost_are_refused_by_name() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let name = url.rsplit('/').next().unwrap();
    pgkit::query(&url, &format!("ALTER DATABASE {name} SET synchronous_commit = off")).unwrap();
    let weak = [("fsync", "off"), ("full_page_writes", "off")];
    let clusters = weak.map(|(setting, value)| pgkit::Options::durable().set(setting, value).start().unwrap());
    let mut addresses = vec![(url, "synchronous_commit")];
    addresses
        .extend(clusters.iter().zip(weak).map(|(cluster, (setting, _))| (cluster.create_database("kit"), setting)));
    for (url, setting) in addresses {
        let why = refused(&url, true).unwrap();
        assert!(why.contains(&format!("`{setting}`")) || why.contains(&format!("setting {setting} is `off`")), "{why}");
        assert_eq!(refused(&url, false), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_is_a_fault_for_who_needs_it_and_for_nobody_else() {
    if !pgkit::available() {
        return;
    }
    let url = pgkit::fresh_database();
    let store = opened(&url);
    for tenant in [1, 2] {
        funded(&store, tenant, 100).await;
    }
    // The store is open: no row of it stays in memory, so that it meets the damage at once.
    alter_at(&url, "UPDATE account SET balance = balance + 256 WHERE tenant = 1");
    let why = fault(submit(&store, Transfer::new(1, "key", 1)).await).chain();
    assert!(why.contains("account") && why.contains("checksum"), "{why}");
    submit(&store, Transfer::new(2, "key", 1)).await.unwrap();
    let why = store.read(|reader| reader.get::<Account>(&(1, "hot".into()))).unwrap_err().chain();
    assert!(why.contains("checksum"), "{why}");
    assert_eq!((account(&store, 2).balance, journal(&store, 1).len()), (99, 0));
}
