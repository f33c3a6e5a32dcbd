//! Which second factors there are, and why one is not taken.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("prove that it is you first")]
    StepUpRequired,
    #[error("it is there already")]
    Already,
    #[error("nothing was begun")]
    NothingBegun,
    #[error("nothing of this kind is there")]
    NotThere,
    #[error("there is no second factor")]
    NoFactor,
    #[error("there are as many passkeys as there may be")]
    TooMany,
    #[error("name: give 1 to 100 characters, none of them a control character")]
    NameUnusable,
    /// Made for another site, session or request, without its user, or with a kind of key that we do not read.
    #[error("the passkey was not made for this request")]
    PasskeyUnusable,
    /// Wrong, used before, too late: one word.
    #[error("the code is wrong or was used")]
    CodeInvalid,
}

/// With what the second step of a login can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Totp,
    Passkey,
    Recovery,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Method::Totp => "totp",
            Method::Passkey => "passkey",
            Method::Recovery => "recovery",
        }
    }
}

/// Wrong answers to one login's second step. The last one ends it.
pub(super) const TRIES_MOST: u32 = 5;
