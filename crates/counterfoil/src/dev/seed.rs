//! The tenant and the keys of a `dev` run: kept from the run before where they still work, made where they are missing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base::{Chance as _, OsChance, Secret, Stop, TenantId};
use control::environments::{self, Status};
use control::tenants;
use control::users::{self, NewUser};
use plane::{KeyKind, Plane, grants};

use super::file::{DevFile, Keys};
use crate::admin::EnvironmentKeys;
use crate::admin::plane_desk::first_key;
use crate::failure::Failure;
use crate::house::{RunningControl, RunningPlane};

pub struct Seeded {
    pub tenant: TenantId,
    pub owner: Owner,
    pub keys: Keys,
}

/// Who can log in at the dashboard.
pub struct Owner {
    pub email: String,
    pub password: String,
}

const NAME: &str = "Example Tenant";
/// The longest that a start waits for its tenant's environments.
const ACTIVE_WITHIN: Duration = Duration::from_secs(10);

pub fn seed(
    control: &RunningControl,
    sandbox: &RunningPlane,
    live: &RunningPlane,
    before: Option<DevFile>,
) -> Result<Seeded, Failure> {
    let tenant = tenant(control, before.as_ref())?;
    let owner = owner(control, &tenant, before.as_ref())?;
    let keys = before.map(|before| before.keys);
    let keys_of = |running: &RunningPlane, kept: Option<&EnvironmentKeys>| {
        running.site().block_on(environment(&running.plane, &tenant, kept))
    };
    let keys = Keys {
        sandbox: keys_of(sandbox, keys.as_ref().map(|keys| &keys.sandbox))?,
        live: keys_of(live, keys.as_ref().map(|keys| &keys.live))?,
    };
    Ok(Seeded { tenant, owner, keys })
}

/// Waits until both environments of the tenant are active, so that whoever reads `dev.json` can use them at once. Where that
/// takes too long the run goes on: each environment's status says why.
pub fn until_active(control: &RunningControl, tenant: &TenantId) -> Result<(), Failure> {
    let operator = control::Operator::over_the_socket();
    let active = async {
        loop {
            let changed = control.control.due().notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let views = environments::show(&control.control, &operator, tenant).map_err(broke)?;
            if views.iter().all(|view| view.status == Status::Active) {
                return Ok(());
            }
            changed.await;
        }
    };
    let waited = control.site().block_on(async { tokio::time::timeout(ACTIVE_WITHIN, active).await });
    waited.unwrap_or_else(|_| {
        tracing::warn!(%tenant, "the tenant's environments are not active yet");
        Ok(())
    })
}

/// The tenant of the run before, else the first of that name, else a new one.
fn tenant(control: &RunningControl, before: Option<&DevFile>) -> Result<TenantId, Failure> {
    let known = tenants::list(&control.control).map_err(Failure::Store)?;
    let wanted: Option<TenantId> = before.and_then(|before| before.tenant.parse().ok());
    let same = known.iter().find(|tenant| Some(&tenant.id) == wanted.as_ref());
    if let Some(tenant) = same.or_else(|| known.iter().find(|tenant| tenant.name == NAME)) {
        return Ok(tenant.id.clone());
    }
    let made = control.site().block_on(tenants::create(&control.control, &control::Operator::over_the_socket(), NAME));
    made.map(|tenant| tenant.id).map_err(broke)
}

/// The owner of the run before, else a new one: without that file nobody knows the password of an older one.
fn owner(control: &RunningControl, tenant: &TenantId, before: Option<&DevFile>) -> Result<Owner, Failure> {
    let kept = before.filter(|before| before.tenant == tenant.to_string() && !before.password.is_empty());
    if let Some(before) = kept {
        return Ok(Owner { email: before.email.clone(), password: before.password.clone() });
    }
    let (email, password) = (format!("owner-{}@example.com", drawn::<3>()), drawn::<12>());
    let new = NewUser {
        email: email.clone(),
        password: Secret::new(password.clone()),
        first: "Example".to_owned(),
        last: "Owner".to_owned(),
        company: NAME.to_owned(),
    };
    let operator = control::Operator::over_the_socket();
    control.site().block_on(users::seed(&control.control, &operator, tenant, new)).map_err(broke)?;
    Ok(Owner { email, password })
}

/// So many random bytes in hexadecimal digits.
fn drawn<const N: usize>() -> String {
    let mut bytes = [0; N];
    OsChance.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

async fn environment(
    plane: &Plane,
    tenant: &TenantId,
    kept: Option<&EnvironmentKeys>,
) -> Result<EnvironmentKeys, Failure> {
    let operator = plane::Operator::over_the_socket();
    grants::admit(plane, &operator, tenant, NAME).await.map_err(broke)?;
    let (standard, payout, agent) = tokio::join!(
        key(plane, tenant, KeyKind::Standard, kept.map(|keys| &keys.standard)),
        key(plane, tenant, KeyKind::Payout, kept.map(|keys| &keys.payout)),
        key(plane, tenant, KeyKind::Agent, kept.map(|keys| &keys.agent)),
    );
    Ok(EnvironmentKeys { standard: standard?, payout: payout?, agent: agent? })
}

/// The kept key if it is still accepted as this tenant's key of this kind, else a new one.
async fn key(plane: &Plane, tenant: &TenantId, kind: KeyKind, kept: Option<&String>) -> Result<String, Failure> {
    if let Some(kept) = kept {
        let caller = grants::authenticate(plane, kept, IpAddr::V4(Ipv4Addr::LOCALHOST));
        if caller.is_ok_and(|caller| caller.tenant_id() == tenant && caller.kind() == kind) {
            return Ok(kept.clone());
        }
    }
    let minted = first_key(plane, tenant, kind).await;
    minted.map_err(|error| Failure::Fault(anyhow::anyhow!("minting a {} key: {error}", kind.word())))
}

fn broke<R: std::fmt::Display>(stop: Stop<R>) -> Failure {
    match stop {
        Stop::Refused(refusal) => Failure::Refused(refusal.to_string()),
        Stop::Faulted(fault) => Failure::Store(fault),
    }
}
