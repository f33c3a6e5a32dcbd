//! From what the front office refused to code and message. No wildcard: a new refusal does not compile until it has its words.

use axum::response::Response;
use base::Stop;
use control::keys::Refusal;
use control::{Denied, PlaneRefusal};
use gate::office::Passage;

use crate::words::{Code, fail, fail_for_now};

/// The answer to a read that did not succeed.
pub(crate) fn unread(passage: &Passage, stop: Stop<Refusal>) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(passage, refusal),
        Stop::Faulted(fault) => passage.read_faulted(&fault),
    }
}

/// The answer to a change that did not succeed.
pub(crate) fn unchanged(passage: &Passage, stop: Stop<Refusal>) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(passage, refusal),
        Stop::Faulted(fault) => passage.change_faulted(&fault),
    }
}

/// In the same words as at the door.
pub(crate) fn denied(passage: &Passage, denied: Denied) -> Response {
    passage.refuse(&gate::office::Refusal::Denied(denied))
}

/// What cannot be read, in the words of a body that cannot be.
pub(crate) fn invalid(passage: &Passage, why: String) -> Response {
    passage.refuse(&gate::Refusal::BodyInvalid { why }.into())
}

fn refused(passage: &Passage, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Unknown => unknown(passage),
        Refusal::NotActive(_) => not_active(passage),
        Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        Refusal::OtherContent => other_content(passage),
        Refusal::InProgress => fail_for_now(
            passage,
            Code::IdempotencyRequestInProgress,
            "A request with this Idempotency-Key is being worked on: send it again in a moment.",
        ),
        Refusal::Plane(refusal) => by_the_plane(passage, refusal),
        Refusal::Unreachable(environment) => fail_for_now(
            passage,
            Code::PlaneUnreachable,
            &format!("The {environment} environment does not answer at the moment: send the request again."),
        ),
        // Other kinds of keys are not made here.
        Refusal::KindElsewhere => fail(passage, Code::ValidationError, "Only payout keys are made here."),
    }
}

fn by_the_plane(passage: &Passage, refusal: PlaneRefusal) -> Response {
    let unusable = |message| fail(passage, Code::ValidationError, message);
    match refusal {
        PlaneRefusal::TenantUnknown => not_active(passage),
        PlaneRefusal::KeyUnknown | PlaneRefusal::PolicyElsewhere => unknown(passage),
        PlaneRefusal::KeyRevoked => fail(passage, Code::Conflict, "The key is revoked: create another one."),
        PlaneRefusal::NameUnusable => unusable("name: send 1 to 100 characters without control characters."),
        PlaneRefusal::ExpiryPast | PlaneRefusal::PayoutExpiry => {
            unusable("expiresIn: send a number of days from 1 to 365.")
        }
        PlaneRefusal::PolicyAmount => unusable("limits: amounts are above zero."),
        PlaneRefusal::TooManyKeys => {
            fail(passage, Code::Conflict, "This environment has as many keys as one business may have there.")
        }
        PlaneRefusal::OtherContent => other_content(passage),
        PlaneRefusal::TooManyTenants | PlaneRefusal::Voided => fail_for_now(
            passage,
            Code::ServiceUnavailable,
            "The request was not run, because the service is busy or closing: send it again.",
        ),
    }
}

/// Another business's id is an unknown one, and so is a key of another kind.
fn unknown(passage: &Passage) -> Response {
    denied(passage, Denied::Unknown)
}

fn not_active(passage: &Passage) -> Response {
    let message = "This environment is not active for your business: see its status in the dashboard.";
    fail(passage, Code::EnvironmentNotActive, message)
}

fn other_content(passage: &Passage) -> Response {
    let message = "This Idempotency-Key was used with other content: choose a new one.";
    fail(passage, Code::IdempotencyKeyMismatch, message)
}
