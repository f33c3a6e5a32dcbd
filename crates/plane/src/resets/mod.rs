//! A tenant's fresh start in a sandbox. A reset is one operation: the tenant gets another number, and everything behind
//! the old one is gone at once for everybody, keys excepted. The rows themselves are swept away later, in chunks.
//!
//! Life of a number: current → retired by a reset → swept until nothing is left → forgotten. It is never used again.

mod store;

use std::sync::Arc;

use ::store::{Halt, Head, Lane, TenantNo, Tx};
use base::{Fault, Stop, TenantId};

use crate::grants::{self, TenantIdRow, TenantRow};
use crate::members::{self, Duty};
use crate::sandbox::{Refusal, Sandbox};
use crate::{Caller, Office, Operator, Plane, usage};

/// Gives the calling tenant a fresh start: the starting balance and overdraft, fair weather, the plane's own time, no
/// receivers, no transfers. Its keys stay. Calls that are under way are refused as reset. Data that is still as a fresh
/// start leaves it stays as it is, and so does what another call has reset since this one was authenticated.
pub async fn reset(plane: &Plane, sandbox: Sandbox, caller: &Caller) -> Result<(), Stop<Refusal>> {
    reset_number(plane, sandbox, caller.tenant()).await
}

/// [`reset`] for every tenant of the plane, one after the other; answers how many there are.
pub async fn reset_all(plane: &Plane, sandbox: Sandbox, _operator: &Operator) -> Result<usize, Stop<Refusal>> {
    sandbox.opens(plane)?;
    let tenants = grants::tenants(plane)?;
    for row in &tenants {
        reset_number(plane, sandbox, row.tenant).await?;
    }
    Ok(tenants.len())
}

/// [`reset`] for one tenant, asked for by the front office. Refuses a tenant that the plane does not know.
pub async fn reset_for(
    plane: &Plane,
    sandbox: Sandbox,
    _office: &Office,
    tenant: &TenantId,
) -> Result<(), Stop<grants::Refusal>> {
    let number = grants::tenant_no(plane, tenant)?.ok_or(Stop::Refused(grants::Refusal::TenantUnknown))?;
    reset_number(plane, sandbox, number).await.map_err(|stop| match stop {
        Stop::Refused(Refusal::Worn) => Stop::Refused(grants::Refusal::TooManyTenants),
        Stop::Refused(other) => Stop::Faulted(Fault::because("resetting a tenant", other)),
        Stop::Faulted(fault) => Stop::Faulted(fault),
    })
}

async fn reset_number(plane: &Plane, sandbox: Sandbox, tenant: TenantNo) -> Result<(), Stop<Refusal>> {
    sandbox.opens(plane)?;
    let (start, shared) = (plane.config().sandbox_start, plane.shared());
    let (grants_told, skies, work) = (Arc::clone(plane.grants()), Arc::clone(plane.skies()), plane.work_told());
    let retire = move |tx: &mut Tx<'_>| {
        tx.want::<Head>(&tenant);
        tx.want::<Head>(&0);
        members::want(tx, shared);
        let nothing = |tx: &mut Tx<'_>| Ok((Done::Nothing, members::unchanged(tx, shared)?));
        let Some(row) = grants::current(tx, tenant)? else { return nothing(tx) };
        if tx.next_seq(tenant)? <= fresh_entries(&start) + 1 {
            return nothing(tx);
        }
        tx.want::<TenantIdRow>(&row.id.to_string());
        tx.put(TenantRow { retired: true, ..row.clone() });
        let opened = grants::open_tenant(tx, &row.id, &row.name, Some(&start), "reset").map_err(|halt| match halt {
            Halt::NotLoaded => Halt::NotLoaded,
            Halt::Refused(grants::Refusal::TooManyTenants) => Halt::Refused(Refusal::Worn),
            Halt::Refused(other) => Halt::Faulted(Fault::because("opening a tenant again", other)),
            Halt::Faulted(fault) => Halt::Faulted(fault),
        })?;
        usage::carry(tx, tenant, opened)?;
        Ok((Done::Retired, members::changed(tx, shared)?))
    };
    let told = move |(done, _): &(Done, members::Change)| {
        if let Done::Retired = done {
            grants_told.forget_all();
            skies.forget(tenant);
            work.forget(tenant);
        }
    };
    let (_, change) = plane.store().submit_then(Lane::Client(tenant), retire, told).await?;
    Ok(members::settled(plane, change).await?)
}

enum Done {
    Nothing,
    Retired,
}

/// Entries in the journal of a tenant to whom nothing has happened yet.
fn fresh_entries(start: &crate::config::SandboxStart) -> u64 {
    u64::from(start.balance.minor > 0)
}

/// What one call of [`sweep`] removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    pub rows: usize,
    /// Whether there may be more behind retired numbers: call again.
    pub more: bool,
}

/// Most rows that one sweep removes.
const SWEPT_MOST: usize = 500;

/// Removes rows behind one retired number, at most 500, in the workers' lane. Transfers that were open stop counting as
/// open here, so that a restart in between counts them once.
pub async fn sweep(plane: &Plane, sandbox: Sandbox) -> Result<Swept, Stop<Refusal>> {
    sandbox.opens(plane)?;
    let retired = plane.store().read(|reader| reader.select::<TenantRow>("retired = 1 ORDER BY tenant LIMIT 2"))?;
    let Some(row) = retired.first() else { return Ok(Swept { rows: 0, more: false }) };
    let (tenant, others) = (row.tenant, retired.len() > 1);
    let work = plane.work_told();
    let objects = u32::try_from(SWEPT_MOST).unwrap_or(u32::MAX);
    let fence = members::fence_of(plane, Duty::Sweep);
    let run = move |tx: &mut Tx<'_>| match members::fence(tx, &fence)? {
        true => Ok(store::remove(tx, tenant, SWEPT_MOST)?),
        false => Err(Halt::Faulted(members::lost())),
    };
    let told = move |removed: &store::Removed| work.opened(-removed.open_transfers);
    let removed = plane.store().submit_then(Lane::Worker { tenant, objects }, run, told).await?;
    Ok(Swept { rows: removed.rows, more: !removed.all || others })
}
