//! That only one instance runs on a SQLite file: a lock of the operating system on a file beside it, which ends with the
//! process however it ends. The database itself stays free for commands.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::StoreError;

/// How often it is tried while waiting.
const PAUSE: Duration = Duration::from_millis(50);

/// The claim on a file.
pub(super) struct Claim {
    path: PathBuf,
    held: Mutex<Option<File>>,
}

impl Claim {
    /// No claim yet.
    pub(super) fn new(database: &Path) -> Claim {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        Claim { path: path.into(), held: Mutex::new(None) }
    }

    /// Claims, waiting up to `patience` for another instance to go.
    pub(super) async fn take(&self, patience: Duration) -> Result<(), StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            if self.try_take()? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Claimed);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Gives the claim back. The lock's file stays: removing it would let two instances lock two files of one name.
    pub(super) fn release(&self) {
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn try_take(&self) -> Result<bool, StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(true);
        }
        let unavailable = |error: std::io::Error| StoreError::Unavailable(format!("its lock file: {}", error.kind()));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }
}
