//! The shape of a room: one noun, one folder, the same files in each.

use super::waivers::ROOM_FILES;
use super::{Complaint, House};

const HOUSES_OF_ROOMS: &[&str] = &["crates/plane/src", "crates/control/src"];
const FILES: &[&str] = &["mod.rs", "state.rs", "store.rs", "tests.rs"];
const EXTRA_FILES_MAX: usize = 2;

/// Every folder has its door, and no file but the four and at most two more that tidy.toml gives a reason for.
pub fn shape(house: &House) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let rooms =
        HOUSES_OF_ROOMS.iter().flat_map(|folder| house.tree.inside(folder)).filter(|path| house.tree.is_folder(path));
    for room in rooms {
        if !house.tree.has(&format!("{room}/mod.rs")) {
            complaints.push(Complaint::at(room, 0, "a room has a door: write its mod.rs"));
        }
        let mut extra = 0;
        for path in house.tree.inside(room) {
            let name = path.rsplit('/').next().unwrap_or(path);
            if house.tree.is_folder(path) {
                complaints.push(Complaint::at(path, 0, "a room has no folders: make it a room of its own"));
            } else if !FILES.contains(&name) {
                extra += 1;
                if !house.waivers.allow(ROOM_FILES, path) {
                    let message = format!(
                        "a room has {}; give a further file its reason in tidy.toml [{ROOM_FILES}]",
                        FILES.join(", ")
                    );
                    complaints.push(Complaint::at(path, 0, message));
                }
            }
        }
        if extra > EXTRA_FILES_MAX {
            complaints.push(Complaint::at(room, 0, format!("{extra} further files: this is more than one room")));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::shape;

    #[test]
    fn a_room_has_a_door_and_its_four_files() {
        let good = [
            ("crates/plane/src/lib.rs", ""),
            ("crates/plane/src/kyc/mod.rs", ""),
            ("crates/plane/src/kyc/state.rs", ""),
        ];
        check(shape, &good, &[("crates/plane/src/kyc/state.rs", "")], "write its mod.rs");
    }

    #[test]
    fn a_further_file_needs_a_reason() {
        let files = [("crates/control/src/tenants/mod.rs", ""), ("crates/control/src/tenants/slug.rs", "")];
        let waiver = "[room-files]\n\"crates/control/src/tenants/slug.rs\" = \"the rule of names, pure\"\n";
        check(shape, &[files[0], files[1], ("tidy.toml", waiver)], &files, "[room-files]");
    }

    #[test]
    fn a_room_has_no_folders() {
        let bad = [("crates/plane/src/kyc/mod.rs", ""), ("crates/plane/src/kyc/limits/mod.rs", "")];
        check(shape, &[], &bad, "a room of its own");
    }
}
