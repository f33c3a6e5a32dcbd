//! Invitations to an organisation: sent, listed and withdrawn by its members, accepted by whoever was invited.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use base::Secret;
use control::invitations::{self, Accepted, InvitationView, Names};
use gate::Json;
use gate::office::{Signed, Stepped, Visitor};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{self, invalid, secret};
use crate::members::role;
use crate::refusals::{self, of_change};
use crate::words::{data, message, time, told};

type Id = Result<Path<String>, PathRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Invitation {
    email: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Acceptance {
    token: String,
    #[serde(deserialize_with = "secret")]
    password: Secret<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Token {
    token: String,
}

pub(crate) async fn invite(stepped: Stepped, Json(body): Json<Invitation>) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let role = role(&body.role)?;
    let invited = invitations::invite(passage.control(), &permit, &step_up, &body.email, role).await;
    let view = invited.map_err(|stop| of_change(&passage, stop, |refusal| refusals::invitation(&passage, refusal)))?;
    Ok(told(StatusCode::CREATED, &Invited::of(&view), "A mail with the invitation is on its way."))
}

pub(crate) async fn list(signed: Signed) -> Response {
    match invitations::list(signed.passage.control(), &signed.permit) {
        Ok(views) => data(StatusCode::OK, &views.iter().map(Invited::of).collect::<Vec<_>>()),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn withdraw(signed: Signed, id: Id) -> Response {
    let Signed { permit, passage } = signed;
    match invitations::withdraw(passage.control(), &permit, &ask::id(id)).await {
        Ok(()) => message(StatusCode::OK, "Invitation withdrawn successfully"),
        Err(stop) => of_change(&passage, stop, |refusal| refusals::invitation(&passage, refusal)),
    }
}

/// Where the mailed link leads. It changes nothing: programs that look at links before people do spoil nothing.
pub(crate) async fn how_to_accept(_: Visitor) -> Response {
    message(
        StatusCode::OK,
        "Send this link's token: with a session to POST /dashboard/auth/invitations/join {token}, or to \
         POST /dashboard/auth/invitations/accept {token, password}, where somebody new adds firstName and lastName.",
    )
}

pub(crate) async fn accept(visitor: Visitor, Json(body): Json<Acceptance>) -> Result<Response, Response> {
    let (control, passage) = (visitor.passage.control(), &visitor.passage);
    let Acceptance { token, password, first_name, last_name } = body;
    let names = match (first_name, last_name) {
        (None, None) => None,
        (Some(first), Some(last)) => Some(Names { first, last }),
        _ => return Err(invalid("firstName, lastName: send both, as somebody new, or neither.").into()),
    };
    let accepted = invitations::accept(control, &visitor.from, &token, password, names).await;
    let accepted =
        accepted.map_err(|stop| of_change(passage, stop, |refusal| refusals::invitation(passage, refusal)))?;
    Ok(told(StatusCode::OK, &Joined::of(&accepted), "Invitation accepted. Sign in to go on."))
}

pub(crate) async fn join(signed: Signed, Json(body): Json<Token>) -> Response {
    let Signed { permit, passage } = signed;
    match invitations::join(passage.control(), &permit, &body.token).await {
        Ok(accepted) => told(StatusCode::OK, &Joined::of(&accepted), "Invitation accepted. Switch to go on there."),
        Err(stop) => of_change(&passage, stop, |refusal| refusals::invitation(&passage, refusal)),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invited<'a> {
    id: &'a str,
    email: &'a str,
    role: &'static str,
    invited_by: String,
    created_at: String,
    expires_at: String,
}

impl Invited<'_> {
    fn of(view: &InvitationView) -> Invited<'_> {
        Invited {
            id: &view.id,
            email: &view.email,
            role: view.role.word(),
            invited_by: view.by.to_string(),
            created_at: time(view.created_at),
            expires_at: time(view.expires_at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Joined<'a> {
    user_id: String,
    email: &'a str,
    tenant_id: String,
    company_name: &'a str,
    role: &'static str,
}

impl Joined<'_> {
    fn of(accepted: &Accepted) -> Joined<'_> {
        Joined {
            user_id: accepted.user.to_string(),
            email: &accepted.email,
            tenant_id: accepted.tenant.to_string(),
            company_name: &accepted.name,
            role: accepted.role.word(),
        }
    }
}
