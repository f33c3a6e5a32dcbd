//! `cargo xtask test`: every check there is, quickest first and the tests last, so that the test runner's own summary is
//! the last thing printed. All stages run even when one fails: one run shows everything that is wrong.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::bail;

use crate::postgres::{self, Postgres};
use crate::{cargo, tidy};

/// How a stage ended.
enum End {
    Passed,
    Failed,
    /// The tool is not on this machine; this is how to get it. A newcomer is told; CI refuses.
    Missing(String),
}

/// Runs tidy, the formatter's check, the lints, the documentation's tests and the tests. `args` go to the test runner; with
/// them the documentation's tests are left out, since they cannot be narrowed the same way.
pub fn run(root: &Path, args: &[String]) -> anyhow::Result<()> {
    let mut report = Report { strict: std::env::var("CI").is_ok_and(|ci| ci == "true"), failed: Vec::new() };
    report.stage("tidy", || match tidy::run(root) {
        Ok(()) => End::Passed,
        Err(error) => {
            eprintln!("{error:#}");
            End::Failed
        }
    });
    report.stage("format", || component(root, "fmt", "rustfmt", &["fmt", "--check"]));
    let lints = ["clippy", "--workspace", "--all-targets", "--keep-going", "--", "-D", "warnings"];
    report.stage("lints", || component(root, "clippy", "clippy", &lints));
    if args.is_empty() {
        report.stage("documentation's tests", || {
            end_of(cargo::command(root, &["test", "--quiet", "--workspace", "--doc"]))
        });
    }
    let nextest = cargo::answers(root, &["nextest", "--version"]);
    eprintln!("== tests, with {}", if nextest { "nextest" } else { "cargo test (cargo-nextest is not installed)" });
    let mut tests = cargo::command(root, &[]);
    tests.args(runner(nextest, args));
    // Kept until the tests have ended.
    let postgres = report.postgres(args);
    if let Some(postgres) = &postgres {
        tests.env(pgkit::CLUSTER, &postgres.url);
    }
    if matches!(end_of(tests), End::Failed) {
        report.failed.push("tests");
    }
    if let Some(postgres) = postgres.as_ref().filter(|_| args.is_empty()) {
        eprintln!("== the same tests, with every store in PostgreSQL");
        let mut again = cargo::command(root, &[]);
        again.args(runner(nextest, &ON_BOTH_ENGINES.map(str::to_owned)));
        again.env(pgkit::CLUSTER, &postgres.url).env("COUNTERFOIL_TEST_STORE", "postgres");
        if matches!(end_of(again), End::Failed) {
            report.failed.push("tests on PostgreSQL");
        }
    }
    drop(postgres);
    if !report.failed.is_empty() {
        bail!("== FAILED: {}", report.failed.join(", "));
    }
    Ok(())
}

/// What keeps anything in a store. Tests about SQLite's file alone say so and pass.
const ON_BOTH_ENGINES: [&str; 20] = [
    "-p",
    "store",
    "-p",
    "plane",
    "-p",
    "workers",
    "-p",
    "cashq",
    "-p",
    "sandbox",
    "-p",
    "hosted",
    "-p",
    "control",
    "-p",
    "pacspace",
    "-p",
    "paychain",
    "-p",
    "counterfoil",
];

struct Report {
    strict: bool,
    failed: Vec<&'static str>,
}

impl Report {
    /// The cluster for the tests, and what the failover test needs when it is among them. Without them those tests skip
    /// themselves, loudly.
    fn postgres(&mut self, args: &[String]) -> Option<Postgres> {
        let mut cluster = None;
        self.need("tests on PostgreSQL", || postgres::start().map(|started| cluster = Some(started)));
        if args.is_empty() || args.iter().any(|arg| arg == "failover") {
            self.need("failover test", postgres::failover);
        }
        cluster
    }

    /// Prepares what the tests called `name` need from this machine.
    fn need(&mut self, name: &'static str, prepare: impl FnOnce() -> anyhow::Result<()>) {
        if let Err(error) = prepare() {
            eprintln!("== NOT RUN: {name}. {error:#}. CI runs it and refuses.");
            if self.strict {
                self.failed.push(name);
            }
        }
    }

    fn stage(&mut self, name: &'static str, work: impl FnOnce() -> End) {
        eprintln!("== {name}");
        let begun = Instant::now();
        let end = work();
        let took = begun.elapsed();
        match end {
            End::Passed => eprintln!("== {name}: passed in {took:.1?}"),
            End::Failed => eprintln!("== {name}: FAILED after {took:.1?}"),
            End::Missing(ref remedy) => eprintln!("== NOT RUN: {name}. {remedy}. CI runs it and refuses."),
        }
        if matches!(end, End::Failed) || (self.strict && matches!(end, End::Missing(_))) {
            self.failed.push(name);
        }
    }
}

/// A stage that needs a part of the toolchain which a newcomer may not have.
fn component(root: &Path, subcommand: &str, component: &str, args: &[&str]) -> End {
    if !cargo::answers(root, &[subcommand, "--version"]) {
        return End::Missing(format!("Install it with `rustup component add {component}`"));
    }
    end_of(cargo::command(root, args))
}

fn end_of(mut command: Command) -> End {
    match command.status() {
        Ok(status) if status.success() => End::Passed,
        Ok(_) => End::Failed,
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().to_string_lossy());
            End::Failed
        }
    }
}

/// The arguments that make cargo run the tests. The whole workspace unless `args` names packages.
fn runner(nextest: bool, args: &[String]) -> Vec<String> {
    let head: &[&str] = if nextest { &["nextest", "run"] } else { &["test"] };
    let mut all: Vec<String> = head.iter().map(ToString::to_string).collect();
    let before_dashes = args.iter().take_while(|arg| *arg != "--");
    let named = before_dashes.clone().any(|arg| arg.starts_with("-p") || arg.starts_with("--package"));
    if !named {
        all.push("--workspace".to_owned());
    }
    let targets = ["--lib", "--bin", "--bins", "--test", "--tests", "--doc"];
    if !before_dashes.clone().any(|arg| targets.contains(&arg.as_str())) {
        // All but the documentation's tests, on which plain `cargo test` would close.
        all.push("--tests".to_owned());
    }
    all.push("--no-fail-fast".to_owned());
    all.extend(args.iter().cloned());
    all
}

#[cfg(test)]
mod tests {
    use super::runner;

    fn line(nextest: bool, args: &[&str]) -> String {
        runner(nextest, &args.iter().map(ToString::to_string).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn without_arguments_everything_runs() {
        assert_eq!(line(true, &[]), "nextest run --workspace --tests --no-fail-fast");
        assert_eq!(line(false, &[]), "test --workspace --tests --no-fail-fast");
    }

    #[test]
    fn named_packages_and_targets_replace_the_whole() {
        assert_eq!(line(true, &["-p", "base"]), "nextest run --tests --no-fail-fast -p base");
        assert_eq!(line(true, &["--test", "kill"]), "nextest run --workspace --no-fail-fast --test kill");
    }

    #[test]
    fn what_follows_two_dashes_is_the_tests_own() {
        let expected = "test --workspace --tests --no-fail-fast -- --test-threads 1 -p";
        assert_eq!(line(false, &["--", "--test-threads", "1", "-p"]), expected);
    }
}
