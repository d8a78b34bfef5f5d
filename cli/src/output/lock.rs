//! A folder that is taken for one thing at a time.
//!
//! Several processes may hold a folder for the same thing, the shards of one sweep for example;
//! those of different things exclude each other.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// The file in the folder that is locked, and holds what for.
const NAME: &str = "lock";
/// How often a file is asked for that somebody is just writing to, and how long each time.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder that is held, until this is dropped.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

impl Claim {
    /// Takes the folder, which is made where it is missing, for `purpose`.
    ///
    /// # Errors
    /// A usage error where others hold it for something else; a write error where the file
    /// system refuses.
    pub fn take(folder: &Path, purpose: &str) -> Result<Claim> {
        let path = folder.join(NAME);
        let failed = |source| Error::Write {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(failed)?;
        for _ in 0..ATTEMPTS {
            // Who holds it alone says what for; then others of the same purpose may join.
            match file.try_lock() {
                Ok(()) => {
                    write(&mut file, purpose).map_err(failed)?;
                    file.unlock().map_err(failed)?;
                }
                Err(TryLockError::WouldBlock) => {}
                // File systems without locks are used at one's own risk.
                Err(TryLockError::Error(_)) => return Ok(Claim { _file: file }),
            }
            if file.try_lock_shared().is_ok() {
                return match read(&mut file).map_err(failed)? == purpose {
                    true => Ok(Claim { _file: file }),
                    false => Err(taken(folder)),
                };
            }
            std::thread::sleep(PAUSE);
        }
        Err(taken(folder))
    }
}

fn taken(folder: &Path) -> Error {
    Error::Usage {
        problem: format!(
            "another process is at work in {} for another scenario",
            folder.display()
        ),
        remedy: "wait for it, or use another folder with --out DIR".into(),
    }
}

fn write(file: &mut File, text: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

fn read(file: &mut File) -> std::io::Result<String> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_for_one_thing_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let take = |purpose| Claim::take(folder.path(), purpose);
        let first = take("one").unwrap_or_else(|error| panic!("{error}"));
        let second = take("one").unwrap_or_else(|error| panic!("{error}"));
        drop(first);
        let other = take("two").expect_err("held");
        assert!(
            other.to_string().contains("for another scenario"),
            "{other}"
        );
        drop(second);
        take("two").unwrap_or_else(|error| panic!("{error}"));
    }
}
