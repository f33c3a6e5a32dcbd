//! Roles that run: each with threads, store, listener, workers and socket of its own. Two roles in one process share
//! nothing but the process.

mod front;
mod plane;
mod site;

use std::net::SocketAddr;

pub use self::front::RunningControl;
pub use self::plane::{RunningPlane, gate_options};
pub use self::site::{Site, make_private_dir};

use crate::failure::Failure;
use crate::listen::{Bounds, health, landing};
use crate::metrics::{Recorder, Source};

/// The listener of figures, on a thread of its own.
pub struct RunningMetrics(Site);

impl RunningMetrics {
    pub fn start(listen: SocketAddr, recorder: &Recorder, sources: Vec<Source>) -> Result<RunningMetrics, Failure> {
        let mut site = Site::new("metrics", 1)?;
        let listener = site.bind("metrics", listen)?;
        let places = [("figures", "/metrics"), ("alive?", "/healthz"), ("ready?", "/readyz")];
        let landing = landing::Landing {
            title: "metrics",
            about: "Figures of this process in Prometheus' text format.",
            places: places.map(|(what, path)| (what.to_owned(), path.to_owned(), true)).into(),
        };
        let routes = recorder
            .routes(sources)
            .merge(health::routes(std::sync::Arc::new(|| Ok(())), site.when_closing()))
            .merge(landing::routes(&landing));
        site.serve(listener, routes, Bounds::SMALL);
        site.run(recorder.clone().fold());
        Ok(RunningMetrics(site))
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn begin_closing(&self) {
        self.0.begin_closing();
    }

    pub fn stop(self) {
        self.0.drain();
    }
}
