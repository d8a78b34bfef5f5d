//! `modalflow run`.

use super::{Prepared, ensure_inputs_stay, prepare_all, print, print_json, warn};
use crate::commands::args::Options;
use crate::commands::progress::ProgressLine;
use crate::error::Result;
use crate::figures;
use crate::output::{self, File};
use crate::plot::{self, Format};
use crate::report::summary::{Provenance, RunSummary};
use crate::report::{csv, curvature, format, text};
use crate::scenario::{self, ScenarioFile};
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run::{self, Progress};
use modalflow::experiment::summary::Summary;
use modalflow::experiment::verify;
use modalflow::integrate::Outcome;
use modalflow::network::npz;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Exit code of a command whose integration failed.
const FAILED: u8 = 3;
/// Exit code of an interrupted command.
pub(super) const INTERRUPTED: u8 = 130;

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

/// What a run does beside its main job.
#[derive(Clone, Copy)]
pub(super) struct RunOptions {
    pub(super) svg: bool,
    pub(super) verify: bool,
}

pub(super) fn run_scenarios(
    paths: &[PathBuf],
    run_options: RunOptions,
    options: &Options,
) -> Result<u8> {
    let prepared = prepare_all(paths, options)?;
    for Prepared { name, problem, .. } in &prepared {
        let is_written = |name: &str| KNOWN_FILES.contains(&name) || name == "trajectory.csv";
        ensure_inputs_stay(&options.out.join(name), &problem.scenario, &is_written)?;
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    // Before there is anything to be seen of the run, so that whoever sees it may interrupt it.
    watch_interrupts(&interrupted);
    let folders: Vec<PathBuf> = prepared.iter().map(|p| options.out.join(&p.name)).collect();
    output::prepare_folders(&folders)?;
    let mut exit_code = 0;
    for (i, prepared) in prepared.iter().enumerate() {
        if i > 0 && !options.quiet && !options.json {
            print("\n")?;
        }
        let outcome = run_one(prepared, run_options, options, &interrupted)?;
        match outcome {
            Outcome::Interrupted => return Ok(INTERRUPTED),
            outcome if !outcome.is_success() => exit_code = FAILED,
            _ => {}
        }
    }
    Ok(exit_code)
}

/// The first interrupt lets the run end in order; the second one ends the program.
pub(super) fn watch_interrupts(interrupted: &Arc<AtomicBool>) {
    let flag = Arc::clone(interrupted);
    // Where no handler can be set, an interrupt ends the program at once: no harm to any file.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    });
}

fn run_one(
    Prepared {
        name,
        loaded,
        problem,
        prepare_seconds,
    }: &Prepared,
    run_options: RunOptions,
    options: &Options,
    interrupted: &AtomicBool,
) -> Result<Outcome> {
    let (clock, started) = (Instant::now(), SystemTime::now());
    let mut line = ProgressLine::new(name, &problem.scenario.flow.until, options.quiet);
    let mut monitor = |progress: &Progress| {
        line.show(progress);
        !interrupted.load(Ordering::Relaxed)
    };
    let result = run::run(problem, &mut monitor);
    let wall_seconds = clock.elapsed().as_secs_f64();
    let is_complete = result.outcome() != Outcome::Interrupted;
    let verification = (run_options.verify && is_complete)
        .then(|| verify::verify(problem, &result.flow, &mut monitor));
    line.finish();
    let checked = verification.as_ref().map(|check| check.outcome);
    let folder = options.out.join(name);
    let mut results = Summary::of(problem, &result);
    results.verification = verification.as_ref();
    results.warnings.extend(curvature::warning(&results));
    let summary = RunSummary {
        name,
        scenario: ScenarioFile {
            scenario: relative_to(&folder, problem.scenario.clone()),
            ..loaded.file.clone()
        },
        results,
        provenance: Some(provenance(started, *prepare_seconds, wall_seconds)),
    };
    let files = files(name, problem, &result, &summary, run_options.svg)?;
    let written = output::write_files(&folder, &files, KNOWN_FILES)?;
    if options.json {
        print_json(&summary)?;
    } else if !options.quiet {
        print(&text::report(problem, &summary))?;
        let names = written.iter().filter_map(|path| path.file_name()?.to_str());
        print(&format!(
            "\nwritten to {}:\n  {}\n",
            folder.display(),
            names.collect::<Vec<_>>().join(", ")
        ))?;
    }
    let outcome = result.outcome();
    if !outcome.is_success() {
        warn(&format!("warning: {name}: {}", failure(&result)));
        return Ok(outcome);
    }
    // A check that did not come to its end has checked nothing.
    Ok(checked.unwrap_or(outcome))
}

/// Where the numbers of a run or a sweep come from.
pub(super) fn provenance(
    started: SystemTime,
    prepare_seconds: f64,
    wall_seconds: f64,
) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION"),
        git: option_env!("MODALFLOW_GIT"),
        rustc: option_env!("MODALFLOW_RUSTC"),
        started: started
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        prepare_seconds,
        wall_seconds,
    }
}

/// What failed, in one line.
fn failure(result: &RunResult) -> String {
    if !result.flow.end.outcome.is_success() {
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
        .find(|d| !d.outcome.is_success());
    failed.map_or(String::new(), |descent| {
        format!(
            "descent at learning rate {}: {} at step {}",
            format::number(descent.learning_rate),
            descent.outcome.sentence(),
            descent.steps
        )
    })
}

/// The scenario with its file paths relative to the folder it is written to.
pub(super) fn relative_to(folder: &Path, mut scenario: Scenario) -> Scenario {
    for (_, path) in scenario.files_mut() {
        // Both exist. What stands in place of links and `..` is free of them: a `..` after a link
        // leads elsewhere than its text says.
        if let (Ok(target), Ok(folder)) = (path.canonicalize(), folder.canonicalize()) {
            *path = pathdiff::diff_paths(&target, &folder).unwrap_or(target);
        }
    }
    scenario
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
    name: &str,
    problem: &Problem,
    result: &RunResult,
    summary: &RunSummary<'_>,
    svg: bool,
) -> Result<Vec<File>> {
    let mut files = vec![(
        "scenario.yaml".to_string(),
        scenario::to_yaml(&summary.scenario).into_bytes(),
    )];
    let formats: &[Format] = match svg {
        true => &[Format::Png, Format::Svg],
        false => &[Format::Png],
    };
    let draw = || {
        let pages = figures::run_pages(name, &problem.scenario, problem.observables(), result);
        plot::render(&pages, formats)
    };
    let (tables, pictures) = rayon::join(|| tables(problem, result), draw);
    files.extend(tables);
    files.extend(pictures?);
    if problem.scenario.output.weights {
        let architecture = &problem.architecture;
        for (stem, weights) in [
            ("initial", &problem.weights),
            ("final", &result.flow.final_weights(problem)),
        ] {
            let bytes = npz::to_npz_bytes(architecture, weights)?;
            files.push((format!("{stem}_weights.npz"), bytes));
        }
    }
    let mut json = serde_json::to_vec_pretty(summary).unwrap_or_default();
    json.push(b'\n');
    files.push(("summary.json".into(), json));
    Ok(files)
}
