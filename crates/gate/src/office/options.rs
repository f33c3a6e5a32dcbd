//! What the office's gate is built from.

use std::sync::Arc;
use std::time::Duration;

use base::{Chance, Clock, OsChance};
use control::billing::Provider;
use control::{Control, Net, Planes};
use ipnet::IpNet;

use super::Origin;
use crate::pace::Pace;
use crate::request_id::Ids;
use crate::{Monotonic, Rate};

/// The front office as its surfaces reach it. Clones share it.
#[derive(Clone)]
pub struct Office {
    pub(crate) control: Control,
    pub(crate) planes: Arc<dyn Planes>,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    pub(crate) nets: Pace<Net>,
}

/// How callers are judged. Every value has been checked before it gets here.
#[derive(Clone)]
pub struct Options {
    /// Where browsers find the dashboard.
    pub origin: Origin,
    /// For each network.
    pub rate: Rate,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// How long a request body may take to arrive.
    pub body_within: Duration,
    /// How long an answer may take, the body's arrival included.
    pub answer_within: Duration,
    /// From when on a request is logged at info level.
    pub slow: Duration,
    /// What rates are measured by. Never the wall clock: it can jump.
    pub pace_clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub chance: Arc<dyn Chance>,
    /// Where plans are paid; without one the operator answers for them.
    pub provider: Option<Arc<dyn Provider>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            origin: Origin::of("https://localhost"),
            rate: Rate::new(20, 100),
            trusted_proxies: Vec::new(),
            body_bytes: 16 * 1024,
            body_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            slow: Duration::from_secs(1),
            pace_clock: Arc::new(Monotonic::default()),
            chance: Arc::new(OsChance),
            provider: None,
        }
    }
}

impl Office {
    pub fn new(control: Control, planes: Arc<dyn Planes>, options: Options) -> Office {
        let shared = Shared {
            ids: Ids::seeded(options.chance.as_ref()),
            nets: Pace::new("net", options.rate, Arc::clone(&options.pace_clock)),
            options,
        };
        Office { control, planes, shared: Arc::new(shared) }
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn planes(&self) -> &dyn Planes {
        self.planes.as_ref()
    }
}
