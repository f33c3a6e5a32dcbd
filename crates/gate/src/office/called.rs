//! What a handler gets: the front office, the proofs that its row grants, and how to refuse.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use base::{Fault, Secret};
use control::billing::Provider;
use control::{Carried, Control, Permit, Planes, StepUp, sessions};
use http::StatusCode;
use http::request::Parts;

use super::door::Door;
use super::{Origin, Refusal};
use crate::RequestId;

/// What travels with every request from the door to its handler.
#[derive(Clone)]
pub struct Passage {
    pub(super) door: Arc<Door>,
    pub(super) request_id: RequestId,
    pub(super) proved: Proved,
}

/// What the door found out, as far as the row asks for it.
#[derive(Clone)]
pub(super) enum Proved {
    Nothing,
    Visitor(Arc<Coming>),
    Signed(Permit, Option<Arc<StepUp>>),
}

/// Who comes without being asked for a session.
pub(super) struct Coming {
    pub(super) from: control::proof::From,
    /// How a session that begins here is carried.
    pub(super) carried: Result<Carried, Refusal>,
    pub(super) cookies: Vec<Secret<String>>,
}

/// A request from anyone. Only on rows for anyone.
#[derive(Clone)]
pub struct Visitor {
    pub from: control::proof::From,
    pub passage: Passage,
    coming: Arc<Coming>,
}

/// A request of a session whose role reaches somewhere on this route. Only on rows for signed-in users.
#[derive(Clone)]
pub struct Signed {
    pub permit: Permit,
    pub passage: Passage,
}

/// The same with a fresh proof. Only on rows that ask for one.
#[derive(Clone)]
pub struct Stepped {
    pub permit: Permit,
    pub step_up: Arc<StepUp>,
    pub passage: Passage,
}

impl Passage {
    pub fn control(&self) -> &Control {
        &self.door.office.control
    }

    pub fn planes(&self) -> &dyn Planes {
        self.door.office.planes()
    }

    /// For what goes on when its caller goes away.
    pub fn planes_to_keep(&self) -> Arc<dyn Planes> {
        Arc::clone(&self.door.office.planes)
    }

    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Where browsers find the dashboard.
    pub fn origin(&self) -> &Origin {
        &self.door.office.shared.options.origin
    }

    /// Gives a session into its browser's hands.
    pub fn hand_over(&self, response: &mut Response, cookie: &Secret<String>) {
        self.door.office.shared.options.origin.hand_over(response, cookie);
    }

    /// The browser that shows a session's cookie is to forget it.
    pub fn take_back(&self, response: &mut Response) {
        self.door.office.shared.options.origin.take_back(response);
    }

    /// Where plans are paid, if anywhere.
    pub fn provider(&self) -> Option<&dyn Provider> {
        self.door.office.shared.options.provider.as_deref()
    }

    /// The answer when a read broke: logged with its causes; busy becomes 503. Nothing was changed.
    pub fn read_faulted(&self, fault: &Fault) -> Response {
        self.faulted(fault, crate::Refusal::Faulted)
    }

    /// The answer when a change broke: as [`Passage::read_faulted`], and unless busy the outcome is unknown.
    pub fn change_faulted(&self, fault: &Fault) -> Response {
        self.faulted(fault, crate::Refusal::Unanswered)
    }

    fn faulted(&self, fault: &Fault, otherwise: crate::Refusal) -> Response {
        tracing::error!(request_id = self.request_id.as_str(), fault = fault.chain(), busy = fault.busy, "fault");
        let busy = crate::Refusal::Busy { retry_after_s: 1 };
        self.refuse(&Refusal::Gate(if fault.busy { busy } else { otherwise }))
    }

    /// The answer of a route that was not put behind the office's gate, or whose row does not grant what its handler takes.
    fn none() -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, "a route without its row").into_response()
    }
}

impl Visitor {
    /// How a session that begins here is carried: by a cookie where a page of the dashboard asks for one. Refused where a page
    /// of another site does.
    pub fn carried(&self) -> Result<Carried, Refusal> {
        self.coming.carried.clone()
    }

    /// Session cookies that came along. They say nothing here: a login takes nothing over from them and ends their sessions.
    pub fn cookies(&self) -> &[Secret<String>] {
        &self.coming.cookies
    }
}

impl Signed {
    /// A fresh proof, where this session has one: for a route on which some asks need it and others do not.
    pub fn step_up(&self) -> Option<StepUp> {
        sessions::step_up(&self.permit, self.passage.control().now()).ok()
    }
}

impl<S: Sync> FromRequestParts<S> for Passage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Passage, Response> {
        parts.extensions.get::<Passage>().cloned().ok_or_else(Passage::none)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Visitor, Response> {
        let passage = Passage::from_request_parts(parts, state).await?;
        match passage.proved.clone() {
            Proved::Visitor(coming) => Ok(Visitor { from: coming.from.clone(), passage, coming }),
            Proved::Nothing | Proved::Signed(..) => Err(Passage::none()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Signed, Response> {
        let passage = Passage::from_request_parts(parts, state).await?;
        match passage.proved.clone() {
            Proved::Signed(permit, _) => Ok(Signed { permit, passage }),
            Proved::Nothing | Proved::Visitor(_) => Err(Passage::none()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Stepped {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Stepped, Response> {
        let passage = Passage::from_request_parts(parts, state).await?;
        match passage.proved.clone() {
            Proved::Signed(permit, Some(step_up)) => Ok(Stepped { permit, step_up, passage }),
            Proved::Nothing | Proved::Visitor(_) | Proved::Signed(_, None) => Err(Passage::none()),
        }
    }
}
