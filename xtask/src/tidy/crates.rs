//! Which crate may use which: the corridor's order, and the walls around single dependencies. Read from the manifests.

use std::collections::BTreeSet;

use super::{Complaint, House};

/// A crate's place. It may use crates of a lower rank, unless one of the fields narrows that.
struct Station {
    name: &'static str,
    rank: u8,
    /// The only crates of ours that it may use.
    ours: Option<&'static [&'static str]>,
    /// Whether it may use nothing from outside the workspace.
    closed: bool,
    /// What it may not use, ours or not.
    never: &'static [&'static str],
}

const HTTP: &[&str] = &["axum", "hyper", "hyper-util", "http", "http-body-util", "tower", "reqwest"];
const PURE: &[&str] = &["tokio", "axum", "hyper", "hyper-util", "tower", "reqwest", "rusqlite"];

const fn station(name: &'static str, rank: u8, never: &'static [&'static str]) -> Station {
    Station { name, rank, ours: None, closed: false, never }
}

const STATIONS: &[Station] = &[
    station("base", 0, PURE),
    Station { ours: Some(&["base"]), closed: true, ..station("ledger", 1, &[]) },
    Station { ours: Some(&["base"]), ..station("bench", 1, &[]) },
    station("store", 2, HTTP),
    station("control", 3, HTTP),
    station("plane", 3, HTTP),
    station("gate", 4, &["reqwest"]),
    // A surface turns bytes into an ask and an outcome into bytes; what is kept, and how, is not its business.
    station("cashq", 5, &["store", "reqwest"]),
    station("pacspace", 5, &["store", "reqwest"]),
    station("paychain", 5, &["store", "reqwest"]),
    station("sandbox", 5, &["store", "reqwest"]),
    station("hosted", 5, &["store", "reqwest"]),
    station("workers", 5, &["axum"]),
    station("counterfoil", 6, &[]),
    station("testkit", 6, &[]),
    station("pgkit", 0, &[]),
];

/// Dependencies that only the named crates may have, of any kind.
const WALLS: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["store"], "only the store knows an engine"),
    ("reqwest", &["workers", "counterfoil", "bench"], "only workers and the command line talk to the outside world"),
    ("ring", &["control", "testkit"], "signatures and sealed seeds are the front office's"),
    ("argon2", &["control", "testkit"], "only the front office knows passwords"),
    ("lettre", &["workers"], "only workers hand mails over"),
    ("libsqlite3-sys", &[], "the store speaks to SQLite through rusqlite"),
];

/// What nothing that is shipped may lean on.
const FOR_TESTS: &[&str] = &["testkit", "pgkit"];

const XTASK: &str = "xtask/Cargo.toml";

/// One line of a manifest's dependencies.
struct Use {
    name: String,
    /// From dev-dependencies, so in tests alone.
    dev: bool,
    from_workspace: bool,
}

/// Imports run strictly downwards, and a crate stays out of what it exists to forbid.
pub fn ranks(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, name, manifest) in manifests_of(house) {
        let Some(station) = STATIONS.iter().find(|station| station.name == name) else {
            if path != XTASK {
                complaints.push(Complaint::at(&path, 0, "give the new crate its rank in xtask/src/tidy/crates.rs"));
            }
            continue;
        };
        for used in uses(&manifest) {
            if let Some(why) = station.objection(&used) {
                complaints.push(Complaint::at(&path, 0, format!("`{}` {why}", used.name)));
            }
        }
    }
    complaints
}

impl Station {
    fn objection(&self, used: &Use) -> Option<String> {
        let below = STATIONS.iter().find(|station| station.name == used.name);
        if FOR_TESTS.contains(&used.name.as_str()) {
            return (!used.dev && !FOR_TESTS.contains(&self.name))
                .then(|| "is for tests: move it to [dev-dependencies]".to_owned());
        }
        // Tests may reach further, since nothing that is shipped leans on them; a crate's own test of itself is no import.
        if used.dev {
            return None;
        }
        if self.never.contains(&used.name.as_str()) {
            return Some(format!("is what `{}` exists without: let a crate above do that part", self.name));
        }
        match (below, self.ours) {
            (None, _) if self.closed => Some(format!("is from outside, and `{}` leans on nothing but ours", self.name)),
            (Some(_), Some(only)) if !only.contains(&used.name.as_str()) => {
                Some(format!("is not for `{}`, which may use {} alone", self.name, only.join(", ")))
            }
            (Some(below), _) if below.rank >= self.rank => {
                Some(format!("is not below `{}`: move the shared part down or the caller up", self.name))
            }
            _ => None,
        }
    }
}

/// Single dependencies stay in the crates that they are for.
pub fn walls(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, name, manifest) in manifests_of(house) {
        for used in uses(&manifest) {
            let wall = WALLS.iter().find(|(dependency, _, _)| *dependency == used.name);
            if let Some((dependency, inside, why)) = wall
                && !inside.contains(&name.as_str())
            {
                complaints.push(Complaint::at(&path, 0, format!("`{dependency}` does not belong here: {why}")));
            }
        }
    }
    complaints
}

/// Versions and lints stand once, in the workspace's manifest, and nothing stands there that nobody uses.
pub fn manifests(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut unused = listed_outside(house);
    for (path, _, manifest) in manifests_of(house) {
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        if lints != Some(true) {
            complaints.push(Complaint::at(&path, 0, "add `[lints] workspace = true`"));
        }
        for used in uses(&manifest) {
            unused.remove(&used.name);
            if !used.from_workspace {
                let message =
                    format!("`{}`: put it into [workspace.dependencies] and write `workspace = true` here", used.name);
                complaints.push(Complaint::at(&path, 0, message));
            }
        }
    }
    let idle = |name: String| Complaint::at("Cargo.toml", 0, format!("no crate uses `{name}`: delete it"));
    complaints.extend(unused.into_iter().map(idle));
    complaints
}

