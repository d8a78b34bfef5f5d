//! `modalflow theory`.

use super::args::Options;
use super::job::{Prepared, prepare_all};
use super::show;
use crate::error::Result;
use crate::report::text;
use modalflow::experiment::data_summary::DataSummary;
use modalflow::experiment::summary::TheorySummary;
use serde_json::json;
use std::path::PathBuf;

/// Predictions only.
pub(super) fn theory(paths: &[PathBuf], options: &Options) -> Result<u8> {
    for Prepared { job, problem, .. } in prepare_all(paths, options)? {
        let data = DataSummary::of(&problem);
        let theory = problem.theory();
        let theory = TheorySummary::of(&problem, &theory, None, None);
        let json = json!({"name": job.name, "data": data, "theory": theory});
        show(options, &json, || {
            text::theory_report(&job.name, &problem, &data, &theory)
        })?;
    }
    Ok(0)
}
