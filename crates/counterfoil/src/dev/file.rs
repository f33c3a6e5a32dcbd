//! `dev.json`: where everything listens, and the keys. The one file in which keys are readable, and only `dev` writes it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::admin::EnvironmentKeys;
use crate::failure::Failure;

#[derive(Serialize, Deserialize)]
pub struct DevFile {
    pub pid: u32,
    /// Base URLs without a trailing slash.
    pub control: String,
    pub sandbox: String,
    pub live: String,
    pub metrics: String,
    pub tenant: String,
    pub business: String,
    /// Of the tenant's owner; empty in a file of before there were owners.
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub password: String,
    pub keys: Keys,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Keys {
    pub sandbox: EnvironmentKeys,
    pub live: EnvironmentKeys,
}

impl DevFile {
    pub fn path(data: &Path) -> PathBuf {
        data.join("dev.json")
    }

    /// What an earlier run left; `None` when there is nothing that can be used.
    pub fn read(data: &Path) -> Option<DevFile> {
        serde_json::from_slice(&std::fs::read(DevFile::path(data)).ok()?).ok()
    }

    /// Written whole under another name and then renamed, so that whoever sees it sees all of it. Mode 0600.
    pub fn write(&self, data: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::Fault(error.into()))?;
        let part = data.join("dev.json.part");
        if part.exists() {
            std::fs::remove_file(&part)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(std::fs::rename(part, DevFile::path(data))?)
    }
}
