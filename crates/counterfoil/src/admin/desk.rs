//! What both desks share: how a refusal and a fault are answered, and the log's level.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::{Fault, Stop};
use serde_json::{Value, json};

use super::wire;
use crate::logs::{self, Levels};

/// Why an ask was not done. 409 when the rules say no, 5xx when something broke; `error` says what, in both.
pub enum NotDone {
    Refused(String),
    Faulted(Fault),
}

pub type Answer = Result<Json<Value>, NotDone>;

impl NotDone {
    pub fn refused(why: impl ToString) -> NotDone {
        NotDone::Refused(why.to_string())
    }
}

impl std::fmt::Display for NotDone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotDone::Refused(why) => f.write_str(why),
            NotDone::Faulted(fault) => f.write_str(&fault.chain()),
        }
    }
}

impl<R: std::fmt::Display> From<Stop<R>> for NotDone {
    fn from(stop: Stop<R>) -> NotDone {
        match stop {
            Stop::Refused(refusal) => NotDone::refused(refusal),
            Stop::Faulted(fault) => NotDone::Faulted(fault),
        }
    }
}

impl From<Fault> for NotDone {
    fn from(fault: Fault) -> NotDone {
        NotDone::Faulted(fault)
    }
}

impl IntoResponse for NotDone {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            NotDone::Refused(why) => (StatusCode::CONFLICT, why),
            NotDone::Faulted(fault) if fault.busy => (StatusCode::SERVICE_UNAVAILABLE, fault.chain()),
            NotDone::Faulted(fault) => {
                tracing::error!(fault = fault.chain(), "an admin command failed");
                (StatusCode::INTERNAL_SERVER_ERROR, fault.chain())
            }
        };
        (status, Json(json!({"error": error}))).into_response()
    }
}

pub fn set_level(levels: &Levels, ask: &wire::Level) -> Answer {
    let level =
        logs::level(&ask.level).ok_or_else(|| NotDone::refused("level: give error, warn, info, debug or trace"))?;
    if !levels.set(level) {
        return Err(NotDone::refused("the log's level cannot be changed in this process"));
    }
    tracing::info!(level = ask.level, "log level changed");
    Ok(Json(json!({"level": ask.level})))
}

/// Microseconds since 1970 as RFC 3339, for people.
pub fn shown_time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| "-".to_owned(), |time| format!("{time:.0}"))
}
