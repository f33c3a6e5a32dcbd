//! What a gate is built from.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Chance, Clock, KeyId, OsChance, Time};
use ipnet::IpNet;
use plane::Plane;

use crate::meters::Denials;
use crate::pace::{DeniedPace, Pace};
use crate::request_id::Ids;

/// One plane's gate: how its callers are judged before a surface sees them. Clones share it.
#[derive(Clone)]
pub struct Gate {
    pub(crate) plane: Plane,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    pub(crate) keys: Pace<KeyId>,
    pub(crate) denied: DeniedPace,
    pub(crate) denials: Denials,
}

/// How a gate judges. Every value has been checked before it gets here.
#[derive(Clone)]
pub struct Options {
    /// For each key.
    pub rate: Rate,
    /// Refused keys that one client address (one /64 for IPv6) may present in a minute before it is told to wait.
    pub denials_per_minute: NonZeroU32,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// How long a request body may take to arrive.
    pub body_within: Duration,
    /// How long an answer may take, the body's arrival included and injected latency left out.
    pub answer_within: Duration,
    /// From when on a request is logged at info level.
    pub slow: Duration,
    /// What rates are measured by. Never the wall clock: it can jump.
    pub pace_clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub chance: Arc<dyn Chance>,
}

/// A bucket of `burst` requests that fills at `per_second`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

impl Rate {
    /// Zeroes count as one.
    pub fn new(per_second: u32, burst: u32) -> Rate {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Rate { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rate: Rate::new(100, 200),
            denials_per_minute: NonZeroU32::MIN.saturating_add(99),
            trusted_proxies: Vec::new(),
            body_bytes: 64 * 1024,
            body_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
            slow: Duration::from_secs(1),
            pace_clock: Arc::new(Monotonic::default()),
            chance: Arc::new(OsChance),
        }
    }
}

impl Gate {
    /// A gate before `plane`. Metrics go to the recorder that is installed by now.
    pub fn new(plane: Plane, options: Options) -> Gate {
        let clock = Arc::clone(&options.pace_clock);
        let shared = Shared {
            ids: Ids::seeded(options.chance.as_ref()),
            keys: Pace::new("key", options.rate, Arc::clone(&clock)),
            denied: DeniedPace::new(options.denials_per_minute, clock),
            denials: Denials::register(plane.name()),
            options,
        };
        Gate { plane, shared: Arc::new(shared) }
    }

    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }
}

/// Time since this value was made. It never goes back, and it tells nothing about the date.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Monotonic {
        Monotonic(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Time {
        Time(i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}
