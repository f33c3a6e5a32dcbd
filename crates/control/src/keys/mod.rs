//! A tenant's keys, which the planes mint, keep and judge: control asks, and keeps of a key only that it asked. What a lost
//! answer leaves behind is voided by the wishes.
//!
//! Refuses in this order: a missing proof, a key that the role may not see, an environment that is not active, then what the
//! plane refuses; a plane that does not answer is the last, and keeps the intent of a revocation. Life of a key, as control
//! takes part in it: created → renamed, disabled, enabled, rotated, any number of times → revoked.

mod mint;
mod revoke;
mod state;
#[cfg(test)]
mod tests;

use ::store::{Missing, Tx};
use base::{Environment, Fault, KeyId, KeyKind, Secret, Span, Stop, UserId};
use ipnet::IpNet;
use serde_json::{Value, json};

use self::mint::{Minting, Route};
use crate::mail::{self, Letter};
use crate::planes::{AgentPolicy, Ask, KeyChange, KeyLimits, KeyView, NotDone, PlaneRefusal, Planes, Reply};
use crate::proof::{Permit, Placed, StepUp};
use crate::users::UserRow;
use crate::{Control, audit, environments};

pub use revoke::revoke;
pub use state::{IdempotencyKey, Refusal, key_of, wire_id};

/// A key that is wished for.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub kind: KeyKind,
    pub expires_in_days: Option<u32>,
    pub ips: Vec<IpNet>,
    pub policy: AgentPolicy,
    pub once: Option<IdempotencyKey>,
}

/// A key that was minted. Not `Debug`.
pub struct Shown {
    pub key: KeyView,
    /// Absent in a replay: a secret is shown once.
    pub whole: Option<Secret<String>>,
    /// Of a rotation: the old key with its new expiry.
    pub replaced: Option<KeyView>,
}

/// Which keys, from page 1 on.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub environment: Option<Environment>,
    pub page: u32,
    pub limit: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub items: Vec<KeyView>,
    pub total: usize,
}

/// Mints a key. The secret is in this answer and nowhere else.
pub async fn create(
    control: &Control,
    planes: &dyn Planes,
    placed: &Placed,
    step_up: &StepUp,
    new: NewKey,
) -> Result<Shown, Stop<Refusal>> {
    own(step_up, placed.permit())?;
    if new.kind == KeyKind::Payout {
        return Err(Stop::Refused(Refusal::KindElsewhere));
    }
    let NewKey { name, kind, expires_in_days, ips, policy, once } = new;
    let session = placed.session();
    let content = json!([kind, name, expires_in_days, ips, policy]).to_string();
    let minting = Minting {
        of: session.tenant().clone(),
        environment: placed.environment(),
        user: session.user().clone(),
        act: placed.act(Some(step_up)),
        route: Route::Create,
        once,
        content,
    };
    let expires_at = expires_in_days.map(|days| control.now().plus(Span::days(i64::from(days))));
    let (tenant, limits) = (session.tenant().clone(), KeyLimits { expires_at, ips, policy });
    let said = |wish, fingerprint| {
        let (tenant, name, limits) = (tenant.clone(), name.clone(), limits.clone());
        Ask::Mint { wish, fingerprint, tenant, kind, name, limits }
    };
    mint::mint(control, planes, minting, said).await
}

/// A successor on the same terms; the old key dies by itself after the overlap.
pub async fn rotate(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: &StepUp,
    id: &str,
    overlap_hours: u16,
    once: Option<IdempotencyKey>,
) -> Result<Shown, Stop<Refusal>> {
    own(step_up, permit)?;
    let (environment, key) = reached(permit, id)?;
    let session = permit.session();
    let minting = Minting {
        of: session.tenant().clone(),
        environment,
        user: session.user().clone(),
        act: permit.act(Some(step_up)).in_environment(environment),
        route: Route::Rotate,
        once,
        content: json!([key, overlap_hours]).to_string(),
    };
    let tenant = session.tenant().clone();
    let overlap = Span::hours(i64::from(overlap_hours));
    let said = |wish, fingerprint| Ask::Rotate { wish, fingerprint, tenant: tenant.clone(), key, overlap };
    mint::mint(control, planes, minting, said).await
}

/// Of the environments that the permit reaches, the oldest first; revoked keys are not among them.
pub async fn list(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    page: Page,
) -> Result<Listed, Stop<Refusal>> {
    let tenant = permit.session().tenant();
    let wanted = |side: &Environment| permit.reach().covers(*side) && page.environment.is_none_or(|only| only == *side);
    let mut items = Vec::new();
    for environment in environments::known(control, tenant)?.into_iter().filter(wanted) {
        match ask(planes, environment, Ask::Keys { tenant: tenant.clone() }).await? {
            Reply::Keys(keys) => items.extend(keys.into_iter().filter(|key| !key.revoked)),
            _ => return Err(Stop::Faulted(Fault::new("the plane answered something else than keys"))),
        }
    }
    items.sort_by_key(|key| (key.created_at, key.id));
    let (total, limit) = (items.len(), state::per_page(page.limit));
    let before = usize::try_from(page.page.max(1) - 1).unwrap_or(usize::MAX).saturating_mul(limit);
    Ok(Listed { items: items.into_iter().skip(before).take(limit).collect(), total })
}

