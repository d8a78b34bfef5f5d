//! The only writer of files.
//!
//! | file | what it writes |
//! |---|---|
//! | `mod.rs` | finished files: under temporary names first, then renamed |
//! | `temporary.rs` | the temporary names, and how they are cleared |
//! | `journal.rs` | a journal of finished lines, which grows |

mod journal;
mod temporary;

pub use journal::{Journal, Line};
pub use temporary::{Merging, clear, end, is_temporary};

use crate::error::{Error, Result};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use temporary::Temporary;

/// A file to be written: its name in the folder, and its bytes.
pub type File = (String, Vec<u8>);

/// Makes sure that files can be written to all of these folders, creating those that are missing.
/// Where one cannot be, those created before it are removed again. What killed processes left in
/// them under temporary names is removed.
///
/// # Errors
/// [`Error::OutputFolder`] with what the operating system said, [`Error::DanglingLink`] where a link
/// leads nowhere.
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
        clear(folder);
    }
    Ok(())
}

/// Makes sure that a folder is there or may be made, without making it, for what is not to leave an empty one: no file stands
/// where it or a folder above it should.
///
/// # Errors
/// As for [`prepare_folders`].
pub fn ensure_possible(folder: &Path) -> Result<()> {
    ensure_no_dangling(folder)?;
    let there = folder.ancestors().find(|path| path.exists());
    match there {
        Some(file) if !file.is_dir() => Err(Error::OutputFolder {
            path: folder.to_owned(),
            source: ErrorKind::NotADirectory.into(),
        }),
        _ => Ok(()),
    }
}

fn prepare_folder(folder: &Path) -> Result<()> {
    ensure_no_dangling(folder)?;
    std::fs::create_dir_all(folder)
        .and_then(|()| Temporary::new_in(folder).map(drop))
        .map_err(|source| Error::OutputFolder {
            path: folder.to_owned(),
            source,
        })
}

fn ensure_no_dangling(folder: &Path) -> Result<()> {
    match folder.ancestors().find(|path| is_dangling(path)) {
        None => Ok(()),
        Some(link) => Err(Error::DanglingLink {
            target: std::fs::read_link(link).unwrap_or_default(),
            path: link.to_owned(),
        }),
    }
}

/// Whether a path is a link to what is not there.
fn is_dangling(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}

/// Appends bytes to a file that is being written.
pub type Append<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// A file that is written, under a temporary name.
#[derive(Debug)]
pub struct Staged {
    file: Temporary,
    path: PathBuf,
}

/// Writes a file piece by piece under a temporary name: `write` is given a function that appends.
///
/// # Errors
/// [`Error::Write`] with the file that failed, and whatever `write` fails with.
pub fn stage(
    folder: &Path,
    name: &str,
    write: &mut dyn FnMut(&mut Append<'_>) -> Result<()>,
) -> Result<Staged> {
    let path = folder.join(name);
    let failed = Error::write(&path);
    let file = Temporary::new_in(folder).map_err(&failed)?;
    let mut buffer = BufWriter::new(&file.file);
    write(&mut |bytes| buffer.write_all(bytes).map_err(&failed))?;
    buffer.flush().map_err(&failed)?;
    drop(buffer);
    drop(failed);
    Ok(Staged { file, path })
}

/// Writes all files of a run; see [`publish`].
///
/// # Errors
/// [`Error::Write`] with the file that failed.
pub fn write_files(folder: &Path, files: &[File], known: &[&str]) -> Result<Vec<PathBuf>> {
    let staged = files
        .iter()
        .map(|(name, bytes)| stage(folder, name, &mut |append| append(bytes)));
    publish(folder, staged.collect::<Result<_>>()?, known)
}

/// Gives files their names, and removes those of `known` that an earlier run left and this one
/// does not write. Every file is complete on disk before the first one gets its name, so that a
/// full disk leaves the earlier results as they were.
///
/// # Errors
/// [`Error::Write`] with the file that failed.
pub fn publish(folder: &Path, files: Vec<Staged>, known: &[&str]) -> Result<Vec<PathBuf>> {
    sync(&files)?;
    let _naming = temporary::naming();
    let is_written = |name: &str| files.iter().any(|staged| staged.path.ends_with(name));
    for name in known.iter().filter(|name| !is_written(name)) {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::write(&path)(error));
            }
            _ => {}
        }
    }
    let mut written = Vec::new();
    for Staged { file, path } in files {
        file.persist(&path).map_err(Error::write(&path))?;
        written.push(path);
    }
    Ok(written)
}

/// Waits until the files are on disk: for all at once, as a disk takes hardly longer for several
/// than for one.
fn sync(files: &[Staged]) -> Result<()> {
    let sync = |staged: &Staged| {
        let synced = staged.file.file.as_file().sync_all();
        synced.map_err(Error::write(&staged.path))
    };
    std::thread::scope(|scope| {
        let threads = files.iter().map(|staged| scope.spawn(move || sync(staged)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
