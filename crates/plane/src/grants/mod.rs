//! Who may call this plane: the tenants it knows and their keys. A plane verifies keys from its own store, so control
//! may be down. Refuses by prefix what belongs to the other environment, before any look-up.
//!
//! Life of a key: minted (shown once) → used → renamed, disabled, enabled → rotated (dies by itself) or revoked.

mod cache;
mod key;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use ::store::{Draft, Halt, Lane, Missing, TenantNo, Tx};
use base::{Fault, KeyId, Stop, TenantId, Time, mac};

use crate::{Plane, books, members};

pub use cache::Grants;
pub use key::PlainKey;
pub use state::{AgentPolicy, Caller, Denied, KeyKind, KeyLimits, KeyListing, NewKey, Operator, Refusal};
pub use store::{KeyRow, TenantIdRow, TenantRow};

/// Makes the plane know a tenant; a sandbox tenant gets its starting money. Knowing it already is no error.
pub async fn admit(plane: &Plane, _operator: &Operator, id: &TenantId, name: &str) -> Result<TenantNo, Stop<Refusal>> {
    let (id, name) = (id.clone(), Arc::<str>::from(name));
    let start = plane.sandbox().map(|_| plane.config().sandbox_start);
    let lane = Lane::Client(0);
    plane
        .store()
        .submit(lane, move |tx| {
            if let Some(row) = tx.get::<TenantIdRow>(&id.to_string())? {
                return Ok(row.tenant);
            }
            open_tenant(tx, &id, &name, start.as_ref())
        })
        .await
}

/// Gives `id` a fresh number with nothing behind it. Used by [`admit`] and by a sandbox reset.
pub(crate) fn open_tenant(
    tx: &mut Tx<'_>,
    id: &TenantId,
    name: &Arc<str>,
    start: Option<&crate::config::SandboxStart>,
) -> Result<TenantNo, Halt<Refusal>> {
    let facts = serde_json::json!({"tenant": id.to_string(), "name": &**name}).to_string();
    let draft = Draft { kind: "tenant_opened", facts, postings: "[]".to_owned(), answer: None };
    let tenant = TenantNo::try_from(tx.next_seq(0)?).ok().filter(|tenant| *tenant < TENANTS_MOST);
    let tenant = tenant.ok_or(Halt::Refused(Refusal::TooManyTenants))?;
    // Looked at so that they may be put: nothing can be there yet.
    tx.want::<books::AccountRow>(&(tenant, books::AccountName::Agent));
    tx.want::<books::AccountRow>(&(tenant, books::AccountName::Funding));
    tx.get::<TenantRow>(&tenant)?;
    tx.get::<TenantIdRow>(&id.to_string())?;
    tx.append::<Refusal>(0, draft)?;
    tx.put(TenantRow::open(tenant, id.clone(), Arc::clone(name), tx.now()));
    tx.put(TenantIdRow { id: id.to_string(), tenant });
    if let Some(start) = start {
        books::set_overdraft(tx, tenant, start.overdraft).map_err(Refusal::from_ledger)?;
        if start.balance.minor > 0 {
            books::deposit(tx, tenant, start.balance, "sandbox start").map_err(Refusal::from_ledger)?;
        }
    }
    Ok(tenant)
}

/// Tenant numbers stay below 2^19 so that a packed key fits 18 decimal digits.
const TENANTS_MOST: TenantNo = 1 << 19;

/// Mints a key. The whole key is in the answer and nowhere else. It works from the moment this returns.
pub async fn mint(plane: &Plane, _operator: &Operator, new: NewKey) -> Result<PlainKey, Stop<Refusal>> {
    let plain = PlainKey::draw(plane.name().environment, plane.chance());
    let mac = plain.mac(plane.pepper());
    let id = plain.id;
    let keep = move |tx: &mut Tx<'_>| {
        new.check(tx.now())?;
        tx.want::<KeyRow>(&id);
        let tenant = tenant_of(tx, &new.tenant)?;
        if tx.get::<KeyRow>(&id)?.is_some() {
            return Err(Halt::Faulted(Fault::busy("drew a key id that is taken; try again")));
        }
        let row = KeyRow::minted(id, &new, mac, tx.now());
        tx.append::<Refusal>(tenant, key_draft("key_minted", &row))?;
        tx.put(row);
        Ok(())
    };
    plane.store().submit(Lane::Client(0), keep).await?;
    Ok(plain)
}

/// Judges a presented key: environment by prefix, then existence and secret (one answer for both), then whether it is
/// alive and allowed from `ip`. Reads at most two rows, and none for a key that was used lately, as long as this process
/// may trust its memory.
pub fn authenticate(plane: &Plane, presented: &str, ip: IpAddr) -> Result<Caller, Stop<Denied>> {
    let (id, secret) = key::parse(presented, plane.name().environment).map_err(Stop::Refused)?;
    let known = match plane.members().trusted() {
        true => match plane.grants().get(&id) {
            Some(known) => Some(known),
            None => load(plane, id)?,
        },
        false => read(plane, id)?.map(|(row, tenant)| Arc::new(cache::Known::of(row, tenant))),
    };
    let presented = key::secret_mac(plane.pepper(), id, secret);
    let Some(known) = known else { return Err(Stop::Refused(Denied::Unknown)) };
    if !mac::equal(&presented, &known.row.mac) {
        return Err(Stop::Refused(Denied::Unknown));
    }
    let now = plane.now();
    state::may_be_used(&known.row, ip, now).map_err(Stop::Refused)?;
    known.used(now);
    Ok(Caller { tenant: known.tenant, grant: Arc::clone(&known.row) })
}

