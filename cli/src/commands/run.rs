//! `modalflow run`.

use super::args::{Options, RunArgs};
use super::job::{Prepared, prepare_all, work_on};
use super::progress::Bar;
use super::{INTERRUPTED, formats, listed, show, summary_file, warn};
use crate::error::Result;
use crate::figures;
use crate::output::{self, File};
use crate::plot;
use crate::report::flow::judgement;
use crate::report::summary::{Provenance, RunSummary};
use crate::report::{csv, curvature, format, text};
use crate::scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run::{self, Progress};
use modalflow::experiment::summary::Summary;
use modalflow::experiment::verify::{self, Verification};
use modalflow::integrate::Outcome;
use modalflow::network::npz;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

/// Exit code of a command whose integration failed.
const FAILED: u8 = 3;
/// Exit code of a command whose two integrations disagree by more than their tolerances allow.
const DISAGREES: u8 = 5;

/// Files of a run that another run of the same name may leave out.
const KNOWN_FILES: &[&str] = &[
    "descent.csv",
    "loss.svg",
    "maps.svg",
    "overview.svg",
    "generalisation.png",
    "generalisation.svg",
    "initial_weights.npz",
    "final_weights.npz",
];

pub(super) fn run_scenarios(call: &RunArgs, options: &Options) -> Result<u8> {
    let prepared = prepare_all(&call.scenarios.scenarios, options)?;
    for Prepared { job, .. } in &prepared {
        let is_written = |name: &str| KNOWN_FILES.contains(&name) || name == "trajectory.csv";
        job.ensure_inputs_stay(&is_written)?;
    }
    work_on(
        &prepared,
        |prepared| &prepared.job,
        options,
        |prepared, interrupted| run_one(prepared, call, options, interrupted),
    )
}

/// Runs a scenario and writes its files. Gives back the exit code.
fn run_one(
    prepared: &Prepared,
    call: &RunArgs,
    options: &Options,
    interrupted: &AtomicBool,
) -> Result<u8> {
    let Prepared { job, problem, .. } = prepared;
    let name = &job.name;
    let (clock, started) = (Instant::now(), SystemTime::now());
    let mut bar = Bar::of_run(name, &problem.scenario.flow.until, options.quiet);
    let mut monitor = |progress: &Progress| {
        bar.show_run(progress);
        !interrupted.load(Ordering::Relaxed)
    };
    let result = run::run(problem, &mut monitor);
    let wall_seconds = clock.elapsed().as_secs_f64();
    let is_complete = result.outcome() != Outcome::Interrupted;
    let verification =
        (call.verify && is_complete).then(|| verify::verify(problem, &result.flow, &mut monitor));
    drop(bar);
    let mut results = Summary::of(problem, &result);
    results.verification = verification.as_ref();
    results.warnings.extend(curvature::warning(&results));
    let summary = RunSummary {
        name,
        scenario: job.file_in(&job.folder, problem.scenario.clone()),
        results,
        provenance: Some(Provenance::new(
            started,
            prepared.prepare_seconds,
            wall_seconds,
        )),
    };
    let files = files(problem, &result, &summary, call.svg)?;
    let written = output::write_files(&job.folder, &files, KNOWN_FILES)?;
    show(options, &summary, || {
        let (report, folder) = (text::report(problem, &summary), job.folder.display());
        format!("{report}\nwritten to {folder}:\n  {}\n", listed(&written))
    })?;
    let outcome = result.outcome();
    // A run that rests has failed only if it was asked for nothing but a loss gap, which it never meets.
    let until = &problem.scenario.flow.until;
    let mut descents = result.descents.iter().map(|run| run.descent.outcome);
    let is_stalled = result.flow.end.outcome == Outcome::Stalled
        || descents.any(|outcome| outcome == Outcome::Stalled);
    let misses_gap = is_stalled && until.time.is_none();
    if misses_gap || !outcome.is_success() {
        warn(&format!("warning: {name}: {}", failure(&result)));
        return Ok(exit_code(outcome, misses_gap));
    }
    // A check that did not come to its end has checked nothing.
    let outcome = verification.as_ref().map_or(outcome, |check| check.outcome);
    let is_unchecked = verification
        .as_ref()
        .is_some_and(|check| !check.is_complete);
    Ok(match exit_code(outcome, is_unchecked) {
        0 if !agrees(name, verification.as_ref()) => DISAGREES,
        code => code,
    })
}

fn exit_code(outcome: Outcome, misses_gap: bool) -> u8 {
    match outcome {
        Outcome::Interrupted => INTERRUPTED,
        outcome if misses_gap || !outcome.is_success() => FAILED,
        _ => 0,
    }
}

/// Whether a run agrees with its check, if there is one; warns where it does not.
fn agrees(name: &str, verification: Option<&Verification>) -> bool {
    match verification.and_then(|check| check.largest) {
        Some(largest) if largest.excess() > 1.0 => {
            warn(&format!("warning: {name}: {}", judgement(&largest)));
            false
        }
        _ => true,
    }
}

/// What failed, in one line.
fn failure(result: &RunResult) -> String {
    let flow = result.flow.end.outcome;
    if !flow.is_success() || flow == Outcome::Stalled {
        let end = &result.flow.end;
        return format!(
            "the flow {}, at t = {}",
            end.outcome.sentence(),
            format::number(end.time)
        );
    }
    let failed = result
        .descents
        .iter()
        .map(|run| &run.descent)
        .find(|d| !d.outcome.is_success() || d.outcome == Outcome::Stalled);
    failed.map_or(String::new(), |descent| {
        format!(
            "descent at learning rate {}: {} at step {}",
            format::number(descent.learning_rate),
            descent.outcome.sentence(),
            descent.steps
        )
    })
}

/// The tables of a run: trajectory and descents.
fn tables(problem: &Problem, result: &RunResult) -> Vec<File> {
    let mut tables = vec![("trajectory.csv".into(), csv::trajectory(problem, result))];
    if !result.descents.is_empty() {
        tables.push(("descent.csv".into(), csv::descents(problem, result)));
    }
    tables
}

/// Everything a run writes, as names and bytes.
fn files(
    problem: &Problem,
    result: &RunResult,
    summary: &RunSummary<'_>,
    svg: bool,
) -> Result<Vec<File>> {
    let yaml = scenario::to_yaml(&summary.scenario).into_bytes();
    let mut files = vec![("scenario.yaml".to_string(), yaml)];
    let draw = || {
        let (scenario, observables) = (&problem.scenario, problem.observables());
        let pages = figures::run_pages(summary.name, scenario, observables, result);
        plot::render(&pages, formats(svg))
    };
    let (tables, pictures) = rayon::join(|| tables(problem, result), draw);
    files.extend(tables);
    files.extend(pictures?);
    if problem.scenario.output.weights {
        for (stem, weights) in [
            ("initial", &problem.weights),
            ("final", &result.flow.final_weights(problem)),
        ] {
            let bytes = npz::to_npz_bytes(&problem.architecture, weights)?;
            files.push((format!("{stem}_weights.npz"), bytes));
        }
    }
    files.push(summary_file(summary));
    Ok(files)
}
