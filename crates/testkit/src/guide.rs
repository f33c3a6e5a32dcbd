//! What guides print is what files of `conformance/` say: each exchange of a guide stands below its file's name.

use std::path::Path;

use crate::golden::without_givens;

/// Set to write the files' texts into the guide.
const BLESS: &str = "COUNTERFOIL_BLESS";

/// Compares the exchanges of one guide, at least so many, with their files.
pub fn prints_files(guide: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(guide);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{guide}: {error}"));
    let (mut right, mut printed) = (String::new(), 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        right.push_str(line);
        right.push('\n');
        assert!(!line.starts_with("```http"), "an exchange without its file's name above it");
        let Some(file) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(lines.next(), Some("```http"), "{file}");
        assert!(lines.by_ref().any(|line| line == "```"), "{file}: the block does not end");
        right.push_str(&format!("```http\n{}\n```\n", without_givens(&text).trim_end()));
        printed += 1;
    }
    assert!(printed >= at_least, "{printed} exchanges");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &right).unwrap_or_else(|error| panic!("{guide}: {error}"));
    }
    assert!(
        text == right || std::env::var_os(BLESS).is_some(),
        "the guide prints something else than the files: run with {BLESS}=1 and read the difference"
    );
}
