//! Who is taken when: tenants in turn, workers by what clients have earned for them, nobody beyond the bounds.

use base::Fault;

use super::kit::hold::Hold;
use super::kit::tables::schema;
use super::kit::{START, fault, options};
use crate::job::{Job, Ran};
use crate::queue::{Batch, Lane, Limits, NotQueued, Queue};
use crate::row::TenantNo;
use crate::{Halt, Head, Store, Tx};

/// A job that is only looked at.
struct Named(String);

impl Job for Named {
    fn tenant(&self) -> TenantNo {
        0
    }

    fn run(&mut self, _: &mut Tx<'_>) -> Ran {
        Ran::Done
    }

    fn spoil(&mut self, fault: Fault) {
        self.0 = fault.chain();
    }

    fn answer(self: Box<Self>) {}

    fn fail(self: Box<Self>, _: Fault) {}
}

const LIMITS: Limits = Limits { queued_per_tenant: 100, queued: 250, batch_operations: 12 };

fn push(queue: &Queue, lane: Lane) -> Result<(), NotQueued> {
    queue.push(lane, Box::new(Named(String::new()))).map_err(|(why, _)| why)
}

fn counts(batch: &Batch) -> (usize, usize) {
    (batch.clients, batch.jobs.len() - batch.clients)
}

#[test]
fn a_batch_takes_what_waits_and_no_more_than_its_bound() {
    let queue = Queue::new(LIMITS, false);
    (0..15).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    assert_eq!(counts(&queue.take().unwrap()), (12, 0));
    assert_eq!(counts(&queue.take().unwrap()), (3, 0));
    assert_eq!(queue.depth(), 0);
}

#[test]
fn each_bound_refuses_before_queueing() {
    let queue = Queue::new(LIMITS, false);
    (0..100).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    assert_eq!(push(&queue, Lane::Client(1)), Err(NotQueued::Full));
    (0..100).for_each(|_| push(&queue, Lane::Client(2)).unwrap());
    (0..50).for_each(|_| push(&queue, Lane::Client(3)).unwrap());
    assert_eq!(push(&queue, Lane::Client(4)), Err(NotQueued::Full));
    (0..100).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 1 }).unwrap());
    assert_eq!(push(&queue, Lane::Worker { tenant: 0, objects: 1 }), Err(NotQueued::Full));
    assert_eq!(queue.depth(), 350);
    queue.take();
    push(&queue, Lane::Client(1)).unwrap();
}

#[test]
fn workers_get_a_fifth_while_clients_wait() {
    let queue = Queue::new(Limits { queued_per_tenant: 10_000, queued: 10_000, batch_operations: 64 }, false);
    (0..6_400).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    (0..1_000).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 50 }).unwrap());
    let (mut clients, mut workers) = (0, 0);
    for _ in 0..100 {
        let batch = counts(&queue.take().unwrap());
        clients += batch.0;
        workers += batch.1;
        // A client's operation changes five rows; a worker's three for each of its fifty objects.
        assert!(workers * 150 * 4 <= clients * 5, "after {clients} clients, {workers} workers");
    }
    assert_eq!(clients, 6_400);
    assert!(workers * 150 * 5 >= clients * 5, "workers starved: {workers} for {clients} clients");
}

#[test]
fn a_shared_store_has_room_for_workers_in_every_batch() {
    let queue = Queue::new(Limits { queued_per_tenant: 10_000, queued: 10_000, batch_operations: 64 }, true);
    (0..6_400).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    (0..10_000).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 10 }).unwrap());
    let workers: usize = (0..100).map(|_| counts(&queue.take().unwrap()).1).sum();
    // A batch earns 80 rows by its clients and has 60 by itself; each of the ten objects takes three.
    assert_eq!(workers, 100 * 140 / 30);
}

#[test]
fn a_worker_that_moves_the_most_is_not_starved_by_a_trickle_of_clients() {
    let queue = Queue::new(LIMITS, false);
    push(&queue, Lane::Worker { tenant: 0, objects: u32::MAX }).unwrap();
    let mut batches = 0;
    loop {
        push(&queue, Lane::Client(1)).unwrap();
        if counts(&queue.take().unwrap()).1 == 1 {
            break;
        }
        batches += 1;
        assert!(batches <= 1_500);
    }
    assert!(batches > 300, "it ran before clients had moved four times as much");
}

