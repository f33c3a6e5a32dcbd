//! Hashing of passwords: slow on purpose, so a bounded number at once, on threads of their own, never in an operation.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use base::{Fault, Secret, mac};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Control;

/// A password as it is kept, with the parameters that it was hashed under. Not `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// KiB.
    pub m: u32,
    pub t: u32,
    pub p: u32,
    /// Hex.
    pub salt: String,
    /// Hex.
    pub hash: String,
}

/// Who may hash now. At most 64 wait; more are told that it is busy.
pub(crate) struct Hasher {
    at_once: Arc<Semaphore>,
    /// A place for each who hashes or waits.
    line: Arc<Semaphore>,
}

const WAITING_MOST: usize = 64;

impl Hasher {
    /// `at_once` 0 means half the cores.
    pub(crate) fn new(at_once: u32) -> Hasher {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let places = usize::try_from(at_once).ok().filter(|places| *places > 0).unwrap_or((cores / 2).max(1));
        let of = |places| Arc::new(Semaphore::new(places));
        Hasher { at_once: of(places), line: of(places.saturating_add(WAITING_MOST)) }
    }

    /// The places are kept until the hashing is over, also when its caller has gone away.
    async fn place(&self) -> Result<[OwnedSemaphorePermit; 2], Fault> {
        let busy = || Fault::busy("too many passwords wait to be checked; try again");
        let waits = Arc::clone(&self.line).try_acquire_owned().map_err(|_| busy())?;
        let hashes = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| busy())?;
        Ok([waits, hashes])
    }
}

/// What new passwords are hashed under: argon2id as OWASP names it, 19 MiB, two passes.
const PRESENT: (u32, u32, u32) = (19_456, 2, 1);
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

impl Password {
    /// Whether a new one would be hashed in the same way.
    pub(crate) fn is_up_to_date(&self) -> bool {
        (self.m, self.t, self.p) == PRESENT
    }
}

/// Hashes a new password under the present parameters, with a salt of control's chance.
pub(crate) async fn hash(control: &Control, password: Secret<String>) -> Result<Password, Fault> {
    let mut salt = [0u8; SALT_BYTES];
    control.chance().fill(&mut salt);
    let (m, t, p) = PRESENT;
    let kept = Password { m, t, p, salt: HEXLOWER.encode(&salt), hash: String::new() };
    let hash = hashed(control, password, kept.clone()).await?;
    Ok(Password { hash: HEXLOWER.encode(&hash), ..kept })
}

/// Whether it is this password. Without a kept one the same work is done over a fixed one, and the answer is no.
pub(crate) async fn check(control: &Control, password: Secret<String>, kept: Option<Password>) -> Result<bool, Fault> {
    let (m, t, p) = PRESENT;
    let there = kept.is_some();
    let nobodys = || Password { m, t, p, salt: "00".repeat(SALT_BYTES), hash: "00".repeat(HASH_BYTES) };
    let kept = kept.unwrap_or_else(nobodys);
    let expected = bytes(&kept.hash)?;
    let hash = hashed(control, password, kept).await?;
    Ok(mac::equal(&hash, &expected) && there)
}

