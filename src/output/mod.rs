//! The only writer of files: temporary names first, then renamed.

use crate::error::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file to be written: its name in the folder, and its bytes.
pub type File = (String, Vec<u8>);

/// Makes sure that files can be written to all of these folders, creating those that are missing.
/// Where one cannot be, those created before it are removed again.
///
/// # Errors
/// [`Error::OutputFolder`] with what the operating system said.
pub fn prepare_folders(folders: &[PathBuf]) -> Result<()> {
    let mut made: Vec<&Path> = Vec::new();
    for folder in folders {
        let missing = folder
            .ancestors()
            .take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let missing: Vec<&Path> = missing.collect();
        made.extend(missing.into_iter().rev());
        if let Err(error) = prepare_folder(folder) {
            for folder in made.into_iter().rev() {
                // Not there, or not empty by now: nothing of this run either way.
                let _ = std::fs::remove_dir(folder);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn prepare_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| NamedTempFile::new_in(folder).map(drop))
        .map_err(|source| Error::OutputFolder {
            path: folder.to_owned(),
            source,
        })
}

/// Writes all files of a run and removes those of `known` that an earlier run left and this one
/// does not write. Every file is complete on disk under a temporary name before the first one
/// gets its own, so that a full disk leaves the earlier results as they were.
///
/// # Errors
/// [`Error::Write`] with the file that failed.
pub fn write_files(folder: &Path, files: &[File], known: &[&str]) -> Result<Vec<PathBuf>> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Write { path, source }
    };
    let mut ready = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        let written = NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            set_readable(&file)?;
            Ok(file)
        });
        ready.push((written.map_err(failed(&path))?, path));
    }
    for name in known
        .iter()
        .filter(|name| files.iter().all(|(new, _)| new != *name))
    {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Write { path, source });
            }
            _ => {}
        }
    }
    let mut written = Vec::new();
    for (file, path) in ready {
        file.persist(&path)
            .map_err(|error| failed(&path)(error.error))?;
        written.push(path);
    }
    Ok(written)
}

/// Temporary files are private to their owner; results are to be shared.
#[cfg(unix)]
fn set_readable(file: &NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_readable(_: &NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
