//! The lock of a store that nobody runs, for commands that need it to stay still.

use std::fs::{File, TryLockError};
use std::path::Path;

use base::Fault;

/// While it lives nobody opens the store.
pub struct Hold {
    _file: File,
}

/// Takes the store's lock; `None` when another process has it. The directory must exist.
pub fn hold(dir: &Path) -> Result<Option<Hold>, Fault> {
    let path = dir.join("lock");
    let fault = |error: std::io::Error| Fault::because(format!("opening {}", path.display()), error);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Hold { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

/// As [`hold`]; that another process has it is a fault.
pub(crate) fn held(dir: &Path) -> Result<Hold, Fault> {
    hold(dir)?.ok_or_else(|| Fault::new(format!("another process has the store in {}", dir.display())))
}
