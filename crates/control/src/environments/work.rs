//! The work on environments, as the loop does it: taken for half a minute, step by step, settled or due again later.

use ::store::{Missing, Reader, Tx};
use base::{Environment, Fault, Span, TenantId, Time};
use serde_json::json;

use super::{EnvironmentRow, Event, Status, Step, act, store};
use crate::agenda::{self, Duty};
use crate::mail;
use crate::notifications::{self, News};
use crate::planes::Standing;
use crate::{Control, Tenant, audit};

/// What the loop does next for one environment, for 30 seconds this taker's.
#[derive(Clone, Debug)]
pub struct Work {
    pub of: TenantId,
    pub environment: Environment,
    /// Still to be done, in order.
    pub steps: Vec<Step>,
    /// The tenant's.
    pub name: String,
    pub standing: Standing,
    /// Who took it later has another.
    lease: Time,
}

const LEASE: Span = Span::seconds(30);
/// Between two tries at most.
const WAIT_MOST: Span = Span::seconds(30);
/// Lines of the agenda that are read at once, far above what is ever unfinished.
const READ_MOST: usize = 1_000_000;
/// Due environments that one call looks at.
const LOOKED_AT: usize = 16;

/// The next environment whose work is due.
pub async fn take(control: &Control) -> Result<Option<Work>, Fault> {
    let now = control.now();
    let due = control.store().read(|reader| agenda::until(reader, Duty::Environment, now, LOOKED_AT))?;
    for at in due {
        let Some((of, environment)) = store::of_agenda(&at.id) else { continue };
        let run = move |tx: &mut Tx<'_>| Ok(take_one(tx, &of, environment)?);
        if let Some(work) = control.change(run).await? {
            return Ok(Some(work));
        }
    }
    Ok(None)
}

fn take_one(tx: &mut Tx<'_>, of: &TenantId, environment: Environment) -> Result<Option<Work>, Missing> {
    let now = tx.now();
    let row = store::get(tx, of, environment)?;
    let Some(row) = row.filter(|row| row.due_at.is_some_and(|at| at <= now)) else { return Ok(None) };
    let name = tx.get::<Tenant>(&of.to_string())?.map_or_else(String::new, |tenant| tenant.name);
    let lease = now.plus(LEASE);
    let work = Work {
        of: of.clone(),
        environment,
        steps: Step::ALL.into_iter().filter(|step| !row.steps_done.contains(step)).collect(),
        name,
        standing: row.standing(),
        lease,
    };
    store::keep(tx, EnvironmentRow { taken_until: Some(lease), ..row }, Some(lease))?;
    Ok(Some(work))
}

/// Everything that is not done, due or not; in no order that lasts.
pub(super) fn all_due(reader: &Reader<'_>) -> Result<Vec<(TenantId, Environment)>, Fault> {
    let lines = agenda::until(reader, Duty::Environment, Time(i64::MAX - 1), READ_MOST)?;
    Ok(lines.iter().filter_map(|line| store::of_agenda(&line.id)).collect())
}

/// One step need not be done again. Answers whether the work is still this taker's: if not, nothing is kept, and what it
/// knows of the terms is of yesterday.
pub async fn step_done(control: &Control, work: &Work, step: Step) -> Result<bool, Fault> {
    let work = work.clone();
    let run = move |tx: &mut Tx<'_>| {
        let Some(mut row) = taken(tx, &work)? else { return Ok(false) };
        if !row.steps_done.contains(&step) {
            row.steps_done.push(step);
        }
        let due = row.due_at;
        store::keep(tx, row, due)?;
        Ok(true)
    };
    control.change(run).await
}

/// All of its work is done.
pub async fn settled(control: &Control, work: &Work) -> Result<(), Fault> {
    let (work, letter) = (work.clone(), mail::draw(control));
    let run = move |tx: &mut Tx<'_>| {
        let Some(row) = taken(tx, &work)? else { return Ok(()) };
        let undone = Step::ALL.iter().any(|step| !row.steps_done.contains(step));
        let Some(status) = row.status.after(Event::Settle).filter(|_| !undone) else { return Ok(()) };
        let (of, first) = (row.of.clone(), row.provisioned_at.is_none() && status == Status::Active);
        let kind = if status == Status::Active { "environment_active" } else { "environment_kept_suspended" };
        audit::append(tx, &act(row.environment), Some(&of), kind, json!({"attempts": row.attempts + 1}))?;
        if first && row.environment == Environment::Live {
            let facts = json!({"tenant": of.to_string(), "company": work.name});
            let (environment, kind) = (row.environment, mail::Kind::LiveActive);
            notifications::tell(tx, &letter, &News { of: &of, environment, by: None, kind, facts: &facts })?;
        }
        let provisioned_at = row.provisioned_at.or((status == Status::Active).then_some(tx.now()));
        let row = EnvironmentRow { status, provisioned_at, attempts: 0, reason: None, taken_until: None, ..row };
        Ok(store::keep(tx, row, None)?)
    };
    control.change(run).await
}

/// It is due again later, and shown as an error until then.
pub async fn failed(control: &Control, work: &Work, why: &str) -> Result<(), Fault> {
    let (work, why) = (work.clone(), why.to_owned());
    let run = move |tx: &mut Tx<'_>| {
        let Some(row) = taken(tx, &work)? else { return Ok(()) };
        let Some(status) = row.status.after(Event::Fail) else { return Ok(()) };
        if status != row.status {
            let facts = json!({"why": why});
            audit::append(tx, &act(row.environment), Some(&row.of), "environment_failed", facts)?;
        }
        let attempts = row.attempts.saturating_add(1);
        let due = tx.now().plus(agenda::back_off(Span::seconds(1), attempts, WAIT_MOST));
        let row = EnvironmentRow { status, attempts, reason: Some(why.clone()), taken_until: None, ..row };
        Ok(store::keep(tx, row, Some(due))?)
    };
    control.change(run).await
}

/// The row, if this taker still has it.
fn taken(tx: &mut Tx<'_>, work: &Work) -> Result<Option<EnvironmentRow>, Missing> {
    let row = store::get(tx, &work.of, work.environment)?;
    Ok(row.filter(|row| row.taken_until == Some(work.lease) && row.turn == work.standing.turn))
}
