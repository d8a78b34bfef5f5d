//! What a cell's results depend on, as one number: cells of another scenario or another program
//! are never taken for this one's.

use crate::error::{InputError, Result};
use crate::scenario::{ScenarioFile, to_yaml};
use sha2::{Digest, Sha256};

/// Changes with the meaning of a store's lines.
const FORMAT: u32 = 3;

/// The identity of a scenario's cells: a digest of everything that defines them, the contents of
/// its files and the program's sources included; of names, descriptions and what is drawn and
/// written only which trajectories are kept.
///
/// # Errors
/// An input error where a file that the scenario names cannot be read.
pub fn identity(file: &ScenarioFile) -> Result<String> {
    let mut defining = file.clone();
    let wanted: Vec<_> = std::mem::take(&mut defining.figure)
        .into_iter()
        .filter(|figure| figure.needs_trajectories())
        .map(|figure| figure.select)
        .collect();
    let scenario = &mut defining.scenario;
    (scenario.name, scenario.description) = (None, None);
    scenario.output = Default::default();
    let mut contents = Vec::new();
    for (key, path) in scenario.files_mut() {
        let bytes = std::fs::read(&*path).map_err(|error| {
            let problem = format!("{} cannot be read: {error}", path.display());
            InputError::at(key, problem, "check the path and its spelling")
        })?;
        contents.push(Sha256::digest(bytes));
        path.clear();
    }
    let mut digest = Sha256::new();
    digest.update(FORMAT.to_le_bytes());
    for word in [
        env!("CARGO_PKG_VERSION"),
        env!("MODALFLOW_SOURCES"),
        option_env!("MODALFLOW_RUSTC").unwrap_or_default(),
    ] {
        digest.update(word);
        digest.update([0]);
    }
    digest.update(to_yaml(&defining));
    for content in contents {
        digest.update(content);
    }
    digest.update(serde_json::to_vec(&wanted).unwrap_or_default());
    let digest = digest.finalize();
    Ok(digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
