//! Checks of what stands beside a scenario.

mod figure;
mod sweep;

use super::ScenarioFile;
use crate::error::Result;

/// Checks the scenario, its sweep and its figures.
pub(super) fn validate(file: &ScenarioFile) -> Result<()> {
    file.scenario.check()?;
    if let Some(section) = &file.sweep {
        let mut scenario = file.scenario.clone();
        let files = scenario.files_mut().into_iter();
        let keys: Vec<&str> = files.map(|(key, _)| key).collect();
        sweep::check(section, &keys)?;
    }
    Ok(figure::check(file)?)
}
