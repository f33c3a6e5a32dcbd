//! The committer's loads of several tables, in one round trip.

use futures_util::future::join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row as SqlRow, Statement};

use super::columns::Columns;
use super::link::Link;
use super::text::Purpose;
use crate::engine::EngineError;
use crate::row::{Locked, Spec};

/// The statement of each load.
pub(super) async fn prepared(
    link: &mut Link,
    expected: &[(&'static Spec, Columns)],
) -> Result<Vec<Statement>, EngineError> {
    let mut statements = Vec::with_capacity(expected.len());
    for (spec, _) in expected {
        statements.push(link.statement(spec, purpose(spec)).await?);
    }
    Ok(statements)
}

/// Sends all at once.
pub(super) async fn loads(
    client: &Client,
    statements: &[Statement],
    given: &[Vec<&(dyn ToSql + Sync)>],
) -> Vec<Result<Vec<SqlRow>, Error>> {
    join_all(statements.iter().zip(given).map(|(statement, given)| client.query(statement, given))).await
}

/// What the committer reads a table for.
pub(super) fn purpose(spec: &Spec) -> Purpose {
    match spec.locked {
        Locked::ByHead => Purpose::Load,
        Locked::ByItself => Purpose::LoadLocked,
    }
}
