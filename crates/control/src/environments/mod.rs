//! Environments of a tenant: which of its two sides is there, and the work of getting there.
//!
//! Refuses in this order: an unknown tenant, an unproved address, a plan that does not allow it, a missing approval, a
//! suspended environment. Life of an environment: not provisioned → provisioning → active, with `error` between tries, and
//! suspended and resumed by the operator.

mod reset;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod work;

use ::store::{Halt, Missing, Reader, Tx};
use base::{ContractId, Environment, Fault, Stop, TenantId, Time};
use serde_json::json;

use crate::act::Act;
use crate::approvals::{self, Judged};
use crate::mail::{self, Kind};
use crate::notifications::{self, News};
use crate::planes::Standing;
use crate::proof::{Denied, Operator, Permit, Placed};
use crate::{Approval, Control, Tenant, audit, plans};

pub use reset::{ResetRefusal, reset};
use state::Event;
pub use state::{Refusal, Status, Step, Wanted};
pub use store::EnvironmentRow;
pub use work::{Work, failed, settled, step_done, take};

/// What a wish for an environment led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    pub view: EnvironmentView,
    /// Whether there is work: not so where it was active already.
    pub fresh: bool,
}

/// An environment as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentView {
    pub id: ContractId,
    pub tenant: TenantId,
    pub environment: Environment,
    pub status: Status,
    pub provisioned_at: Option<Time>,
    pub reason: Option<String>,
}

/// Wishes for an environment. An active one is answered as it is; one that failed is tried again at once.
pub async fn provision(control: &Control, placed: &Placed) -> Result<Provisioned, Stop<Refusal>> {
    let (of, environment) = (placed.session().tenant().clone(), placed.environment());
    let (verified, act, settings) = (placed.session().verified(), placed.act(None), control.settings().clone());
    let run = move |tx: &mut Tx<'_>| {
        let row = store::get(tx, &of, environment)?.ok_or(Halt::Refused(Refusal::Unknown))?;
        if row.status == Status::NotProvisioned && environment == Environment::Live {
            let plan = plans::open_live(tx, &settings.plans, &of)?;
            // Without the requirement nobody has to be approved; who was rejected stays so.
            let judged = match (approvals::judged(tx, &of)?, settings.approval) {
                (Judged::Undecided, Approval::Off) => Judged::Approved,
                (judged, _) => judged,
            };
            state::live_gate(verified, plan, judged).map_err(Halt::Refused)?;
        }
        let fresh = row.status != Status::Active;
        let status = row.status.after(Event::Wish).ok_or(Halt::Refused(Refusal::Suspended))?;
        if status == row.status {
            return Ok(Provisioned { view: seen(&row), fresh });
        }
        audit::append::<Refusal>(tx, &act, Some(&of), "environment_wished", json!({"from": row.status.word()}))?;
        let row = EnvironmentRow { status, attempts: 0, reason: None, ..row };
        let now = tx.now();
        let view = seen(&row);
        store::keep(tx, row, Some(now))?;
        Ok(Provisioned { view, fresh })
    };
    control.run_by(placed.permit(), Some(environment), run).await
}

/// Sandbox and live of the permit's tenant, who must be the one that is named.
pub fn status(control: &Control, permit: &Permit, tenant: &str) -> Result<[EnvironmentView; 2], Stop<Denied>> {
    let own = permit.session().tenant();
    // Read before it is compared: another tenant's id takes as long as the own one.
    let rows = both(control, own)?;
    match tenant.parse::<TenantId>() {
        Ok(named) if named == *own => rows.map(|rows| rows.map(|row| seen(&row))).ok_or(Stop::Refused(Denied::Unknown)),
        _ => Err(Stop::Refused(Denied::Unknown)),
    }
}

/// The environments of the permit's tenant that somebody has wished for.
pub fn list(control: &Control, permit: &Permit) -> Result<Vec<EnvironmentView>, Fault> {
    let rows = both(control, permit.session().tenant())?.into_iter().flatten();
    Ok(rows.filter(|row| row.status != Status::NotProvisioned).map(|row| seen(&row)).collect())
}

/// By the operator, of any tenant: with the reason of a failure.
pub fn show(control: &Control, _: &Operator, tenant: &TenantId) -> Result<[EnvironmentView; 2], Stop<Denied>> {
    let rows = both(control, tenant)?.ok_or(Stop::Refused(Denied::Unknown))?;
    Ok(rows.map(|row| EnvironmentView { reason: row.reason.clone(), ..seen(&row) }))
}

/// From now on the front office does nothing more for this environment, and its plane hears of it. Of one that nobody wished
/// for there is nothing to suspend. The tenant's owners hear of it, and of the reason where one is given.
pub async fn suspend(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    environment: Environment,
    reason: Option<String>,
) -> Result<EnvironmentView, Stop<Refusal>> {
    if reason.as_ref().is_some_and(|reason| !approvals::is_said(reason)) {
        return Err(Stop::Refused(Refusal::ReasonUnusable));
    }
    turn(control, operator, tenant, environment, Event::Suspend, reason).await
}

/// It becomes active again as soon as its plane has heard of it. One that is not suspended stays as it is.
pub async fn resume(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    environment: Environment,
) -> Result<EnvironmentView, Stop<Refusal>> {
    turn(control, operator, tenant, environment, Event::Resume, None).await
}

