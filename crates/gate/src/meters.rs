//! Counters and histograms, looked up once per route and status and then held.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::MatchedPath;
use base::PlaneName;
use http::StatusCode;
use metrics::{Counter, Histogram, counter, histogram};
use plane::Denied;

/// One route's meters. Made for each route when the router is built, filled when the first request comes.
pub(crate) struct Meters {
    /// `control`, or a plane as [`label`] writes it.
    plane: String,
    surface: &'static str,
    route: OnceLock<Box<str>>,
    by_status: [OnceLock<Counter>; STATUSES.len() + 1],
    seconds: OnceLock<Histogram>,
}

/// Statuses with a counter of their own; the rest share the last one, as `other`.
const STATUSES: [u16; 19] =
    [200, 201, 202, 204, 302, 303, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503];

impl Meters {
    pub(crate) fn new(plane: String, surface: &'static str) -> Meters {
        Meters {
            plane,
            surface,
            route: OnceLock::new(),
            by_status: std::array::from_fn(|_| OnceLock::new()),
            seconds: OnceLock::new(),
        }
    }

    /// The route as it was written, such as `/api/status/{id}`: never the path with ids in it.
    pub(crate) fn route(&self, matched: Option<&MatchedPath>) -> &str {
        self.route.get_or_init(|| matched.map_or("unmatched", |path| path.as_str()).into())
    }

    pub(crate) fn count(&self, route: &str, status: StatusCode, took: Duration) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len());
        let counter = self.by_status[place].get_or_init(|| {
            let status = STATUSES.get(place).map_or_else(|| "other".to_owned(), u16::to_string);
            counter!("counterfoil_http_requests_total", "plane" => self.plane.clone(), "surface" => self.surface,
                "route" => route.to_owned(), "status" => status)
        });
        counter.increment(1);
        let seconds = self.seconds.get_or_init(|| {
            histogram!("counterfoil_http_request_seconds", "plane" => self.plane.clone(), "surface" => self.surface,
                "route" => route.to_owned())
        });
        seconds.record(took);
    }
}

/// Counters of refused keys, by reason.
pub(crate) struct Denials([Counter; 7]);

impl Denials {
    pub(crate) fn register(plane: &PlaneName) -> Denials {
        let plane = label(plane);
        let words = ["unknown", "other_environment", "revoked", "disabled", "expired", "address", "suspended"];
        Denials(words.map(|why| counter!("counterfoil_auth_denied_total", "plane" => plane.clone(), "why" => why)))
    }

    pub(crate) fn count(&self, denied: Denied) {
        let place = match denied {
            Denied::Unknown => 0,
            Denied::OtherEnvironment => 1,
            Denied::Revoked => 2,
            Denied::Disabled => 3,
            Denied::Expired => 4,
            Denied::Address => 5,
            Denied::Suspended => 6,
        };
        self.0[place].increment(1);
    }
}

/// `sandbox`, `live`, or `sandbox/second`.
pub(crate) fn label(plane: &PlaneName) -> String {
    match plane.name.as_str() {
        "main" => plane.environment.to_string(),
        name => format!("{}/{name}", plane.environment),
    }
}
