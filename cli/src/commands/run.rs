//! `modalflow run`.

use super::args::{Options, RunArgs};
use super::job::{Job, Prepared, prepare_all, work_on};
use super::progress::Bar;
use super::{INTERRUPTED, folder, interrupt, listed, render, show, summary_file, warn};
use crate::error::Result;
use crate::figures;
use crate::output::{self, File};
use crate::report::flow::judgement;
use crate::report::summary::{Provenance, RunSummary};
use crate::report::{self, csv, text};
use crate::scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run::{Progress, Running};
use modalflow::experiment::verify::{self, Verification};
use modalflow::integrate::Outcome;
use modalflow::network::npz;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

/// Exit code of a command whose integration failed.
const FAILED: u8 = 3;
/// Exit code of a command whose two integrations disagree by more than their tolerances allow.
const DISAGREES: u8 = 5;

/// Files of a run that another run of the same name, or one that is interrupted, may leave out.
const KNOWN_FILES: &[&str] = &[
    "descent.csv",
    "loss.png",
    "loss.svg",
    "maps.png",
    "maps.svg",
    "overview.png",
    "overview.svg",
    "generalisation.png",
    "generalisation.svg",
    "initial_weights.npz",
    "final_weights.npz",
];

pub(super) fn run_scenarios(call: &RunArgs, options: &Options) -> Result<u8> {
    let prepared = prepare_all(&call.scenarios.scenarios, options)?;
    for Prepared { job, .. } in &prepared {
        let is_written = |name: &str| KNOWN_FILES.contains(&name) || name == folder::RUN_TABLE;
        job.ensure_inputs_stay(&is_written)?;
        folder::ensure_no_sweep(&job.folder)?;
        if job.loaded.file.sweep.is_some() && !options.quiet {
            warn(&format!(
                "note: {}: run does not use the section sweep; modalflow sweep does",
                job.name
            ));
        }
    }
    work_on(
        &prepared,
        |prepared| &prepared.job,
        options,
        |prepared| run_one(prepared, call, options),
    )
}

