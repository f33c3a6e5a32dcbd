//! Control, running: health, a landing page, and the operator's socket.

use std::sync::Arc;

use axum::Router;
use base::{OsChance, SystemClock};
use control::Control;

use super::Site;
use crate::admin::control_desk;
use crate::backup::desk::{self as backup_desk, Served};
use crate::config::ControlRole;
use crate::failure::Failure;
use crate::listen::{Bounds, health, landing};
use crate::logs::Levels;
use crate::metrics::Source;

pub struct RunningControl {
    site: Site,
    pub control: Control,
}

impl RunningControl {
    /// `places` are the other parts of the platform, as far as they are known: (what it is, address, can be followed).
    pub fn start(
        role: &ControlRole,
        levels: &Levels,
        places: Vec<(String, String, bool)>,
    ) -> Result<RunningControl, Failure> {
        let control = Control::open(role.place(), Arc::new(SystemClock), Arc::new(OsChance)).map_err(Failure::Store)?;
        let mut site = Site::new("control", 1)?;
        let listener = site.bind("control", role.listen)?;
        let routes = routes(&control, &site, places);
        let writes = control.clone();
        let served = Served {
            dir: role.database.is_none().then(|| role.data.clone()),
            log_bytes: Arc::new(move || writes.stats().figures().log_bytes),
            closing: site.when_closing(),
        };
        let desk = control_desk::routes(control.clone(), levels.clone()).merge(backup_desk::routes(served));
        site.serve_operator(&role.data.join(crate::admin::SOCKET), desk)?;
        site.serve(listener, routes, Bounds::SMALL);
        Ok(RunningControl { site, control })
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    pub fn source(&self) -> Source {
        Source::Control(self.control.clone())
    }

    pub fn stop(mut self) {
        self.site.drain_listeners();
        self.control.close();
        self.site.drain();
    }
}

fn routes(control: &Control, site: &Site, mut places: Vec<(String, String, bool)>) -> Router {
    let (answers, writes) = (control.clone(), control.clone());
    let ready = health::of_store(move || answers.ready(), move || writes.stats().figures().read_only > 0);
    places.push(("alive?".to_owned(), "/healthz".to_owned(), true));
    places.push(("ready?".to_owned(), "/readyz".to_owned(), true));
    let landing = landing::Landing {
        title: "platform",
        about: "The front office of this installation. Sandbox and live are two environments that share nothing: no key, \
                no customer and no balance of one is known to the other. Manuals: docs/ in the source tree.",
        places,
    };
    health::routes(ready, site.when_closing()).merge(landing::routes(&landing))
}