#[test]
fn without_clients_workers_run_at_once_up_to_a_batch_of_rows() {
    let queue = Queue::new(LIMITS, false);
    (0..9).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 500 }).unwrap());
    let taken: Vec<_> = (0..3).map(|_| counts(&queue.take().unwrap())).collect();
    assert_eq!(taken, [(0, 4), (0, 4), (0, 1)]);
    // Objects that nobody counted are one at least: the batch stays bounded.
    let queue = Queue::new(Limits { queued_per_tenant: 5_000, ..LIMITS }, false);
    (0..3_000).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 0 }).unwrap());
    assert_eq!(counts(&queue.take().unwrap()), (0, 2_000));
}

#[test]
fn after_a_crowd_workers_wait_for_a_quiet_moment_and_not_for_ever() {
    let queue = Queue::new(Limits { batch_operations: 64, ..LIMITS }, false);
    (0..64).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    (0..2).for_each(|_| push(&queue, Lane::Worker { tenant: 0, objects: 500 }).unwrap());
    assert_eq!(counts(&queue.take().unwrap()), (64, 0));
    // A client that comes meanwhile goes first and earns nothing near a worker's operation.
    push(&queue, Lane::Client(1)).unwrap();
    assert_eq!(counts(&queue.take().unwrap()), (1, 0));
    assert_eq!(counts(&queue.take().unwrap()), (0, 2));
}

#[test]
fn a_closed_queue_gives_what_waits_and_then_ends() {
    let queue = Queue::new(LIMITS, false);
    (0..13).for_each(|_| push(&queue, Lane::Client(1)).unwrap());
    queue.close();
    assert_eq!(push(&queue, Lane::Client(1)), Err(NotQueued::Closed));
    assert_eq!(push(&queue, Lane::Worker { tenant: 0, objects: 1 }), Err(NotQueued::Closed));
    assert_eq!(counts(&queue.take().unwrap()), (12, 0));
    assert_eq!(counts(&queue.take().unwrap()), (1, 0));
    assert!(queue.take().is_none());
}

fn store(dir: &std::path::Path, limits: Limits) -> Store {
    let clock = std::sync::Arc::new(base::TestClock::at(START));
    Store::open(crate::Options { limits, ..options(dir) }, &schema(), clock).unwrap()
}

/// Queues an operation that says its tenant's number when it runs.
async fn say(
    store: &Store,
    tenant: u32,
    said: &tokio::sync::mpsc::UnboundedSender<u32>,
) -> tokio::task::JoinHandle<bool> {
    let (depth, queued, said) = (store.depth(), store.clone(), said.clone());
    let running = tokio::spawn(async move {
        // Behind a look, as what an operation does counts from then on.
        let run = move |tx: &mut Tx<'_>| {
            tx.get::<Head>(&tenant)?;
            Ok::<_, Halt<()>>(said.send(tenant).unwrap())
        };
        queued.submit(Lane::Client(tenant), run).await.is_ok()
    });
    super::kit::until("the operation is queued", || store.depth() > depth).await;
    running
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_of_them_asks() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.run_twice = false;
    let clock = std::sync::Arc::new(base::TestClock::at(START));
    let store = Store::open(options, &schema(), clock).unwrap();
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let hold = Hold::on(&store).await;
    for _ in 0..5 {
        say(&store, 1, &said).await;
    }
    for tenant in [2, 3, 2] {
        say(&store, tenant, &said).await;
    }
    drop((hold, said));
    let mut order = Vec::new();
    while let Some(tenant) = heard.recv().await {
        order.push(tenant);
    }
    assert_eq!(order, [1, 2, 3, 1, 2, 1, 1, 1]);
}

#[tokio::test]
async fn a_full_queue_is_a_busy_fault_and_closing_runs_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), Limits { queued_per_tenant: 3, queued: 5, batch_operations: 2 });
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let hold = Hold::on(&store).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(say(&store, 1, &said).await);
    }
    let refused = store.submit(Lane::Client(1), |_: &mut Tx<'_>| Ok::<_, Halt<()>>(())).await;
    assert!(fault(refused).busy);
    assert_eq!(store.stats().figures().refused_queue_full, 1);
    let closing = store.clone();
    let closed = tokio::task::spawn_blocking(move || closing.close());
    drop((hold, said));
    closed.await.unwrap();
    for running in waiting {
        assert!(running.await.unwrap(), "an operation that waited was not run");
    }
    let mut runs = 0;
    while heard.recv().await.is_some() {
        runs += 1;
    }
    // Each ran, twice as in all tests.
    assert_eq!(runs, 6);
    let late = store.submit(Lane::Client(1), |_: &mut Tx<'_>| Ok::<_, Halt<()>>(())).await;
    assert!(fault(late).busy);
}
