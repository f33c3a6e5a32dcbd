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

use crate::standing::StandingRow;
use crate::{Authority, Plane, books, members};

pub use crate::authority::Operator;
pub use base::KeyKind;
pub use cache::Grants;
pub use key::PlainKey;
pub use state::{
    AgentPolicy, Caller, Denied, KeyLimits, KeyListing, NewKey, PAYOUT_KEY_DAYS_MOST, PolicyChange, Refusal,
};
pub use store::{KeyRow, TenantIdRow, TenantRow};

/// Makes the plane know a tenant; a sandbox tenant gets its starting money. Knowing it already is no error.
pub async fn admit(plane: &Plane, by: &impl Authority, id: &TenantId, name: &str) -> Result<TenantNo, Stop<Refusal>> {
    let (id, name, by) = (id.clone(), Arc::<str>::from(name), by.word());
    let start = plane.sandbox().map(|_| plane.config().sandbox_start);
    let lane = Lane::Client(0);
    plane
        .store()
        .submit(lane, move |tx| {
            if let Some(row) = tx.get::<TenantIdRow>(&id.to_string())? {
                return Ok(row.tenant);
            }
            open_tenant(tx, &id, &name, start.as_ref(), by)
        })
        .await
}

/// Gives `id` a fresh number with nothing behind it. Used by [`admit`] and by a sandbox reset.
pub(crate) fn open_tenant(
    tx: &mut Tx<'_>,
    id: &TenantId,
    name: &Arc<str>,
    start: Option<&crate::config::SandboxStart>,
    by: &'static str,
) -> Result<TenantNo, Halt<Refusal>> {
    let facts = serde_json::json!({"tenant": id.to_string(), "name": &**name, "by": by}).to_string();
    let draft = Draft { kind: "tenant_opened", facts, postings: "[]".to_owned(), answer: None };
    let tenant = TenantNo::try_from(tx.next_seq(0)?).ok().filter(|tenant| *tenant < TENANTS_MOST);
    let tenant = tenant.ok_or(Halt::Refused(Refusal::TooManyTenants))?;
    // Looked at so that they may be put: nothing can be there yet.
    tx.want::<books::AccountRow>(&(tenant, books::AccountName::Agent));
    tx.want::<books::AccountRow>(&(tenant, books::AccountName::Funding));
    tx.get::<TenantRow>(&tenant)?;
    // Keys outlive a reset.
    let keys = tx.get::<TenantIdRow>(&id.to_string())?.map_or(0, |before| before.keys);
    tx.append::<Refusal>(0, draft)?;
    tx.put(TenantRow::open(tenant, id.clone(), Arc::clone(name), tx.now()));
    tx.put(TenantIdRow { id: id.to_string(), tenant, keys });
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
pub async fn mint(plane: &Plane, by: &impl Authority, new: NewKey) -> Result<PlainKey, Stop<Refusal>> {
    let (plain, fresh) = draw(plane);
    let by = by.word();
    plane.store().submit(Lane::Client(0), move |tx| add(tx, by, &new, fresh)).await?;
    Ok(plain)
}

/// A key for an operation that may run more than once: the whole of it, and what the operation keeps.
pub(crate) fn draw(plane: &Plane) -> (PlainKey, Fresh) {
    let plain = PlainKey::draw(plane.name().environment, plane.chance());
    let fresh = Fresh { id: plain.id, mac: plain.mac(plane.pepper()) };
    (plain, fresh)
}

/// What is kept of a key that was drawn.
#[derive(Clone, Copy)]
pub(crate) struct Fresh {
    pub(crate) id: KeyId,
    mac: [u8; 32],
}

/// Keys of one tenant that are not revoked, at most.
pub const KEYS_MOST: u32 = 1_000;

/// Keeps a drawn key, in the operation at hand.
pub(crate) fn add(tx: &mut Tx<'_>, by: &str, new: &NewKey, fresh: Fresh) -> Result<KeyListing, Halt<Refusal>> {
    new.check(tx.now())?;
    tx.want::<KeyRow>(&fresh.id);
    let owner = owner(tx, &new.tenant)?;
    if owner.keys >= KEYS_MOST {
        return Err(Halt::Refused(Refusal::TooManyKeys));
    }
    if tx.get::<KeyRow>(&fresh.id)?.is_some() {
        return Err(Halt::Faulted(Fault::busy("drew a key id that is taken; try again")));
    }
    let row = KeyRow::minted(fresh.id, new, fresh.mac, tx.now());
    tx.append::<Refusal>(owner.tenant, key_draft("key_minted", &row, by))?;
    tx.put(TenantIdRow { keys: owner.keys + 1, ..owner });
    let listing = row.listing();
    tx.put(row);
    Ok(listing)
}

/// Judges a presented key: environment by prefix, then existence and secret (one answer for both), then whether it is
/// alive and allowed from `ip`, and its tenant's standing last. Reads at most three rows, and none for a key that was used lately, as long as this process
/// may trust its memory.
pub fn authenticate(plane: &Plane, presented: &str, ip: IpAddr) -> Result<Caller, Stop<Denied>> {
    let (id, secret) = key::parse(presented, plane.name().environment).map_err(Stop::Refused)?;
    let known = match plane.members().trusted() {
        true => match plane.grants().get(&id) {
            Some(known) => Some(known),
            None => load(plane, id)?,
        },
        false => read(plane, id)?.map(|found| Arc::new(cache::Known::of(found))),
    };
    let presented = key::secret_mac(plane.pepper(), id, secret);
    let Some(known) = known else { return Err(Stop::Refused(Denied::Unknown)) };
    if !mac::equal(&presented, &known.row.mac) {
        return Err(Stop::Refused(Denied::Unknown));
    }
    let now = plane.now();
    state::may_be_used(&known.row, ip, now).map_err(Stop::Refused)?;
    if known.suspended {
        return Err(Stop::Refused(Denied::Suspended));
    }
    known.used(now);
    Ok(Caller { tenant: known.tenant, known })
}

fn load(plane: &Plane, id: KeyId) -> Result<Option<Arc<cache::Known>>, Fault> {
    let ticket = plane.grants().ticket();
    Ok(read(plane, id)?.map(|found| plane.grants().learn(ticket, found)))
}

fn read(plane: &Plane, id: KeyId) -> Result<Option<cache::Found>, Fault> {
    plane.store().read(|reader| {
        let Some(row) = reader.get::<KeyRow>(&id)? else { return Ok(None) };
        let owner = row.owner.to_string();
        let Some(tenant) = reader.get::<TenantIdRow>(&owner)? else { return Ok(None) };
        let suspended = reader.get::<StandingRow>(&owner)?.is_some_and(|row| row.standing.suspended);
        Ok(Some(cache::Found { row, tenant: tenant.tenant, suspended }))
    })
}

/// What happens to a key after it was minted.
#[derive(Clone, Debug)]
pub enum KeyChange {
    Rename(String),
    Disable,
    Enable,
    /// Of a payout key alone.
    Policy(PolicyChange),
    /// For good.
    Revoke,
    /// Dies by itself at this time, because it has a successor, minted under this wish; an earlier expiry stays.
    Rotated {
        at: Time,
        wish: Option<Box<str>>,
    },
    /// The successor of this wish was revoked unseen: the expiry before it holds again, unless a later rotation set its own.
    NotRotated {
        wish: Box<str>,
        expired_at: Option<i64>,
    },
}

/// Changes a tenant's key. In force when this returns: no later call is accepted on the old terms, by no process.
pub async fn change(
    plane: &Plane,
    by: &impl Authority,
    tenant: &TenantId,
    id: KeyId,
    change: KeyChange,
) -> Result<KeyListing, Stop<Refusal>> {
    let (owner, shared, by) = (tenant.clone(), plane.shared(), by.word());
    let apply = move |tx: &mut Tx<'_>| {
        members::want(tx, shared);
        let row = alter(tx, by, &owner, id, &change)?;
        Ok((row.listing(), members::changed(tx, shared)?))
    };
    // Forgotten by the commit itself: a caller that goes away leaves no key in force on its old terms.
    let grants = Arc::clone(plane.grants());
    let told = move |_: &(KeyListing, members::Change)| grants.forget(&id);
    let (listing, change) = plane.store().submit_then(Lane::Client(0), apply, told).await?;
    members::settled(plane, change).await?;
    Ok(listing)
}

