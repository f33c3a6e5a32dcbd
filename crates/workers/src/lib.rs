//! What happens by itself: one file per loop, each a `step` that a small driver repeats, so that a test steps without
//! time passing. Everything that a worker does can be done again: the store decides, the worker only proposes.
//!
//! `payouts` moves transfers and speaks to the rail; `touch` keeps when keys were used; `sweep` removes what resets left;
//! `presence` is there where several processes share a store, and then `leased` lets payouts and sweeps happen in one of
//! them at a time.

mod driver;
mod figures;
mod leased;
pub mod payouts;
pub mod presence;
pub mod rail;
pub mod sweep;
pub mod touch;

use plane::Plane;
use plane::members::Duty;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use driver::{Loop, Step};
pub use leased::Leased;
pub use payouts::Payouts;
pub use rail::{CashQRail, Rail, Simulated};

/// The running loops of one plane. Dropped without [`Workers::stop`], they end after the step that they are in.
pub struct Workers {
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
}

impl Workers {
    /// Starts the plane's loops on its own runtime. The plane has found its open transfers again by now, so nothing that
    /// was under way when the process ended is forgotten.
    pub fn start(plane: Plane, rail: Rail, on: &Handle) -> Workers {
        let (stop, stopped) = watch::channel(false);
        let mut workers = Workers { stop, loops: JoinSet::new() };
        let label = figures::label(plane.name());
        if let Some(presence) = presence::Presence::of(plane.clone()) {
            workers.run("presence", label, presence, &stopped, on);
        }
        workers.run("touch", label, touch::Touch::new(plane.clone()), &stopped, on);
        if let Some(sweep) = sweep::Sweep::of(plane.clone()) {
            let sweep = Leased::new(plane.clone(), Duty::Sweep, sweep);
            workers.run("sweep", label, sweep, &stopped, on);
        }
        let payouts = Leased::new(plane.clone(), Duty::Payouts, Payouts::new(plane, rail));
        workers.run("payouts", label, payouts, &stopped, on);
        workers
    }

    /// Lets each loop finish the step that it is in: what was handed to the store is answered. Calls to a rail are cut
    /// off; the next start makes them again under the same ids. Leases are given back, so that another process goes on.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.loops.join_next().await.is_some() {}
    }

    fn run(
        &mut self,
        worker: &'static str,
        plane: &'static str,
        work: impl Loop + 'static,
        stopped: &watch::Receiver<bool>,
        on: &Handle,
    ) {
        let running = on.spawn(driver::drive(work, stopped.clone()));
        let watched = async move {
            if let Err(error) = running.await {
                tracing::error!(plane, worker, %error, "a worker ended; nothing it does happens until a restart");
                metrics::counter!("counterfoil_workers_lost_total", "plane" => plane, "worker" => worker).increment(1);
            }
        };
        self.loops.spawn_on(watched, on);
    }
}
