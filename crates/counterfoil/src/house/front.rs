//! Control, running: the front office's surface and loops, health, a landing page, and the operator's socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::Router;
use base::{Environment, OsChance, SystemClock};
use control::Control;
use control::billing::Provider;
use gate::office::{self, Office, Origin};
use workers::{Addresses, OfficeWorkers, Post};

use super::Site;
use crate::admin::{control_desk, live_desk};
use crate::backup::desk::{self as backup_desk, Served};
use crate::checkout;
use crate::config::{ControlRole, host};
use crate::failure::Failure;
use crate::intercom::{self, Reached};
use crate::listen::{Bounds, health, landing};
use crate::logs::Levels;
use crate::metrics::Source;

/// The loops and the surface: neither is in the way of the other.
const THREADS: usize = 2;

pub struct RunningControl {
    site: Site,
    workers: OfficeWorkers,
    planes: Reached,
    pub control: Control,
}

impl RunningControl {
    /// `places` are the other parts of the platform, as far as they are known: (what it is, address, can be followed).
    pub fn start(
        role: &ControlRole,
        levels: &Levels,
        post: Post,
        places: Vec<(String, String, bool)>,
    ) -> Result<RunningControl, Failure> {
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(OsChance));
        let control = Control::open(role.place(), &role.data, role.settings.clone(), clock, chance);
        let control = control.map_err(Failure::Store)?;
        let planes = Reached::new(role.intercom.sandbox.clone(), role.intercom.live.clone());
        let mut site = Site::new("control", THREADS)?;
        let listener = site.bind("control", role.listen)?;
        let public = role.public_url.clone().unwrap_or_else(|| format!("http://{}", site.address));
        let from = role.mail.from.clone().unwrap_or_else(|| format!("no-reply@{}", host(&public)));
        let near = format!("http://{}", near(site.address));
        let (provider, payments) = checkout::provider(&role.checkout, &public, &near).map_err(Failure::Store)?;
        let office = office(&control, &planes, role, &public, provider);
        let addresses = Addresses { public: Arc::new(OnceLock::from(public)), from };
        let workers = OfficeWorkers::start(control.clone(), Arc::new(planes.clone()), post, addresses, site.handle());
        let routes = routes(&control, &site, places)
            .merge(pacspace::routes(office.clone()))
            .merge(paychain::routes(office))
            .merge(payments);
        let writes = control.clone();
        let served = Served {
            dir: role.database.is_none().then(|| role.data.clone()),
            log_bytes: Arc::new(move || writes.stats().figures().log_bytes),
            closing: site.when_closing(),
        };
        let desk = control_desk::routes(control.clone(), levels.clone()).merge(backup_desk::routes(served));
        let desk = desk.merge(live_desk::routes(control.clone(), Arc::new(planes.clone())));
        site.serve_socket(&role.data.join(crate::admin::SOCKET), desk)?;
        let waiting = intercom::waiting_routes(control.clone(), &role.intercom);
        site.serve_socket(&role.data.join(intercom::SOCKET), waiting)?;
        site.serve(listener, routes, Bounds::SMALL);
        Ok(RunningControl { site, workers, planes, control })
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Where clients reach an environment from now on.
    pub fn clients_reach(&self, environment: Environment, base_url: String) {
        self.planes.clients_reach(environment, base_url);
    }

    pub fn source(&self) -> Source {
        Source::Control(self.control.clone())
    }

    pub fn stop(mut self) {
        self.site.drain_listeners();
        self.site.block_on(self.workers.stop());
        self.control.close();
        self.site.drain();
    }
}

fn office(
    control: &Control,
    planes: &Reached,
    role: &ControlRole,
    public: &str,
    provider: Option<Arc<dyn Provider>>,
) -> Office {
    let options = office::Options {
        rate: role.rate,
        origin: Origin::of(public),
        trusted_proxies: role.trusted_proxies.clone(),
        provider,
        ..office::Options::default()
    };
    Office::new(control.clone(), Arc::new(planes.clone()), options)
}

/// Where this process reaches its own listener.
fn near(address: SocketAddr) -> SocketAddr {
    let local = if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
    if address.ip().is_unspecified() { SocketAddr::new(local, address.port()) } else { address }
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
