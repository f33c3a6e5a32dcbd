//! Files and functions that a reader can hold at once.

use super::waivers::{LONG_FILES, LONG_FUNCTIONS};
use super::{Complaint, House};

const FILE_LINES_MAX: usize = 400;
const FILE_LINES_AIM: usize = 200;
const FUNCTION_LINES_MAX: usize = 70;

/// No file over 400 lines, no function over 70, unless tidy.toml says why.
pub fn limits(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for rust in &house.rust {
        if rust.lines > FILE_LINES_MAX && !house.waivers.allow(LONG_FILES, &rust.path) {
            let message = format!(
                "{} lines: find the second thing in it, or say in tidy.toml [{LONG_FILES}] why it is one",
                rust.lines
            );
            complaints.push(Complaint::at(&rust.path, 0, message));
        }
        for function in rust.functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            if !house.waivers.allow(LONG_FUNCTIONS, &format!("{}::{}", rust.path, function.name)) {
                let (name, lines) = (&function.name, function.lines);
                let message = format!(
                    "`{name}` has {lines} lines: name its steps, or say why not in tidy.toml [{LONG_FUNCTIONS}]"
                );
                complaints.push(Complaint::at(&rust.path, function.line, message));
            }
        }
    }
    complaints
}

/// A line about what is getting long, for people.
pub fn summary(house: &House) -> String {
    let over = house.rust.iter().filter(|rust| rust.lines > FILE_LINES_AIM).count();
    let longest = house.rust.iter().max_by_key(|rust| rust.lines);
    let longest = longest.map(|rust| format!("; the longest is {} with {}", rust.path, rust.lines)).unwrap_or_default();
    format!("{over} of {} Rust files have more than {FILE_LINES_AIM} lines{longest}", house.rust.len())
}

#[cfg(test)]
mod tests {
    use super::super::{House, check};
    use super::{limits, summary};

    #[test]
    fn a_long_file_needs_a_reason() {
        let (fits, long) = ("// one\n".repeat(400), "// one\n".repeat(401));
        let waiver = "[long-files]\n\"crates/base/src/table.rs\" = \"a table\"\n";
        let path = "crates/base/src/table.rs";
        check(limits, &[(path, &fits)], &[(path, &long)], "401 lines");
        check(limits, &[(path, &long), ("tidy.toml", waiver)], &[(path, &long)], "[long-files]");
    }

    #[test]
    fn a_long_function_needs_a_reason_wherever_it_stands() {
        let of =
            |lines: usize| format!("impl A {{\n/// Not counted.\nfn f() {{\n{}}}\n}}\n", "one();\n".repeat(lines - 2));
        let (fits, long) = (of(70), of(71));
        let waiver = "[long-functions]\n\"a.rs::f\" = \"a ladder\"\n";
        check(limits, &[("a.rs", &fits)], &[("a.rs", &long)], "`f` has 71 lines");
        check(limits, &[("a.rs", &long), ("tidy.toml", waiver)], &[("a.rs", &long)], "[long-functions]");
    }

    #[test]
    fn the_summary_counts_what_is_getting_long() {
        let long = "// one\n".repeat(201);
        let text = summary(&House::with(&[("a.rs", "// one\n"), ("b.rs", &long)]));
        assert_eq!(text, "1 of 2 Rust files have more than 200 lines; the longest is b.rs with 201");
    }
}
