//! The way to production: the application, what was decided, and the checklist.

use axum::response::Response;
use control::approvals::{self, Application, ApprovalView, Decision, Facts, Point, PointView, Standing, Status};
use gate::Json;
use gate::office::Signed;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{Invalid, invalid};
use crate::refusals::{self, of_change};
use crate::words::{data, time, told};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Wish {
    business_facts: BusinessFacts,
    attested: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
struct BusinessFacts {
    legal_name: String,
    country: String,
    website: String,
    use_case: String,
    expected_monthly_volume_usd: String,
    contact_name: String,
}

pub(crate) async fn show(signed: Signed) -> Response {
    let passage = &signed.passage;
    match approvals::show(passage.control(), passage.planes(), &signed.permit).await {
        Ok(view) => data(StatusCode::OK, &Approval::of(&view)),
        Err(fault) => passage.read_faulted(&fault),
    }
}

pub(crate) async fn apply(signed: Signed, Json(wish): Json<Wish>) -> Result<Response, Response> {
    let attested = wish.attested.unwrap_or_default().iter().map(|word| point_of(word)).collect::<Result<_, _>>()?;
    let (passage, facts) = (&signed.passage, wish.business_facts.read());
    let applied = approvals::apply(passage.control(), &signed.permit, facts, attested).await;
    applied.map_err(|stop| of_change(passage, stop, refusals::approval))?;
    let view = approvals::show(passage.control(), passage.planes(), &signed.permit).await;
    let view = view.map_err(|fault| passage.change_faulted(&fault))?;
    Ok(told(StatusCode::CREATED, &Approval::of(&view), "The operator looks at it and answers by mail."))
}

impl BusinessFacts {
    fn read(self) -> Facts {
        Facts {
            legal_name: self.legal_name,
            country: self.country,
            website: self.website,
            use_case: self.use_case,
            monthly_volume: self.expected_monthly_volume_usd,
            contact_name: self.contact_name,
        }
    }

    fn of(facts: &Facts) -> BusinessFacts {
        BusinessFacts {
            legal_name: facts.legal_name.clone(),
            country: facts.country.clone(),
            website: facts.website.clone(),
            use_case: facts.use_case.clone(),
            expected_monthly_volume_usd: facts.monthly_volume.clone(),
            contact_name: facts.contact_name.clone(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Approval {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Applied>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decided>,
    checklist: Vec<Checked>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Applied {
    business_facts: BusinessFacts,
    attested: Vec<&'static str>,
    submitted_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    decided_at: String,
}

#[derive(Serialize)]
struct Checked {
    point: &'static str,
    status: &'static str,
    /// So many of what the point needs were seen in the sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u32>,
}

impl Approval {
    fn of(view: &ApprovalView) -> Approval {
        let status = match view.status {
            Status::None => "not_requested",
            Status::Open => "pending",
            Status::Approved => "approved",
            Status::Rejected => "rejected",
        };
        let (application, decision) = (view.application.as_ref().map(Applied::of), view.decision.as_ref());
        let checklist = view.checklist.iter().map(Checked::of).collect();
        Approval { status, application, decision: decision.map(Decided::of), checklist }
    }
}

impl Applied {
    fn of(application: &Application) -> Applied {
        Applied {
            business_facts: BusinessFacts::of(&application.facts),
            attested: application.attested.iter().copied().map(word_of).collect(),
            submitted_at: time(application.at),
        }
    }
}

impl Decided {
    fn of(decision: &Decision) -> Decided {
        Decided { reason: decision.reason.clone(), decided_at: time(decision.at) }
    }
}

impl Checked {
    fn of(view: &PointView) -> Checked {
        let status = match view.standing {
            Standing::Done => "done",
            Standing::Attested => "attested",
            Standing::Open => "open",
        };
        let (seen, of) = view.seen.unzip();
        Checked { point: word_of(view.point), status, seen, of }
    }
}

fn word_of(point: Point) -> &'static str {
    match point {
        Point::Endpoints => "endpoints",
        Point::ErrorHandling => "errorHandling",
        Point::EdgeCases => "edgeCases",
        Point::Logging => "logging",
        Point::Security => "security",
        Point::KeyStorage => "keyStorage",
        Point::TimeoutsAndRetries => "timeoutsAndRetries",
    }
}

fn point_of(word: &str) -> Result<Point, Invalid> {
    let found = Point::ALL.into_iter().find(|point| word_of(*point) == word);
    found.ok_or_else(|| invalid(&format!("attested: send points of {}.", Point::ALL.map(word_of).join(", "))))
}
