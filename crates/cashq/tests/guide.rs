//! What the guide prints is what the golden files say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use testkit::golden::without_givens;

/// Set to write the files' texts into the guide.
const BLESS: &str = "COUNTERFOIL_BLESS";

#[test]
fn the_guide_prints_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("docs/guide/cashq.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let mut right = String::new();
    let mut printed = 0;
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        right.push_str(line);
        right.push('\n');
        assert!(!line.starts_with("```http"), "an exchange without its file's name above it");
        let Some(file) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(lines.next(), Some("```http"), "{file}");
        lines.by_ref().find(|line| *line == "```").unwrap_or_else(|| panic!("{file}: the block does not end"));
        right.push_str(&format!("```http\n{}\n```\n", without_givens(&text).trim_end()));
        printed += 1;
    }
    assert!(printed >= 15, "{printed} exchanges");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &right).unwrap();
    } else {
        assert!(
            guide == right,
            "the guide prints something else than the files: run with {BLESS}=1 and read the difference"
        );
    }
}
