//! A tenant's fresh start in its sandbox, which is the plane's to give.

use ::store::{Halt, Tx};
use base::{Environment, Fault, Stop};
use serde_json::json;

use super::is_active;
use crate::planes::{Ask, NotDone, PlaneRefusal, Planes};
use crate::proof::Placed;
use crate::{Control, audit};

/// Why there was no fresh start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetRefusal {
    #[error("the sandbox is not active")]
    NotActive,
    #[error("the sandbox has no room for another fresh start")]
    Worn,
    #[error("the sandbox does not answer; try again")]
    Unreachable,
}

/// Asks the sandbox to begin anew for this tenant. A sandbox that begins anew already stays as it is, so that after a lost
/// answer the same may be asked again. Both the wish and its outcome are written down.
pub async fn reset(control: &Control, planes: &dyn Planes, placed: &Placed) -> Result<(), Stop<ResetRefusal>> {
    if placed.environment() != Environment::Sandbox {
        return Err(Stop::Faulted(Fault::new("only a sandbox can begin anew")));
    }
    let (of, act) = (placed.session().tenant().clone(), placed.act(None));
    let (tenant, by) = (of.clone(), act.clone());
    let wish = move |tx: &mut Tx<'_>| {
        if !is_active(tx, &tenant, Environment::Sandbox)? {
            return Err(Halt::Refused(ResetRefusal::NotActive));
        }
        audit::append(tx, &by, Some(&tenant), "sandbox_reset_wished", json!({})).map(|_| ())
    };
    control.run_by(placed.permit(), Some(Environment::Sandbox), wish).await?;
    let done = planes.ask(Environment::Sandbox, Ask::Reset { tenant: of.clone() }).await;
    done.map_err(refused)?;
    let keep = move |tx: &mut Tx<'_>| audit::append(tx, &act, Some(&of), "sandbox_reset", json!({})).map(|_| ());
    Ok(control.change(keep).await?)
}

fn refused(not_done: NotDone) -> Stop<ResetRefusal> {
    match not_done {
        NotDone::Unreachable { .. } => Stop::Refused(ResetRefusal::Unreachable),
        NotDone::Refused(PlaneRefusal::TenantUnknown) => Stop::Refused(ResetRefusal::NotActive),
        NotDone::Refused(PlaneRefusal::TooManyTenants) => Stop::Refused(ResetRefusal::Worn),
        NotDone::Refused(other) => Stop::Faulted(Fault::because("asking for a fresh start", other)),
    }
}