fn load(plane: &Plane, id: KeyId) -> Result<Option<Arc<cache::Known>>, Fault> {
    let ticket = plane.grants().ticket();
    Ok(read(plane, id)?.map(|(row, tenant)| plane.grants().learn(ticket, row, tenant)))
}

fn read(plane: &Plane, id: KeyId) -> Result<Option<(KeyRow, TenantNo)>, Fault> {
    plane.store().read(|reader| {
        let Some(row) = reader.get::<KeyRow>(&id)? else { return Ok(None) };
        let tenant = reader.get::<TenantIdRow>(&row.owner.to_string())?;
        Ok(tenant.map(|tenant| (row, tenant.tenant)))
    })
}

/// What happens to a key after it was minted.
#[derive(Clone, Debug)]
pub enum KeyChange {
    Rename(String),
    Disable,
    Enable,
    /// For good.
    Revoke,
    /// Dies by itself at this time; an earlier expiry stays.
    ExpireAt(Time),
}

/// Changes a tenant's key. In force when this returns: no later call is accepted on the old terms, by no process.
pub async fn change(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    id: KeyId,
    change: KeyChange,
) -> Result<KeyListing, Stop<Refusal>> {
    let (owner, shared) = (tenant.clone(), plane.shared());
    let apply = move |tx: &mut Tx<'_>| {
        tx.want::<KeyRow>(&id);
        members::want(tx, shared);
        let tenant = tenant_of(tx, &owner)?;
        let row = tx.get::<KeyRow>(&id)?.filter(|row| row.owner == owner).ok_or(Halt::Refused(Refusal::KeyUnknown))?;
        let row = row.changed(&change, tx.now())?;
        tx.append::<Refusal>(tenant, key_draft(change.kind(), &row))?;
        tx.put(row.clone());
        Ok((row.listing(), members::changed(tx, shared)?))
    };
    // Forgotten by the commit itself: a caller that goes away leaves no key in force on its old terms.
    let grants = Arc::clone(plane.grants());
    let told = move |_: &(KeyListing, members::Change)| grants.forget(&id);
    let (listing, change) = plane.store().submit_then(Lane::Client(0), apply, told).await?;
    members::settled(plane, change).await?;
    Ok(listing)
}

/// Whether transfers without a pay-in's number wait in 0/9 until they are linked.
pub async fn link_pay_ins(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    link: bool,
) -> Result<(), Stop<Refusal>> {
    let id = tenant.clone();
    let apply = move |tx: &mut Tx<'_>| {
        let tenant = tenant_of(tx, &id)?;
        let row = current(tx, tenant)?.ok_or(Halt::Refused(Refusal::TenantUnknown))?;
        if row.link_pay_ins != link {
            let facts = serde_json::json!({"link": link}).to_string();
            let draft = Draft { kind: "pay_in_linking_set", facts, postings: "[]".to_owned(), answer: None };
            tx.append::<Refusal>(tenant, draft)?;
            tx.put(TenantRow { link_pay_ins: link, ..row });
        }
        Ok(())
    };
    plane.store().submit(Lane::Client(0), apply).await
}

/// Every key of a tenant, without anything secret.
pub fn list(plane: &Plane, tenant: &TenantId) -> Result<Vec<KeyListing>, Fault> {
    let rows = plane.store().read(|reader| reader.select::<KeyRow>("1 = 1 ORDER BY created_at, id"))?;
    Ok(rows.iter().filter(|row| row.owner == *tenant).map(|row| plane.grants().with_last_use(row.listing())).collect())
}

/// Every tenant that the plane knows and has not retired.
pub fn tenants(plane: &Plane) -> Result<Vec<TenantRow>, Fault> {
    plane.store().read(|reader| reader.select::<TenantRow>("retired = 0 ORDER BY tenant"))
}

/// The tenant's number now. A sandbox reset gives it another one.
pub fn tenant_no(plane: &Plane, tenant: &TenantId) -> Result<Option<TenantNo>, Fault> {
    let row = plane.store().read(|reader| reader.get::<TenantIdRow>(&tenant.to_string()))?;
    Ok(row.map(|row| row.tenant))
}

/// Keeps the times of last use that calls left in memory: one operation for all of them, no write per call.
pub async fn keep_last_use(plane: &Plane) -> Result<(), Stop<Refusal>> {
    let used = plane.grants().take_used();
    if used.is_empty() {
        return Ok(());
    }
    let objects = u32::try_from(used.len()).unwrap_or(u32::MAX);
    plane
        .store()
        .submit(Lane::Worker { tenant: 0, objects }, move |tx| {
            used.iter().for_each(|(id, _)| tx.want::<KeyRow>(id));
            for (id, at) in &used {
                if let Some(row) = tx.get::<KeyRow>(id)? {
                    let last = row.last_used_at.map_or(*at, |before| before.max(*at));
                    tx.put(KeyRow { last_used_at: Some(last), ..row });
                }
            }
            Ok(())
        })
        .await
}

pub(crate) fn tenant_of(tx: &mut Tx<'_>, id: &TenantId) -> Result<TenantNo, Halt<Refusal>> {
    let row = tx.get::<TenantIdRow>(&id.to_string())?;
    row.map(|row| row.tenant).ok_or(Halt::Refused(Refusal::TenantUnknown))
}

/// The tenant behind a number, unless it was retired by a reset since the caller was authenticated.
pub(crate) fn current(tx: &mut Tx<'_>, tenant: TenantNo) -> Result<Option<TenantRow>, Missing> {
    Ok(tx.get::<TenantRow>(&tenant)?.filter(|row| !row.retired))
}

fn key_draft(kind: &'static str, row: &KeyRow) -> Draft {
    let facts = serde_json::json!({"key": row.id.as_str(), "kind": row.kind.word(), "name": row.name}).to_string();
    Draft { kind, facts, postings: "[]".to_owned(), answer: None }
}
