//! The running loops of the front office.

use std::sync::{Arc, OnceLock};

use control::{Control, Planes};
use tokio::runtime::Handle;

use crate::bell::Ringer;
use crate::driver::Loops;
use crate::mailer::{Folder, Held, Mailer, Post, Way};
use crate::provision::Provision;
use crate::prune::Prune;
use crate::rotate::Rotate;
use crate::usage::Usage;
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
        loops.run("usage", Usage::new(control.clone(), Arc::clone(&planes)), on);
        loops.run("prune", Prune::new(control.clone()), on);
        loops.run("rotate", Rotate::new(control.clone()), on);
        let way = match post {
            Post::Held => None,
            Post::Files(dir) => Some(Way::Folder(Folder::at(dir))),
            Post::Smtp(server) => Some(Way::Smtp(server)),
        };
        match way {
            None => loops.run("mailer", Held::new(control), on),
            Some(way) => loops.run("mailer", Mailer::new(control, planes, way, addresses, ringer.bell()), on),
        }
        loops.run("ringer", ringer, on);
        OfficeWorkers(loops)
    }

    /// Lets each loop finish the step that it is in.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}