/// Changes a key in the operation at hand, which counts the change and has the key forgotten.
pub(crate) fn alter(
    tx: &mut Tx<'_>,
    by: &str,
    owner: &TenantId,
    id: KeyId,
    change: &KeyChange,
) -> Result<KeyRow, Halt<Refusal>> {
    let (before, owner) = of_tenant(tx, owner, id)?;
    let was_revoked = before.revoked_at.is_some();
    let row = before.changed(change, tx.now())?;
    tx.append::<Refusal>(owner.tenant, key_draft(change.kind(), &row, by))?;
    if row.revoked_at.is_some() && !was_revoked {
        tx.put(TenantIdRow { keys: owner.keys.saturating_sub(1), ..owner });
    }
    tx.put(row.clone());
    Ok(row)
}

/// A tenant's key and its owner, in the operation at hand.
pub(crate) fn of_tenant(tx: &mut Tx<'_>, tenant: &TenantId, id: KeyId) -> Result<(KeyRow, TenantIdRow), Halt<Refusal>> {
    tx.want::<KeyRow>(&id);
    let owner = owner(tx, tenant)?;
    let row = tx.get::<KeyRow>(&id)?.filter(|row| row.owner == *tenant);
    Ok((row.ok_or(Halt::Refused(Refusal::KeyUnknown))?, owner))
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

/// Every key of a tenant, the oldest first, without anything secret.
pub fn list(plane: &Plane, tenant: &TenantId) -> Result<Vec<KeyListing>, Fault> {
    let mut rows = plane.store().read(|reader| reader.matching::<KeyRow>("owner", &tenant.to_string()))?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows.iter().map(|row| plane.grants().with_last_use(row.listing())).collect())
}

