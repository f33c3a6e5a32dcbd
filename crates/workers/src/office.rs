//! The running loops of the front office.

use std::sync::{Arc, OnceLock};

use control::{Control, Planes};
use tokio::runtime::Handle;

use crate::bell::Ringer;
use crate::driver::Loops;
use crate::mailer::{Mailer, Post};
use crate::provision::Provision;
use crate::wishes::Wishes;

/// What mails name.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Where people reach the dashboard, without a slash at its end. Mails wait until it is known.
    pub public: Arc<OnceLock<String>>,
    /// Whom mails are from: an address alone.
    pub from: String,
}

/// Dropped without [`OfficeWorkers::stop`], they end after the step that they are in.
pub struct OfficeWorkers(Loops);

impl OfficeWorkers {
    /// Starts the loops on control's runtime. What was under way when the process ended is due again.
    pub fn start(
        control: Control,
        planes: Arc<dyn Planes>,
        post: Post,
        addresses: Addresses,
        on: &Handle,
    ) -> OfficeWorkers {
        let mut loops = Loops::of("control");
        let mut ringer = Ringer::new(control.clone());
        loops.run("provision", Provision::new(control.clone(), Arc::clone(&planes), ringer.bell()), on);
        loops.run("wishes", Wishes::new(control.clone(), Arc::clone(&planes), ringer.bell()), on);
        match post {
            Post::Held => tracing::warn!("mails are kept and not sent: configure how they are sent"),
            Post::Files(dir) => {
                loops.run("mailer", Mailer::new(control, planes, dir, addresses, ringer.bell()), on);
            }
        }
        loops.run("ringer", ringer, on);
        OfficeWorkers(loops)
    }

    /// Lets each loop finish the step that it is in.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}
