//! Tenants: the customers of the platform. Control is where they begin; each plane learns of them by provisioning.
//!
//! Refuses a name that cannot be shown. Life of a tenant, so far: created.

mod state;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use ::store::Halt;
use base::{ContractId, Fault, Stop, TenantId, Time};

use crate::environments::Status;
use crate::{Control, Operator, Permit, approvals, audit, environments};

pub use state::{Life, Refusal};
pub use store::Tenant;

/// A tenant as its dashboard shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantView {
    pub tenant: Tenant,
    pub life: Life,
    /// Of the sandbox and of live.
    pub environments: [Status; 2],
    /// When anything of it changed last.
    pub changed_at: Time,
}

/// Makes a tenant with both environments, live approved by the operator's own hand. The same name may be given twice: only
/// ids are unique.
pub async fn create(control: &Control, operator: &Operator, name: &str) -> Result<Tenant, Stop<Refusal>> {
    state::check_name(name).map_err(Stop::Refused)?;
    let (id, name, act) = (TenantId::draw(control.chance()), name.to_owned(), operator.act());
    let sides = [ContractId::draw(control.chance()), ContractId::draw(control.chance())];
    let keep = move |tx: &mut ::store::Tx<'_>| {
        if tx.get::<Tenant>(&id.to_string())?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a tenant id that is taken; try again")));
        }
        let facts = serde_json::json!({"tenant": id.to_string(), "name": name});
        audit::append::<Refusal>(tx, &act, Some(&id), "tenant_created", facts)?;
        let tenant = Tenant { id: id.clone(), name: name.clone(), created_at: tx.now() };
        tx.put(tenant.clone());
        environments::open(tx, &id, &sides, true)?;
        approvals::open(tx, &id)?;
        Ok(tenant)
    };
    control.run(keep).await
}

/// The permit's tenant.
pub fn show(control: &Control, permit: &Permit) -> Result<TenantView, Fault> {
    let id = permit.session().tenant();
    let gone = || Fault::busy("the tenant of a session is gone");
    let tenant = find(control, id)?.ok_or_else(gone)?;
    let environments = environments::statuses(control, id)?.ok_or_else(gone)?;
    let changed_at = control.store().read(|reader| audit::latest(reader, id))?.unwrap_or(tenant.created_at);
    Ok(TenantView { life: Life::of(environments), tenant, environments, changed_at })
}

/// The tenant with this id, as committed.
pub fn find(control: &Control, id: &TenantId) -> Result<Option<Tenant>, Fault> {
    control.store().read(|reader| reader.get::<Tenant>(&id.to_string()))
}

/// Every tenant, the oldest first.
pub fn list(control: &Control) -> Result<Vec<Tenant>, Fault> {
    control.store().read(|reader| reader.select::<Tenant>("1 = 1 ORDER BY created_at, id"))
}
