//! One plane, running: store, workers, its listener and the operator's socket.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use base::{Environment, OsChance, SystemClock};
use gate::{Gate, Rate};
use plane::{Plane, PlaneConfig};
use workers::{Simulated, Workers};

use super::Site;
use crate::admin::plane_desk;
use crate::backup::desk::{self as backup_desk, Served};
use crate::config::{PlaneRole, Rail, Role};
use crate::failure::Failure;
use crate::intercom;
use crate::listen::{Bounds, health, landing};
use crate::logs::Levels;
use crate::metrics::Source;

pub struct RunningPlane {
    site: Site,
    workers: Workers,
    pub plane: Plane,
}

impl RunningPlane {
    /// Opens the store, takes the address, starts the workers, does what control has waiting, and serves.
    pub fn start(role: &PlaneRole, levels: &Levels) -> Result<RunningPlane, Failure> {
        let environment = role.plane.name.environment;
        let mut site = Site::new(Role::of(environment).word(), role.limits.threads)?;
        let config = PlaneConfig { answers_on: Some(site.handle().clone()), ..role.plane.clone() };
        let opened = Plane::open(config, Arc::new(SystemClock), Arc::new(OsChance));
        let plane = opened.map_err(Failure::Store)?;
        let listener = site.bind(environment.word(), role.listen)?;
        let base = role.public_url.clone().unwrap_or_else(|| format!("http://{}", site.address));
        let routes = routes(&plane, role, &site, &base);
        let workers = Workers::start(plane.clone(), rail(&plane, &role.rail)?, site.handle());
        let writes = plane.clone();
        let served = Served {
            dir: role.plane.database.is_none().then(|| role.plane.dir.clone()),
            log_bytes: Arc::new(move || writes.stats().figures().log_bytes),
            closing: site.when_closing(),
        };
        let desk = plane_desk::routes(plane.clone(), levels.clone()).merge(backup_desk::routes(served));
        site.serve_socket(&role.plane.dir.join(crate::admin::SOCKET), desk)?;
        let key = intercom::secret(&role.plane.dir, &OsChance).map_err(Failure::Store)?;
        site.serve_socket(&role.plane.dir.join(intercom::SOCKET), intercom::routes(plane.clone(), key.clone()))?;
        // Behind the socket: what control wants from here on is asked there.
        site.block_on(intercom::catch_up(&plane, &key, &role.control));
        let bounds = Bounds { connections: role.limits.connections, header_read: role.limits.header_read };
        site.serve(listener, routes, bounds);
        tracing::info!(plane = environment.word(), address = %site.address, "serving");
        Ok(RunningPlane { site, workers, plane })
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    pub fn source(&self) -> Source {
        Source::Plane(self.plane.clone())
    }

    /// Answers what is under way, stops the workers, closes the store.
    pub fn stop(mut self) {
        self.site.drain_listeners();
        self.site.block_on(self.workers.stop());
        self.plane.close();
        self.site.drain();
    }
}

/// A live plane has no witness: it cannot get the simulated rail, nor the sandbox's controls below.
fn rail(plane: &Plane, configured: &Rail) -> Result<workers::Rail, Failure> {
    Ok(match (configured, plane.sandbox()) {
        (Rail::Simulated, Some(witness)) => workers::Rail::Simulated(Simulated::new(witness)),
        (Rail::Simulated, None) => return Err(Failure::Usage("live has no simulated rail".to_owned())),
        (Rail::Manual, _) => workers::Rail::Manual,
        (Rail::CashQ(rail), _) => workers::Rail::CashQ(rail.clone()),
    })
}

fn routes(plane: &Plane, role: &PlaneRole, site: &Site, base: &str) -> Router {
    let (answers, writes) = (plane.clone(), plane.clone());
    let ready = health::of_store(move || answers.ready(), move || writes.stats().figures().read_only > 0);
    let gate = Gate::new(plane.clone(), gate_options(role));
    let mut routes = health::routes(ready, site.when_closing())
        .merge(landing::routes(&landing(plane)))
        .merge(cashq::routes(gate.clone(), cashq::Options { kyc_base: base.to_owned() }))
        .merge(hosted::routes(gate.clone(), role.pages.clone()));
    if let Some(witness) = plane.sandbox() {
        routes = routes.merge(sandbox::routes(gate.clone(), witness));
    }
    gate::front(routes, gate, cashq::Cashq)
}

pub fn gate_options(role: &PlaneRole) -> gate::Options {
    let limits = &role.limits;
    gate::Options {
        rate: Rate::new(limits.requests_per_second, limits.burst),
        denials_per_minute: NonZeroU32::new(limits.denied_per_minute).unwrap_or(NonZeroU32::MIN),
        trusted_proxies: role.trusted_proxies.clone(),
        body_bytes: limits.body_bytes,
        body_within: limits.body,
        answer_within: limits.request,
        ..gate::Options::default()
    }
}

fn landing(plane: &Plane) -> landing::Landing {
    let (title, about) = match plane.name().environment {
        Environment::Sandbox => ("sandbox", "The sandbox. Money here is simulated, and everything can be reset."),
        Environment::Live => ("live", "The live environment. Money here is real."),
    };
    let mut places: Vec<_> = [
        ("CashQ: balance", "GET /api/agent_balance"),
        ("CashQ: receiver", "GET /api/kyc/{phone}"),
        ("CashQ: check", "POST /api/checkTransfer"),
        ("CashQ: transfer", "POST /api/transfer"),
        ("CashQ: status", "GET /api/status/{id}"),
        ("a receiver's page", "GET /kyc/{token}, the kyc_url of an unverified receiver"),
    ]
    .map(|(what, call)| (what.to_owned(), call.to_owned(), false))
    .into();
    if plane.sandbox().is_some() {
        places.push(("controls".to_owned(), "/sandbox/…, see docs/sandbox.md".to_owned(), false));
    }
    places.push(("alive?".to_owned(), "/healthz".to_owned(), true));
    places.push(("ready?".to_owned(), "/readyz".to_owned(), true));
    landing::Landing { title, about, places }
}
