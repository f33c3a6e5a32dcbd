//! Secrets of the configuration: from a file that nobody else can read, or from the environment. Never shown.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base::Secret;

use super::{Problems, Variables};

/// The secret that `path` names a file for; the environment's variable `COUNTERFOIL_SECRET_<variable>` wins.
pub(super) fn secret(
    path: &str,
    file: &str,
    variable: &str,
    variables: &Variables,
    problems: &mut Problems,
) -> Option<Secret<String>> {
    if let Some(text) = variables.secret(variable) {
        return checked(path, text, problems);
    }
    if file.is_empty() {
        return None;
    }
    match read(Path::new(file)) {
        Ok(text) => checked(path, text.expose(), problems),
        Err(remedy) => {
            problems.add(path, remedy);
            None
        }
    }
}

fn read(file: &Path) -> Result<Secret<String>, String> {
    let shown = file.display();
    let found = std::fs::metadata(file).map_err(|error| format!("names {shown}, which cannot be read ({error})"))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("names {shown}, which others can read: run chmod 600 on it"));
    }
    let text = std::fs::read_to_string(file);
    text.map(Secret::new).map_err(|error| format!("names {shown}, which cannot be read ({error})"))
}

fn checked(path: &str, text: &str, problems: &mut Problems) -> Option<Secret<String>> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        problems.add(path, "leads to no secret: put it on one line, alone");
        return None;
    }
    Some(Secret::new(text.to_owned()))
}
