//! What the documents say is so: paths exist, crates are named, words and dependencies stand once.

use std::collections::BTreeSet;

use super::crates::listed_outside;
use super::{Complaint, House};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const GLOSSARY: &str = "GLOSSARY.md";
const DEPENDENCIES: &str = "docs/decisions/dependencies.md";

/// Every path of ours in backticks or behind a relative link exists.
pub fn paths(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let told = |path: &str| ["README.md", ARCHITECTURE, GLOSSARY].contains(&path) || path.starts_with("docs/");
    for (document, text) in house.tree.with_ending(".md").filter(|(path, _)| told(path)) {
        for (line, prose) in prose(text) {
            for path in prose.split('`').skip(1).step_by(2).filter_map(as_path) {
                if !house.tree.has(path) {
                    let message = format!("`{path}` does not exist: mend it, and write paths from the root");
                    complaints.push(Complaint::at(document, line, message));
                }
            }
            let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            for link in
                links.filter(|link| !link.contains("://") && !link.starts_with('#') && !link.starts_with("mailto:"))
            {
                let target = resolved(document, link.split('#').next().unwrap_or(link));
                if !house.tree.has(&target) {
                    complaints.push(Complaint::at(
                        document,
                        line,
                        format!("the link to {target} leads nowhere: mend it"),
                    ));
                }
            }
        }
    }
    complaints
}

/// ARCHITECTURE.md names every crate, in backticks.
pub fn crates_named(house: &House) -> Vec<Complaint> {
    let text = house.tree.text(ARCHITECTURE).unwrap_or_default();
    let folders = house.tree.inside("crates").chain(house.tree.has("xtask").then_some("xtask"));
    let names =
        folders.filter(|path| house.tree.has(&format!("{path}/Cargo.toml"))).filter_map(|path| path.rsplit('/').next());
    let missing = names.filter(|name| !text.contains(&format!("`{name}`")) && !text.contains(&format!("`{name}/`")));
    missing
        .map(|name| Complaint::at(ARCHITECTURE, 0, format!("say what `{name}` is for and what it forbids")))
        .collect()
}

/// GLOSSARY.md gives each headword (`**word**:`) once, in alphabetical order.
pub fn glossary(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    let mut previous = String::new();
    for (at, line) in house.tree.text(GLOSSARY).unwrap_or_default().lines().enumerate() {
        let Some(word) = line.strip_prefix("**").and_then(|rest| rest.split("**").next()).map(str::to_lowercase) else {
            continue;
        };
        if !seen.insert(word.clone()) {
            complaints.push(Complaint::at(
                GLOSSARY,
                at + 1,
                format!("`{word}` stands here a second time: one word, one meaning"),
            ));
        } else if word < previous {
            complaints.push(Complaint::at(
                GLOSSARY,
                at + 1,
                format!("`{word}` belongs before `{previous}`: keep the alphabet"),
            ));
        }
        previous = word;
    }
    complaints
}

/// Every dependency from outside has its entry, a heading with its name in backticks, and no entry outlives its dependency.
pub fn dependencies(house: &House) -> Vec<Complaint> {
    let listed = listed_outside(house);
    let used: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let text = house.tree.text(DEPENDENCIES).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let recorded: BTreeSet<&str> = headings.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let missing = used
        .difference(&recorded)
        .map(|name| format!("add \"## `{name}`\": what it replaces, who keeps it, how we would leave"));
    let left = recorded.difference(&used).map(|name| format!("`{name}` is not used any more: delete its entry"));
    missing.chain(left).map(|message| Complaint::at(DEPENDENCIES, 0, message)).collect()
}

pub fn licence(house: &House) -> Vec<Complaint> {
    if house.tree.has("LICENSE") {
        Vec::new()
    } else {
        vec![Complaint::at("LICENSE", 0, "the licence's text is missing")]
    }
}

/// The numbered lines outside fenced blocks.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((at + 1, line));
        }
    }
    lines
}

/// The path that a piece in backticks means, where it means one of ours: in one of our folders, or a file of a kind that only
/// we have. A line number behind it is dropped.
fn as_path(quoted: &str) -> Option<&str> {
    let path = quoted.split(':').next()?;
    let in_our_folders = ["crates/", "docs/", "conformance/", "xtask/", ".ci/", ".cargo/", ".config/"];
    let plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "_./-".contains(letter));
    let ours = in_our_folders.iter().any(|folder| path.starts_with(folder));
    let source = path.contains('/') && !path.starts_with('/') && (path.ends_with(".rs") || path.ends_with(".md"));
    let names_nothing_else = !quoted.contains("::");
    (plain && (ours || source) && names_nothing_else).then_some(path)
}

/// Where `link` in `document` leads, from the root.
fn resolved(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{crates_named, dependencies, glossary, licence, paths};

    #[test]
    fn paths_in_documents_exist() {
        let file = ("crates/base/src/money.rs", "");
        let good = "In `crates/base/src/money.rs:12` and `crates/base/`, see [it](../crates/base/src/money.rs#l1).\n\
                    Not ours: `/api/transfer`, `state.rs`, `text/html`, `<data>/dev.json`, `crates/*/src`.\n```\n`crates/gone`\n```\n";
        check(
            paths,
            &[file, ("docs/a.md", good)],
            &[file, ("docs/a.md", "`crates/base/src/gone.rs`\n")],
            "does not exist",
        );
        check(paths, &[file], &[file, ("docs/a.md", "`base/src/money.rs`\n")], "from the root");
        check(paths, &[file], &[file, ("README.md", "[it](docs/b.md)\n")], "leads nowhere");
    }

    #[test]
    fn every_crate_is_named() {
        let manifest = ("crates/base/Cargo.toml", "");
        let named = ("ARCHITECTURE.md", "**`base`**: words\n");
        check(crates_named, &[manifest, named], &[manifest, ("ARCHITECTURE.md", "base\n")], "`base`");
    }

    #[test]
    fn a_word_has_one_meaning_and_its_place() {
        let good = ("GLOSSARY.md", "# Glossary\n\n**account**: a.\n\n**key**: k, not an **account**.\n");
        check(glossary, &[good], &[("GLOSSARY.md", "**key**: k.\n**Key**: l.\n")], "second time");
        check(glossary, &[good], &[("GLOSSARY.md", "**key**: k.\n**account**: a.\n")], "belongs before `key`");
    }

    #[test]
    fn dependencies_and_their_records_agree() {
        let manifest = ("Cargo.toml", "[workspace.dependencies]\nbase = { path = \"b\" }\nhttp = \"1\"\n");
        let at = "docs/decisions/dependencies.md";
        let good = [manifest, (at, "# Dependencies\n## `http`\n")];
        check(dependencies, &good, &[manifest, (at, "It is `http`.\n")], "what it replaces");
        check(dependencies, &good, &[manifest, (at, "## `http`\n## `tower`\n")], "`tower` is not used any more");
    }

    #[test]
    fn the_licence_is_there() {
        check(licence, &[("LICENSE", "")], &[], "missing");
    }
}