/// One of a tenant's keys, without anything secret. Looked for among the tenant's own, so that another's takes as long as one
/// that nobody has.
pub fn find(plane: &Plane, tenant: &TenantId, id: KeyId) -> Result<Option<KeyListing>, Fault> {
    let rows = plane.store().read(|reader| reader.matching::<KeyRow>("owner", &tenant.to_string()))?;
    let row = rows.into_iter().find(|row| row.id == id);
    Ok(row.map(|row| plane.grants().with_last_use(row.listing())))
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
    Ok(owner(tx, id)?.tenant)
}

fn owner(tx: &mut Tx<'_>, id: &TenantId) -> Result<TenantIdRow, Halt<Refusal>> {
    tx.get::<TenantIdRow>(&id.to_string())?.ok_or(Halt::Refused(Refusal::TenantUnknown))
}

/// The tenant behind a number, unless it was retired by a reset since the caller was authenticated.
pub(crate) fn current(tx: &mut Tx<'_>, tenant: TenantNo) -> Result<Option<TenantRow>, Missing> {
    Ok(tx.get::<TenantRow>(&tenant)?.filter(|row| !row.retired))
}

fn key_draft(kind: &'static str, row: &KeyRow, by: &str) -> Draft {
    let (key, key_kind) = (row.id.as_str(), row.kind.word());
    let facts = serde_json::json!({"key": key, "kind": key_kind, "name": row.name, "by": by}).to_string();
    Draft { kind, facts, postings: "[]".to_owned(), answer: None }
}
