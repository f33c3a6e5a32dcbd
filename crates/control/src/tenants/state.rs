//! What a tenant may be called, and where it is in its life.

use crate::environments::Status;

/// Why a tenant was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("name: give 1 to 100 characters, none of them a control character")]
    NameUnusable,
}

/// Where a tenant is in its life, by its environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// None of them is there yet.
    Pending,
    Active,
    /// The operator has suspended one of them.
    Suspended,
}

impl Life {
    pub(super) fn of(environments: [Status; 2]) -> Life {
        match () {
            () if environments.contains(&Status::Suspended) => Life::Suspended,
            () if environments.contains(&Status::Active) => Life::Active,
            () => Life::Pending,
        }
    }
}

const NAME_CHARACTERS_MOST: usize = 100;

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let shown = !name.trim().is_empty() && !name.chars().any(char::is_control);
    if shown && name.chars().count() <= NAME_CHARACTERS_MOST { Ok(()) } else { Err(Refusal::NameUnusable) }
}
