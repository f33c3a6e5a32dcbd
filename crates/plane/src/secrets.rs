//! The plane's own secret: one file, from which every purpose derives a key of its own.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base::{Chance, Fault, Secret, mac};

/// Keys by purpose. None of them is shared with another plane.
pub(crate) struct Secrets {
    /// Stored keys are hashed under it.
    pub(crate) pepper: Secret<[u8; 32]>,
    /// Fingerprints of asks are hashed under it.
    pub(crate) fingerprint: Secret<[u8; 32]>,
    /// Hosted verification links are signed with it.
    pub(crate) links: Secret<[u8; 32]>,
    /// Callbacks of the verification provider are checked with it unless the configuration names another secret.
    pub(crate) callbacks: Secret<[u8; 32]>,
}

/// Reads `<dir>/secret`, or makes it when the store is new. A store whose secret is gone is refused: all its keys would
/// silently stop working.
pub(crate) fn load(dir: &Path, chance: &dyn Chance) -> Result<Secrets, Fault> {
    let path = dir.join("secret");
    let shown = path.display();
    if !path.exists() {
        if dir.join("store.db").exists() {
            return Err(Fault::new(format!("{shown} is missing but the store exists: restore it from the backup")));
        }
        create(&path, chance)?;
    }
    let found = std::fs::metadata(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(Fault::new(format!("{shown} can be read by others: run chmod 600 on it")));
    }
    let bytes = std::fs::read(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    let master: [u8; 32] =
        bytes.try_into().map_err(|_| Fault::new(format!("{shown} is not 32 bytes: restore it from the backup")))?;
    let master = Secret::new(master);
    let derive = |purpose: &str| Secret::new(mac::hmac(&master, &[purpose.as_bytes()]));
    Ok(Secrets {
        pepper: derive("key pepper"),
        fingerprint: derive("fingerprint"),
        links: derive("links"),
        callbacks: derive("callbacks"),
    })
}

fn create(path: &Path, chance: &dyn Chance) -> Result<(), Fault> {
    let mut bytes = [0u8; 32];
    chance.fill(&mut bytes);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Fault::because(format!("writing {}", path.display()), error))
}
