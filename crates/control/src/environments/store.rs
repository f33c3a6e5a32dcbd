//! The row of an environment, and its place on the agenda.

use ::store::{Missing, Tx};
use base::{ContractId, Environment, TenantId, Time};

use super::state::{Status, Step, Wanted};
use crate::agenda::{self, Duty};
use crate::json_row::json_row;
use crate::planes::Standing;

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
        /// Higher with each suspension and resumption, as in [`Standing`]; 0 before the first.
        turn: u64,
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

impl EnvironmentRow {
    /// What its plane is to know.
    pub(super) fn standing(&self) -> Standing {
        Standing { suspended: self.wanted == Wanted::Suspended, turn: self.turn }
    }

    /// Wanted otherwise from now on. Whoever works on it has lost it: the work begins anew. The turn is at least the time in
    /// microseconds, so that a store which was put back to an earlier day does not count what its planes have counted already.
    pub(super) fn turned(self, status: Status, wanted: Wanted, now: Time) -> EnvironmentRow {
        let turn = self.turn.saturating_add(1).max(u64::try_from(now.0).unwrap_or(0));
        let (steps_done, taken_until) = (Vec::new(), None);
        EnvironmentRow { status, wanted, turn, steps_done, taken_until, attempts: 0, reason: None, ..self }
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
