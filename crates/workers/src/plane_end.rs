//! A plane's end of the intercom: one ask of the front office, answered from the plane's rooms. The one place that knows the
//! words of both. It is no loop: the transport calls it, with a message that has proved itself.

use base::{Fault, Stop, TenantId, Time};
use control::planes::{AgentPolicy, Ask, KeyChange, KeyLimits, KeyView, NotDone, PlaneRefusal, PolicyChange, Reply};
use control::planes::{Standing, Used};
use plane::grants::{self, KeyListing};
use plane::wishes::{self, Minted, Wish};
use plane::{Office, Plane, deeds, sandbox, standing, usage};

pub async fn answer(plane: &Plane, office: &Office, ask: Ask) -> Result<Reply, NotDone> {
    match ask {
        Ask::Admit { tenant, name, standing } => {
            grants::admit(plane, office, &tenant, &name).await.map_err(of_grants)?;
            stand(plane, office, &tenant, &standing).await
        }
        Ask::Stand { tenant, standing } => stand(plane, office, &tenant, &standing).await,
        Ask::Mint { wish, fingerprint, tenant, kind, name, limits } => {
            let new = grants::NewKey { tenant, kind, name, limits: limits_of(limits) };
            let wish = Wish { id: wish, fingerprint };
            minted(plane, wishes::mint(plane, office, new, Some(wish)).await)
        }
        Ask::Rotate { wish, fingerprint, tenant, key, overlap } => {
            let wish = Wish { id: wish, fingerprint };
            minted(plane, wishes::rotate(plane, office, &tenant, key, overlap, Some(wish)).await)
        }
        Ask::Change { tenant, key, change } => {
            let changed = grants::change(plane, office, &tenant, key, change_of(change)).await;
            Ok(Reply::Key(view(plane, changed.map_err(of_grants)?)?))
        }
        Ask::Keys { tenant } => keys(plane, &tenant),
        Ask::Key { tenant, key } => {
            let found = grants::find(plane, &tenant, key).map_err(unread)?;
            let found = found.ok_or(NotDone::Refused(PlaneRefusal::KeyUnknown))?;
            Ok(Reply::Key(view(plane, found)?))
        }
        Ask::Void { tenant, wish } => {
            wishes::void(plane, office, &tenant, &wish).await.map_err(of_wishes)?;
            Ok(Reply::Done)
        }
        Ask::Reset { tenant } => reset(plane, office, &tenant).await,
        Ask::Deeds { tenant } => Ok(Reply::Deeds(deeds::of(plane, &tenant).await.map_err(of_grants)?)),
        Ask::Usage { month, tenants } => {
            let used = usage::of(plane, month, &tenants).map_err(unread)?;
            Ok(Reply::Usage(used.into_iter().map(|usage::Used { tenant, meters }| Used { tenant, meters }).collect()))
        }
    }
}

/// A live plane has no witness, and without one there is nothing to call.
async fn reset(plane: &Plane, office: &Office, tenant: &TenantId) -> Result<Reply, NotDone> {
    let Some(witness) = plane.sandbox() else { return Err(unread(Fault::new("live cannot be reset"))) };
    sandbox::reset_for(plane, witness, office, tenant).await.map_err(of_grants)?;
    Ok(Reply::Done)
}

async fn stand(plane: &Plane, office: &Office, tenant: &TenantId, standing: &Standing) -> Result<Reply, NotDone> {
    let Standing { suspended, turn } = *standing;
    standing::set(plane, office, tenant, standing::Standing { suspended, turn }).await.map_err(of_grants)?;
    Ok(Reply::Done)
}

/// Those that are not revoked, the oldest first: a bounded number, without what payout keys may do.
fn keys(plane: &Plane, tenant: &TenantId) -> Result<Reply, NotDone> {
    let keys = grants::list(plane, tenant).map_err(unread)?;
    let views = keys.into_iter().filter(|key| !key.revoked).map(|mut key| {
        key.limits.payout = None;
        view(plane, key)
    });
    Ok(Reply::Keys(views.collect::<Result<_, _>>()?))
}

fn minted(plane: &Plane, outcome: Result<Minted, Stop<wishes::Refusal>>) -> Result<Reply, NotDone> {
    let Minted { key, whole, replaced } = outcome.map_err(of_wishes)?;
    let replaced = replaced.map(|old| view(plane, old).map(Box::new)).transpose()?;
    Ok(Reply::Minted { key: view(plane, key)?, whole: whole.map(|whole| whole.reveal()), replaced })
}

