//! `tidy.toml`: what a rule excuses, with the reason. The list only shrinks: a waiver that nothing needs is a complaint.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};

use super::Complaint;

/// The sections that there are, each read by one rule. Keys are paths from the root.
pub const LONG_FILES: &str = "long-files";
/// Keys are `path::function`.
pub const LONG_FUNCTIONS: &str = "long-functions";
pub const ROOM_FILES: &str = "room-files";
pub const PAUSES: &str = "pauses";
pub const FLOATS: &str = "floats";

const SECTIONS: &[&str] = &[LONG_FILES, LONG_FUNCTIONS, ROOM_FILES, PAUSES, FLOATS];

#[derive(Default)]
pub struct Waivers {
    reasons: BTreeMap<(String, String), String>,
    used: RefCell<BTreeSet<(String, String)>>,
}

impl Waivers {
    pub fn read(text: &str) -> anyhow::Result<Waivers> {
        let table: toml::Table = text.parse().context("tidy.toml")?;
        let mut waivers = Waivers::default();
        for (section, entries) in table {
            if !SECTIONS.contains(&section.as_str()) {
                bail!("tidy.toml: no rule reads [{section}]; there are: {}", SECTIONS.join(", "));
            }
            for (key, reason) in entries.as_table().with_context(|| format!("tidy.toml: [{section}] is not a table"))? {
                let reason = reason.as_str().unwrap_or_default().trim();
                waivers.reasons.insert((section.clone(), key.clone()), reason.to_owned());
            }
        }
        Ok(waivers)
    }

    /// Whether `key` is excused from the rule that reads `section`.
    pub fn allow(&self, section: &str, key: &str) -> bool {
        let entry = (section.to_owned(), key.to_owned());
        let listed = self.reasons.contains_key(&entry);
        if listed {
            self.used.borrow_mut().insert(entry);
        }
        listed
    }

    /// Waivers without a reason, and those that no rule asked for. To be called after all other rules.
    pub fn unused(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (entry, reason) in &self.reasons {
            let (section, key) = entry;
            if reason.is_empty() {
                complaints.push(Complaint::at("tidy.toml", 0, format!("[{section}] \"{key}\": write the reason")));
            }
            if !self.used.borrow().contains(entry) {
                complaints.push(Complaint::at(
                    "tidy.toml",
                    0,
                    format!("[{section}] \"{key}\": not needed any more, delete it"),
                ));
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG_FILES, Waivers};

    #[test]
    fn a_waiver_needs_a_reason_and_a_use() {
        let waivers =
            Waivers::read("[long-files]\n\"a.rs\" = \"a table\"\n\"b.rs\" = \"\"\n\"c.rs\" = \"gone\"\n").unwrap();
        assert!(
            waivers.allow(LONG_FILES, "a.rs")
                && waivers.allow(LONG_FILES, "b.rs")
                && !waivers.allow(LONG_FILES, "d.rs")
        );
        let complaints: Vec<String> = waivers.unused().into_iter().map(|complaint| complaint.message).collect();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("\"b.rs\": write the reason") && complaints[1].contains("\"c.rs\": not needed"));
    }

    #[test]
    fn a_section_that_no_rule_reads_is_an_error() {
        assert!(Waivers::read("[long-flies]\n").is_err());
    }
}
