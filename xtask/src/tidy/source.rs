//! What may stand in a file, line by line.

use super::outline::Rust;
use super::waivers::{FLOATS, PAUSES};
use super::{Complaint, House};

/// Crates through which money passes.
const MONEY: &[&str] = &["crates/base/", "crates/ledger/", "crates/store/", "crates/plane/", "crates/cashq/"];

/// No tabs, no spaces at the end of a line, one line break at the end of a file.
pub fn whitespace(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in house.tree.texts() {
        for (at, line) in text.lines().enumerate() {
            if line.contains('\t') {
                complaints.push(Complaint::at(path, at + 1, "a tab: write spaces, or \\t in a literal"));
            }
            if line.ends_with(' ') {
                complaints.push(Complaint::at(path, at + 1, "spaces at the end of the line: delete them"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            complaints.push(Complaint::at(path, 0, "end the file with one line break"));
        }
    }
    complaints
}

/// Every file but tests opens by saying what lives in it.
pub fn opening(house: &House) -> Vec<Complaint> {
    let sources = house.rust.iter().filter(|rust| !rust.is_test(1) && rust.lines > 1);
    let silent = sources.filter(|rust| !house.tree.text(&rust.path).unwrap_or_default().starts_with("//!"));
    silent.map(|rust| Complaint::at(&rust.path, 1, "open with `//!`: what lives here, and what must not")).collect()
}

/// No floating point where money passes, tests included; benchmarks count seconds. (Clippy cannot forbid a primitive type;
/// it forbids the arithmetic.)
pub fn floats(house: &House) -> Vec<Complaint> {
    let near_money =
        |rust: &&Rust| MONEY.iter().any(|folder| rust.path.starts_with(folder)) && !rust.path.contains("/benches/");
    let advice = "a float near money: count minor units, or say in tidy.toml [floats] what it is";
    lines(house, near_money, |rust| rust.words.floats.clone(), Some(FLOATS), advice)
}

/// A lint is silenced only with its reason.
pub fn silenced(house: &House) -> Vec<Complaint> {
    lines(
        house,
        |_| true,
        |rust| rust.words.silenced.clone(),
        None,
        "a lint is silenced: add `reason = \"…\"`, or mend it",
    )
}

/// Every test runs.
pub fn ignored(house: &House) -> Vec<Complaint> {
    let advice = "an ignored test tells nothing: run it, make it a soak, or delete it";
    lines(house, |_| true, |rust| rust.words.ignored.clone(), None, advice)
}

/// Tests wait for something, never for a length of time.
pub fn sleeps(house: &House) -> Vec<Complaint> {
    let in_tests = |rust: &Rust| rust.words.sleeps.iter().copied().filter(|line| rust.is_test(*line)).collect();
    let advice = "a test sleeps: wait for a condition with a bounded number of tries, or move an injected clock";
    lines(house, |_| true, in_tests, Some(PAUSES), advice)
}

/// Surfaces of the office, which reach a router through rows alone.
const BEHIND_ROWS: &[&str] = &["crates/pacspace/src/", "crates/paychain/src/"];

/// A route of the office has a row, which says who may call it.
pub fn routes_have_rows(house: &House) -> Vec<Complaint> {
    let advice = "a route without its row: give it one in rows.rs, and its handler with `Routes::at`";
    let behind = |path: &str| BEHIND_ROWS.iter().any(|folder| path.starts_with(folder));
    let mut complaints = Vec::new();
    for (path, text) in house.tree.with_ending(".rs").filter(|(path, _)| behind(path)) {
        let routed = |line: &&str| line.contains(".route(") || line.contains("Router::");
        let lines = text.lines().enumerate().filter(|(_, line)| routed(line));
        complaints.extend(lines.map(|(at, _)| Complaint::at(path, at + 1, advice)));
    }
    complaints
}

/// A complaint for each line that `found` names, in the files that are `concerned` and not excused by `waiver`.
fn lines(
    house: &House,
    concerned: impl Fn(&&Rust) -> bool,
    found: impl Fn(&Rust) -> Vec<usize>,
    waiver: Option<&str>,
    advice: &str,
) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for rust in house.rust.iter().filter(concerned) {
        let mut found = found(rust);
        found.dedup();
        if found.is_empty() || waiver.is_some_and(|section| house.waivers.allow(section, &rust.path)) {
            continue;
        }
        complaints.extend(found.into_iter().map(|line| Complaint::at(&rust.path, line, advice)));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{floats, ignored, opening, routes_have_rows, silenced, sleeps, whitespace};

    #[test]
    fn blank_ends_and_tabs() {
        for bad in ["a \n", "\ta\n", "a", "a\n\n"] {
            check(whitespace, &[("a.md", "a\n\nb\n")], &[("a.md", bad)], "");
        }
    }

    #[test]
    fn a_file_opens_by_saying_what_it_is() {
        let good = [
            ("crates/base/src/a.rs", "//! Words.\nfn a() {}\n"),
            ("crates/base/src/a/tests.rs", "use a;\nfn a() {}\n"),
        ];
        check(opening, &good, &[("crates/base/src/a.rs", "fn a() {}\nfn b() {}\n")], "`//!`");
    }

    #[test]
    fn no_floats_where_money_passes() {
        let bad = "//! Never f64.\nfn a(text: &str) -> f64 { text.len().into() }\n";
        let waiver = ("tidy.toml", "[floats]\n\"crates/store/src/a.rs\" = \"a gauge\"\n");
        check(
            floats,
            &[("crates/gate/src/a.rs", bad), ("crates/store/benches/a.rs", bad)],
            &[("crates/store/src/a.rs", bad)],
            "near money",
        );
        check(floats, &[("crates/store/src/a.rs", bad), waiver], &[("crates/plane/src/a.rs", bad)], "near money");
    }

    #[test]
    fn a_silenced_lint_has_a_reason() {
        let good = "#[allow(dead_code, reason = \"read by its address\")]\nfn a() {}\n";
        check(silenced, &[("a.rs", good)], &[("a.rs", "#![allow(dead_code)]\nfn a() {}\n")], "reason");
        check(silenced, &[("a.rs", good)], &[("a.rs", "made! { #[expect(dead_code)] fn a() {} }\n")], "reason");
    }

    #[test]
    fn no_test_is_ignored() {
        let good = "#[test]\nfn a() { let ignore = [ignore(1)]; }\n";
        for bad in
            ["#[test]\n#[ignore]\nfn a() {}\n", "#[ignore = \"slow\"]\nfn a() {}\n", "made! { #[ignore] fn a() {} }\n"]
        {
            check(ignored, &[("a.rs", good)], &[("a.rs", bad)], "ignored");
        }
    }

    #[test]
    fn a_surface_of_the_office_makes_no_router_of_its_own() {
        let good = [
            (
                "crates/pacspace/src/lib.rs",
                "use axum::Router;\nfn a() -> Router { Routes::new(b).at(c, d).into_router() }\n",
            ),
            ("crates/cashq/src/lib.rs", "fn a() -> Router { Router::new().route(b, c) }\n"),
            ("crates/pacspace/tests/a.rs", "fn a() -> Router { Router::new() }\n"),
        ];
        for bad in ["fn a() { Router::new(); }\n", "fn a(b: Router) -> Router {\n    b.route(c, d)\n}\n"] {
            check(routes_have_rows, &good, &[("crates/paychain/src/a.rs", bad)], "without its row");
        }
    }

    #[test]
    fn tests_do_not_sleep_and_workers_may() {
        let loops = "async fn a() { tokio::time::sleep(pause).await; }\n";
        let waiver = ("tidy.toml", "[pauses]\n\"crates/testkit/src/until.rs\" = \"the pause between tries\"\n");
        let good = [("crates/workers/src/a.rs", loops), ("crates/testkit/src/until.rs", loops), waiver];
        for (path, bad) in [
            ("crates/gate/tests/a.rs", loops),
            ("crates/testkit/src/a.rs", loops),
            ("crates/gate/src/a.rs", "#[test]\nfn a() { std::thread::sleep(long); }\n"),
            ("crates/gate/src/a.rs", "#[tokio::test]\nasync fn a() { tokio::select! { _ = sleep(long) => {} } }\n"),
            ("crates/gate/src/a.rs", "#[cfg(test)]\nmod tests {\n    fn a() { sleep_until(then); }\n}\n"),
        ] {
            check(sleeps, &good, &[(path, bad)], "sleeps");
        }
    }
}
