//! Sends the mails that wait in control's store: takes one, writes it, hands it over, and says so there. A mail whose sender
//! died in between is sent again, so one may arrive twice and none is lost.

mod files;
mod letters;

use std::path::PathBuf;
use std::sync::Arc;

use base::{Environment, Fault};
use control::mail::{self, Outgoing};
use control::{Control, Planes};

use crate::bell::{Bell, LOOK_EVERY};
use crate::driver::{Loop, Step};
use crate::office::Addresses;
use files::Folder;
use letters::{Letter, Places};

/// Where mails go.
#[derive(Clone, Debug)]
pub enum Post {
    /// Into files of this directory, which only their owner may read. The log shows each mail's link, so this is for one's own
    /// machine.
    Files(PathBuf),
    /// They wait.
    Held,
}

pub struct Mailer {
    control: Control,
    planes: Arc<dyn Planes>,
    folder: Folder,
    addresses: Addresses,
    bell: Bell,
}

impl Mailer {
    pub fn new(control: Control, planes: Arc<dyn Planes>, dir: PathBuf, addresses: Addresses, bell: Bell) -> Mailer {
        Mailer { control, planes, folder: Folder::at(dir), addresses, bell }
    }

    async fn deliver(&self, public: &str, outgoing: &Outgoing) -> Result<(), Fault> {
        let live = self.planes.base_url(Environment::Live);
        let places = Places { public, from: &self.addresses.from, live: live.as_deref() };
        match Letter::write(outgoing, &places, self.control.now()).and_then(|letter| self.post(outgoing, &letter)) {
            Ok(()) => mail::sent(&self.control, &outgoing.id).await,
            Err(fault) => {
                let why = fault.chain();
                tracing::warn!(mail = outgoing.id, why, "a mail was not sent; it is tried again");
                mail::failed(&self.control, &outgoing.id, &why).await
            }
        }
    }

    fn post(&self, outgoing: &Outgoing, letter: &Letter) -> Result<(), Fault> {
        let file = self.folder.put(outgoing.kind.word(), letter.message.as_bytes())?;
        let (address, kind, file) = (&outgoing.address, outgoing.kind.word(), file.display());
        tracing::info!(address, kind, link = letter.link.as_deref(), %file, "mail");
        Ok(())
    }
}

impl Loop for Mailer {
    async fn step(&mut self) -> Step {
        let Some(public) = self.addresses.public.get() else { return Step::Wait(LOOK_EVERY) };
        let delivered = match mail::take(&self.control).await {
            Ok(None) => return Step::Wait(LOOK_EVERY),
            Ok(Some(outgoing)) => self.deliver(public, &outgoing).await,
            Err(fault) => Err(fault),
        };
        match delivered {
            Ok(()) => Step::Again,
            Err(fault) => {
                tracing::warn!(fault = fault.chain(), "the store did not take part in sending a mail this time");
                Step::Wait(LOOK_EVERY)
            }
        }
    }

    async fn woken(&mut self) {
        self.bell.rung().await;
    }
}
