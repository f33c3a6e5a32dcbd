//! What this plane knows of a tenant's terms: whether it is suspended. A plane judges by its own row, so control may be down.
//!
//! Refuses a tenant that the plane does not know. Life of a standing: good, without a row → suspended and resumed by the
//! front office. It outlives a sandbox reset.

mod store;

use std::sync::Arc;

use ::store::{Draft, Lane, Tx};
use base::{Fault, Stop, TenantId};
use serde::{Deserialize, Serialize};

use crate::grants::{self, Refusal};
use crate::{Authority, Office, Plane, members};

pub use store::StandingRow;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// None of its keys is accepted. What was accepted before goes on.
    pub suspended: bool,
    /// As the front office counts: higher with each suspension and resumption, 0 before the first.
    pub turn: u64,
}

/// Sets a tenant's standing. In force when this returns: no later call is judged by the old one, by no process. Set again
/// it changes nothing; neither does one of an earlier turn, whose ask was overtaken by a later one.
pub async fn set(plane: &Plane, office: &Office, tenant: &TenantId, standing: Standing) -> Result<(), Stop<Refusal>> {
    let (id, shared, by) = (tenant.clone(), plane.shared(), office.word());
    let apply = move |tx: &mut Tx<'_>| {
        let key = id.to_string();
        members::want(tx, shared);
        tx.want::<StandingRow>(&key);
        let tenant = grants::tenant_of(tx, &id)?;
        let before = tx.get::<StandingRow>(&key)?.map(|row| row.standing).unwrap_or_default();
        if standing.turn < before.turn || before == standing {
            return Ok((false, members::unchanged(tx, shared)?));
        }
        let facts = serde_json::json!({"suspended": standing.suspended, "turn": standing.turn, "by": by}).to_string();
        let draft = Draft { kind: "standing_set", facts, postings: "[]".to_owned(), answer: None };
        tx.append::<Refusal>(tenant, draft)?;
        tx.put(StandingRow { id: key, standing: standing.clone() });
        Ok((true, members::changed(tx, shared)?))
    };
    let grants = Arc::clone(plane.grants());
    let told = move |(moved, _): &(bool, members::Change)| {
        if *moved {
            grants.forget_all();
        }
    };
    let (_, change) = plane.store().submit_then(Lane::Client(0), apply, told).await?;
    Ok(members::settled(plane, change).await?)
}

/// The tenant's standing, as committed.
pub fn of(plane: &Plane, tenant: &TenantId) -> Result<Standing, Fault> {
    let row = plane.store().read(|reader| reader.get::<StandingRow>(&tenant.to_string()))?;
    Ok(row.map(|row| row.standing).unwrap_or_default())
}
