//! Receivers: who is verified and how much each may receive in one transfer (facts: cashq 4.2; contracts section 4).
//! A phone never seen is unverified and needs no row: the link to its verification page is signed, not stored.
//!
//! Life of a receiver: never seen → its link is opened → judged: by the sandbox's page or control, by the provider's
//! signed callback, or by the operator. Each of the three has a door of its own, with its own proof.

mod callback;
mod link;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Claimed, Draft, Halt, Lane, Once, TenantNo, Tx};
use base::{Fault, Stop, TenantId};

use crate::grants::TenantRow;
use crate::sandbox::Sandbox;
use crate::{Caller, Operator, Phone, Plane, grants};

pub use callback::SignedCallback;
pub use link::Link;
pub use state::{Refusal, Standing, Verdict};
pub use store::SubjectRow;

use state::Source;
pub(crate) use state::standing as standing_of;

/// The claims of provider callbacks: each signature has its effect once.
const ROUTE_CALLBACK: u16 = 2;

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

/// Proof that somebody holds a link that this plane signed, and how its receiver stood then.
#[derive(Clone, Debug)]
pub struct Opened {
    tenant: TenantNo,
    phone: Phone,
    standing: Standing,
}

impl Opened {
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    pub fn standing(&self) -> Standing {
        self.standing
    }
}

/// Whose page a token opens; `None` for a token that this plane did not sign, or whose data was reset since.
pub fn open_link(plane: &Plane, token: &str) -> Result<Option<Opened>, Fault> {
    let Some((tenant, phone)) = Link::open(plane.link_key(), token) else { return Ok(None) };
    let key = (tenant, phone.digits().into());
    let (owner, row) =
        plane.store().read(|reader| Ok((reader.get::<TenantRow>(&tenant)?, reader.get::<SubjectRow>(&key)?)))?;
    let standing = state::standing(plane, &phone, row.as_ref());
    Ok(owner.filter(|owner| !owner.retired).map(|_| Opened { tenant, phone, standing }))
}

/// Seals a form of an opened page, so that only who was shown the page can send it. Good until the hour after the next.
pub fn seal_form(plane: &Plane, opened: &Opened) -> String {
    link::seal(plane.link_key(), opened.tenant, &opened.phone, link::hour(plane.now()))
}

/// Whether `seal` was given with the form of this page in this hour or the one before.
pub fn sealed_form(plane: &Plane, opened: &Opened, seal: &str) -> bool {
    link::is_seal(plane.link_key(), opened.tenant, &opened.phone, link::hour(plane.now()), seal)
}

/// The verdict of whoever holds the receiver's page in a sandbox.
pub async fn judge_on_page(
    plane: &Plane,
    sandbox: Sandbox,
    opened: &Opened,
    verdict: Verdict,
) -> Result<(), Stop<Refusal>> {
    decide_in_sandbox(plane, sandbox, opened.tenant, &opened.phone, verdict).await
}

/// A tenant's own verdict in its sandbox. The same verdict again changes nothing.
pub(crate) async fn decide_in_sandbox(
    plane: &Plane,
    sandbox: Sandbox,
    tenant: TenantNo,
    phone: &Phone,
    verdict: Verdict,
) -> Result<(), Stop<Refusal>> {
    sandbox.opens(plane)?;
    let phone = phone.clone();
    let lane = Lane::Client(tenant);
    plane.store().submit(lane, move |tx| decide(tx, tenant, &phone, verdict, Source::Sandbox)).await
}

/// [`decide_in_sandbox`], by the operator, on either side, for a tenant named by its id.
pub async fn decide_for(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    phone: &Phone,
    verdict: Verdict,
) -> Result<(), Stop<Refusal>> {
    let tenant = grants::tenant_no(plane, tenant)?.ok_or(Stop::Refused(Refusal::TenantUnknown))?;
    let phone = phone.clone();
    let lane = Lane::Client(tenant);
    plane.store().submit(lane, move |tx| decide(tx, tenant, &phone, verdict, Source::Operator)).await
}

/// The verdict that the provider's callback names. A callback has its effect once, however often it is delivered, so
/// that an old one cannot undo what was decided after it.
pub async fn decide_by_callback(
    plane: &Plane,
    callback: &SignedCallback,
    opened: &Opened,
    verdict: Verdict,
) -> Result<(), Stop<Refusal>> {
    let (tenant, phone) = (opened.tenant, opened.phone.clone());
    let key = (tenant, ROUTE_CALLBACK, callback.id().into());
    let once = Once { key, fingerprint: [0; 16] };
    let keep = move |tx: &mut Tx<'_>| {
        let Claimed::Free = tx.claimed(&once)? else { return Ok(()) };
        owner(tx, tenant)?;
        let seq = keep(tx, tenant, &phone, verdict, Source::Provider)?;
        tx.claim(&once, seq);
        Ok(())
    };
    plane.store().submit(Lane::Client(tenant), keep).await
}

/// Keeps what was found about a receiver, unless it says what is known already.
fn decide(
    tx: &mut Tx<'_>,
    tenant: TenantNo,
    phone: &Phone,
    verdict: Verdict,
    source: Source,
) -> Result<(), Halt<Refusal>> {
    let key = (tenant, Box::<str>::from(phone.digits()));
    tx.want::<SubjectRow>(&key);
    tx.want::<::store::Head>(&tenant);
    owner(tx, tenant)?;
    let before = tx.get::<SubjectRow>(&key)?;
    if before.is_some_and(|before| before.says(verdict, source)) {
        return Ok(());
    }
    keep(tx, tenant, phone, verdict, source).map(|_| ())
}

fn owner(tx: &mut Tx<'_>, tenant: TenantNo) -> Result<TenantRow, Halt<Refusal>> {
    grants::current(tx, tenant)?.ok_or(Halt::Refused(Refusal::Reset))
}

fn keep(
    tx: &mut Tx<'_>,
    tenant: TenantNo,
    phone: &Phone,
    verdict: Verdict,
    source: Source,
) -> Result<u64, Halt<Refusal>> {
    let row = owner(tx, tenant)?;
    let after = state::subject(tenant, phone, verdict, source, row.time(tx.now()));
    tx.get::<SubjectRow>(&(tenant, phone.digits().into()))?;
    let facts = serde_json::json!({
        "phone": phone.digits(), "verified": after.verified, "dollars": after.dollars, "source": source.word(),
    });
    let draft = Draft { kind: "receiver_judged", facts: facts.to_string(), postings: "[]".to_owned(), answer: None };
    let seq = tx.append::<Refusal>(tenant, draft)?;
    tx.put(after);
    Ok(seq)
}
