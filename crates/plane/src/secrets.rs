//! The plane's own secret: one file, from which every purpose derives a key of its own.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
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
    /// By what the secret is known where processes share a store. Says nothing of it.
    pub(crate) mark: i64,
}

/// Reads `<dir>/secret`, or makes it when the store is new. A store whose secret is gone is refused: all its keys would
/// silently stop working.
pub(crate) fn load(dir: &Path, chance: &dyn Chance) -> Result<Secrets, Fault> {
    let path = dir.join("secret");
    let shown = path.display();
    let exists = |path: &Path| {
        path.try_exists().map_err(|error| Fault::because(format!("looking for {}", path.display()), error))
    };
    if !exists(&path)? {
        if exists(&dir.join("store.db"))? {
            return Err(Fault::new(format!("{shown} is missing but the store exists: restore it from the backup")));
        }
        create(dir, &path, chance).map_err(|error| Fault::because(format!("writing {shown}"), error))?;
    }
    let found = std::fs::metadata(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(Fault::new(format!("{shown} can be read by others: run chmod 600 on it")));
    }
    let bytes = std::fs::read(&path).map_err(|error| Fault::because(format!("reading {shown}"), error))?;
    derive(&Secret::new(bytes))
        .ok_or_else(|| Fault::new(format!("{shown} is not 32 bytes: restore it from the backup")))
}

fn derive(bytes: &Secret<Vec<u8>>) -> Option<Secrets> {
    let master: Secret<[u8; 32]> = Secret::new(bytes.expose().as_slice().try_into().ok()?);
    let key = |purpose: &str| Secret::new(mac::hmac(&master, &[purpose.as_bytes()]));
    let mut mark = [0; 8];
    mark.copy_from_slice(&mac::hmac(&master, &[b"mark"])[..8]);
    let mark = i64::from_be_bytes(mark);
    Some(Secrets { pepper: key("key pepper"), fingerprint: key("fingerprint"), links: key("links"), mark })
}

/// Whole or not at all, and durable before the first key is hashed under it: written beside its place, then linked into
/// it. Of two processes that start at once, the second finds the first one's secret.
fn create(dir: &Path, path: &Path, chance: &dyn Chance) -> std::io::Result<()> {
    let mut bytes = [0u8; 32];
    chance.fill(&mut bytes);
    let bytes = Secret::new(bytes);
    let draft = dir.join(format!("secret.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes.expose())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(dir)?.sync_all()
}
