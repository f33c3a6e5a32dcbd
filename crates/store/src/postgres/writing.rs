//! What a batch writes, until it is sent with the commit, and how that ended.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::columns::Columns;
use super::errors::before_commit;
use super::text::Purpose;
use crate::engine::EngineError;
use crate::row::Spec;

/// A statement that waits for the commit.
pub(super) struct Writing {
    pub(super) spec: &'static Spec,
    pub(super) purpose: Purpose,
    pub(super) columns: Columns,
    /// What the statement must find to change.
    pub(super) rows: i64,
}

impl Writing {
    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters = self.columns.parameters();
        if self.purpose != Purpose::Insert {
            parameters.push(&self.rows);
        }
        parameters
    }

    /// What the server's refusal means. A row that the operation has read and that is not there is one that somebody removed
    /// without the tenant's lock: whoever changes it fails as if a constraint said so.
    pub(super) fn failed(&self, error: &Error) -> EngineError {
        if error.code() == Some(&SqlState::DIVISION_BY_ZERO) {
            return EngineError::Constraint(format!("of `{}`, that a row which was read is there", self.spec.name));
        }
        before_commit(error)
    }
}

/// How a commit ended, as far as the connection tells.
pub(super) enum Written {
    Committed,
    /// It may or may not have happened.
    InDoubt,
}
