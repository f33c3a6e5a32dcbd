//! What a tenant may be called.

/// Why a tenant was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("name: give 1 to 100 characters, none of them a control character")]
    NameUnusable,
}

const NAME_CHARACTERS_MOST: usize = 100;

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let shown = !name.trim().is_empty() && !name.chars().any(char::is_control);
    if shown && name.chars().count() <= NAME_CHARACTERS_MOST { Ok(()) } else { Err(Refusal::NameUnusable) }
}
