//! What a cell's results depend on, as one number: cells of another scenario or another program
//! are never taken for this one's.

use crate::error::{InputError, Result};
use crate::scenario::{Loaded, to_yaml};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Changes with the meaning of a store's lines.
const FORMAT: u32 = 3;

/// The identity of a scenario's cells: a digest of everything that defines them, the contents of
/// its files and of those of the axes, the program's sources and its compiler included; of names, descriptions and what is
/// drawn and written only which trajectories are kept.
///
/// The standard library's hash may differ between compilers, and so does the identity anyway.
///
/// # Errors
/// An input error where a file that the scenario names cannot be read.
pub fn identity(loaded: &Loaded) -> Result<String> {
    identity_with(loaded, |hasher| {
        for (key, path) in loaded.files() {
            let bytes = std::fs::read(&path).map_err(|error| unreadable(key, &path, &error))?;
            bytes.hash(hasher);
        }
        Ok(())
    })
}

/// Makes sure that the files of a sweep can be opened.
///
/// # Errors
/// As for [`identity`].
pub fn ensure_files(loaded: &Loaded) -> Result<()> {
    for (key, path) in loaded.files() {
        std::fs::File::open(&path).map_err(|error| unreadable(key, &path, &error))?;
    }
    Ok(())
}

fn unreadable(key: String, path: &Path, error: &std::io::Error) -> InputError {
    let problem = format!("{} cannot be read: {error}", path.display());
    InputError::at(key, problem, "check the path and its spelling")
}

/// The same where `contents` adds what stands in place of its files to the digest.
///
/// # Errors
/// What `contents` raises.
pub fn identity_with(
    loaded: &Loaded,
    contents: impl FnOnce(&mut DefaultHasher) -> Result<()>,
) -> Result<String> {
    let mut defining = loaded.file.clone();
    let wanted: Vec<_> = std::mem::take(&mut defining.figure)
        .into_iter()
        .filter(|figure| figure.needs_trajectories())
        .map(|figure| figure.select)
        .collect();
    let scenario = &mut defining.scenario;
    (scenario.name, scenario.description) = (None, None);
    scenario.output = Default::default();
    let mut hasher = DefaultHasher::new();
    contents(&mut hasher)?;
    scenario
        .files_mut()
        .into_iter()
        .for_each(|(_, path)| path.clear());
    let program = [
        env!("CARGO_PKG_VERSION"),
        env!("MODALFLOW_SOURCES"),
        option_env!("MODALFLOW_RUSTC").unwrap_or_default(),
    ];
    (FORMAT, program, to_yaml(&defining)).hash(&mut hasher);
    let wanted = serde_json::to_vec(&wanted).unwrap_or_default();
    wanted.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}
