//! Keys by wish: who asks from afar and may not hear the answer names what it asks for, so that it is minted once, and can
//! take back what nobody saw.
//!
//! Refuses, in this order: an unknown tenant; a wish that was voided; a wish that was used for other content (the same
//! content gets the same key again, without its secret); then what `grants` refuses. Life of a wish: none → minted → voided;
//! or none → voided. It outlives a sandbox reset, as keys do.

mod state;
mod store;

use std::sync::Arc;

use ::store::{Halt, Lane, Tx};
use base::{KeyId, Span, Stop, TenantId};

use crate::grants::{self, KeyChange, KeyListing, NewKey, PlainKey};
use crate::{Authority, Office, Plane, members};

pub use state::Refusal;
use state::{Content, Outcome, Replaced, Wished, successor};
pub use store::WishRow;

/// What a key is asked for under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// One tenant's wishes have different ids.
    pub id: String,
    /// Of all that is asked for: two asks under one wish are compared by it.
    pub fingerprint: String,
}

/// What was minted.
pub struct Minted {
    pub key: KeyListing,
    /// Absent when the wish had its effect before: a secret is shown once and never kept.
    pub whole: Option<PlainKey>,
    /// Of a rotation: the old key with its new expiry.
    pub replaced: Option<KeyListing>,
}

/// Mints a key, under one wish once. It works from the moment this returns.
pub async fn mint(
    plane: &Plane,
    by: &impl Authority,
    new: NewKey,
    wish: Option<Wish>,
) -> Result<Minted, Stop<Refusal>> {
    let (plain, fresh) = grants::draw(plane);
    let by = by.word();
    let run = move |tx: &mut Tx<'_>| {
        if let Some(before) = before(tx, &new.tenant, wish.as_ref())? {
            return Ok(before);
        }
        let key = grants::add(tx, by, &new, fresh).map_err(Refusal::of_grants)?;
        keep(tx, &new.tenant, wish.as_ref(), Content { key: fresh.id, replaced: None });
        Ok(Done { first: true, key, replaced: None })
    };
    let done = plane.store().submit(Lane::Client(0), run).await?;
    Ok(done.with(plain))
}

/// Mints a successor on the same terms and lets the old key die by itself after `overlap`, in one change and under one wish
/// once. An earlier expiry of the old key stays. In force when this returns, in every process.
pub async fn rotate(
    plane: &Plane,
    by: &impl Authority,
    tenant: &TenantId,
    id: KeyId,
    overlap: Span,
    wish: Option<Wish>,
) -> Result<Minted, Stop<Refusal>> {
    let (plain, fresh) = grants::draw(plane);
    let (owner, shared, by) = (tenant.clone(), plane.shared(), by.word());
    let run = move |tx: &mut Tx<'_>| {
        members::want(tx, shared);
        if let Some(before) = before(tx, &owner, wish.as_ref())? {
            return Ok((before, members::unchanged(tx, shared)?));
        }
        let (old, _) = grants::of_tenant(tx, &owner, id).map_err(Refusal::of_grants)?;
        let new = successor(&old, tx.now())?;
        let replaced = Replaced { key: id, expired_at: old.limits.expires_at };
        let at = tx.now().plus(overlap);
        let change = KeyChange::Rotated { at, wish: wish.as_ref().map(|wish| wish.id.as_str().into()) };
        let key = grants::add(tx, by, &new, fresh).map_err(Refusal::of_grants)?;
        let retired = grants::alter(tx, by, &owner, id, &change).map_err(Refusal::of_grants)?;
        keep(tx, &owner, wish.as_ref(), Content { key: fresh.id, replaced: Some(replaced) });
        Ok((Done { first: true, key, replaced: Some(retired.listing()) }, members::changed(tx, shared)?))
    };
    let grants = Arc::clone(plane.grants());
    let told = move |_: &(Done, members::Change)| grants.forget(&id);
    let (done, change) = plane.store().submit_then(Lane::Client(0), run, told).await?;
    members::settled(plane, change).await?;
    Ok(done.with(plain))
}

