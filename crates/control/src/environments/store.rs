//! The row of an environment, and its place on the agenda.

use ::store::{Missing, Tx};
use base::{ContractId, Environment, TenantId, Time};

use super::state::{Status, Step, Wanted};
use crate::agenda::{self, Duty};
use crate::json_row::json_row;

json_row! {
    /// One environment of one tenant.
    #[derive(Clone, Debug, PartialEq)]
    EnvironmentRow, slot 14, "environment", keep 5_000,
    key {
        of: TenantId,
        environment: Environment,
    }
    body {
        id: ContractId,
        status: Status,
        wanted: Wanted,
        /// Why the last try failed, for the operator.
        reason: Option<String>,
        provisioned_at: Option<Time>,
        attempts: u32,
        /// Whose work it is until then; also the name of this taking.
        taken_until: Option<Time>,
        steps_done: Vec<Step>,
        /// Its place on the agenda; none when there is no work.
        due_at: Option<Time>,
    }
}

pub(super) fn get(tx: &mut Tx<'_>, of: &TenantId, environment: Environment) -> Result<Option<EnvironmentRow>, Missing> {
    tx.get::<EnvironmentRow>(&EnvironmentRow::keyed(of, &environment))
}

/// Keeps a row that was looked at before, and moves it on the agenda to `due`.
pub(super) fn keep(tx: &mut Tx<'_>, row: EnvironmentRow, due: Option<Time>) -> Result<(), Missing> {
    let id = format!("{}/{}", row.of, row.environment);
    agenda::moved(tx, Duty::Environment, &id, row.due_at, due)?;
    tx.put(EnvironmentRow { due_at: due, ..row });
    Ok(())
}

/// Which environment a line of the agenda is about.
pub(super) fn of_agenda(id: &str) -> Option<(TenantId, Environment)> {
    let (of, environment) = id.split_once('/')?;
    Some((of.parse().ok()?, Environment::from_word(environment)?))
}
