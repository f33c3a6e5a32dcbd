//! Environments, which this contract calls contracts.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use base::Environment;
use control::Planes;
use control::environments::{self, EnvironmentView, Status};
use gate::Json;
use gate::office::Signed;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{self, by_network};
use crate::refusals::{self, of_change, of_read};
use crate::words::{data, network, time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Wish {
    environment: String,
}

pub(crate) async fn provision(signed: Signed, Json(body): Json<Wish>) -> Result<Response, Response> {
    let environment = by_network(&body.environment)?;
    let placed = signed.permit.in_environment(environment);
    let placed = placed.map_err(|denied| refusals::denied(&signed.passage, denied))?;
    let provisioned = environments::provision(signed.passage.control(), &placed).await;
    let provisioned = provisioned.map_err(|stop| of_change(&signed.passage, stop, refusals::environment))?;
    let (code, message) = match provisioned.fresh {
        true => (StatusCode::CREATED, "Environment is being provisioned. This usually takes a few seconds."),
        false => (StatusCode::OK, "Environment is provisioned already."),
    };
    Ok(data(code, &Begun::of(&provisioned.view, message)))
}

pub(crate) async fn status(signed: Signed, tenant: Result<Path<String>, PathRejection>) -> Response {
    match environments::status(signed.passage.control(), &signed.permit, &ask::id(tenant)) {
        Ok(views) => {
            let planes = signed.passage.planes();
            let tenant_id = views[0].tenant.to_string();
            let environments = views.iter().map(|view| Standing::of(view, planes)).collect();
            data(StatusCode::OK, &Standings { tenant_id, environments })
        }
        Err(stop) => of_read(&signed.passage, stop, |denied| refusals::denied(&signed.passage, denied)),
    }
}

pub(crate) async fn list(signed: Signed) -> Response {
    match environments::list(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Contract::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

/// This contract has no word for a suspended environment.
fn word(status: Status) -> &'static str {
    match status {
        Status::Suspended => Status::Error.word(),
        other => other.word(),
    }
}

/// Why an environment that is wished for is not there. What the operator can mend is not the tenant's to read.
fn reason(status: Status) -> Option<&'static str> {
    match status {
        Status::Error => Some("The environment does not answer yet. It is tried again by itself."),
        Status::Suspended => Some("The operator has suspended this environment."),
        Status::NotProvisioned | Status::Provisioning | Status::Active => None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    tenant_id: String,
    environment: &'static str,
    status: &'static str,
    message: &'static str,
}

impl Begun {
    fn of(view: &EnvironmentView, message: &'static str) -> Begun {
        let (environment, status) = (network(view.environment), word(view.status));
        Begun { tenant_id: view.tenant.to_string(), environment, status, message }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standings {
    tenant_id: String,
    environments: Vec<Standing>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    environment: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
}

impl Standing {
    fn of(view: &EnvironmentView, planes: &dyn Planes) -> Standing {
        // The live address is handed over with the environment; the sandbox's is public.
        let handed_over = view.environment == Environment::Live && view.status == Status::Active;
        Standing {
            environment: network(view.environment),
            status: word(view.status),
            provisioned_at: view.provisioned_at.map(time),
            reason: reason(view.status),
            base_url: handed_over.then(|| planes.base_url(view.environment)).flatten(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Contract {
    id: String,
    tenant_id: String,
    environment: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned_at: Option<String>,
}

impl Contract {
    fn of(view: &EnvironmentView) -> Contract {
        Contract {
            id: view.id.to_string(),
            tenant_id: view.tenant.to_string(),
            environment: network(view.environment),
            status: word(view.status),
            provisioned_at: view.provisioned_at.map(time),
        }
    }
}
