//! Receivers: who is verified and how much each may receive in one transfer (facts: cashq 4.2; contracts section 4).
//! A phone never seen is unverified and needs no row: the link to its verification page is signed, not stored.

mod link;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Halt, Lane, TenantNo};
use base::{Fault, Stop, TenantId};

use crate::{Caller, Operator, Phone, Plane, grants};

pub use link::Link;
pub use state::{Source, Standing, Verdict};
pub use store::SubjectRow;

pub(crate) use state::standing as standing_of;

/// How a receiver stands with the calling tenant, as committed.
pub fn standing(plane: &Plane, caller: &Caller, phone: &Phone) -> Result<Standing, Fault> {
    let key = (caller.tenant(), phone.digits().into());
    let row = plane.store().read(|reader| reader.get::<SubjectRow>(&key))?;
    Ok(state::standing(plane, phone, row.as_ref()))
}

/// The token in the path of the page where this receiver is verified.
pub fn link(plane: &Plane, caller: &Caller, phone: &Phone) -> Link {
    Link::sign(plane.link_key(), caller.tenant(), phone)
}

/// Whose page a token opens; `None` for a token that this plane did not sign.
pub fn open_link(plane: &Plane, token: &str) -> Option<(TenantNo, Phone)> {
    Link::open(plane.link_key(), token)
}

/// Why a verdict was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this page belongs to data that was reset")]
    Reset,
    #[error("no tenant has this id on this plane")]
    TenantUnknown,
}

/// Keeps what was found about a receiver. The same verdict again changes nothing.
pub async fn decide(
    plane: &Plane,
    tenant: TenantNo,
    phone: &Phone,
    verdict: Verdict,
    source: Source,
) -> Result<(), Stop<Refusal>> {
    let phone = phone.clone();
    let keep = move |tx: &mut ::store::Tx<'_>| {
        let key = (tenant, Box::<str>::from(phone.digits()));
        tx.want::<SubjectRow>(&key);
        tx.want::<::store::Head>(&tenant);
        let Some(row) = grants::current(tx, tenant)? else { return Err(Halt::Refused(Refusal::Reset)) };
        let before = tx.get::<SubjectRow>(&key)?;
        let after = state::subject(tenant, &phone, verdict, source, row.time(tx.now()));
        if before.as_ref().is_some_and(|before| before.says_the_same(&after)) {
            return Ok(());
        }
        let (verified, dollars) = (after.verified, after.dollars);
        let facts = serde_json::json!({
            "phone": phone.digits(), "verified": verified, "dollars": dollars, "source": source.word(),
        });
        let draft =
            Draft { kind: "receiver_judged", facts: facts.to_string(), postings: "[]".to_owned(), answer: None };
        tx.append::<Refusal>(tenant, draft)?;
        tx.put(after);
        Ok(())
    };
    plane.store().submit(Lane::Client(tenant), keep).await
}

/// [`decide`], by the operator, for a tenant named by its id.
pub async fn decide_for(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    phone: &Phone,
    verdict: Verdict,
) -> Result<(), Stop<Refusal>> {
    let tenant = grants::tenant_no(plane, tenant)?.ok_or(Stop::Refused(Refusal::TenantUnknown))?;
    decide(plane, tenant, phone, verdict, Source::Operator).await
}
