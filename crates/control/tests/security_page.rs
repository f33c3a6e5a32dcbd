//! `docs/security.md` names a test for each threat: each of them is there.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat")).collect();
    assert!(rows.len() > 15, "{} threats", rows.len());
    for row in rows {
        // Every second part stands in quotes.
        let tests = row.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once(".rs: "));
        assert!(tests.clone().count() > 0, "a threat without a test: {row}");
        for (file, test) in tests {
            let text = std::fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            assert!(text.contains(&format!("fn {test}()")), "{file}.rs has no {test}");
        }
    }
}
