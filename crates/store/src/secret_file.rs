//! A secret of 32 bytes in a file of its own beside a store, from which its owner derives a key for each purpose.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base::{Chance, Fault, Secret};

/// Reads `<dir>/<name>`, or makes it unless what it belongs to `exists_already`: then the secret is lost, and with it
/// everything that was kept under it. The directory must be there.
pub fn load(dir: &Path, name: &str, exists_already: bool, chance: &dyn Chance) -> Result<Secret<[u8; 32]>, Fault> {
    let path = dir.join(name);
    let shown = path.display();
    let there = path.try_exists().map_err(|error| Fault::because(format!("looking for {shown}"), error))?;
    if !there {
        if exists_already {
            return Err(Fault::new(format!("{shown} is missing but the store exists: restore it from the backup")));
        }
        create(dir, name, chance).map_err(|error| Fault::because(format!("writing {shown}"), error))?;
    }
    read(dir, name)
}

/// Reads `<dir>/<name>`, which its owner made.
pub fn read(dir: &Path, name: &str) -> Result<Secret<[u8; 32]>, Fault> {
    let path = dir.join(name);
    let shown = path.display();
    let found = std::fs::metadata(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(Fault::new(format!("{shown} can be read by others: run chmod 600 on it")));
    }
    let bytes = std::fs::read(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    let bytes = Secret::new(bytes);
    let whole: Option<[u8; 32]> = bytes.expose().as_slice().try_into().ok();
    whole.map(Secret::new).ok_or_else(|| Fault::new(format!("{shown} is not 32 bytes: restore it from the backup")))
}

/// Whether a directory has a store in a file: its secret must then be there too.
pub fn store_in(dir: &Path) -> Result<bool, Fault> {
    let file = dir.join("store.db");
    file.try_exists().map_err(|error| Fault::because(format!("looking for {}", file.display()), error))
}

/// Whole or not at all, and durable before anything is kept under it: written beside its place, then linked into it. Of two
/// processes that start at once, the second finds the first one's secret.
fn create(dir: &Path, name: &str, chance: &dyn Chance) -> std::io::Result<()> {
    let mut bytes = [0u8; 32];
    chance.fill(&mut bytes);
    let bytes = Secret::new(bytes);
    let draft = dir.join(format!("{name}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes.expose())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, dir.join(name));
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(dir)?.sync_all()
}