/// Runs a scenario and writes its files. Gives back the exit code.
fn run_one(prepared: &Prepared, call: &RunArgs, options: &Options) -> Result<u8> {
    let Prepared { job, problem, .. } = prepared;
    let name = &job.name;
    let nothing =
        format!("warning: {name}: interrupted before the flow took a step; nothing is written");
    interrupt::ask_first(nothing.clone());
    let (clock, started) = (Instant::now(), SystemTime::now());
    let until = &problem.scenario.flow.until;
    let bar = Mutex::new(Bar::of_run(name, until, options.quiet));
    let (running, verification) = (Running::new(problem), OnceLock::new());
    let compute = || {
        let mut monitor = |progress: &Progress| {
            lock(&bar).show_run(progress);
            !interrupt::is_asked()
        };
        running.run(&mut monitor);
        let seconds = clock.elapsed().as_secs_f64();
        let complete = running.result().filter(|result| result.is_complete);
        let flow = complete.map(|result| Arc::clone(&result.flow));
        if let (true, Some(flow)) = (call.verify, flow) {
            verification.get_or_init(|| verify::verify(problem, &flow, &mut monitor));
        }
        seconds
    };
    interrupt::until(interrupt::COMPUTED, compute, |seconds| {
        lock(&bar).remove();
        interrupt::begin_writing();
        let conclude = |result: &RunResult| {
            let seconds = seconds.unwrap_or_else(|| clock.elapsed().as_secs_f64());
            let run = Run {
                job,
                problem,
                result,
                verification: verification.get(),
                provenance: Provenance::new(started, prepared.prepare_seconds, seconds),
            };
            run.conclude(call, options)
        };
        if let Some(result) = running.result() {
            return conclude(&result);
        }
        running.interrupted_flow().map_or_else(
            || {
                warn(&nothing);
                Ok(INTERRUPTED)
            },
            |result| conclude(&result),
        )
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run at its end, or as far as it came.
struct Run<'r> {
    job: &'r Job,
    problem: &'r Problem,
    result: &'r RunResult,
    verification: Option<&'r Verification>,
    provenance: Provenance,
}

impl Run<'_> {
    /// Draws, writes and reports it. Gives back the exit code.
    fn conclude(&self, call: &RunArgs, options: &Options) -> Result<u8> {
        let Job { folder, name, .. } = self.job;
        let missing = self.missing(call);
        let mut summary = self.summary(missing.as_deref());
        if let Some(missing) = &missing
            && folder::has_complete_run(folder, &summary.scenario)
        {
            interrupt::end_writing();
            let kept = format!(
                "the complete results of an earlier run stay in {}",
                folder.display()
            );
            self.show(&summary, options, &kept)?;
            return Ok(self.interrupted(&format!("{missing}; {kept}")));
        }
        let draw = || {
            let (scenario, observables) = (&self.problem.scenario, self.problem.observables());
            let pages = figures::run_pages(name, scenario, observables, self.result);
            render(name, &pages, call.svg)
        };
        let tables = || tables(self.problem, self.result);
        let both = || rayon::join(tables, draw);
        interrupt::until(interrupt::DRAWN, both, |both| {
            let lacks_pictures = both.is_none();
            summary.interrupted |= lacks_pictures;
            let (tables, pictures) = both.unwrap_or_else(|| (tables(), Ok(Vec::new())));
            let yaml = scenario::to_yaml(&summary.scenario).into_bytes();
            let first = vec![("scenario.yaml".to_owned(), yaml)];
            let last = vec![summary_file(&summary)];
            let files = [first, tables, pictures?, self.weights()?, last].concat();
            let written = output::write_files(folder, &files, KNOWN_FILES)?;
            interrupt::end_writing();
            let (folder, names) = (folder.display(), listed(&written));
            self.show(
                &summary,
                options,
                &format!("written to {folder}:\n  {names}"),
            )?;
            Ok(match missing {
                Some(missing) => self.interrupted(&missing),
                None if lacks_pictures => self.interrupted("the pictures are missing"),
                None => self.exit_code(),
            })
        })
    }

    /// What an interrupted run lacks; None where it has all that was asked for.
    fn missing(&self, call: &RunArgs) -> Option<String> {
        let RunResult { flow, descents, .. } = self.result;
        let outcomes = descents.iter().map(|run| run.descent.outcome);
        let mut outcomes = std::iter::once(flow.end.outcome).chain(outcomes);
        let check = self.verification.map(|check| check.outcome);
        if outcomes.any(|outcome| outcome == Outcome::Interrupted) {
            report::failure(self.problem, self.result)
        } else if !self.result.is_complete {
            Some("some of what follows the flow is missing".to_owned())
        } else if call.verify && check.is_none_or(|outcome| outcome == Outcome::Interrupted) {
            Some("the verification is missing".to_owned())
        } else {
            None
        }
    }

    fn summary(&self, missing: Option<&str>) -> RunSummary<'_> {
        let Job { folder, name, .. } = self.job;
        let scenario = self.job.file_in(folder, self.problem.scenario.clone());
        let mut summary = RunSummary::of(name, scenario, self.problem, self.result);
        summary.results.verification = self.verification;
        let interrupted = missing.map(|missing| format!("the run was interrupted: {missing}"));
        summary.results.warnings.extend(interrupted);
        summary.interrupted = missing.is_some();
        summary.provenance = Some(self.provenance.clone());
        summary
    }

    /// The files of weights, where they are asked for.
    fn weights(&self) -> Result<Vec<File>> {
        let Problem {
            architecture,
            weights,
            scenario,
            ..
        } = self.problem;
        if !scenario.output.weights {
            return Ok(Vec::new());
        }
        let last = self.result.flow.final_weights(self.problem);
        let files = [("initial", weights), ("final", &last)].into_iter();
        let files = files.map(|(stem, weights)| {
            let bytes = npz::to_npz_bytes(architecture, weights)?;
            Ok((format!("{stem}_weights.npz"), bytes))
        });
        files.collect()
    }

    fn show(&self, summary: &RunSummary<'_>, options: &Options, end: &str) -> Result<()> {
        show(options, summary, || {
            format!("{}\n{end}\n", text::report(self.problem, summary))
        })
    }

    fn interrupted(&self, missing: &str) -> u8 {
        warn(&format!(
            "warning: {}: interrupted: {missing}",
            self.job.name
        ));
        INTERRUPTED
    }

    /// The exit code of a run that was not interrupted; says why it is not 0.
    fn exit_code(&self) -> u8 {
        let name = &self.job.name;
        if let Some(failure) = report::failure(self.problem, self.result) {
            warn(&format!("warning: {name}: {failure}"));
            return FAILED;
        }
        match self.verification {
            // A check that did not come to its end has checked nothing.
            Some(check) if !check.is_complete || !check.outcome.is_success() => FAILED,
            check if !agrees(name, check) => DISAGREES,
            _ => 0,
        }
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

/// The tables of a run: trajectory and descents.
fn tables(problem: &Problem, result: &RunResult) -> Vec<File> {
    let mut tables = vec![(folder::RUN_TABLE.into(), csv::trajectory(problem, result))];
    if !result.descents.is_empty() {
        tables.push(("descent.csv".into(), csv::descents(problem, result)));
    }
    tables
}
