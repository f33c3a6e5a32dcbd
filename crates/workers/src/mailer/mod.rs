//! Sends the mails that wait in control's store: takes one, writes it, hands it over, and says so there. A mail whose sender
//! died in between is sent again, so one may arrive twice and none is lost.

mod files;
mod held;
mod letters;
mod smtp;

use std::path::PathBuf;
use std::sync::Arc;

use base::{Environment, Fault};
use control::mail::{self, Outgoing};
use control::{Control, Planes};

use crate::bell::{Bell, LOOK_EVERY};
use crate::driver::{Loop, Step};
use crate::office::Addresses;
pub(crate) use files::Folder;
pub(crate) use held::Held;
use letters::{Letter, Places};
pub use smtp::Smtp;

/// Where mails go.
#[derive(Clone, Debug)]
pub enum Post {
    /// Into files of this directory, which only their owner may read. The log shows each mail's link, so this is for one's own
    /// machine.
    Files(PathBuf),
    /// To a server that sends them on.
    Smtp(Smtp),
    /// They wait.
    Held,
}

pub(crate) struct Mailer {
    control: Control,
    planes: Arc<dyn Planes>,
    way: Way,
    addresses: Addresses,
    bell: Bell,
    /// The last mail did not go: the next one has time.
    failed: bool,
}

/// How a mail leaves.
pub(crate) enum Way {
    Folder(Folder),
    Smtp(Smtp),
}

impl Mailer {
    pub(crate) fn new(control: Control, planes: Arc<dyn Planes>, way: Way, addresses: Addresses, bell: Bell) -> Mailer {
        Mailer { control, planes, way, addresses, bell, failed: false }
    }

    async fn deliver(&mut self, public: &str, outgoing: &Outgoing) -> Result<(), Fault> {
        let live = self.planes.base_url(Environment::Live);
        let places = Places { public, from: &self.addresses.from, live: live.as_deref() };
        let gone = match Letter::write(outgoing, &places, self.control.now()) {
            Ok(letter) => self.post(outgoing, &letter).await,
            Err(fault) => Err(fault),
        };
        self.failed = gone.is_err();
        match gone {
            Ok(()) => mail::sent(&self.control, &outgoing.id).await,
            Err(fault) => {
                let why = fault.chain();
                tracing::warn!(mail = outgoing.id, why, "a mail was not sent; it is tried again");
                mail::failed(&self.control, &outgoing.id, &why).await
            }
        }
    }

    async fn post(&self, outgoing: &Outgoing, letter: &Letter) -> Result<(), Fault> {
        let (address, kind) = (&outgoing.address, outgoing.kind.word());
        match &self.way {
            Way::Folder(folder) => {
                let file = folder.put(kind, letter.message.as_bytes())?;
                tracing::info!(address, kind, link = letter.link.as_deref(), file = %file.display(), "mail");
            }
            Way::Smtp(server) => {
                server.hand_over(&self.addresses.from, address, letter.message.as_bytes()).await?;
                tracing::debug!(mail = outgoing.id, kind, "mail");
            }
        }
        Ok(())
    }
}

impl Loop for Mailer {
    async fn step(&mut self) -> Step {
        let Some(public) = self.addresses.public.get().cloned() else { return Step::Wait(LOOK_EVERY) };
        let delivered = match mail::take(&self.control).await {
            Ok(None) => {
                self.failed = false;
                return Step::Wait(LOOK_EVERY);
            }
            Ok(Some(outgoing)) => self.deliver(&public, &outgoing).await,
            Err(fault) => Err(fault),
        };
        match delivered {
            Ok(()) if self.failed => Step::Wait(LOOK_EVERY),
            Ok(()) => Step::Again,
            Err(fault) => {
                tracing::warn!(fault = fault.chain(), "the store did not take part in sending a mail this time");
                Step::Wait(LOOK_EVERY)
            }
        }
    }

    /// Not while mails do not go: to say so rings the bell as well.
    async fn woken(&mut self) {
        if self.failed {
            std::future::pending::<()>().await;
        }
        self.bell.rung().await;
    }
}