fn view(plane: &Plane, key: KeyListing) -> Result<KeyView, NotDone> {
    let id = key.id.parse().map_err(|error| unread(Fault::because("reading a key's own id", error)))?;
    let policy = key.limits.policy;
    let limits = KeyLimits {
        expires_at: key.limits.expires_at.map(Time),
        ips: key.limits.ips,
        policy: AgentPolicy {
            per_transfer_cents: policy.per_transfer_cents,
            daily_cents: policy.daily_cents,
            services: policy.services,
        },
        payout: key.limits.payout.map(Box::new),
    };
    Ok(KeyView {
        environment: plane.name().environment,
        id,
        kind: key.kind,
        name: key.name,
        active: key.active,
        revoked: key.revoked,
        limits,
        created_at: Time(key.created_at),
        last_used_at: key.last_used_at.map(Time),
    })
}

fn limits_of(limits: KeyLimits) -> grants::KeyLimits {
    let KeyLimits { expires_at, ips, policy, payout } = limits;
    let AgentPolicy { per_transfer_cents, daily_cents, services } = policy;
    let policy = grants::AgentPolicy { per_transfer_cents, daily_cents, services };
    grants::KeyLimits { expires_at: expires_at.map(|at| at.0), ips, policy, payout: payout.map(|policy| *policy) }
}

fn change_of(change: KeyChange) -> grants::KeyChange {
    match change {
        KeyChange::Rename(name) => grants::KeyChange::Rename(name),
        KeyChange::Disable => grants::KeyChange::Disable,
        KeyChange::Enable => grants::KeyChange::Enable,
        KeyChange::Policy(PolicyChange { destinations, limits, ips }) => {
            grants::KeyChange::Policy(grants::PolicyChange { destinations, limits, ips })
        }
        KeyChange::Revoke => grants::KeyChange::Revoke,
    }
}

fn of_wishes(stop: Stop<wishes::Refusal>) -> NotDone {
    match stop {
        Stop::Refused(wishes::Refusal::Voided) => NotDone::Refused(PlaneRefusal::Voided),
        Stop::Refused(wishes::Refusal::OtherContent) => NotDone::Refused(PlaneRefusal::OtherContent),
        Stop::Refused(wishes::Refusal::Grants(refusal)) => of_grants(Stop::Refused(refusal)),
        Stop::Faulted(fault) => faulted(&fault),
    }
}

fn of_grants(stop: Stop<grants::Refusal>) -> NotDone {
    use grants::Refusal;
    let refusal = match stop {
        Stop::Faulted(fault) => return faulted(&fault),
        Stop::Refused(refusal) => refusal,
    };
    NotDone::Refused(match refusal {
        Refusal::TenantUnknown => PlaneRefusal::TenantUnknown,
        Refusal::KeyUnknown => PlaneRefusal::KeyUnknown,
        Refusal::KeyRevoked => PlaneRefusal::KeyRevoked,
        Refusal::NameUnusable => PlaneRefusal::NameUnusable,
        Refusal::ExpiryPast => PlaneRefusal::ExpiryPast,
        Refusal::PayoutExpiry => PlaneRefusal::PayoutExpiry,
        Refusal::PolicyAmount => PlaneRefusal::PolicyAmount,
        Refusal::PolicyElsewhere => PlaneRefusal::PolicyElsewhere,
        Refusal::TooManyKeys => PlaneRefusal::TooManyKeys,
        Refusal::TooManyTenants => PlaneRefusal::TooManyTenants,
        // Only the starting money of a sandbox tenant is booked here, and that is configured.
        Refusal::Ledger(refusal) => {
            return faulted(&Fault::new(format!("the books refused a new tenant's starting money: {refusal}")));
        }
    })
}

/// A plane that is busy has run nothing; of any other fault that is not known.
fn faulted(fault: &Fault) -> NotDone {
    tracing::warn!(fault = fault.chain(), "an ask of the front office was not answered");
    NotDone::Unreachable { may_have_run: !fault.busy, why: fault.to_string() }
}

fn unread(fault: Fault) -> NotDone {
    tracing::warn!(fault = fault.chain(), "an ask of the front office was not answered");
    NotDone::Unreachable { may_have_run: false, why: fault.to_string() }
}
