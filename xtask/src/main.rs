//! The project's own habits as programs: `cargo xtask test`, `cargo xtask soak`, `cargo xtask tidy`.

mod cargo;
mod figures;
mod packages;
mod postgres;
mod soak;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask test [ARGS…]   tidy, format, lints, then every test; ARGS go to the test runner and narrow the run
       cargo xtask soak [NAME…]   the long figures, written to docs/figures.md; all of them unless named
       cargo xtask tidy           the rules of the house alone, in about a second";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // xtask is always compiled where it runs, so the workspace is where this manifest was.
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        eprintln!("xtask: its manifest has no folder above it");
        return ExitCode::FAILURE;
    };
    let outcome = match words.split_first() {
        Some((word, rest)) if word == "test" => test::run(root, rest),
        Some((word, rest)) if word == "soak" => soak::run(root, rest),
        Some((word, [])) if word == "tidy" => tidy::run(root),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
