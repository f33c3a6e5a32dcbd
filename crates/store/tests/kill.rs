//! Ends that nobody chose: a killed process, a write that fails, an operation that is not repeatable. Each test runs its
//! own program again as a child, with the directory in an environment variable.

#![allow(clippy::unwrap_used, clippy::unit_arg, reason = "a test ends at the first surprise; an operation in one line")]

mod kit;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kit::place::only_in_a_file;
use kit::transfer::Transfer;
use kit::{account, funded, head, journal, open, submit};
use store::{Halt, Lane, Store};

const DIR: &str = "STORE_TEST_CHILD_DIR";
/// Where a child begins to count its keys.
const FIRST: &str = "STORE_TEST_CHILD_FIRST";
const FUNDS: i128 = 1_000_000_000;
const TENANTS: u32 = 3;
/// Transfers that are sent again at once.
const TOGETHER: usize = 200;

fn child_dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// This test binary again, in the named test. `limit` is a shell's limit on the size of files, in its own blocks.
fn again(test: &str, dir: &Path, first: u64, limit: Option<u32>) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = match limit {
        None => Command::new(program),
        Some(blocks) => {
            let mut shell = Command::new("sh");
            // The signal is ignored, so that a write beyond the limit fails as on a broken disk.
            shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(program);
            shell
        }
    };
    let args = ["--exact", test, "--nocapture", "--test-threads", "1"];
    command.args(args).env(DIR, dir).env(FIRST, first.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs transfers from eight tasks for ever and says each one after it was answered: `acked tenant key seq`.
fn transfer_for_ever(dir: &Path) -> ! {
    let first = std::env::var(FIRST).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = open(dir);
        let next = Arc::new(AtomicU64::new(first));
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, next) = (store.clone(), Arc::clone(&next));
            running.spawn(async move { transfer_one_by_one(&store, &next).await });
        }
        running.join_all().await;
    });
    unreachable!("the tasks never end")
}

async fn transfer_one_by_one(store: &Store, next: &AtomicU64) {
    loop {
        let key = next.fetch_add(1, Ordering::Relaxed);
        let tenant = 1 + u32::try_from(key % u64::from(TENANTS)).unwrap();
        let accepted = submit(store, Transfer::new(tenant, key.to_string(), 1)).await.unwrap();
        let line = format!("acked {tenant} {key} {}\n", accepted.seq);
        // One write a line, so that no line is mixed with another's or cut.
        let written = std::io::stdout().write(line.as_bytes()).unwrap();
        assert_eq!(written, line.len());
        std::io::stdout().flush().unwrap();
    }
}

/// What a child said before its end: (tenant, key) and the sequence that was answered.
fn acknowledged(child: &mut Child) -> BTreeMap<(u32, u64), u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.filter_map(|line| {
        let words: Vec<u64> = line.split_once("acked ")?.1.split(' ').map(|word| word.parse().unwrap()).collect();
        let [tenant, key, seq] = words.try_into().unwrap();
        Some(((u32::try_from(tenant).unwrap(), key), seq))
    });
    told.collect()
}

/// Nothing acknowledged is lost, nothing is there twice, and the money agrees with the journal.
async fn check(store: &Store, acked: &BTreeMap<(u32, u64), u64>) {
    for tenant in 1..=TENANTS {
        let entries = journal(store, tenant);
        assert_eq!(account(store, tenant).balance, FUNDS - entries.len() as i128);
        assert_eq!(account(store, tenant).moves, entries.len() as i64);
    }
    let heads = || (1..=TENANTS).map(|tenant| head(store, tenant)).collect::<Vec<_>>();
    let before = heads();
    let mut again = acked.iter();
    loop {
        let mut running = tokio::task::JoinSet::new();
        for (&(tenant, key), &seq) in again.by_ref().take(TOGETHER) {
            let store = store.clone();
            running.spawn(async move {
                let again = submit(&store, Transfer::new(tenant, key.to_string(), 1)).await.unwrap();
                assert_eq!(again.seq, seq, "tenant {tenant}, key {key}");
            });
        }
        if running.is_empty() {
            break;
        }
        running.join_all().await;
    }
    assert_eq!(heads(), before);
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    if let Some(dir) = child_dir() {
        transfer_for_ever(&dir);
    }
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let store = open(dir.path());
        for tenant in 1..=TENANTS {
            funded(&store, tenant, FUNDS).await;
        }
    });
    let (mut acked, mut cycles_with_work) = (BTreeMap::new(), 0);
    for cycle in 0..30 {
        let mut child = again("killed_at_any_moment_nothing_acknowledged_is_lost", dir.path(), cycle << 32, None);
        let wait = Duration::from_millis(chance.u64(20..150));
        kill_after(&mut child, wait);
        let told = acknowledged(&mut child);
        child.wait().unwrap();
        cycles_with_work += u32::from(!told.is_empty());
        acked.extend(told);
        runtime.block_on(check(&open(dir.path()), &acked));
    }
    assert!(cycles_with_work >= 10, "only {cycles_with_work} children lived long enough to be told anything");
}

/// Kills the child `wait` after its start. The moment is what is being tested, so this is the one place that waits.
fn kill_after(child: &mut Child, wait: Duration) {
    let (_never, nothing) = std::sync::mpsc::channel::<()>();
    let started = Instant::now();
    while started.elapsed() < wait {
        let _ = nothing.recv_timeout(wait.saturating_sub(started.elapsed()));
    }
    child.kill().unwrap();
}

#[test]
fn a_write_that_fails_ends_the_process_before_anybody_is_answered() {
    if only_in_a_file() {
        return;
    }
    if let Some(dir) = child_dir() {
        transfer_for_ever(&dir);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let store = open(dir.path());
        for tenant in 1..=TENANTS {
            funded(&store, tenant, FUNDS).await;
        }
    });
    let mut acked = BTreeMap::new();
    for (cycle, blocks) in [2_000, 2_345, 3_001].into_iter().enumerate() {
        let first = (cycle as u64) << 32;
        let test = "a_write_that_fails_ends_the_process_before_anybody_is_answered";
        let mut child = again(test, dir.path(), first, Some(blocks));
        let told = acknowledged(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(70));
        assert!(!told.is_empty());
        acked.extend(told);
        // Opened without the limit, everything is as it was answered and work goes on.
        runtime.block_on(async {
            let store = open(dir.path());
            check(&store, &acked).await;
            let key = format!("after {cycle}");
            submit(&store, Transfer::new(1, key, 1)).await.unwrap();
        });
    }
}

#[test]
fn an_operation_that_is_not_repeatable_ends_a_testing_process() {
    if let Some(dir) = child_dir() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = open(&dir);
        let runs = AtomicU64::new(0);
        let outcome = runtime.block_on(store.submit(Lane::Client(1), move |tx| {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            tx.add(kit::tables::Progress { tenant: 1, seq: 1, state: i64::try_from(run).unwrap(), next: 0 });
            Ok::<_, Halt<()>>(())
        }));
        // Reached only when the difference was not noticed.
        println!("answered: {outcome:?}");
        std::process::exit(0);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = again("an_operation_that_is_not_repeatable_ends_a_testing_process", dir.path(), 0, None);
    assert_eq!(child.wait().unwrap().code(), Some(70));
    let store = open(dir.path());
    assert_eq!(store.read(|r| r.get::<kit::tables::Progress>(&(1, 1))).unwrap(), None);
}
