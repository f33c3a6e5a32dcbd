//! Revoking: no call is accepted with the key after the answer, and a plane that does not answer gets to it later. The wish is
//! kept before the plane is asked and forgotten when it has done it.

use ::store::Tx;
use base::Stop;
use serde_json::json;

use super::{Refusal, one_key, own, reached, stopped, tell};
use crate::planes::{Ask, KeyChange, KeyView, NotDone, PlaneRefusal, Planes, Reply};
use crate::proof::{Permit, StepUp};
use crate::wishes::{self, What, Wish};
use crate::{Control, audit, mail};

/// No call is accepted with the key after this answers. A plane that does not answer keeps the intent: it is done later.
pub async fn revoke(
    control: &Control,
    planes: &dyn Planes,
    permit: &Permit,
    step_up: &StepUp,
    id: &str,
) -> Result<KeyView, Stop<Refusal>> {
    own(step_up, permit)?;
    let (environment, key) = reached(permit, id)?;
    let of = permit.session().tenant().clone();
    let wish = Wish { id: format!("revoke/{of}/{environment}/{key}"), of, environment, what: What::Revoke { key } };
    let act = permit.act(Some(step_up)).in_environment(environment);
    let (kept, by) = (wish.clone(), act.clone());
    let keep = move |tx: &mut Tx<'_>| {
        if wishes::keep(tx, &kept)? {
            audit::append(tx, &by, Some(&kept.of), "key_revocation_wished", json!({"key": key}))?;
        }
        Ok(())
    };
    control.change(keep).await?;

    let tenant = wish.of.clone();
    let asked = Ask::Change { tenant: tenant.clone(), key, change: KeyChange::Revoke };
    let answer = match planes.ask(environment, asked).await {
        // It is dead already, which is what was wished for.
        Err(NotDone::Refused(PlaneRefusal::KeyRevoked)) => planes.ask(environment, Ask::Key { tenant, key }).await,
        answer => answer,
    };
    if let Err(unreachable @ NotDone::Unreachable { .. }) = answer {
        return Err(stopped(environment, unreachable));
    }
    let done = answer.as_ref().is_ok_and(|reply| matches!(reply, Reply::Key(_)));
    let (user, letter, facts) = (permit.session().user().clone(), mail::draw(control), json!({"key": key}));
    let settle = move |tx: &mut Tx<'_>| {
        if wishes::drop_it(tx, &wish.id)? && done {
            audit::append(tx, &act, Some(&wish.of), "key_revoked", facts.clone())?;
            tell(tx, &wish.of, environment, &user, mail::Kind::KeyRevoked, &letter, &facts)?;
        }
        Ok(())
    };
    control.change(settle).await?;
    answer.map_err(|not_done| stopped(environment, not_done)).and_then(one_key)
}
