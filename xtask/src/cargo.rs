//! Runs cargo from inside cargo.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Cargo in `root`, without what the cargo that started us said about xtask itself: build scripts that watch those
/// variables would otherwise rebuild each time the caller changes.
pub fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(args).current_dir(root);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_the_caller) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether `cargo args` exists and succeeds here, quietly. Used to ask for a subcommand's version.
pub fn answers(root: &Path, args: &[&str]) -> bool {
    let status = command(root, args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn describes_the_caller(name: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    let names = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::describes_the_caller;

    #[test]
    fn only_what_cargo_said_about_xtask_is_forgotten() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_CRATE_NAME"] {
            assert!(describes_the_caller(name), "{name}");
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "CI", "PATH"] {
            assert!(!describes_the_caller(name), "{name}");
        }
    }
}
