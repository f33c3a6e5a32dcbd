//! Statements of no table of the schema's, prepared once a connection of the committer.

use futures_util::future::join_all;
use tokio_postgres::{Client, Error, Statement};

use super::doubt::MARK;
use super::errors::before_commit;
use super::link::patiently;
use crate::engine::EngineError;

pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Once a connection. Plans must not change with the number of rows or with the moment at which a table was last counted:
/// always by index. A process that hangs in a batch must not keep its tenants' heads for ever.
const SETTINGS: &str = "SET lock_timeout = 3000; SET idle_in_transaction_session_timeout = 10000; \
     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET jit = off";
const LOCK: &str = "SELECT tenant, seq, at, sum FROM head WHERE tenant = ANY($1::bigint[]) ORDER BY tenant FOR UPDATE";
const MAKE: &str = "INSERT INTO head (tenant, seq, at, sum) \
     SELECT t, 0, 0, s FROM unnest($1::bigint[], $2::bigint[]) AS u(t, s) ON CONFLICT DO NOTHING";

#[derive(Clone)]
pub(super) struct Fixed {
    /// Locks and reads heads.
    pub(super) lock: Statement,
    /// Makes the heads that are missing.
    pub(super) make: Statement,
    /// Marks a batch.
    pub(super) mark: Statement,
}

impl Fixed {
    /// Makes the connection fit for batches.
    pub(super) async fn on(client: &Client) -> Result<Fixed, EngineError> {
        patiently(client.batch_execute(SETTINGS)).await?.map_err(|error| before_commit(&error))?;
        let all = patiently(join_all([LOCK, MAKE, MARK].map(|sql| client.prepare(sql)))).await?;
        let all: Result<Vec<Statement>, Error> = all.into_iter().collect();
        let all = all.map_err(|error| before_commit(&error))?;
        let [lock, make, mark] = all.as_slice() else { unreachable!("as many statements as were prepared") };
        Ok(Fixed { lock: lock.clone(), make: make.clone(), mark: mark.clone() })
    }
}