pub async fn get(_: &Control, planes: &dyn Planes, permit: &Permit, id: &str) -> Result<KeyView, Stop<Refusal>> {
    let (environment, key) = reached(permit, id)?;
    ask(planes, environment, Ask::Key { tenant: permit.session().tenant().clone(), key }).await.and_then(one_key)
}

pub async fn rename(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    id: &str,
    name: String,
) -> Result<KeyView, Stop<Refusal>> {
    change(control, planes, permit, None, id, KeyChange::Rename(name)).await
}

/// Disabling never waits for a proof; enabling without one is refused.
pub async fn set_active(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: Option<&StepUp>,
    id: &str,
    active: bool,
) -> Result<KeyView, Stop<Refusal>> {
    if active {
        own(step_up.ok_or(Stop::Refused(Refusal::StepUpRequired))?, permit)?;
    }
    let wanted = if active { KeyChange::Enable } else { KeyChange::Disable };
    change(control, planes, permit, step_up.filter(|_| active), id, wanted).await
}

async fn change(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: Option<&StepUp>,
    id: &str,
    wanted: KeyChange,
) -> Result<KeyView, Stop<Refusal>> {
    let (environment, key) = reached(permit, id)?;
    let of = permit.session().tenant().clone();
    let (kind, facts) = match &wanted {
        KeyChange::Rename(name) => ("key_renamed", json!({"key": key, "name": name})),
        KeyChange::Disable => ("key_disabled", json!({"key": key})),
        KeyChange::Enable => ("key_enabled", json!({"key": key})),
        KeyChange::Revoke => ("key_revoked", json!({"key": key})),
    };
    let asked = Ask::Change { tenant: of.clone(), key, change: wanted };
    let view = ask(planes, environment, asked).await.and_then(one_key)?;
    let act = permit.act(step_up).in_environment(environment);
    let run = move |tx: &mut Tx<'_>| audit::append(tx, &act, Some(&of), kind, facts.clone()).map(|_| ());
    control.change(run).await?;
    Ok(view)
}

/// A proof is worth nothing to another session.
fn own(step_up: &StepUp, permit: &Permit) -> Result<(), Stop<Refusal>> {
    if step_up.is_of(permit.session()) { Ok(()) } else { Err(Stop::Refused(Refusal::StepUpRequired)) }
}

/// The key that an id names. One that the role may not see is as unknown as one that is nobody's; whose it is, only the plane
/// says.
fn reached(permit: &Permit, id: &str) -> Result<(Environment, KeyId), Stop<Refusal>> {
    key_of(id).filter(|(environment, _)| permit.reach().covers(*environment)).ok_or(Stop::Refused(Refusal::Unknown))
}

async fn ask(planes: &dyn Planes, environment: Environment, ask: Ask) -> Result<Reply, Stop<Refusal>> {
    planes.ask(environment, ask).await.map_err(|not_done| stopped(environment, not_done))
}

fn one_key(reply: Reply) -> Result<KeyView, Stop<Refusal>> {
    match reply {
        Reply::Key(key) => Ok(key),
        _ => Err(Stop::Faulted(Fault::new("the plane answered something else than a key"))),
    }
}

/// Why the plane has not done it, in this room's words.
fn stopped(environment: Environment, not_done: NotDone) -> Stop<Refusal> {
    Stop::Refused(match not_done {
        NotDone::Unreachable { .. } => Refusal::Unreachable(environment),
        NotDone::Refused(PlaneRefusal::KeyUnknown | PlaneRefusal::TenantUnknown) => Refusal::Unknown,
        NotDone::Refused(PlaneRefusal::OtherContent) => Refusal::OtherContent,
        NotDone::Refused(refusal) => Refusal::Plane(refusal),
    })
}

/// Who changed a live key hears of it by mail too.
fn tell(
    tx: &mut Tx<'_>,
    environment: Environment,
    user: &UserId,
    kind: mail::Kind,
    letter: &str,
    facts: &Value,
) -> Result<(), Missing> {
    if environment == Environment::Sandbox {
        return Ok(());
    }
    let Some(person) = tx.get::<UserRow>(&UserRow::keyed(user))? else { return Ok(()) };
    let (id, address, facts) = (letter.to_owned(), person.email, facts.clone());
    mail::put(tx, Letter { id, kind, address, person: Some(user.clone()), ticket: None, facts })
}