/// The dependencies from outside that the workspace's manifest lists.
pub fn listed_outside(house: &House) -> BTreeSet<String> {
    let manifest: toml::Table = house.tree.text("Cargo.toml").unwrap_or_default().parse().unwrap_or_default();
    let listed = manifest.get("workspace").and_then(|table| table.get("dependencies")).and_then(toml::Value::as_table);
    let outside = listed.into_iter().flatten().filter(|(_, entry)| entry.get("path").is_none());
    outside.map(|(name, _)| name.clone()).collect()
}

/// Path, package name and content of each member's manifest. One that cannot be read stops nothing here: cargo says it better.
fn manifests_of(house: &House) -> Vec<(String, String, toml::Table)> {
    let members =
        house.tree.with_ending("/Cargo.toml").filter(|(path, _)| path.starts_with("crates/") || *path == XTASK);
    members
        .filter_map(|(path, text)| {
            let manifest: toml::Table = text.parse().ok()?;
            let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
            Some((path.to_owned(), name, manifest))
        })
        .collect()
}

fn uses(manifest: &toml::Table) -> Vec<Use> {
    let mut uses = Vec::new();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table);
    for table in std::iter::once(manifest).chain(per_target) {
        for (section, dev) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
            let Some(entries) = table.get(section).and_then(toml::Value::as_table) else { continue };
            for (name, entry) in entries {
                let from_workspace = entry.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                uses.push(Use { name: name.clone(), dev, from_workspace });
            }
        }
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::{manifests, ranks, walls};

    /// A manifest at its place, and the same with one more line at its end.
    fn manifest(name: &str, rest: &str) -> (String, String) {
        let text = format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{rest}\n");
        (format!("crates/{name}/Cargo.toml"), text)
    }

    fn rejects(name: &str, rest: &str, saying: &str) {
        let (good, bad) = (manifest(name, ""), manifest(name, rest));
        check(ranks, &[(&good.0, &good.1)], &[(&bad.0, &bad.1)], saying);
    }

    fn accepts(name: &str, rest: &str) {
        let (good, bad) = (manifest(name, rest), manifest("base", "[dependencies]\nstore.workspace = true"));
        check(ranks, &[(&good.0, &good.1)], &[(&bad.0, &bad.1)], "is not below `base`");
    }

    #[test]
    fn imports_run_strictly_downwards() {
        accepts("gate", "[dependencies]\nplane.workspace = true\naxum.workspace = true");
        accepts("store", "[dependencies]\nledger.workspace = true\n[dev-dependencies]\ntestkit.workspace = true");
        rejects("plane", "[dependencies]\ncontrol.workspace = true", "is not below `plane`");
        rejects("plane", "[target.'cfg(unix)'.dependencies]\ngate.workspace = true", "is not below `plane`");
    }

    #[test]
    fn a_crate_stays_out_of_what_it_exists_to_forbid() {
        rejects("plane", "[dependencies]\nhyper.workspace = true", "exists without");
        rejects("cashq", "[dependencies]\nstore.workspace = true", "exists without");
        rejects("ledger", "[dependencies]\nserde.workspace = true", "nothing but ours");
        rejects("bench", "[dependencies]\nledger.workspace = true", "may use base alone");
        rejects("workers", "[dependencies]\ntestkit.workspace = true", "[dev-dependencies]");
        accepts("ledger", "[dependencies]\nbase.workspace = true\n[dev-dependencies]\nproptest.workspace = true");
    }

    #[test]
    fn a_new_crate_needs_a_rank() {
        rejects_whole("attic", "give the new crate its rank");
    }

    fn rejects_whole(name: &str, saying: &str) {
        let (good, bad) = (manifest("base", ""), manifest(name, ""));
        check(ranks, &[(&good.0, &good.1)], &[(&bad.0, &bad.1)], saying);
    }

    #[test]
    fn an_engine_and_a_client_stay_behind_their_walls() {
        let good = manifest("store", "[dependencies]\nrusqlite.workspace = true");
        let bad = manifest("plane", "[dev-dependencies]\nrusqlite.workspace = true");
        check(walls, &[(&good.0, &good.1)], &[(&bad.0, &bad.1)], "only the store knows an engine");
        let bad = manifest("control", "[dependencies]\nreqwest.workspace = true");
        check(walls, &[], &[(&bad.0, &bad.1)], "outside world");
    }

    #[test]
    fn versions_and_lints_stand_once() {
        let good = manifest("gate", "[dependencies]\nhttp = { workspace = true, features = [] }");
        let bad = manifest("gate", "[dependencies]\nhttp = \"1\"");
        check(manifests, &[(&good.0, &good.1)], &[(&bad.0, &bad.1)], "[workspace.dependencies]");
        let bare = ("crates/gate/Cargo.toml", "[package]\nname = \"gate\"\n");
        check(manifests, &[], &[bare], "[lints]");
        let listed = ("Cargo.toml", "[workspace.dependencies]\nhttp = \"1\"\nbase = { path = \"crates/base\" }\n");
        check(manifests, &[listed, (&good.0, &good.1)], &[listed], "no crate uses `http`");
    }
}
