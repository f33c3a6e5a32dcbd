//! `counterfoil restore`: copied beside its place, proved, and only then put there.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::{Clock as _, Fault, SystemClock};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

use super::manifest::Manifest;
use super::prove::{self, Proof};
use super::{MANIFEST, SECRET, STORE, files};
use crate::admin::print;
use crate::cli;
use crate::config::Role;
use crate::failure::Failure;
use crate::house::make_private_dir;
use crate::migrate::identity_of;

/// Restores what the command line names: everything is proved before the first store is put in its place.
pub fn run(options: &cli::Restore) -> Result<(), Failure> {
    let roles: Vec<Role> = options.env.roles().iter().copied().filter(|role| chosen(options, *role)).collect();
    if roles.is_empty() {
        return Err(Failure::Refused(format!("no backup is in {}: name it with --from", options.from.display())));
    }
    make_private_dir(&options.data)?;
    let _alone = files::alone_in(&options.data)?;
    let mut ready = Vec::new();
    for role in roles {
        ready.push(Restored::beside(options, role)?);
    }
    let rows = ready.into_iter().map(Restored::put).collect::<Result<Vec<_>, _>>()?;
    let columns = [
        ("environment", "environment"),
        ("tenants", "tenants"),
        ("entries", "entries"),
        ("rows", "rows"),
        ("taken at", "taken_at"),
        ("replaced", "replaced"),
    ];
    print::rows(&Value::Array(rows), &columns, options.json)
}

/// With `all`, what the backup has; a role that was named has to be there.
fn chosen(options: &cli::Restore, role: Role) -> bool {
    options.env != cli::Which::All || options.from.join(role.word()).join(MANIFEST).exists()
}

/// A store that is whole, beside its place.
struct Restored {
    role: Role,
    place: PathBuf,
    part: PathBuf,
    /// The lock of the store that is there.
    held: Option<store::Hold>,
    manifest: Manifest,
    proof: Proof,
    put: bool,
}

impl Restored {
    fn beside(options: &cli::Restore, role: Role) -> Result<Restored, Failure> {
        let (from, place) = (options.from.join(role.word()), options.data.join(role.word()));
        let manifest = Manifest::read(&from)?;
        ours(&manifest, role)?;
        let held = free(&place, options.replace)?;
        let part = options.data.join(format!("{}.restoring", role.word()));
        files::fresh_dir(&part)?;
        let proof = copied(&from, &part, &manifest).and_then(|()| {
            eprintln!("{}: copied; folding the journal and reading every row", role.word());
            prove::prove(role, &part)
        });
        match proof {
            Ok(proof) => Ok(Restored { role, place, part, held, manifest, proof, put: false }),
            Err(failure) => {
                let _ = std::fs::remove_dir_all(&part);
                Err(failure)
            }
        }
    }

    /// Gives it its place, and what was there another name. A kill at any moment leaves one of the two there.
    fn put(mut self) -> Result<Value, Failure> {
        files::sync_dir(&self.part)?;
        let aside = match &self.held {
            None => {
                std::fs::rename(&self.part, &self.place)
                    .with_context(|| format!("renaming {} to {}", self.part.display(), self.place.display()))?;
                None
            }
            Some(_) => Some(self.exchange()?),
        };
        self.put = true;
        files::sync_dir(self.place.parent().unwrap_or(&self.place))?;
        eprintln!("{}: restored as of {}", self.role.word(), self.manifest.taken_at);
        Ok(json!({
            "environment": self.role.word(),
            "identity": self.manifest.identity,
            "tenants": self.proof.tenants,
            "entries": self.proof.entries,
            "rows": self.proof.rows(),
            "taken_at": self.manifest.taken_at,
            "restored_to": self.place,
            "replaced": aside.flatten(),
        }))
    }

    /// Answers where the store that was there is kept, if there was one. Its later name is taken before the exchange, so
    /// that after a kill no directory holds it which a later command would take for an unfinished copy.
    fn exchange(&mut self) -> Result<Option<PathBuf>, Failure> {
        let aside = self.place.with_file_name(format!("{}.replaced-{}", self.role.word(), SystemClock.now().0));
        let renaming = || format!("putting {} in the place of {}", aside.display(), self.place.display());
        std::fs::rename(&self.part, &aside).with_context(renaming)?;
        self.part.clone_from(&aside);
        renameat_with(CWD, &aside, CWD, &self.place, RenameFlags::EXCHANGE).with_context(renaming)?;
        self.put = true;
        if occupied(&aside) {
            return Ok(Some(aside));
        }
        // Nothing but a lock and a socket.
        std::fs::remove_dir_all(&aside).with_context(renaming)?;
        Ok(None)
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if !self.put {
            let _ = std::fs::remove_dir_all(&self.part);
        }
    }
}

/// Refuses the backup of another store, and one that this program is too old for.
fn ours(manifest: &Manifest, role: Role) -> Result<(), Failure> {
    let wanted = identity_of(role);
    if manifest.identity != wanted {
        let found = &manifest.identity;
        return Err(Failure::Refused(format!("this is a backup of `{found}`, not of `{wanted}`")));
    }
    let (has, knows) = (manifest.version, prove::schema(role).version());
    if has > knows {
        return Err(Failure::Store(Fault::new(format!(
            "the backup has version {has} and this program knows {knows}: use a newer program"
        ))));
    }
    Ok(())
}

/// Holds what is in the store's place, if anything is; refuses a running server, and a store that was not given up.
fn free(place: &Path, replace: bool) -> Result<Option<store::Hold>, Failure> {
    if !place.exists() {
        return Ok(None);
    }
    let shown = place.display();
    let held = store::hold(place).map_err(Failure::Store)?;
    if held.is_none() {
        return Err(Failure::Store(Fault::new(format!("a server runs on {shown}: stop it first"))));
    }
    if occupied(place) && !replace {
        return Err(Failure::Refused(format!(
            "{shown} holds a store: --replace puts the backup in its place and keeps it under another name"
        )));
    }
    Ok(held)
}

fn occupied(place: &Path) -> bool {
    place.join(STORE).exists() || place.join(SECRET).exists()
}

/// Copies the backup's files and compares them with its manifest.
fn copied(from: &Path, part: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let mut files = vec![(STORE, Some(&manifest.sha256))];
    if manifest.secret_sha256.is_some() || from.join(SECRET).exists() {
        files.push((SECRET, manifest.secret_sha256.as_ref()));
    }
    for (name, wanted) in files {
        let found = files::copy(&from.join(name), &part.join(name))?;
        if Some(&found) != wanted {
            let path = from.join(name);
            let why = format!("the backup is damaged: {} does not have the checksum of its manifest", path.display());
            return Err(Failure::Store(Fault::new(why)));
        }
    }
    manifest.fits(&part.join(STORE))
}
