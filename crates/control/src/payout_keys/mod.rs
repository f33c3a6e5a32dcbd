//! Payout keys: keys that withdraw, inside a policy. They are minted, kept and judged by planes as all keys are, see
//! [`crate::keys`]; what is theirs alone is that they are made here and nowhere else, and that their policy is seen and changed
//! by those who have proved themselves lately.
//!
//! Refuses in this order: another business's id, a missing proof, a key that is no payout key or that the role may not see, an
//! environment that is not active, then what the plane refuses; a plane that does not answer is the last.

use std::sync::Arc;

use base::{Environment, Fault, KeyId, KeyKind, PayoutPolicy, Stop};
use ipnet::IpNet;

use crate::Control;
use crate::keys::{self, IdempotencyKey, Named, NewKey, Refusal, Route, Shown};
use crate::planes::{AgentPolicy, KeyChange, KeyView, Planes, PolicyChange};
use crate::proof::{Permit, Placed, StepUp};

/// A payout key that is wished for.
#[derive(Clone, Debug)]
pub struct NewPayoutKey {
    pub name: String,
    pub expires_in_days: u32,
    pub ips: Vec<IpNet>,
    pub policy: PayoutPolicy,
    pub once: Option<IdempotencyKey>,
}

/// What is to be different.
#[derive(Clone, Debug)]
pub enum Change {
    Rename(String),
    SetActive(bool),
    Policy(PolicyChange),
}

/// A successor that is wished for.
#[derive(Clone, Debug)]
pub struct Rotation {
    pub id: String,
    pub overlap_hours: u16,
    pub once: Option<IdempotencyKey>,
}

/// Mints a key. The secret is in this answer and nowhere else.
pub async fn create(
    control: &Control,
    planes: &dyn Planes,
    placed: &Placed,
    step_up: &StepUp,
    business: &str,
    new: NewPayoutKey,
) -> Result<Shown, Stop<Refusal>> {
    of_business(placed.permit(), business)?;
    let NewPayoutKey { name, expires_in_days, ips, policy, once } = new;
    let (kind, agent) = (KeyKind::Payout, AgentPolicy::default());
    let new = NewKey { name, kind, expires_in_days: Some(expires_in_days), ips, policy: agent, once };
    keys::create_by(control, planes, placed, step_up, Route::CreatePayout, (new, Some(policy))).await
}

/// Of one environment, the oldest first, without their policies; revoked keys are not among them.
pub async fn list(
    control: &Control,
    planes: &dyn Planes,
    placed: &Placed,
    business: &str,
) -> Result<Vec<KeyView>, Stop<Refusal>> {
    of_business(placed.permit(), business)?;
    let mut keys = keys::all(control, planes, placed.permit(), Some(placed.environment())).await?;
    keys.retain(|key| key.kind == KeyKind::Payout);
    Ok(keys)
}

/// With its policy.
pub async fn get(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: &StepUp,
    business: &str,
    id: &str,
) -> Result<KeyView, Stop<Refusal>> {
    of_business(permit, business)?;
    keys::own(step_up, permit)?;
    found(control, planes, permit, id).await
}

/// Renaming and disabling never wait for a proof; the rest is refused without one.
pub async fn change(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: Option<&StepUp>,
    (business, id): (&str, &str),
    change: Change,
) -> Result<KeyView, Stop<Refusal>> {
    of_business(permit, business)?;
    let (wanted, proved) = match change {
        Change::Rename(name) => (KeyChange::Rename(name), false),
        Change::SetActive(false) => (KeyChange::Disable, false),
        Change::SetActive(true) => (KeyChange::Enable, true),
        Change::Policy(policy) => (KeyChange::Policy(policy), true),
    };
    let step_up = step_up.filter(|_| proved);
    if proved {
        keys::own(step_up.ok_or(Stop::Refused(Refusal::StepUpRequired))?, permit)?;
    }
    found(control, planes, permit, id).await?;
    keys::change(control, planes, permit, step_up, id, wanted).await
}

/// A successor on the same terms; the old key dies by itself after the overlap.
pub async fn rotate(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: &StepUp,
    business: &str,
    rotation: Rotation,
) -> Result<Shown, Stop<Refusal>> {
    of_business(permit, business)?;
    keys::own(step_up, permit)?;
    let Rotation { id, overlap_hours, once } = rotation;
    let key = found(control, planes, permit, &id).await?;
    let named = Named { route: Route::RotatePayout, once };
    keys::rotate_by(control, planes, permit, step_up, named, (place(&key), overlap_hours)).await
}

/// As [`keys::revoke`]. While the plane does not say which kind of key it is, the intent is kept all the same: what its owner wants
/// dead is not left alive for that. Nor is it where the caller goes away before the plane has said so: it goes on without him.
pub async fn revoke(
    control: &Control,
    planes: Arc<dyn Planes>,
    permit: &Permit,
    step_up: Arc<StepUp>,
    business: &str,
    id: &str,
) -> Result<KeyView, Stop<Refusal>> {
    of_business(permit, business)?;
    keys::own(&step_up, permit)?;
    let (control, permit, id) = (control.clone(), permit.clone(), id.to_owned());
    let revoking = async move {
        let planes = planes.as_ref();
        match found(&control, planes, &permit, &id).await {
            Ok(_) | Err(Stop::Refused(Refusal::Unreachable(_))) => {
                keys::revoke(&control, planes, &permit, &step_up, &id).await
            }
            Err(stop) => Err(stop),
        }
    };
    tokio::spawn(revoking).await.map_err(|error| Fault::because("revoking a payout key", error))?
}

/// A business is its tenant under another name, and another's is as unknown as one that is nobody's.
fn of_business(permit: &Permit, business: &str) -> Result<(), Stop<Refusal>> {
    let own = permit.session().tenant().business() == business;
    own.then_some(()).ok_or(Stop::Refused(Refusal::Unknown))
}

/// The payout key that an id names; a key of another kind is not there.
async fn found(control: &Control, planes: &dyn Planes, permit: &Permit, id: &str) -> Result<KeyView, Stop<Refusal>> {
    let key = keys::get(control, planes, permit, id).await?;
    if key.kind == KeyKind::Payout { Ok(key) } else { Err(Stop::Refused(Refusal::Unknown)) }
}

fn place(key: &KeyView) -> (Environment, KeyId) {
    (key.environment, key.id)
}
