//! The plane's own secret: one file, from which every purpose derives a key of its own.

use std::path::Path;

use base::{Chance, Fault, Secret, mac};
use store::secret_file;

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
    let master = secret_file::load(dir, "secret", secret_file::store_in(dir)?, chance)?;
    let key = |purpose: &str| Secret::new(mac::hmac(&master, &[purpose.as_bytes()]));
    let mut mark = [0; 8];
    mark.copy_from_slice(&mac::hmac(&master, &[b"mark"])[..8]);
    let mark = i64::from_be_bytes(mark);
    Ok(Secrets { pepper: key("key pepper"), fingerprint: key("fingerprint"), links: key("links"), mark })
}