async fn turn(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    environment: Environment,
    event: Event,
    reason: Option<String>,
) -> Result<EnvironmentView, Stop<Refusal>> {
    let (of, act) = (tenant.clone(), operator.act().in_environment(environment));
    let letter = mail::draw(control);
    let (wanted, kind) = match event {
        Event::Suspend => (Wanted::Suspended, "environment_suspended"),
        _ => (Wanted::Active, "environment_resumed"),
    };
    let run = move |tx: &mut Tx<'_>| {
        let row = store::get(tx, &of, environment)?.filter(|row| row.status != Status::NotProvisioned);
        let row = row.ok_or(Halt::Refused(Refusal::Unknown))?;
        let Some(status) = row.status.after(event).filter(|status| *status != row.status) else {
            return Ok(seen(&row));
        };
        let said = json!({"from": row.status.word(), "reason": reason});
        audit::append::<Refusal>(tx, &act, Some(&of), kind, said)?;
        if event == Event::Suspend {
            let company = tx.get::<Tenant>(&of.to_string())?.map_or_else(String::new, |tenant| tenant.name);
            let facts = json!({"company": company, "environment": environment.word(), "reason": reason});
            let kind = Kind::Suspended;
            notifications::tell(tx, &letter, &News { of: &of, environment, by: None, kind, facts: &facts })?;
        }
        let now = tx.now();
        let row = row.turned(status, wanted, now);
        let view = seen(&row);
        store::keep(tx, row, Some(now))?;
        Ok(view)
    };
    control.run(run).await
}

/// Both rows of a new tenant, with ids drawn before: the sandbox begins to be provisioned, live too where `live` says so.
pub(crate) fn open(tx: &mut Tx<'_>, of: &TenantId, ids: &[ContractId; 2], live: bool) -> Result<(), Missing> {
    let now = tx.now();
    for (environment, id) in Environment::ALL.into_iter().zip(ids) {
        let wished = live || environment == Environment::Sandbox;
        store::get(tx, of, environment)?;
        let row = EnvironmentRow {
            of: of.clone(),
            environment,
            id: id.clone(),
            status: if wished { Status::Provisioning } else { Status::NotProvisioned },
            wanted: Wanted::Active,
            turn: 0,
            reason: None,
            provisioned_at: None,
            attempts: 0,
            taken_until: None,
            steps_done: Vec::new(),
            due_at: None,
        };
        store::keep(tx, row, wished.then_some(now))?;
    }
    Ok(())
}

/// Suspends what a tenant has whose people are all gone.
pub(crate) fn close<R>(tx: &mut Tx<'_>, act: &Act, of: &TenantId) -> Result<(), Halt<R>> {
    for environment in Environment::ALL {
        let Some(row) = store::get(tx, of, environment)? else { continue };
        let Some(status) = row.status.after(Event::Suspend).filter(|status| *status != row.status) else { continue };
        let act = act.clone().in_environment(environment);
        audit::append(tx, &act, Some(of), "environment_suspended", json!({"from": row.status.word()}))?;
        let now = tx.now();
        store::keep(tx, row.turned(status, Wanted::Suspended, now), Some(now))?;
    }
    Ok(())
}

/// Whether this environment is active, for operations that need it.
pub(crate) fn is_active(tx: &mut Tx<'_>, of: &TenantId, environment: Environment) -> Result<bool, Missing> {
    Ok(store::get(tx, of, environment)?.is_some_and(|row| row.status == Status::Active))
}

/// How a tenant's sandbox and live stand.
pub(crate) fn statuses(control: &Control, of: &TenantId) -> Result<Option<[Status; 2]>, Fault> {
    Ok(both(control, of)?.map(|rows| rows.map(|row| row.status)))
}

/// Which of a tenant's environments its plane knows by now, suspended ones included.
pub(crate) fn known(control: &Control, of: &TenantId) -> Result<Vec<Environment>, Fault> {
    let rows = both(control, of)?.into_iter().flatten();
    Ok(rows.filter(|row| row.provisioned_at.is_some()).map(|row| row.environment).collect())
}

/// Whose work on one side is not done, by tenant: a plane may not have heard yet where these stand.
pub(crate) fn unfinished(reader: &Reader<'_>, environment: Environment) -> Result<Vec<TenantId>, Fault> {
    let mut here = work::all_due(reader)?;
    here.retain(|(_, side)| *side == environment);
    let mut tenants: Vec<TenantId> = here.into_iter().map(|(of, _)| of).collect();
    tenants.sort();
    Ok(tenants)
}

/// Where an environment stands that was suspended or resumed before; nothing of any other.
pub(crate) fn turned(reader: &Reader<'_>, of: &TenantId, environment: Environment) -> Result<Option<Standing>, Fault> {
    let row = reader.get::<EnvironmentRow>(&EnvironmentRow::keyed(of, &environment))?;
    Ok(row.filter(|row| row.turn > 0).map(|row| row.standing()))
}

fn both(control: &Control, of: &TenantId) -> Result<Option<[EnvironmentRow; 2]>, Fault> {
    control.store().read(|reader| {
        let [sandbox, live] = Environment::ALL.map(|side| reader.get(&EnvironmentRow::keyed(of, &side)));
        Ok(sandbox?.zip(live?).map(|(sandbox, live)| [sandbox, live]))
    })
}

/// What a tenant may know of it.
fn seen(row: &EnvironmentRow) -> EnvironmentView {
    let reason = match row.status {
        Status::Error => Some("it cannot be provisioned at the moment; it is tried again by itself".to_owned()),
        Status::Suspended => Some("it is suspended by the operator".to_owned()),
        Status::NotProvisioned | Status::Provisioning | Status::Active => None,
    };
    EnvironmentView {
        id: row.id.clone(),
        tenant: row.of.clone(),
        environment: row.environment,
        status: row.status,
        provisioned_at: row.provisioned_at,
        reason,
    }
}

/// What the loop does is the system's act.
fn act(environment: Environment) -> Act {
    Act::of_the_system().in_environment(environment)
}
