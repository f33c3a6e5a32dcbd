//! The workspace's files as text, by path from its root with `/` between names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;

/// Text that the rules read, and the names of everything else.
pub struct Tree {
    texts: BTreeMap<String, String>,
    /// Every file and folder, without a `/` at the end.
    paths: BTreeSet<String>,
}

const READ: &[&str] = &["rs", "toml", "md", "sh", "sql", "html", "css"];
const SKIPPED: &[&str] = &["target", ".git", "data", "node_modules"];

impl Tree {
    /// Everything under `root` but build results, data and git's own.
    pub fn read(root: &Path) -> anyhow::Result<Tree> {
        let mut tree = Tree { texts: BTreeMap::new(), paths: BTreeSet::new() };
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    #[cfg(test)]
    pub fn with(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree { texts: BTreeMap::new(), paths: BTreeSet::new() };
        for (path, text) in files {
            for (at, _) in path.match_indices('/') {
                tree.paths.insert(path[..at].to_owned());
            }
            tree.paths.insert((*path).to_owned());
            tree.texts.insert((*path).to_owned(), (*text).to_owned());
        }
        tree
    }

    pub fn has(&self, path: &str) -> bool {
        self.paths.contains(path.trim_end_matches('/'))
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// The texts whose path ends in `ending`, by path.
    pub fn with_ending(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_ending("")
    }

    /// The paths directly inside `folder`, files and folders.
    pub fn inside(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{folder}/");
        self.paths
            .iter()
            .map(String::as_str)
            .filter(move |path| path.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/')))
    }

    pub fn is_folder(&self, path: &str) -> bool {
        self.inside(path).next().is_some()
    }

    fn read_folder(&mut self, folder: &Path, path: &str) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| format!("reading {path}"))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if entry.file_type()?.is_dir() {
                // Only at the root: a room or a crate may be called `data`, though no rule would let it.
                if path.is_empty() && SKIPPED.contains(&name.as_str()) {
                    continue;
                }
                self.paths.insert(below.clone());
                self.read_folder(&entry.path(), &below)?;
                continue;
            }
            if READ.iter().any(|ending| below.ends_with(&format!(".{ending}"))) || below == ".ci/run" {
                let text = std::fs::read_to_string(entry.path()).with_context(|| format!("reading {below}"))?;
                self.texts.insert(below.clone(), text);
            }
            self.paths.insert(below);
        }
        Ok(())
    }
}
