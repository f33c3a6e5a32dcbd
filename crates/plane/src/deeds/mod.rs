//! What tenants have really done in this sandbox: a set of [`Deed`]s for each. It refuses a tenant that the plane does not
//! know, and a live plane notes nothing.
//!
//! Life of a deed: noted in memory by the call that did it, once a key → kept by a loop, or by who asks → never taken back. It
//! outlives a reset, for it was done. What a process noted and did not keep is lost with it, and noted again when it
//! is done again.

mod store;
#[cfg(test)]
mod tests;

use ::store::{Lane, Tx};
use base::{Deed, Fault, KeyKind, Stop, TenantId};

use crate::grants::{self, KeyListing, Refusal};
use crate::{Caller, Plane};

pub use store::DeedRow;

/// Notes that the caller's tenant has done this. Costs a look at a number when it is known already, which it nearly always is.
pub fn note(plane: &Plane, caller: &Caller, deed: Deed) {
    if plane.sandbox().is_some() {
        caller.did(plane.grants(), deed);
    }
}

/// Keeps what was noted since the last time, for all tenants in one operation.
pub async fn keep(plane: &Plane) -> Result<(), Fault> {
    let noted = plane.grants().noted();
    if noted.is_empty() {
        return Ok(());
    }
    let of_tenants = noted.of_tenants();
    let objects = u32::try_from(of_tenants.len()).unwrap_or(u32::MAX);
    let run = move |tx: &mut Tx<'_>| {
        of_tenants.keys().for_each(|id| tx.want::<DeedRow>(id));
        for (id, deeds) in &of_tenants {
            let before = tx.get::<DeedRow>(id)?.map_or(0, |row| row.deeds);
            if before | deeds != before {
                tx.put(DeedRow { id: id.clone(), deeds: before | deeds });
            }
        }
        Ok(())
    };
    plane.store().submit(Lane::Worker { tenant: 0, objects }, run).await.map_err(|stop: Stop<Refusal>| match stop {
        Stop::Faulted(fault) => fault,
        Stop::Refused(refusal) => Fault::because("keeping deeds", refusal),
    })?;
    plane.grants().kept(&noted);
    Ok(())
}

/// The set of the tenant's deeds. Of processes that serve the plane together, what another one has noted in its last minute
/// may be missing.
pub async fn of(plane: &Plane, tenant: &TenantId) -> Result<u64, Stop<Refusal>> {
    if grants::tenant_no(plane, tenant)?.is_none() {
        return Err(Stop::Refused(Refusal::TenantUnknown));
    }
    keep(plane).await?;
    let row = plane.store().read(|reader| reader.get::<DeedRow>(&tenant.to_string()))?;
    let limited = grants::list(plane, tenant)?.iter().any(is_limited_and_used);
    let limited = if limited && plane.sandbox().is_some() { Deed::LimitedKey.bit() } else { 0 };
    Ok(row.map_or(0, |row| row.deeds) | limited)
}

/// Every payout key has an expiry: one says nothing.
fn is_limited_and_used(key: &KeyListing) -> bool {
    let limited = key.limits.expires_at.is_some() || !key.limits.ips.is_empty();
    key.kind != KeyKind::Payout && limited && key.last_used_at.is_some()
}
