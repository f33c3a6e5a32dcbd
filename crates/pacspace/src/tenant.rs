//! The organisation of whoever is signed in.

use axum::response::Response;
use control::environments::Status;
use control::tenants::{self, Life, TenantView};
use gate::office::Signed;
use http::StatusCode;
use serde::Serialize;

use crate::words::{data, time};

pub(crate) async fn show(signed: Signed) -> Response {
    match tenants::show(signed.passage.control(), &signed.permit) {
        Ok(view) => data(StatusCode::OK, &Organisation::of(&view)),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Organisation<'a> {
    id: String,
    company_name: &'a str,
    status: &'static str,
    billing_mode: &'static str,
    environments: Environments,
    business_id: String,
    billing_alias: String,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Environments {
    sandbox: &'static str,
    production: &'static str,
}

impl Organisation<'_> {
    fn of(view: &TenantView) -> Organisation<'_> {
        let TenantView { tenant, life, environments: [sandbox, live], changed_at } = view;
        Organisation {
            id: tenant.id.to_string(),
            company_name: &tenant.name,
            status: match life {
                Life::Pending => "pending",
                Life::Active => "active",
                Life::Suspended => "suspended",
            },
            billing_mode: "monthly",
            environments: Environments { sandbox: word(*sandbox), production: word(*live) },
            business_id: tenant.id.business(),
            billing_alias: format!("bill_{}", tenant.id.body()),
            created_at: time(tenant.created_at),
            updated_at: time(*changed_at),
        }
    }
}

/// Here an environment that is there is called provisioned.
fn word(status: Status) -> &'static str {
    match status {
        Status::Active => "provisioned",
        Status::Suspended => Status::Error.word(),
        other => other.word(),
    }
}