async fn hashed(control: &Control, password: Secret<String>, under: Password) -> Result<[u8; HASH_BYTES], Fault> {
    let salt = bytes(&under.salt)?;
    let pepper = control.secrets().pepper.clone();
    let places = control.hasher().place().await?;
    let work = move || {
        let broken = |error: argon2::Error| Fault::new(format!("hashing a password: {error}"));
        let params = Params::new(under.m, under.t, under.p, Some(HASH_BYTES)).map_err(broken)?;
        let argon2 = Argon2::new_with_secret(pepper.expose(), Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = [0u8; HASH_BYTES];
        argon2.map_err(broken)?.hash_password_into(password.expose().as_bytes(), &salt, &mut hash).map_err(broken)?;
        drop(places);
        Ok(hash)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::because("hashing a password", error))?
}

fn bytes(hex: &str) -> Result<Vec<u8>, Fault> {
    HEXLOWER.decode(hex.as_bytes()).map_err(|error| Fault::because("reading a kept password", error))
}

#[cfg(test)]
mod tests {
    use base::{Fault, Secret};

    use data_encoding::HEXLOWER;

    use super::{Password, WAITING_MOST, check, hash, hashed};
    use crate::proof::{Carried, From};
    use crate::users::UserRow;
    use crate::{Control, sessions};

    fn control() -> (Control, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        (crate::tenants::tests::open(dir.path()), dir)
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    async fn is(control: &Control, text: &str, kept: &Password) -> bool {
        check(control, secret(text), Some(kept.clone())).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let (control, _dir) = control();
        let kept = hash(&control, secret("SecurePass1")).await.unwrap();
        assert!(is(&control, "SecurePass1", &kept).await);
        assert!(!is(&control, "SecurePass2", &kept).await && !is(&control, "", &kept).await);
        let second = hash(&control, secret("SecurePass1")).await.unwrap();
        assert!(second.salt != kept.salt && second.hash != kept.hash);
        assert!(!check(&control, secret("SecurePass1"), None).await.unwrap());
        // Kept under other parameters, it is still checked under its own.
        let weaker = Password { t: 1, ..kept.clone() };
        assert!(!is(&control, "SecurePass1", &weaker).await);
    }

    #[tokio::test]
    async fn a_password_of_another_front_office_is_nothing_here() {
        let (control, _dir) = control();
        let dir = tempfile::tempdir().unwrap();
        // A further file makes another seed.
        std::fs::write(dir.path().join("note"), "").unwrap();
        let other = crate::tenants::tests::open(dir.path());
        let kept = hash(&other, secret("SecurePass1")).await.unwrap();
        assert!(is(&other, "SecurePass1", &kept).await && !is(&control, "SecurePass1", &kept).await);
    }

    #[tokio::test]
    async fn beyond_those_who_may_wait_it_is_busy_at_once() {
        let (control, _dir) = control();
        let places = control.hasher().line.available_permits();
        assert!(places > WAITING_MOST);
        let held = control.hasher().line.try_acquire_many(u32::try_from(places).unwrap()).unwrap();
        let Err(Fault { busy, .. }) = hash(&control, secret("SecurePass1")).await else { panic!("it was hashed") };
        assert!(busy);
        drop(held);
        let at_once = (0..4).map(|_| {
            let control = control.clone();
            tokio::spawn(async move { hash(&control, secret("SecurePass1")).await.is_ok() })
        });
        for task in at_once.collect::<Vec<_>>() {
            assert!(task.await.unwrap());
        }
        assert_eq!(control.hasher().line.available_permits(), places);
    }

    #[tokio::test]
    async fn a_right_password_is_kept_as_new_ones_are() {
        let house = crate::users::tests::open();
        let (control, jo) = (&house.control, house.registers("jo@example.com").await.unwrap());
        let kept = || {
            let row = control.store().read(|reader| reader.get::<UserRow>(&UserRow::keyed(&jo.user)));
            row.unwrap().unwrap()
        };
        let log_in = async |password: &str| {
            let from = From::new([203, 0, 113, 7].into(), "req_1", "a test");
            sessions::log_in(control, &from, "jo@example.com", secret(password), Carried::Bearer).await.is_ok()
        };
        let today = kept().password;
        assert!(log_in("SecurePass1").await);
        assert!(kept().password == today);
        // As it may have been kept years ago.
        let old = Password { m: 8_192, t: 1, ..today.clone() };
        let hash = hashed(control, secret("SecurePass1"), old.clone()).await.unwrap();
        let old = Password { hash: HEXLOWER.encode(&hash), ..old };
        let (row, weaker) = (kept(), old.clone());
        let put = move |tx: &mut store::Tx<'_>| {
            tx.get::<UserRow>(&UserRow::keyed(&row.id))?;
            tx.put(UserRow { password: weaker.clone(), ..row.clone() });
            Ok(())
        };
        control.change(put).await.unwrap();
        assert!(!log_in("SecurePass2").await);
        assert!(kept().password == old);
        assert!(log_in("SecurePass1").await);
        assert!(kept().password.is_up_to_date() && kept().password.salt != today.salt);
        assert!(log_in("SecurePass1").await);
    }
}
