//! Control's own secret: one file, from which every purpose derives a key of its own.

use std::path::Path;

use base::{Chance, Fault, Secret, mac};
use store::secret_file;

/// Keys by purpose. None of them is shared with a plane.
pub(crate) struct Secrets {
    /// Passwords are hashed under it.
    pub(crate) pepper: Secret<[u8; 32]>,
    /// The proof in a mailed ticket.
    pub(crate) ticket: Secret<[u8; 32]>,
    /// The proof in a session's cookie.
    pub(crate) cookie: Secret<[u8; 32]>,
    /// The names of throttles, so that their table tells nobody which addresses exist.
    pub(crate) throttle: Secret<[u8; 32]>,
    /// Ids of wishes that come with an idempotency key, and fingerprints of what they ask for.
    pub(crate) wish: Secret<[u8; 32]>,
    /// What is kept of recovery codes.
    pub(crate) recovery: Secret<[u8; 32]>,
    /// The seeds of authenticator apps are sealed under it.
    pub(crate) seal: Secret<[u8; 32]>,
    /// The seed of each epoch's signer.
    pub(crate) signer: Secret<[u8; 32]>,
}

/// Reads `<dir>/secret`, or makes it when the store is new. A store whose secret is gone is refused: every password and
/// session would silently stop working.
pub(crate) fn load(dir: &Path, chance: &dyn Chance) -> Result<Secrets, Fault> {
    let master = secret_file::load(dir, "secret", secret_file::store_in(dir)?, chance)?;
    let key = |purpose: &str| Secret::new(mac::hmac(&master, &[purpose.as_bytes()]));
    Ok(Secrets {
        pepper: key("password pepper"),
        ticket: key("ticket"),
        cookie: key("cookie"),
        throttle: key("throttle"),
        wish: key("wish"),
        recovery: key("recovery"),
        seal: key("seal"),
        signer: key("signer"),
    })
}
