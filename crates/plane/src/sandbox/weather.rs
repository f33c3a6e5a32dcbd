//! Latency and errors that a tenant has wished for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ::store::TenantNo;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

/// What every call of a tenant meets in its sandbox. Zero everywhere is fair weather.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// Added before each call is looked at, in milliseconds; at most 30,000.
    pub latency_ms: u32,
    /// Contract error code to answer with, such as `service_unavailable`.
    pub error: Option<String>,
    /// How many of the next calls fail; then the error is over. 0 with `error` set means: until changed.
    pub next: u32,
    /// Of how many calls one fails; 0 or 1 means each.
    pub one_in: u32,
}

/// Longest delay of a call, in milliseconds: what a client may have as its own time-out.
pub const LATENCY_MS_MOST: u32 = 30_000;

/// Error codes of the contracts that can be wished for (facts: cashq 3.4).
pub const ERROR_CODES: [&str; 8] = [
    "authentication_error",
    "insufficient_funds",
    "invalid_phone_number",
    "transfer_not_found",
    "kyc_not_verified",
    "internal_server_error",
    "service_unavailable",
    "invalid_request",
];

/// Why this weather cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeatherRefusal {
    #[error("latency_ms: give at most {LATENCY_MS_MOST}")]
    Latency,
    #[error("error: give one of {}", ERROR_CODES.join(", "))]
    ErrorUnknown,
    #[error("next and one_in say which calls fail: give `error` too")]
    NoError,
}

impl Weather {
    pub(super) fn check(&self) -> Result<(), WeatherRefusal> {
        if self.latency_ms > LATENCY_MS_MOST {
            return Err(WeatherRefusal::Latency);
        }
        match self.error.as_deref() {
            Some(code) if !ERROR_CODES.contains(&code) => Err(WeatherRefusal::ErrorUnknown),
            None if self.next > 0 || self.one_in > 0 => Err(WeatherRefusal::NoError),
            _ => Ok(()),
        }
    }

    /// Fair weather is kept as `{}`.
    pub(super) fn stored(&self) -> String {
        match *self == Weather::default() {
            true => "{}".to_owned(),
            // Plain values with fixed keys: this cannot fail.
            false => serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned()),
        }
    }

    /// Text that is not weather is fair weather.
    pub(super) fn from_stored(stored: &str) -> Weather {
        serde_json::from_str(stored).unwrap_or_default()
    }
}

/// What one call meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gust {
    pub latency_ms: u32,
    pub error: Option<String>,
}

#[derive(Default)]
pub(crate) struct Skies {
    known: RwLock<HashMap<TenantNo, Arc<Sky>>>,
    /// Moves with every change here; what was read under an older value is not taken.
    changes: AtomicU64,
}

struct Sky {
    weather: Weather,
    calls: AtomicU32,
    failed: AtomicU32,
}

impl Skies {
    /// Takes what is stored for a tenant.
    pub(crate) fn set(&self, tenant: TenantNo, stored: &str) {
        let weather = Weather::from_stored(stored);
        let mut skies = self.known.write();
        self.changes.fetch_add(1, Ordering::AcqRel);
        if weather == Weather::default() {
            skies.remove(&tenant);
        } else {
            skies.insert(tenant, Arc::new(Sky::of(weather)));
        }
    }

    /// The tenant's number was retired.
    pub(crate) fn forget(&self, tenant: TenantNo) {
        let mut skies = self.known.write();
        self.changes.fetch_add(1, Ordering::AcqRel);
        skies.remove(&tenant);
    }

    /// Taken before rows are read for [`Skies::replace`].
    pub(super) fn ticket(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Takes what is stored for all tenants, unless something changed here since the ticket: then false, and the rows
    /// are to be read again. Weather that is as it was goes on counting calls.
    pub(super) fn replace(&self, ticket: u64, stored: Vec<(TenantNo, Weather)>) -> bool {
        let mut skies = self.known.write();
        if self.ticket() != ticket {
            return false;
        }
        let mut before = std::mem::take(&mut *skies);
        let fair = Weather::default();
        for (tenant, weather) in stored.into_iter().filter(|(_, weather)| *weather != fair) {
            let same = before.remove(&tenant).filter(|sky| sky.weather == weather);
            skies.insert(tenant, same.unwrap_or_else(|| Arc::new(Sky::of(weather))));
        }
        true
    }

    /// What this call of the tenant meets.
    pub(crate) fn gust(&self, tenant: TenantNo) -> Gust {
        let sky = self.known.read().get(&tenant).map(Arc::clone);
        sky.map_or_else(Gust::default, |sky| sky.gust())
    }

    /// What this call meets under the weather that was just read, which counts calls if it is the one known here.
    pub(super) fn gust_under(&self, tenant: TenantNo, weather: Weather) -> Gust {
        let known = self.known.read().get(&tenant).filter(|sky| sky.weather == weather).map(Arc::clone);
        known.unwrap_or_else(|| Arc::new(Sky::of(weather))).gust()
    }
}

impl Sky {
    fn of(weather: Weather) -> Sky {
        Sky { weather, calls: AtomicU32::new(0), failed: AtomicU32::new(0) }
    }

    fn gust(&self) -> Gust {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let turn = call.is_multiple_of(self.weather.one_in.max(1));
        let error = self.weather.error.clone().filter(|_| turn && self.still_fails());
        Gust { latency_ms: self.weather.latency_ms, error }
    }

    fn still_fails(&self) -> bool {
        self.weather.next == 0 || self.failed.fetch_add(1, Ordering::Relaxed) < self.weather.next
    }
}
