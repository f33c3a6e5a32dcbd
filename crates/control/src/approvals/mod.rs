//! Approvals: a tenant applies for live with facts about its business, and the operator decides. The checklist shows what was
//! really done in the sandbox and what is only said; it advises and blocks nothing.
//!
//! Refuses in this order: facts that say nothing, an approval that is there already; the operator alone is only refused an
//! unknown tenant. Life of an approval: applied (again and again) → approved or rejected → applied. The operator may decide
//! without an application, and otherwise than before: what is open stays open, see `environments::suspend`.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Environment, Fault, Stop, TenantId};
use serde_json::json;

use crate::mail::{self, Kind};
use crate::notifications::{self, News};
use crate::planes::{Ask, Planes, Reply};
use crate::proof::{Operator, Permit};
use crate::{Control, Tenant, audit};

pub(crate) use state::is_said;
pub use state::{Application, Fact, Facts, Judged, Point, PointView, Refusal, Standing, Status, Verdict, checklist};
pub use store::{ApprovalRow, Decision};

/// Where a tenant's approval stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalView {
    pub status: Status,
    pub application: Option<Application>,
    pub decision: Option<Decision>,
    pub checklist: [PointView; 7],
}

/// An application that waits for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub tenant: TenantId,
    pub company: String,
    pub application: Application,
}

/// What the operator has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub tenant: TenantId,
    pub company: String,
    pub decision: Decision,
}

/// Applies for live. An application that is open is replaced; after a rejection it is a new one.
pub async fn apply(
    control: &Control,
    permit: &Permit,
    facts: Facts,
    attested: Vec<Point>,
) -> Result<(), Stop<Refusal>> {
    state::check(&facts).map_err(Stop::Refused)?;
    let session = permit.session();
    let (of, by, act) = (session.tenant().clone(), session.user().clone(), permit.act(None));
    let attested: Vec<Point> = Point::ALL.into_iter().filter(|point| attested.contains(point)).collect();
    let run = move |tx: &mut Tx<'_>| {
        let row = store::get(tx, &of)?;
        row.status().applied().ok_or(Halt::Refused(Refusal::Approved))?;
        let said = json!({"facts": facts, "attested": attested});
        audit::append::<Refusal>(tx, &act, Some(&of), "approval_requested", said)?;
        let application =
            Application { facts: facts.clone(), attested: attested.clone(), by: by.clone(), at: tx.now() };
        tx.put(ApprovalRow { application: Some(application), decision: None, ..row });
        Ok(())
    };
    control.run_by(permit, None, run).await
}

/// Where the permit's tenant stands, with what its sandbox has seen; of a sandbox that does not answer nothing is known.
pub async fn show(control: &Control, planes: &dyn Planes, permit: &Permit) -> Result<ApprovalView, Fault> {
    view(control, planes, permit.session().tenant()).await
}

/// By the operator, of any tenant.
pub async fn look(
    control: &Control,
    planes: &dyn Planes,
    _: &Operator,
    tenant: &TenantId,
) -> Result<ApprovalView, Fault> {
    view(control, planes, tenant).await
}

/// Applications that wait for the operator's word, the oldest first.
pub fn waiting(control: &Control, _: &Operator) -> Result<Vec<Waiting>, Fault> {
    let mut waiting = control.store().read(|reader| {
        let open = reader.select::<ApprovalRow>("1 = 1 ORDER BY of")?.into_iter();
        let open = open.filter(|row| row.status() == Status::Open);
        let named = open.filter_map(|row| {
            let application = row.application?;
            let company = reader.get::<Tenant>(&row.of.to_string());
            Some(company.map(|company| Waiting {
                tenant: row.of,
                company: company.map_or_else(String::new, |tenant| tenant.name),
                application,
            }))
        });
        named.collect::<Result<Vec<_>, Fault>>()
    })?;
    waiting.sort_by_key(|waiting| waiting.application.at);
    Ok(waiting)
}

/// The operator's decision, of any tenant, with or without an application. Its owners hear of it.
pub async fn decide(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    verdict: Verdict,
    reason: Option<String>,
) -> Result<Decided, Stop<Refusal>> {
    if reason.as_ref().is_some_and(|reason| !is_said(reason)) {
        return Err(Stop::Refused(Refusal::ReasonUnusable));
    }
    let (of, act, letter) = (tenant.clone(), operator.act(), mail::draw(control));
    let run = move |tx: &mut Tx<'_>| {
        let company = tx.get::<Tenant>(&of.to_string())?.ok_or(Halt::Refused(Refusal::Unknown))?.name;
        let row = store::get(tx, &of)?;
        let decision = Decision { verdict, reason: reason.clone(), at: tx.now() };
        let same = |before: &Decision| before.verdict == verdict && before.reason == reason;
        if let Some(before) = row.decision.clone().filter(same) {
            return Ok(Decided { tenant: of.clone(), company, decision: before });
        }
        let said = json!({"reason": reason, "applied": row.application.is_some()});
        audit::append::<Refusal>(tx, &act, Some(&of), verdict.kind(), said)?;
        let facts = json!({"company": company, "reason": reason});
        let kind = match verdict {
            Verdict::Approved => Kind::LiveApproved,
            Verdict::Rejected => Kind::LiveRejected,
        };
        let environment = Environment::Live;
        notifications::tell(tx, &letter, &News { of: &of, environment, by: None, kind, facts: &facts })?;
        tx.put(ApprovalRow { decision: Some(decision.clone()), ..row });
        Ok(Decided { tenant: of.clone(), company, decision })
    };
    control.run(run).await
}

/// A tenant that the operator makes is approved by that.
pub(crate) fn open(tx: &mut Tx<'_>, of: &TenantId) -> Result<(), Missing> {
    let row = store::get(tx, of)?;
    let decision = Decision { verdict: Verdict::Approved, reason: None, at: tx.now() };
    tx.put(ApprovalRow { decision: Some(decision), ..row });
    Ok(())
}

/// Whether the operator lets this tenant go live, as its gate asks.
pub(crate) fn judged(tx: &mut Tx<'_>, of: &TenantId) -> Result<Judged, Missing> {
    let row = store::get(tx, of)?;
    Ok(match row.decision {
        Some(Decision { verdict: Verdict::Approved, .. }) => Judged::Approved,
        Some(Decision { verdict: Verdict::Rejected, reason, .. }) => Judged::Rejected { reason },
        None => Judged::Undecided,
    })
}

async fn view(control: &Control, planes: &dyn Planes, of: &TenantId) -> Result<ApprovalView, Fault> {
    let row = control.store().read(|reader| reader.get::<ApprovalRow>(&ApprovalRow::keyed(of)))?;
    let row = row.unwrap_or_else(|| store::none(of));
    let deeds = match planes.ask(Environment::Sandbox, Ask::Deeds { tenant: of.clone() }).await {
        Ok(Reply::Deeds(deeds)) => Some(deeds),
        _ => None,
    };
    let attested = row.application.as_ref().map_or(&[][..], |application| &application.attested);
    Ok(ApprovalView {
        status: row.status(),
        checklist: checklist(deeds, attested),
        application: row.application.clone(),
        decision: row.decision.clone(),
    })
}
