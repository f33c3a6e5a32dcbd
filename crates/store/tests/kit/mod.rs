//! What the store's tests and its benchmark share.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

pub mod hold;
pub mod place;
pub mod proxy;
pub mod tables;
pub mod transfer;

use std::path::Path;
use std::sync::Arc;

use base::{Fault, Stop, TestClock, Time};
use store::{Direction, Entry, Head, Lane, Options, Store, TenantNo};

use place::place;
use tables::{Account, schema};
use transfer::{Accepted, Refusal, Transfer, fund};

/// When every test's clock starts.
pub const START: Time = Time(1_700_000_000_000_000);

/// Every operation of these tests runs twice: one that is not repeatable ends the test's process.
pub fn options(dir: &Path) -> Options {
    Options { run_twice: true, strict: false, ..Options::at(place(dir), "sandbox/main") }
}

pub fn open(dir: &Path) -> Store {
    Store::open(options(dir), &schema(), Arc::new(TestClock::at(START))).unwrap()
}

pub async fn funded(store: &Store, tenant: TenantNo, amount: i128) {
    store.submit(Lane::Client(tenant), move |tx| fund(tx, tenant, amount)).await.unwrap();
}

pub async fn submit(store: &Store, transfer: Transfer) -> Result<Accepted, Stop<Refusal>> {
    let lane = Lane::Client(transfer.once.key.0);
    store.submit(lane, move |tx| transfer.run(tx)).await
}

pub fn account(store: &Store, tenant: TenantNo) -> Account {
    store.read(|reader| reader.get::<Account>(&(tenant, "hot".into()))).unwrap().unwrap()
}

pub fn head(store: &Store, tenant: TenantNo) -> u64 {
    store.read(|reader| reader.get::<Head>(&tenant)).unwrap().map_or(0, |head| head.seq)
}

/// The tenant's journal; panics when its sequence has a gap or does not end at the head's.
pub fn journal(store: &Store, tenant: TenantNo) -> Vec<Entry> {
    let (from, to) = ((tenant, 0), (tenant, u64::MAX));
    let entries = store.read(|r| r.walk::<Entry>(&from, &to, Direction::Ascending, usize::MAX)).unwrap();
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=head(store, tenant)), "the journal has a gap");
    entries
}

/// The fault's whole text; panics when the operation succeeded or was refused.
pub fn fault<T: std::fmt::Debug, R: std::fmt::Debug>(outcome: Result<T, Stop<R>>) -> Fault {
    match outcome {
        Err(Stop::Faulted(fault)) => fault,
        other => panic!("not a fault: {other:?}"),
    }
}

/// Lets other tasks run until `reached` is true; panics after many tries.
pub async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    for _ in 0..10_000_000 {
        if reached() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never came: {what}");
}
