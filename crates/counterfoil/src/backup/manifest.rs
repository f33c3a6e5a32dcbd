//! What a backup says of itself, in `manifest.json`.

use std::path::Path;

use base::{Clock as _, Fault, SystemClock};
use serde::{Deserialize, Serialize};
use store::{Inspection, Inspector};

use super::{MANIFEST, SECRET, STORE, files};
use crate::failure::Failure;

/// The only form of a backup so far.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// RFC 3339, when the copy was whole.
    pub taken_at: String,
    pub identity: String,
    /// The store's last migration.
    pub version: u32,
    /// Tenants with a journal, and the sum of their sequences.
    pub heads: u64,
    pub entries: u64,
    /// Of the store's file.
    pub bytes: u64,
    pub sha256: String,
    /// Of the secret beside it.
    pub secret_sha256: Option<String>,
}

impl Manifest {
    /// Reads the files in `part` and says what they are.
    pub fn of(part: &Path) -> Result<Manifest, Failure> {
        let (file, secret) = (part.join(STORE), part.join(SECRET));
        let inspection = inspect(&file)?;
        let Inspection { identity, version, heads, entries } = inspection;
        Ok(Manifest {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: now(),
            identity,
            version,
            heads,
            entries,
            bytes: std::fs::metadata(&file)?.len(),
            sha256: files::hash(&file)?,
            secret_sha256: secret.exists().then(|| files::hash(&secret)).transpose()?,
        })
    }

    pub fn write(&self, part: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| Failure::Fault(error.into()))?;
        text.push('\n');
        files::write(&part.join(MANIFEST), text.as_bytes())
    }

    /// The manifest of the backup in `dir`.
    pub fn read(dir: &Path) -> Result<Manifest, Failure> {
        let path = dir.join(MANIFEST);
        let shown = path.display();
        let text = std::fs::read(&path).map_err(|error| {
            Failure::Refused(format!("{shown} cannot be read ({error}): name the directory of a backup with --from"))
        })?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| Failure::Store(Fault::because(format!("the backup is damaged: {shown}"), error)))?;
        if manifest.format != FORMAT {
            let format = manifest.format;
            return Err(Failure::Refused(format!("{shown} has format {format}: use the program that wrote it")));
        }
        Ok(manifest)
    }

    /// Whether a file is the store that was backed up, by what it says of itself.
    pub fn fits(&self, file: &Path) -> Result<(), Failure> {
        let Inspection { identity, version, heads, entries } = inspect(file)?;
        if (&identity, version, heads, entries) == (&self.identity, self.version, self.heads, self.entries) {
            return Ok(());
        }
        let found = format!("`{identity}` of version {version} with {heads} heads and {entries} entries");
        Err(Failure::Store(Fault::new(format!(
            "the backup is damaged: its file is {found}, its manifest says otherwise"
        ))))
    }
}

fn inspect(file: &Path) -> Result<Inspection, Failure> {
    let inspected = Inspector::of_file(file).and_then(|mut inspector| inspector.inspection());
    inspected.map_err(Failure::Store)?.ok_or_else(|| Failure::Store(Fault::new("the store's file is empty")))
}

fn now() -> String {
    let micros = SystemClock.now().0;
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |time| format!("{time:.0}"))
}
