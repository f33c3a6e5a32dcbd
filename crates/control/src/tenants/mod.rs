//! Tenants: the customers of the platform. Control is where they begin; each plane learns of them by provisioning.
//!
//! Refuses a name that cannot be shown. Life of a tenant, so far: created.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Halt, Lane};
use base::{Fault, Stop, TenantId};

use crate::Control;

pub use state::Refusal;
pub use store::Tenant;

/// Control keeps one order for all of its entries; it is the front office's own, no tenant's.
const OFFICE: ::store::TenantNo = 0;

/// Makes a tenant. The same name may be given twice: only ids are unique.
pub async fn create(control: &Control, name: &str) -> Result<Tenant, Stop<Refusal>> {
    state::check_name(name).map_err(Stop::Refused)?;
    let (id, name) = (TenantId::draw(control.chance()), name.to_owned());
    let keep = move |tx: &mut ::store::Tx<'_>| {
        if tx.get::<Tenant>(&id.to_string())?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a tenant id that is taken; try again")));
        }
        let facts = serde_json::json!({"tenant": id.to_string(), "name": name}).to_string();
        let draft = Draft { kind: "tenant_created", facts, postings: "[]".to_owned(), answer: None };
        tx.append::<Refusal>(OFFICE, draft)?;
        let tenant = Tenant { id: id.clone(), name: name.clone(), created_at: tx.now() };
        tx.put(tenant.clone());
        Ok(tenant)
    };
    control.store().submit(Lane::Client(OFFICE), keep).await
}

/// The tenant with this id, as committed.
pub fn find(control: &Control, id: &TenantId) -> Result<Option<Tenant>, Fault> {
    control.store().read(|reader| reader.get::<Tenant>(&id.to_string()))
}

/// Every tenant, the oldest first.
pub fn list(control: &Control) -> Result<Vec<Tenant>, Fault> {
    control.store().read(|reader| reader.select::<Tenant>("1 = 1 ORDER BY created_at, id"))
}
