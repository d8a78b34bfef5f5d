//! `modalflow theory`.

use super::args::Options;
use super::{Prepared, prepare_all, print, print_json};
use crate::error::Result;
use crate::report::text;
use modalflow::experiment::summary::{DataSummary, TheorySummary};
use std::path::PathBuf;

/// Predictions only.
pub(super) fn theory(paths: &[PathBuf], options: &Options) -> Result<u8> {
    for Prepared { name, problem, .. } in prepare_all(paths, options)? {
        let data = DataSummary::of(&problem);
        let theory = problem.theory();
        let theory = TheorySummary {
            theory: &theory,
            gap: None,
            curve: None,
        };
        if options.json {
            print_json(&serde_json::json!({"name": name, "data": data, "theory": theory}))?;
        } else if !options.quiet {
            print(&text::theory_report(&name, &problem, &data, theory.theory))?;
        }
    }
    Ok(0)
}
