//! `cargo xtask tidy`: the rules of the house as programs. A rule is a pure function from the [`Tree`] to [`Complaint`]s; each
//! complaint says what to do. What a rule excuses is listed, with its reason, in `tidy.toml`.

mod crates;
mod docs;
mod names;
mod outline;
mod rooms;
mod sizes;
mod source;
mod tree;
mod waivers;

use std::path::Path;
use std::time::Instant;

use anyhow::bail;

use outline::Rust;
use tree::Tree;
use waivers::Waivers;

/// Something to mend: where, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    path: String,
    /// 1 is the first; 0 means the file or folder as a whole.
    line: usize,
    message: String,
}

impl Complaint {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Complaint {
        Complaint { path: path.to_owned(), line, message: message.into() }
    }
}

/// What the rules look at: the files as text, the Rust among them as outlines, and the waivers.
struct House {
    tree: Tree,
    rust: Vec<Rust>,
    waivers: Waivers,
}

type Rule = fn(&House) -> Vec<Complaint>;

const RULES: &[(&str, Rule)] = &[
    ("ranks", crates::ranks),
    ("walls", crates::walls),
    ("manifests", crates::manifests),
    ("rooms", rooms::shape),
    ("sizes", sizes::limits),
    ("names", names::words),
    ("whitespace", source::whitespace),
    ("opening", source::opening),
    ("floats", source::floats),
    ("silenced", source::silenced),
    ("ignored", source::ignored),
    ("sleeps", source::sleeps),
    ("routes have rows", source::routes_have_rows),
    ("paths", docs::paths),
    ("crates named", docs::crates_named),
    ("glossary", docs::glossary),
    ("dependencies", docs::dependencies),
    ("licence", docs::licence),
    // Last: it complains about waivers that no rule above used.
    ("waivers", |house| house.waivers.unused()),
];

/// Runs every rule over the workspace at `root` and prints the complaints. Fails when there is one.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let house = House::of(Tree::read(root)?)?;
    let mut count = 0;
    for (name, rule) in RULES {
        let mut complaints = rule(&house);
        complaints.sort();
        for Complaint { path, line, message } in &complaints {
            let place = if *line == 0 { path.clone() } else { format!("{path}:{line}") };
            eprintln!("{place}: {name}: {message}");
        }
        count += complaints.len();
    }
    eprintln!("tidy: {}", sizes::summary(&house));
    eprintln!("tidy: {} rules in {:.1?}, {count} complaints", RULES.len(), begun.elapsed());
    if count > 0 {
        bail!("tidy: {count} things to mend");
    }
    Ok(())
}

impl House {
    /// Fails where a file cannot be read as what it is: a manifest, tidy.toml or Rust.
    fn of(tree: Tree) -> anyhow::Result<House> {
        let waivers = Waivers::read(tree.text("tidy.toml").unwrap_or_default())?;
        let rust = tree.with_ending(".rs").map(|(path, text)| Rust::outline(path, text)).collect::<Result<_, _>>()?;
        Ok(House { tree, rust, waivers })
    }

    /// A house of the given files, for the rules' tests. A tidy.toml among them is heeded.
    #[cfg(test)]
    fn with(files: &[(&str, &str)]) -> House {
        House::of(Tree::with(files)).unwrap()
    }
}

/// Asserts that `rule` is content with `good` and complains about `bad`, once, in words that contain `saying`.
#[cfg(test)]
fn check(rule: Rule, good: &[(&str, &str)], bad: &[(&str, &str)], saying: &str) {
    assert_eq!(rule(&House::with(good)), []);
    let complaints = rule(&House::with(bad));
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].message.contains(saying), "{complaints:?}");
}
