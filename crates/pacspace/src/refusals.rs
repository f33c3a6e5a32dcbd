//! From what the front office refused to code and message. No wildcard: a new refusal does not compile until it has its words.

use axum::response::Response;
use base::{Environment, Span, Stop};
use control::{Denied, PlaneRefusal, environments, keys, sessions, users};
use gate::office::{Passage, Refusal};

use crate::words::{Code, fail, fail_for, network};

/// The answer to a read that did not succeed.
pub(crate) fn of_read<R>(passage: &Passage, stop: Stop<R>, refused: impl FnOnce(R) -> Response) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(refusal),
        Stop::Faulted(fault) => passage.read_faulted(&fault),
    }
}

/// The answer to a change that did not succeed.
pub(crate) fn of_change<R>(passage: &Passage, stop: Stop<R>, refused: impl FnOnce(R) -> Response) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(refusal),
        Stop::Faulted(fault) => passage.change_faulted(&fault),
    }
}

/// In the same words as at the door.
pub(crate) fn denied(passage: &Passage, denied: Denied) -> Response {
    passage.refuse(&Refusal::Denied(denied))
}

pub(crate) fn user(refusal: users::Refusal) -> Response {
    let unusable = |message: &str| fail(Code::ValidationError, message);
    match refusal {
        users::Refusal::Throttled { retry_after } => throttled(retry_after),
        users::Refusal::EmailUnusable => unusable("email: send an address such as jo@example.com."),
        users::Refusal::PasswordUnusable => {
            unusable("password: choose 8 to 128 characters that are not easily guessed and not the address.")
        }
        users::Refusal::NameUnusable { field } => {
            let field = match field {
                users::NameField::First => "firstName",
                users::NameField::Last => "lastName",
                users::NameField::Company => "companyName",
            };
            unusable(&format!("{field}: send 1 to 100 characters without control characters."))
        }
        users::Refusal::TokenInvalid => {
            fail(Code::TokenInvalid, "The link is not valid any more, or was never valid: ask for another one.")
        }
        users::Refusal::WrongPassword => fail(Code::InvalidCredentials, "The current password is wrong."),
        users::Refusal::NotActive => fail(
            Code::EnvironmentNotActive,
            "This environment is not active: see its status, and provision it where it is not provisioned yet.",
        ),
    }
}

/// `wrong` says what was wrong where nobody may learn more.
pub(crate) fn session(refusal: sessions::Refusal, wrong: &str) -> Response {
    match refusal {
        sessions::Refusal::Throttled { retry_after } => throttled(retry_after),
        sessions::Refusal::Invalid => fail(Code::InvalidCredentials, wrong),
    }
}

pub(crate) fn environment(refusal: environments::Refusal) -> Response {
    match refusal {
        environments::Refusal::Unknown => fail(Code::NotFound, "Nothing is known by this id."),
        environments::Refusal::EmailNotVerified => {
            fail(Code::EmailNotVerified, "Production needs a confirmed e-mail address: follow the link in the mail.")
        }
        environments::Refusal::PlanRequired => {
            fail(Code::PlanRequired, "Production needs a paid plan: upgrade to Pilot or above first.")
        }
        environments::Refusal::ApprovalRequired => {
            fail(Code::ApprovalRequired, "Production needs the operator's approval: apply for it first.")
        }
        environments::Refusal::Suspended => {
            fail(Code::EnvironmentNotActive, "This environment is suspended: ask the operator.")
        }
    }
}

pub(crate) fn key(passage: &Passage, refusal: keys::Refusal) -> Response {
    match refusal {
        keys::Refusal::Unknown => key_unknown(),
        keys::Refusal::NotActive(environment) => not_active(environment),
        keys::Refusal::KindElsewhere => fail(
            Code::ValidationError,
            "kind: send standard or agent; payout keys are made at /api/v1/businesses/{id}/payout-api-keys.",
        ),
        keys::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        keys::Refusal::OtherContent => other_content(),
        keys::Refusal::Plane(refusal) => plane(refusal),
        keys::Refusal::Unreachable(environment) => fail_for(
            Code::PlaneUnreachable,
            &format!("The {environment} environment does not answer at the moment: send the request again."),
            Span::seconds(1),
        ),
    }
}

fn plane(refusal: PlaneRefusal) -> Response {
    let unusable = |message| fail(Code::ValidationError, message);
    match refusal {
        PlaneRefusal::TenantUnknown => fail(
            Code::EnvironmentNotActive,
            "This environment does not know your organisation yet: wait a few seconds.",
        ),
        PlaneRefusal::KeyUnknown => key_unknown(),
        PlaneRefusal::KeyRevoked => fail(Code::Conflict, "The key is revoked: create another one."),
        PlaneRefusal::NameUnusable => unusable("name: send 1 to 100 characters without control characters."),
        PlaneRefusal::ExpiryPast => unusable("expiresInDays: choose a time that has not passed."),
        PlaneRefusal::PayoutExpiry => unusable("expiresInDays: a payout key needs it, from 1 to 365."),
        PlaneRefusal::PolicyAmount => unusable("policy: amounts are above zero."),
        PlaneRefusal::TooManyKeys => {
            fail(Code::Conflict, "This environment has as many keys as one organisation may have there.")
        }
        PlaneRefusal::OtherContent => other_content(),
        PlaneRefusal::TooManyTenants | PlaneRefusal::Voided => fail_for(
            Code::ServiceUnavailable,
            "The request was not run, because the service is busy or closing: send it again.",
            Span::seconds(1),
        ),
    }
}

fn key_unknown() -> Response {
    fail(Code::NotFound, "No key has this id.")
}

fn not_active(environment: Environment) -> Response {
    let network = network(environment);
    let message = format!(
        "This environment is not active: see its status, and provision {network} where it is not provisioned yet."
    );
    fail(Code::EnvironmentNotActive, &message)
}

fn other_content() -> Response {
    fail(Code::IdempotencyConflict, "This Idempotency-Key was used with other content: choose a new one.")
}

fn throttled(wait: Span) -> Response {
    fail_for(Code::RateLimited, "Too many tries: wait and try again.", wait)
}
