//! What happens by itself: one file per loop, each a `step` that a small driver repeats, so that a test steps without
//! time passing. Everything that a worker does can be done again: the store decides, the worker only proposes.
//!
//! `payouts` moves transfers and speaks to the rail; `touch` keeps when keys were used; `sweep` removes what resets left;
//! `presence` is there where several processes share a store, and then `leased` lets payouts and sweeps happen in one of
//! them at a time.
//!
//! The front office has loops of its own: `provision` brings environments to where they are wanted, `wishes` asks planes
//! again for what was not heard done, `usage` asks what tenants used, `mailer` sends mails, `prune` removes what is past, and
//! `rotate` changes what sessions are signed with. `plane_end` is no loop: it is what a plane answers control.

mod bell;
mod driver;
mod figures;
mod leased;
pub mod mailer;
mod office;
pub mod payouts;
pub mod plane_end;
pub mod presence;
pub mod provision;
pub mod prune;
pub mod rail;
pub mod rotate;
pub mod sweep;
pub mod touch;
pub mod usage;
pub mod wishes;

use plane::Plane;
use plane::members::Duty;
use tokio::runtime::Handle;

pub use bell::Bell;
use driver::Loops;
pub use driver::{Loop, Step};
pub use leased::Leased;
pub use mailer::Post;
pub use office::{Addresses, OfficeWorkers};
pub use payouts::Payouts;
pub use rail::{CashQRail, Rail, Simulated};

/// The running loops of one plane. Dropped without [`Workers::stop`], they end after the step that they are in.
pub struct Workers(Loops);

impl Workers {
    /// Starts the plane's loops on its own runtime. The plane has found its open transfers again by now, so nothing that
    /// was under way when the process ended is forgotten.
    pub fn start(plane: Plane, rail: Rail, on: &Handle) -> Workers {
        let mut loops = Loops::of(figures::label(plane.name()));
        if let Some(presence) = presence::Presence::of(plane.clone()) {
            loops.run("presence", presence, on);
        }
        loops.run("touch", touch::Touch::new(plane.clone()), on);
        if let Some(sweep) = sweep::Sweep::of(plane.clone()) {
            loops.run("sweep", Leased::new(plane.clone(), Duty::Sweep, sweep), on);
        }
        loops.run("payouts", Leased::new(plane.clone(), Duty::Payouts, Payouts::new(plane, rail)), on);
        Workers(loops)
    }

    /// Lets each loop finish the step that it is in: what was handed to the store is answered. Calls to a rail are cut
    /// off; the next start makes them again under the same ids. Leases are given back, so that another process goes on.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}
