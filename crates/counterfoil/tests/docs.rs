//! Every console block printed in the documents is run, in the order in which a reader would run it, against a fresh
//! `dev` server, and its output is compared with what is printed.
//!
//! In a block, a line that begins with `$ ` is a command (a trailing backslash continues it) and the lines below it are
//! its output. `…` in an output line stands for any text; a line that is only `…` stands for any lines. The documents
//! name the usual ports and `cargo run --release --`; the test puts the real ones in their place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

mod dev;
use dev::Dev;

/// Commands that a document shows and a test cannot run inside itself.
const SHOWN_ONLY: [&str; 1] = ["cargo run --release -- serve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn readme() {
    check("README.md");
}

#[test]
fn operations_page() {
    check("docs/operations.md");
}

#[test]
fn configuration_page() {
    check("docs/configuration.md");
}

fn check(document: &str) {
    let text = std::fs::read_to_string(root().join(document)).expect("the document exists");
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "{document} prints no console block");
    let dev = Dev::start();
    let reader = Reader::new(&dev);
    let mut wrong = Vec::new();
    for (line, block) in blocks {
        for (command, expected) in commands(&block) {
            if SHOWN_ONLY.iter().any(|shown| command.starts_with(shown)) {
                continue;
            }
            let actual = reader.run(&command);
            if !matches(&expected, &actual) {
                wrong.push(format!("{document}:{line}\n$ {command}\nprinted:\n{expected}\nactual:\n{actual}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// (line number, text) of each console block.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some((_, block)) if line != "```" => {
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => found.extend(open.take()),
            None if line == "```console" => open = Some((at + 1, String::new())),
            None => {}
        }
    }
    found
}

/// A command with this in it goes on until a line that is only `BODY`.
const HERE: &str = "<<'BODY'";

fn commands(block: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut continued = false;
    for line in block.lines() {
        if continued && let Some((command, _)) = found.last_mut() {
            continued = if command.contains(HERE) { line != "BODY" } else { line.ends_with('\\') };
            command.push('\n');
            command.push_str(line);
        } else if let Some(command) = line.strip_prefix("$ ") {
            continued = command.ends_with('\\') || command.contains(HERE);
            found.push((command.to_owned(), String::new()));
        } else if let Some((_, output)) = found.last_mut() {
            output.push_str(line);
            output.push('\n');
        }
    }
    found
}

/// A reader's shell: variables that one command exports are there for the next.
struct Reader<'a> {
    dev: &'a Dev,
    /// Documented address → real one.
    addresses: BTreeMap<&'static str, String>,
}

impl Reader<'_> {
    fn new(dev: &Dev) -> Reader<'_> {
        let addresses = [("control", "127.0.0.1:7000"), ("sandbox", "127.0.0.1:7001"), ("live", "127.0.0.1:7002")]
            .into_iter()
            .chain([("metrics", "127.0.0.1:7003")])
            .map(|(name, shown)| (shown, dev.base(name).trim_start_matches("http://").to_owned()))
            .collect();
        Reader { dev, addresses }
    }

    fn run(&self, command: &str) -> String {
        if command == "cargo run --release -- dev" {
            return self.shown(&self.dev.greeting());
        }
        let mut real = command.replace("cargo run --release -- ", "counterfoil ");
        for (shown, address) in &self.addresses {
            real = real.replace(shown, address);
        }
        let kept = self.dev.dir().join("exported.sh");
        let script = format!(
            "set -a\ncounterfoil() {{ {:?} \"$@\"; }}\n[ -f {kept:?} ] && . {kept:?}\n{real}\nstatus=$?\n{{ export -p; declare -f; }} > {kept:?}\nexit $status",
            env!("CARGO_BIN_EXE_counterfoil"),
        );
        let output =
            Command::new("bash").arg("-c").arg(script).current_dir(self.dev.dir()).output().expect("bash runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        self.shown(&text)
    }

    /// With the documented addresses in place of the real ones.
    fn shown(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_owned(), |text, (shown, address)| text.replace(address, shown))
    }
}

/// Whether `actual` is what `expected` describes.
fn matches(expected: &str, actual: &str) -> bool {
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (expected, actual) = (lines(expected.trim_end()), lines(actual.trim_end()));
    lines_match(&expected, &actual)
}

fn lines_match(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..]))
        }
        Some((line, rest)) => {
            actual.split_first().is_some_and(|(first, others)| line_matches(line, first) && lines_match(rest, others))
        }
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut left) = actual.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let rest: Vec<&str> = parts.collect();
    if rest.is_empty() {
        return left.is_empty();
    }
    for (at, part) in rest.iter().enumerate() {
        if at + 1 == rest.len() {
            return left.ends_with(part);
        }
        let Some(found) = left.find(part) else { return false };
        left = &left[found + part.len()..];
    }
    true
}

#[test]
fn the_comparison_can_fail() {
    assert!(matches("a…c\n…\nend", "abc\nx\ny\nend"));
    assert!(!matches("a…c", "abd"));
    assert!(!matches("a", "a\nb"));
    assert!(matches("", ""));
    assert!(!matches("", "x"));
}
