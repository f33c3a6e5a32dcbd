//! Keeping the committer busy, so that what is submitted meanwhile forms one batch.

use std::sync::mpsc::{Receiver, Sender, channel};

use base::Stop;
use store::{Halt, Head, Lane, Store, TenantNo, Tx};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Where an operation stands until its [`Held`] is dropped.
pub struct Gate {
    enter: UnboundedSender<()>,
    released: Receiver<()>,
}

pub struct Held {
    _release: Sender<()>,
    entered: UnboundedReceiver<()>,
}

impl Gate {
    pub fn new() -> (Gate, Held) {
        let (release, released) = channel();
        let (enter, entered) = unbounded_channel();
        (Gate { enter, released }, Held { _release: release, entered })
    }

    /// Ends when the other side is dropped, however often it is called.
    pub fn stand(&self) {
        let _ = self.enter.send(());
        let _ = self.released.recv();
    }
}

impl Held {
    /// Returns when an operation stands at the gate.
    pub async fn reached(&mut self) {
        self.entered.recv().await.unwrap();
    }
}

/// The committer stands in an operation of tenant 0 until this is dropped.
pub struct Hold {
    _held: Held,
}

impl Hold {
    pub async fn on(store: &Store) -> Hold {
        let (gate, mut held) = Gate::new();
        let store = store.clone();
        tokio::spawn(async move {
            let block = move |tx: &mut Tx<'_>| {
                // Behind a look: in a shared store operations run once before anything is locked.
                tx.get::<Head>(&0)?;
                gate.stand();
                Ok::<_, Halt<()>>(())
            };
            store.submit(Lane::Client(0), block).await.unwrap();
        });
        held.reached().await;
        Hold { _held: held }
    }
}

/// Runs the operations in one batch, queued in their order, and answers their outcomes in that order.
pub async fn together<T, R, F>(store: &Store, operations: Vec<(TenantNo, F)>) -> Vec<Result<T, Stop<R>>>
where
    F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
    T: Send + 'static,
    R: Send + 'static,
{
    let hold = Hold::on(store).await;
    let mut running = JoinSet::new();
    let count = operations.len();
    for (at, (tenant, run)) in operations.into_iter().enumerate() {
        let queued = store.clone();
        running.spawn(async move { (at, queued.submit(Lane::Client(tenant), run).await) });
        super::until("the operation is queued", || store.depth() > at).await;
    }
    assert_eq!(store.depth(), count);
    drop(hold);
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
