//! From a presented key to a caller.

use std::net::IpAddr;
use std::sync::Arc;

use base::{Fault, Stop, mac};

use super::key::{parse, secret_mac};
use super::state::{Caller, Denied, may_be_used};
use super::store::{KeyRow, TenantIdRow};
use crate::Plane;

/// Judges a presented key: environment by prefix, then existence and secret (one answer for both), then whether it is
/// alive and allowed from `ip`. Reads at most two rows, and none for a key that was used lately.
pub fn authenticate(plane: &Plane, presented: &str, ip: IpAddr) -> Result<Caller, Stop<Denied>> {
    let (id, secret) = parse(presented, plane.name().environment).map_err(Stop::Refused)?;
    let known = match plane.grants().get(&id) {
        Some(known) => Some(known),
        None => load(plane, id)?,
    };
    let presented = secret_mac(plane.pepper(), id, secret);
    let Some(known) = known else { return Err(Stop::Refused(Denied::Unknown)) };
    if !mac::equal(&presented, &known.row.mac) {
        return Err(Stop::Refused(Denied::Unknown));
    }
    let now = plane.now();
    may_be_used(&known.row, ip, now).map_err(Stop::Refused)?;
    known.used(now);
    Ok(Caller { tenant: known.tenant, grant: Arc::clone(&known.row) })
}

fn load(plane: &Plane, id: base::KeyId) -> Result<Option<Arc<super::cache::Known>>, Fault> {
    let ticket = plane.grants().ticket();
    let found = plane.store().read(|reader| {
        let Some(row) = reader.get::<KeyRow>(&id)? else { return Ok(None) };
        let tenant = reader.get::<TenantIdRow>(&row.owner.to_string())?;
        Ok(tenant.map(|tenant| (row, tenant.tenant)))
    })?;
    Ok(found.map(|(row, tenant)| plane.grants().learn(ticket, row, tenant)))
}
