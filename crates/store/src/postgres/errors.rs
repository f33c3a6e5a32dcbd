//! What PostgreSQL's errors mean for a batch.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::engine::EngineError;

/// Before a commit was sent: nothing of the batch was kept.
pub(super) fn before_commit(error: &Error) -> EngineError {
    let Some(database) = error.as_db_error() else { return EngineError::Unreachable(words(error)) };
    let code = database.code();
    if *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::LOCK_NOT_AVAILABLE
    {
        return EngineError::Conflict(words(error));
    }
    if *code == SqlState::DISK_FULL {
        return EngineError::Full;
    }
    if code.code().starts_with("23") {
        let name = database.constraint().or(database.table()).unwrap_or_else(|| database.message());
        return EngineError::Constraint(name.to_owned());
    }
    EngineError::Unreachable(words(error))
}

/// The error with the server's own words, which its `Display` leaves out.
pub(super) fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} ({})", database.message(), database.code().code()),
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}
