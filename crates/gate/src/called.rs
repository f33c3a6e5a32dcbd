//! What a handler gets: the plane, the proof of who calls, and how to refuse.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use base::{Deed, Fault};
use http::StatusCode;
use http::request::Parts;
use plane::{Caller, KeyKind, Plane};

use crate::door::Door;
use crate::{Refusal, RequestId};

/// What travels with a request from the door to the handler and the extractors.
#[derive(Clone)]
pub(crate) struct Passage {
    pub(crate) door: Arc<Door>,
    pub(crate) request_id: RequestId,
    pub(crate) ip: IpAddr,
    pub(crate) caller: Option<Caller>,
}

/// A request with a good key. Only routes behind [`crate::guard`] have it.
#[derive(Clone)]
pub struct Called {
    pub plane: Plane,
    pub caller: Caller,
    pub request_id: RequestId,
    passage: Passage,
}

/// A request without a key, behind [`crate::open`].
#[derive(Clone)]
pub struct Visited {
    pub plane: Plane,
    pub request_id: RequestId,
    pub ip: IpAddr,
    passage: Passage,
}

impl Passage {
    pub(crate) fn of(extensions: &http::Extensions) -> Option<Passage> {
        extensions.get::<Passage>().cloned()
    }

    /// The answer of a route that was not put behind a gate.
    pub(crate) fn none() -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, "a route without a gate").into_response()
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Response {
        self.door.refuse(refusal, &self.request_id)
    }

    fn faulted(&self, fault: &Fault, otherwise: &Refusal) -> Response {
        tracing::error!(request_id = self.request_id.as_str(), fault = fault.chain(), busy = fault.busy, "fault");
        self.refuse(if fault.busy { &Refusal::Busy { retry_after_s: 1 } } else { otherwise })
    }
}

impl Called {
    /// The surface's answer to one of the gate's refusals.
    pub fn refuse(&self, refusal: &Refusal) -> Response {
        self.passage.refuse(refusal)
    }

    /// The answer when a read broke: logged with its causes; busy becomes 503. Nothing was changed.
    pub fn read_faulted(&self, fault: &Fault) -> Response {
        self.passage.faulted(fault, &Refusal::Faulted)
    }

    /// The answer when a change broke: as [`Called::read_faulted`], and unless busy the outcome is unknown.
    pub fn change_faulted(&self, fault: &Fault) -> Response {
        self.passage.faulted(fault, &Refusal::Unanswered)
    }

    /// Notes what the caller's tenant has done, where it is a sandbox.
    pub fn did(&self, deed: Deed) {
        plane::deeds::note(&self.plane, &self.caller, deed);
    }

    /// Refuses every key whose kind is not among `kinds`. `needs` names them: `an agent key`.
    pub fn needs(&self, kinds: &[KeyKind], needs: &'static str) -> Result<(), Refusal> {
        if kinds.contains(&self.caller.kind()) { Ok(()) } else { Err(Refusal::KindForbidden { needs }) }
    }
}

impl Visited {
    /// The surface's answer to one of the gate's refusals.
    pub fn refuse(&self, refusal: &Refusal) -> Response {
        self.passage.refuse(refusal)
    }

    /// The answer when a read broke: logged with its causes; busy becomes 503. Nothing was changed.
    pub fn read_faulted(&self, fault: &Fault) -> Response {
        self.passage.faulted(fault, &Refusal::Faulted)
    }

    /// The answer when a change broke: as [`Visited::read_faulted`], and unless busy the outcome is unknown.
    pub fn change_faulted(&self, fault: &Fault) -> Response {
        self.passage.faulted(fault, &Refusal::Unanswered)
    }
}

impl<S: Sync> FromRequestParts<S> for Called {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Called, Response> {
        let passage = Passage::of(&parts.extensions).ok_or_else(Passage::none)?;
        let caller = passage.caller.clone().ok_or_else(|| passage.refuse(&Refusal::KeyMissing))?;
        let plane = passage.door.gate.plane.clone();
        Ok(Called { plane, caller, request_id: passage.request_id.clone(), passage })
    }
}

impl<S: Sync> FromRequestParts<S> for Visited {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visited, Response> {
        let passage = Passage::of(&parts.extensions).ok_or_else(Passage::none)?;
        let plane = passage.door.gate.plane.clone();
        Ok(Visited { plane, request_id: passage.request_id.clone(), ip: passage.ip, passage })
    }
}
