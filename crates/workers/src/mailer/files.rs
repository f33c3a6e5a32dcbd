//! Mails as files, in the order in which they were sent.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base::Fault;

/// A directory of `{number}-{kind}.eml`, the number counting on from what is there.
pub struct Folder(PathBuf);

impl Folder {
    pub fn at(dir: PathBuf) -> Folder {
        Folder(dir)
    }

    /// Keeps one message; answers its file, which is whole from the moment that it has its name.
    pub fn put(&self, kind: &str, message: &[u8]) -> Result<PathBuf, Fault> {
        self.written(kind, message)
            .map_err(|error| Fault::because(format!("keeping a mail in {}", self.0.display()), error))
    }

    fn written(&self, kind: &str, message: &[u8]) -> io::Result<PathBuf> {
        let Folder(dir) = self;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let number = 1 + last_number(dir)?;
        let draft = dir.join(format!("{number:04}.draft"));
        // What a killed process left half-written gives way.
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(message)?;
        let path = dir.join(format!("{number:04}-{kind}.eml"));
        fs::rename(&draft, &path)?;
        Ok(path)
    }
}

fn last_number(dir: &Path) -> io::Result<u64> {
    let mut last = 0;
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".eml")?.split_once('-')?.0.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}
