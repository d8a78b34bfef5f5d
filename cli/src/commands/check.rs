//! `modalflow check`.

use super::args::Options;
use super::job::{Prepared, prepare_all};
use super::show;
use crate::error::Result;
use crate::report::format::number_to;
use crate::report::network;
use crate::scenario::{self, Grid, Loaded};
use crate::sweep;
use modalflow::experiment::Cost;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// Validates scenarios, prints them resolved, and the problem's size.
pub(super) fn check(paths: &[PathBuf], options: &Options) -> Result<u8> {
    let prepared = prepare_all(paths, options)?;
    let grids = prepared.iter().map(|Prepared { job, .. }| {
        let Loaded { file, source } = &job.loaded;
        let grid = file.sweep.as_ref().map(|_| Grid::of(&job.loaded));
        let grid = grid.transpose()?;
        if grid.is_some() {
            // The files of the axes are there too.
            sweep::identity(&job.loaded).map_err(|error| source.locate(error))?;
        }
        Ok(grid)
    });
    let grids: Vec<Option<Grid>> = grids.collect::<Result<_>>()?;
    for (i, (Prepared { job, problem, .. }, grid)) in prepared.iter().zip(&grids).enumerate() {
        let resolved = scenario::ScenarioFile {
            scenario: problem.scenario.clone(),
            ..job.loaded.file.clone()
        };
        let cells = grid.as_ref().map(Grid::len);
        let cost = Cost::of(problem);
        let size = Size { cost: &cost, cells };
        show(
            options,
            &json!({"scenario": resolved, "size": size}),
            || {
                // Several scenarios are several YAML documents.
                let separator = if i > 0 { "---\n" } else { "" };
                let sweep =
                    cells.map_or(String::new(), |cells| format!("# sweep: {cells} cells\n"));
                format!(
                    "{separator}# {} is valid: {}\n{}{sweep}{}",
                    job.name,
                    network::network_line(&problem.architecture),
                    cost_lines(&cost),
                    scenario::to_yaml(&resolved)
                )
            },
        )?;
    }
    Ok(0)
}

/// The size of a problem, and of its sweep.
#[derive(Serialize)]
struct Size<'c> {
    #[serde(flatten)]
    cost: &'c Cost,
    cells: Option<u64>,
}

/// What the problem will cost, as comments of the YAML.
fn cost_lines(cost: &Cost) -> String {
    let forecast = &cost.forecast;
    let dependent = match cost.rank < forecast.inputs {
        true => format!(" ({} independent)", cost.rank),
        false => String::new(),
    };
    let reduced = match cost.integrated_weights < forecast.weights {
        true => format!("reduced to {} weights, ", cost.integrated_weights),
        false => String::new(),
    };
    let evaluations = cost.evaluations.map_or_else(
        || "evaluations until the loss gap is met, ".to_owned(),
        |count| format!("about {} evaluations ", number_to(2, count)),
    );
    let samples = forecast
        .samples
        .map_or_else(String::new, |samples| format!(", samples: {samples}"));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let mut lines = format!(
        "# inputs: {}{dependent}, outputs: {}{samples}\n\
         # memory while integrating: about {:.1} MB, and up to {:.1} MB for trajectories\n\
         # work of the moments: about {} multiplications\n\
         # work of the flow: {reduced}{evaluations}of {} multiplications each\n\
         # work of the curvature: at most {} Hessian products a plateau, of {} multiplications each\n",
        forecast.inputs,
        forecast.outputs,
        megabytes(forecast.memory_bytes),
        megabytes(forecast.trajectory_bytes),
        number_to(2, forecast.moments_multiplications as f64),
        number_to(2, cost.multiplications as f64),
        forecast.curvature.products_a_plateau,
        number_to(2, forecast.curvature.multiplications as f64),
    );
    for descent in &forecast.descents {
        let steps = descent.steps.map_or_else(
            || "steps until the loss gap is met,".to_owned(),
            |steps| format!("{steps} steps"),
        );
        lines += &format!(
            "# work of descent at {}: {steps} of {} multiplications each\n",
            descent.learning_rate,
            number_to(2, descent.multiplications as f64),
        );
    }
    lines
}
