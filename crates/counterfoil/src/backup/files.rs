//! Files that are whole or not there: written beside their place, synced, and renamed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::house::make_private_dir;

/// The right to work in a directory, until it is dropped: two commands that write there would mix their files.
pub fn alone_in(dir: &Path) -> Result<File, Failure> {
    let file = File::open(dir).with_context(|| format!("opening {}", dir.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::Refused(format!("another backup, restore or copy works in {}: wait for it", dir.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// An empty directory in place of what a command that was killed may have left there.
pub fn fresh_dir(dir: &Path) -> Result<(), Failure> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    Ok(make_private_dir(dir)?)
}

/// Copies a file to a new one of mode 0600, syncs it and answers the SHA-256 of what was copied, in hexadecimal.
pub fn copy(from: &Path, to: &Path) -> Result<String, Failure> {
    let target = File::options().create_new(true).write(true).mode(0o600).open(to);
    let mut target = target.with_context(|| format!("making {}", to.display()))?;
    let hash = read(from, |bytes| target.write_all(bytes).with_context(|| format!("writing {}", to.display())))?;
    target.sync_all().with_context(|| format!("syncing {}", to.display()))?;
    Ok(hash)
}

/// The SHA-256 of a file, in hexadecimal.
pub fn hash(file: &Path) -> Result<String, Failure> {
    read(file, |_| Ok(()))
}

/// Writes a new file of mode 0600 and syncs it.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let made = File::options().create_new(true).write(true).mode(0o600).open(file);
    let written = made.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    Ok(written.with_context(|| format!("writing {}", file.display()))?)
}

/// Gives a directory, whose files are on the disk, its name; durable when it returns.
pub fn settle(part: &Path, place: &Path) -> Result<(), Failure> {
    sync_dir(part)?;
    std::fs::rename(part, place).with_context(|| format!("renaming {} to {}", part.display(), place.display()))?;
    sync_dir(place.parent().unwrap_or(place))
}

/// Makes the names in a directory durable.
pub fn sync_dir(dir: &Path) -> Result<(), Failure> {
    Ok(File::open(dir).and_then(|dir| dir.sync_all()).with_context(|| format!("syncing {}", dir.display()))?)
}

fn read(file: &Path, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> Result<String, Failure> {
    let reading = || format!("reading {}", file.display());
    let mut source = File::open(file).with_context(reading)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let length = source.read(&mut buffer).with_context(reading)?;
        if length == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..length]);
        each(&buffer[..length])?;
    }
}
