//! What a transfer costs the committer: `cargo bench -p store`. Prints microseconds per operation: processor time of
//! the committer's thread (waits for the disk are not in it) and its elapsed time with the waits, and the same rows
//! written by bare SQLite statements in the same batches: the part that is SQLite's.

#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise")]
#![allow(clippy::float_arithmetic, reason = "microseconds for people to read, not money")]

#[path = "../tests/kit/mod.rs"]
mod kit;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base::{Chance, SeededChance, SystemClock};
use kit::tables::schema;
use kit::transfer::{Transfer, fund};
use rusqlite::Connection;
use store::{Lane, Limits, Options, Store, TenantNo};

const OPERATIONS: u64 = 200_000;
const SEED: u64 = 7;

fn main() -> ExitCode {
    // `cargo test --benches` runs this too: nothing to test here.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    println!("seed {SEED}, {OPERATIONS} operations a line; all figures in µs per operation");
    for (batch, tenants) in [(64, 1), (256, 1), (64, 100)] {
        through_the_store(batch, tenants);
        bare_sqlite(batch, tenants);
    }
    ExitCode::SUCCESS
}

fn through_the_store(batch: usize, tenants: TenantNo) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut options = Options::new(dir.path(), "bench");
    options.limits = Limits { batch_operations: batch, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    options.answers_on = Some(runtime.handle().clone());
    let store = Store::open(options, &schema(), Arc::new(SystemClock)).unwrap();
    runtime.block_on(async {
        for tenant in 1..=tenants {
            store.submit(Lane::Client(tenant), move |tx| fund(tx, tenant, 1 << 80)).await.unwrap();
        }
        let (before, cpu_before, started) = (store.stats().figures(), committer_cpu_us(), Instant::now());
        drive(&store, batch * 2, tenants).await;
        let (after, cpu, took) = (store.stats().figures(), committer_cpu_us() - cpu_before, started.elapsed());
        let each = |us: u64| us as f64 / OPERATIONS as f64;
        println!(
            "store   batch {batch:3} tenants {tenants:3}: cpu {:6.2}  busy {:6.2}  commit {:6.2}  elapsed {:6.2}  (mean batch {:.0}, {:.1} engine calls a batch)",
            each(cpu),
            each(after.busy_us - before.busy_us),
            each(after.sync_us - before.sync_us),
            took.as_micros() as f64 / OPERATIONS as f64,
            OPERATIONS as f64 / (after.commits - before.commits) as f64,
            (after.engine_calls - before.engine_calls) as f64 / (after.commits - before.commits) as f64,
        );
    });
    store.close();
}

/// Keeps `callers` transfers in flight: while one batch commits, the next one waits whole.
async fn drive(store: &Store, callers: usize, tenants: TenantNo) {
    let chance = Arc::new(SeededChance::new(SEED));
    let started = Arc::new(AtomicU64::new(0));
    let local = tokio::task::LocalSet::new();
    for _ in 0..callers {
        let (store, chance, started) = (store.clone(), Arc::clone(&chance), Arc::clone(&started));
        local.spawn_local(async move {
            loop {
                let at = started.fetch_add(1, Ordering::Relaxed);
                if at >= OPERATIONS {
                    return;
                }
                let tenant = 1 + TenantNo::try_from(at % u64::from(tenants)).unwrap();
                let key = chance.text(b"0123456789", 18);
                let transfer = Transfer::new(tenant, key, 1);
                store.submit(Lane::Client(tenant), move |tx| transfer.run(tx)).await.unwrap();
            }
        });
    }
    local.await;
}

/// Processor time of the committer's thread so far, from the kernel's own accounting.
fn committer_cpu_us() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let committer = tasks.flatten().find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == "bench-commit")
    });
    committer.map_or(0, |task| cpu_us(&task.path()))
}

fn cpu_us(task: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap();
    text.split(' ').next().unwrap().parse::<u64>().unwrap() / 1_000
}

/// The same rows, written by prepared statements with nothing around them.
fn bare_sqlite(batch: usize, tenants: TenantNo) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = Connection::open(dir.path().join("bare.db")).unwrap();
    file.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    file.execute_batch("PRAGMA synchronous=FULL; PRAGMA cache_size=-24576; PRAGMA wal_autocheckpoint=16000").unwrap();
    file.execute_batch(kit::tables::MIGRATIONS[0].sqlite).unwrap();
    for tenant in 1..=tenants {
        file.execute("INSERT INTO head VALUES (?1, 0, 0, 0)", [tenant]).unwrap();
        file.execute("INSERT INTO account VALUES (?1, 'hot', 0, 0, 0)", [tenant]).unwrap();
    }
    let chance = SeededChance::new(SEED);
    let keys: Vec<String> = (0..OPERATIONS).map(|_| chance.text(b"0123456789", 18)).collect();
    let (started, cpu) = (Instant::now(), cpu_us("/proc/thread-self".as_ref()));
    let mut seq = 0i64;
    for keys in keys.chunks(batch) {
        one_bare_batch(&file, keys, &mut seq, i64::from(tenants)).unwrap();
    }
    println!(
        "sqlite  batch {batch:3} tenants {tenants:3}: cpu {:6.2}  elapsed {:6.2}",
        (cpu_us("/proc/thread-self".as_ref()) - cpu) as f64 / OPERATIONS as f64,
        started.elapsed().as_micros() as f64 / OPERATIONS as f64,
    );
}

fn one_bare_batch(file: &Connection, keys: &[String], seq: &mut i64, tenants: i64) -> rusqlite::Result<()> {
    let (pad, first) = ("p".repeat(166), *seq);
    file.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut journal = file.prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let mut progress = file.prepare_cached("INSERT INTO progress VALUES (?1, 0, 0, 0)")?;
    let mut claim = file.prepare_cached("INSERT INTO claim VALUES (?1, 1, ?2, ?3, ?4, 0)")?;
    let mut look = file.prepare_cached("SELECT seq FROM claim WHERE tenant = ?1 AND route = 1 AND key = ?2")?;
    for key in keys {
        let tenant = 1 + *seq % tenants;
        assert!(!look.exists((tenant, key))?);
        let pos = (tenant << 40) | *seq;
        journal.execute((
            pos,
            1_700_000_000_000_000_i64,
            "transfer_accepted",
            &pad,
            &pad,
            200,
            pad.as_bytes(),
            4_000_000_000_i64,
        ))?;
        progress.execute([pos])?;
        claim.execute((tenant, key, *seq, [7u8; 16]))?;
        *seq += 1;
    }
    let mut head = file.prepare_cached("UPDATE head SET seq = ?2, at = ?2, sum = ?2 WHERE tenant = ?1")?;
    let mut account = file
        .prepare_cached("UPDATE account SET balance = ?2, moves = ?2, sum = ?2 WHERE tenant = ?1 AND name = 'hot'")?;
    for at in 0..(*seq - first).min(tenants) {
        let tenant = 1 + (first + at) % tenants;
        head.execute((tenant, *seq))?;
        account.execute((tenant, *seq))?;
    }
    file.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
