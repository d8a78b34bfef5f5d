//! Files under temporary names.
//!
//! Those of this process are listed, so that whoever ends it at once can clear them; see [`end`].
//! Each is locked, and the lock dies with its process: what is not locked is what a killed one left,
//! and is removed by [`clear`].

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{Builder, NamedTempFile};

/// How the names begin.
const PREFIX: &str = ".modalflow-";
/// How the name of a file that shards are joined in ends, behind the identity of the sweep.
const MERGING: &str = ".merging";

/// The temporary files of this process.
static LISTED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Held while files get their names: all of them or none.
static NAMING: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the process from being ended by [`end`] as long as it lives.
pub(super) fn naming() -> MutexGuard<'static, ()> {
    lock(&NAMING)
}

/// Ends the process, once files that are getting their names have them, and clears its temporary
/// files.
pub fn end(exit_code: u8) -> ! {
    let _naming = naming();
    for path in lock(&LISTED).iter() {
        // It may have its final name by now.
        let _ = std::fs::remove_file(path);
    }
    std::process::exit(exit_code.into())
}

/// An entry in the list, as long as it lives.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Listed {
        lock(&LISTED).insert(path.to_owned());
        Listed(path.to_owned())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&LISTED).remove(&self.0);
    }
}

/// A file that is removed with this value, unless it was given a name.
#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) file: NamedTempFile,
    _listed: Listed,
}

impl Temporary {
    /// A new file in `folder`, which others may read and write as the umask says.
    pub(super) fn new_in(folder: &Path) -> std::io::Result<Temporary> {
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        loop {
            let file = builder.tempfile_in(folder)?;
            let listed = Listed::new(file.path());
            // File systems without locks are used at one's own risk.
            let _ = file.as_file().lock();
            // Who clears the folder may have come before the lock.
            if file.path().exists() {
                return Ok(Temporary {
                    file,
                    _listed: listed,
                });
            }
        }
    }

    /// Gives the file its name, in place of what has it.
    pub(super) fn persist(self, path: &Path) -> std::io::Result<()> {
        self.file
            .persist(path)
            .map(drop)
            .map_err(|error| error.error)
    }
}

/// A file that the shards of a sweep are joined in; it is removed with this value.
#[derive(Debug)]
pub struct Merging(Listed);

impl Merging {
    /// Its path, for the sweep of this identity.
    pub fn path_in(folder: &Path, identity: &str) -> PathBuf {
        folder.join(format!("{identity}{MERGING}"))
    }

    /// The file at `path`, which this process has made.
    pub fn new(path: &Path) -> Merging {
        Merging(Listed::new(path))
    }
}

impl Drop for Merging {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0.0);
    }
}

/// Whether a file of this name is one that is getting its content, and no journal.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Removes what killed processes left in a folder.
pub fn clear(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && (is_temporary(&name) || name.ends_with(MERGING)) {
            remove_unlocked(&entry.path());
        }
    }
}

fn remove_unlocked(path: &Path) {
    // Locked until it is removed: nobody takes it for a file of its own meanwhile.
    if let Ok(file) = File::open(path)
        && file.try_lock().is_ok()
    {
        // Where that is refused, it stays.
        let _ = std::fs::remove_file(path);
    }
}