/// Takes a wish back, whether it had its effect or not: its key is revoked, a key that this one was to replace lives on as
/// before, and nothing is minted under it any more. In force when this returns, in every process.
pub async fn void(plane: &Plane, office: &Office, tenant: &TenantId, wish: &str) -> Result<(), Stop<Refusal>> {
    let (owner, id, shared, by) = (tenant.clone(), wish.to_owned(), plane.shared(), office.word());
    let run = move |tx: &mut Tx<'_>| {
        members::want(tx, shared);
        let outcome = tx.get::<WishRow>(&(owner.to_string(), id.clone()))?.map(|row| row.wished.outcome);
        let content = match outcome {
            Some(Outcome::Voided) => return Ok((Vec::new(), members::unchanged(tx, shared)?)),
            Some(Outcome::Minted(content)) => Some(content),
            None => None,
        };
        let mut forgotten = Vec::new();
        if let Some(Content { key, replaced }) = content {
            grants::alter(tx, by, &owner, key, &KeyChange::Revoke).map_err(Refusal::of_grants)?;
            forgotten.push(key);
            if let Some(old) = replaced {
                forgotten.push(old.key);
                give_back(tx, by, &owner, &id, &old)?;
            }
        }
        let wished = Wished { fingerprint: String::new(), outcome: Outcome::Voided };
        tx.put(WishRow { owner: owner.clone(), id: id.clone(), wished });
        Ok((forgotten, members::changed(tx, shared)?))
    };
    let grants = Arc::clone(plane.grants());
    let told = move |(forgotten, _): &(Vec<KeyId>, members::Change)| forgotten.iter().for_each(|id| grants.forget(id));
    let (_, change) = plane.store().submit_then(Lane::Client(0), run, told).await?;
    Ok(members::settled(plane, change).await?)
}

/// The old key of a rotation that is voided gets its expiry back, unless it is revoked.
fn give_back(tx: &mut Tx<'_>, by: &str, owner: &TenantId, wish: &str, old: &Replaced) -> Result<(), Halt<Refusal>> {
    let (row, _) = grants::of_tenant(tx, owner, old.key).map_err(Refusal::of_grants)?;
    if row.revoked_at.is_none() && row.rotated_under.as_deref() == Some(wish) {
        let change = KeyChange::NotRotated { wish: wish.into(), expired_at: old.expired_at };
        grants::alter(tx, by, owner, old.key, &change).map_err(Refusal::of_grants)?;
    }
    Ok(())
}

/// What an operation found or made.
struct Done {
    first: bool,
    key: KeyListing,
    replaced: Option<KeyListing>,
}

impl Done {
    fn with(self, plain: PlainKey) -> Minted {
        Minted { key: self.key, whole: self.first.then_some(plain), replaced: self.replaced }
    }
}

/// What this wish led to before, as it is now.
fn before(tx: &mut Tx<'_>, owner: &TenantId, wish: Option<&Wish>) -> Result<Option<Done>, Halt<Refusal>> {
    let Some(wish) = wish else { return Ok(None) };
    let key = (owner.to_string(), wish.id.clone());
    tx.want::<WishRow>(&key);
    grants::tenant_of(tx, owner).map_err(Refusal::of_grants)?;
    let Some(row) = tx.get::<WishRow>(&key)? else { return Ok(None) };
    let Content { key, replaced } = row.wished.again(&wish.fingerprint)?;
    let mut listing = |id| -> Result<KeyListing, Halt<Refusal>> {
        let (row, _) = grants::of_tenant(tx, owner, id).map_err(Refusal::of_grants)?;
        Ok(row.listing())
    };
    let replaced = replaced.map(|old| listing(old.key)).transpose()?;
    Ok(Some(Done { first: false, key: listing(key)?, replaced }))
}

fn keep(tx: &mut Tx<'_>, owner: &TenantId, wish: Option<&Wish>, content: Content) {
    if let Some(Wish { id, fingerprint }) = wish.cloned() {
        let wished = Wished { fingerprint, outcome: Outcome::Minted(content) };
        tx.put(WishRow { owner: owner.clone(), id, wished });
    }
}
