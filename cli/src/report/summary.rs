//! What `summary.json` and `diagnosis.json` have beside the results.

use super::curvature;
use crate::scenario::ScenarioFile;
use crate::sweep::processor;
use modalflow::diagnosis::Diagnosis;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::summary::Summary;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// The content of `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary<'r> {
    /// Name of the run.
    pub name: &'r str,
    /// The scenario with every default filled in.
    pub scenario: ScenarioFile,
    /// Everything measured and predicted.
    #[serde(flatten)]
    pub results: Summary<'r>,
    /// Whether the run was interrupted, and some of the results are missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Where the numbers come from; the only part that differs between equal runs.
    pub provenance: Option<Provenance>,
}

impl<'r> RunSummary<'r> {
    /// That of a run that was not interrupted, without its provenance; `scenario` is what it shows as such.
    pub fn of(
        name: &'r str,
        scenario: ScenarioFile,
        problem: &'r Problem,
        result: &'r RunResult,
    ) -> Self {
        let mut results = Summary::of(problem, result);
        results.warnings.extend(curvature::warning(&results));
        Self {
            name,
            scenario,
            results,
            interrupted: false,
            provenance: None,
        }
    }
}

/// The content of `diagnosis.json`.
#[derive(Debug, Clone, Serialize)]
pub struct DiagnosisSummary<'d> {
    /// Name of the diagnosis.
    pub name: &'d str,
    /// The scenario with every default filled in.
    pub scenario: &'d ScenarioFile,
    /// Everything that it tells.
    #[serde(flatten)]
    pub diagnosis: &'d Diagnosis,
    /// Where the numbers come from.
    pub provenance: Option<Provenance>,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Serialize)]
pub struct Provenance {
    /// Version of modalflow.
    pub version: &'static str,
    /// Commit it was built from.
    pub git: Option<&'static str>,
    /// Compiler it was built with.
    pub rustc: Option<&'static str>,
    /// What decides the last digits: the family of the processor, and `-fma` where it has fused
    /// multiply-adds.
    pub processor: String,
    /// When the run started, seconds since 1970-01-01 UTC.
    pub started: u64,
    /// How long data, initial weights and their reduction took, in seconds.
    pub prepare_seconds: f64,
    /// How long the run took after that, verification and pictures apart, in seconds.
    pub wall_seconds: f64,
}

impl Provenance {
    /// That of results of this program.
    pub fn new(started: SystemTime, prepare_seconds: f64, wall_seconds: f64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            git: option_env!("MODALFLOW_GIT"),
            rustc: option_env!("MODALFLOW_RUSTC"),
            processor: processor(),
            started: started
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            prepare_seconds,
            wall_seconds,
        }
    }
}
