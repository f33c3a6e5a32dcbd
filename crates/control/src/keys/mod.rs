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

use ::store::{Halt, Missing, Tx};
use base::{Environment, Fault, KeyId, KeyKind, PayoutPolicy, Secret, Span, Stop, TenantId, UserId};
use ipnet::IpNet;
use serde_json::{Value, json};

use self::mint::Minting;
use crate::act::Act;
use crate::mail;
use crate::notifications::{self, News};
use crate::planes::{AgentPolicy, Ask, KeyChange, KeyLimits, KeyView, NotDone, PlaneRefusal, Planes, Reply};
use crate::proof::{Permit, Placed, StepUp};
use crate::{Control, audit, environments};

pub(crate) use mint::{Named, Route};
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
    create_by(control, planes, placed, step_up, Route::Create, (new, None)).await
}

/// A key of any kind; a payout key has its policy beside.
pub(crate) async fn create_by(
    control: &Control,
    planes: &dyn Planes,
    placed: &Placed,
    step_up: &StepUp,
    route: Route,
    (new, payout): (NewKey, Option<PayoutPolicy>),
) -> Result<Shown, Stop<Refusal>> {
    own(step_up, placed.permit())?;
    let NewKey { name, kind, expires_in_days, ips, policy, once } = new;
    let session = placed.session();
    let content = json!([kind, name, expires_in_days, ips, policy, payout]).to_string();
    let minting = Minting {
        permit: placed.permit().clone(),
        environment: placed.environment(),
        act: placed.act(Some(step_up)),
        named: Named { route, once },
        content,
    };
    let expires_at = expires_in_days.map(|days| control.now().plus(Span::days(i64::from(days))));
    let (tenant, limits) =
        (session.tenant().clone(), KeyLimits { expires_at, ips, policy, payout: payout.map(Box::new) });
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
    let named = Named { route: Route::Rotate, once };
    rotate_by(control, planes, permit, step_up, named, (reached(permit, id)?, overlap_hours)).await
}

/// Of a key that the permit reaches.
pub(crate) async fn rotate_by(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: &StepUp,
    named: Named,
    ((environment, key), overlap_hours): ((Environment, KeyId), u16),
) -> Result<Shown, Stop<Refusal>> {
    own(step_up, permit)?;
    let session = permit.session();
    let minting = Minting {
        permit: permit.clone(),
        environment,
        act: permit.act(Some(step_up)).in_environment(environment),
        named,
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
    let items = all(control, planes, permit, page.environment).await?;
    let (total, limit) = (items.len(), state::per_page(page.limit));
    let before = usize::try_from(page.page.max(1) - 1).unwrap_or(usize::MAX).saturating_mul(limit);
    Ok(Listed { items: items.into_iter().skip(before).take(limit).collect(), total })
}

pub(crate) async fn all(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    only: Option<Environment>,
) -> Result<Vec<KeyView>, Stop<Refusal>> {
    let tenant = permit.session().tenant();
    let wanted = |side: &Environment| permit.reach().covers(*side) && only.is_none_or(|only| only == *side);
    let mut items = Vec::new();
    for environment in environments::known(control, tenant)?.into_iter().filter(wanted) {
        match ask(planes, environment, Ask::Keys { tenant: tenant.clone() }).await? {
            Reply::Keys(keys) => items.extend(keys.into_iter().filter(|key| !key.revoked)),
            _ => return Err(Stop::Faulted(Fault::new("the plane answered something else than keys"))),
        }
    }
    items.sort_by_key(|key| (key.created_at, key.id));
    Ok(items)
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

/// The doors above say for which changes a proof is needed. Both the wish and its outcome are written down: the change may take
/// effect and nobody be there any more to hear of it.
pub(crate) async fn change(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: Option<&StepUp>,
    id: &str,
    wanted: KeyChange,
) -> Result<KeyView, Stop<Refusal>> {
    let (environment, key) = reached(permit, id)?;
    let of = permit.session().tenant().clone();
    let (wish, kind, facts) = match &wanted {
        KeyChange::Rename(name) => ("key_rename_wished", "key_renamed", json!({"key": key, "name": name})),
        KeyChange::Disable => ("key_disabling_wished", "key_disabled", json!({"key": key})),
        KeyChange::Enable => ("key_enabling_wished", "key_enabled", json!({"key": key})),
        KeyChange::Policy(policy) => ("key_policy_wished", "key_policy_set", json!({"key": key, "policy": policy})),
        KeyChange::Revoke => ("key_revocation_wished", "key_revoked", json!({"key": key})),
    };
    let act = permit.act(step_up).in_environment(environment);
    control.run_by(permit, Some(environment), noting(&act, &of, wish, &facts)).await?;
    let asked = Ask::Change { tenant: of.clone(), key, change: wanted };
    let view = ask(planes, environment, asked).await.and_then(one_key)?;
    control.change(noting(&act, &of, kind, &facts)).await?;
    Ok(view)
}

/// Writes one line of the tenant's audit log.
fn noting<R>(
    act: &Act,
    of: &TenantId,
    kind: &'static str,
    facts: &Value,
) -> impl Fn(&mut Tx<'_>) -> Result<(), Halt<R>> + Send + use<R> {
    let (act, of, facts) = (act.clone(), of.clone(), facts.clone());
    move |tx| audit::append(tx, &act, Some(&of), kind, facts.clone()).map(|_| ())
}

/// A proof is worth nothing to another session.
pub(crate) fn own(step_up: &StepUp, permit: &Permit) -> Result<(), Stop<Refusal>> {
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

/// Whom the tenant wants told of a key hears of it by mail, and so does who did it.
fn tell(
    tx: &mut Tx<'_>,
    of: &TenantId,
    environment: Environment,
    user: &UserId,
    kind: mail::Kind,
    letter: &str,
    facts: &Value,
) -> Result<(), Missing> {
    let facts = json!({"key": facts["key"], "name": facts["name"], "environment": environment.word()});
    notifications::tell(tx, letter, &News { of, environment, by: Some(user), kind, facts: &facts })
}
