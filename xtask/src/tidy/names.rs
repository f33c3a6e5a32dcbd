//! Words that name nothing: a part called by one of them has not been understood yet.

use super::{Complaint, House};

/// Not a whole part of any name between underscores.
const WORDS: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common"];
/// Not how a name begins.
const BEGINNINGS: &[&str] = &["do_", "process_", "handle_"];
/// Not how a name ends.
const ENDINGS: &[&str] = &["_inner"];

/// Files, modules and functions are called by what they are or do.
pub fn words(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for rust in &house.rust {
        let stem = rust.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let file = std::iter::once((stem, 0));
        let modules = rust.modules.iter().map(|(name, line)| (name.as_str(), *line));
        let functions = rust.functions.iter().map(|function| (function.name.as_str(), function.line));
        for (name, line) in file.chain(modules).chain(functions) {
            if let Some(word) = empty_word(name) {
                let message = format!("`{name}`: `{word}` names nothing; say what it is or does");
                complaints.push(Complaint::at(&rust.path, line, message));
            }
        }
    }
    complaints
}

fn empty_word(name: &str) -> Option<&'static str> {
    let word = WORDS.iter().find(|word| name.split('_').any(|part| part == **word));
    let beginning = || BEGINNINGS.iter().find(|beginning| name.starts_with(**beginning));
    let ending = || ENDINGS.iter().find(|ending| name.ends_with(**ending));
    word.or_else(beginning).or_else(ending).copied()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::words;

    #[test]
    fn names_say_what_a_thing_is() {
        let good = [("crates/gate/src/keys.rs", "mod processing {}\nfn commonwealth() {}\nfn double() {}\n")];
        for bad in ["fn do_it() {}", "fn pay_inner() {}", "mod key_utils {}", "trait A { fn process_one() {} }"] {
            check(words, &good, &[("crates/gate/src/keys.rs", bad)], "names nothing");
        }
        check(words, &good, &[("crates/gate/src/helpers.rs", "")], "`helpers`");
    }
}
