//! How an invitation is named, and why somebody is not invited, or an invitation not accepted.

use base::id::ID_ALPHABET;

use crate::{Control, sessions, throttle, users};

const PREFIX: &str = "inv_";
const BODY: usize = 16;

pub(super) fn draw(control: &Control) -> String {
    format!("{PREFIX}{}", control.chance().text(ID_ALPHABET, BODY))
}

/// Whether an invitation could have this id. Other texts are not looked for: a store need not take each as a key.
pub(super) fn is_id(text: &str) -> bool {
    let body = text.strip_prefix(PREFIX);
    body.is_some_and(|body| body.len() == BODY && body.bytes().all(|byte| ID_ALPHABET.contains(&byte)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("your role does not allow this")]
    RoleForbids,
    #[error("the proof is not this session's")]
    StepUpRequired,
    #[error("who invites has proved his own address")]
    NotVerified,
    #[error("no open invitation has this id")]
    Unknown,
    #[error("there are as many open invitations as there may be")]
    TooMany,
    /// Of the user that is to be, of the ticket, and of too many tries.
    #[error(transparent)]
    User(#[from] users::Refusal),
    #[error("the password is wrong")]
    Invalid,
    #[error("the address has an account")]
    AddressTaken,
    #[error("the invitation is for another address")]
    OtherAddress,
    #[error("who is invited has a seat here already")]
    Already,
}

impl From<throttle::Throttled> for Refusal {
    fn from(throttled: throttle::Throttled) -> Refusal {
        Refusal::User(throttled.into())
    }
}

impl From<sessions::Refusal> for Refusal {
    fn from(refusal: sessions::Refusal) -> Refusal {
        match refusal {
            sessions::Refusal::Throttled { retry_after } => Refusal::User(users::Refusal::Throttled { retry_after }),
            sessions::Refusal::Invalid | sessions::Refusal::CodeInvalid => Refusal::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_is_its_prefix_and_sixteen_of_the_alphabet() {
        assert!(is_id("inv_0123456789abcdef"));
        for bad in [
            "",
            "\0",
            "inv_",
            "inv_0123456789abcde",
            "inv_0123456789abcdef0",
            "inv_0123456789abcde\0",
            "inv_0123456789abcdeF",
            "tkt_0123456789abcdef",
        ] {
            assert!(!is_id(bad), "{bad:?}");
        }
    }
}
