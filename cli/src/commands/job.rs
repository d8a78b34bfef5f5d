//! What a command works on: scenarios, each with the folder of its results.

use super::args::Options;
use super::{INTERRUPTED, interrupt, print, warn};
use crate::error::{Error, Result};
use crate::output;
use crate::scenario::{Loaded, ScenarioFile, SweepSection, expand_home};
use crate::sweep::memory;
use modalflow::data::ArrayFile;
use modalflow::error::InputError;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::{Outline, Scenario};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A scenario, and where its results go.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) loaded: Loaded,
}

impl Job {
    pub(super) fn of(loaded: Loaded, out: &Path) -> Job {
        let name = loaded.file.scenario.name.clone().unwrap_or_default();
        let folder = out.join(&name);
        Job {
            name,
            folder,
            loaded,
        }
    }

    /// Loads every scenario before any is run, so that a mistake in the last one shows before
    /// anything is computed or written.
    pub(super) fn load(paths: &[PathBuf], options: &Options) -> Result<Vec<Job>> {
        if paths.iter().filter(|path| *path == Path::new("-")).count() > 1 {
            return Err(Error::usage(
                "- stands more than once, but standard input can be read only once",
                "give - once, and other scenarios as files",
            ));
        }
        let load = |path: &PathBuf| Ok(Job::of(Loaded::read(path, &options.set)?, &options.out));
        let jobs: Vec<Job> = paths.iter().map(load).collect::<Result<_>>()?;
        let mut names = HashSet::new();
        match jobs.iter().find(|job| !names.insert(&job.name)) {
            None => Ok(jobs),
            Some(Job { name, .. }) => Err(Error::usage(
                format!("two scenarios are named {name}, and would overwrite each other"),
                "give them different names, or run them with different --out folders",
            )),
        }
    }

    /// A command writes or removes files of some names in its folder: none may be what it starts
    /// from.
    pub(super) fn ensure_inputs_stay(&self, is_written: &dyn Fn(&str) -> bool) -> Result<()> {
        let Ok(folder) = self.folder.canonicalize() else {
            return Ok(());
        };
        let is_own = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let target = path.canonicalize();
            name.is_some_and(is_written) && target.is_ok_and(|p| p.parent() == Some(&folder))
        };
        match self.input_files().into_iter().find(is_own) {
            None => Ok(()),
            Some(path) => Err(Error::usage(
                format!(
                    "the call would replace or remove {}, which it starts from",
                    path.display()
                ),
                "give the scenario another name, or choose another folder with --out",
            )),
        }
    }

    /// The files that the scenario and its sweep name.
    pub(super) fn input_files(&self) -> Vec<PathBuf> {
        let files = self.loaded.files().into_iter();
        files.map(|(_, path)| path).collect()
    }

    /// What stands in the file, with another scenario, whose file paths are made relative to the
    /// folder that it is written to.
    pub(super) fn file_in(&self, folder: &Path, mut scenario: Scenario) -> ScenarioFile {
        // Both exist. What stands in place of links and `..` is free of them: a `..` after a link leads
        // elsewhere than its text says.
        let relative = |path: &Path| {
            let (target, folder) = (path.canonicalize().ok()?, folder.canonicalize().ok()?);
            Some(pathdiff::diff_paths(&target, &folder).unwrap_or(target))
        };
        for (_, path) in scenario.files_mut() {
            *path = relative(path).unwrap_or_else(|| path.clone());
        }
        let mut file = self.loaded.file.clone();
        for (_, name) in file.sweep.iter_mut().flat_map(SweepSection::files_mut) {
            let file = ArrayFile::from(name.as_str());
            let path = self.loaded.source.folder().join(expand_home(&file.path));
            if let Some(path) = relative(&path) {
                *name = ArrayFile { path, ..file }.to_string();
            }
        }
        ScenarioFile { scenario, ..file }
    }
}

/// A job ready to run.
pub(super) struct Prepared {
    pub(super) job: Job,
    pub(super) problem: Problem,
    /// How long drawing, reading and reducing took.
    pub(super) prepare_seconds: f64,
}

/// Prepares every scenario before any is run.
pub(super) fn prepare_all(paths: &[PathBuf], options: &Options) -> Result<Vec<Prepared>> {
    let prepare = |job: Job| {
        let clock = Instant::now();
        let Loaded { file, source } = &job.loaded;
        let locate = |error: InputError| source.locate(error.into());
        let outline = Outline::of(&file.scenario, memory()).map_err(locate)?;
        // Before it takes that long.
        if let Some(caution) = outline.forecast().caution() {
            warn(&format!("note: {}: {caution}", job.name));
        }
        let problem = outline.prepare().map_err(locate)?;
        for warning in &problem.warnings {
            warn(&format!("warning: {}: {warning}", job.name));
        }
        Ok(Prepared {
            job,
            problem,
            prepare_seconds: clock.elapsed().as_secs_f64(),
        })
    };
    let jobs = Job::load(paths, options)?.into_iter();
    jobs.map(prepare).collect()
}

/// Works on one job after the other, with an empty line between their reports, until one is
/// interrupted; gives back that exit code, or the lowest one that is not 0.
pub(super) fn work_on<T>(
    all: &[T],
    job: fn(&T) -> &Job,
    options: &Options,
    work: impl Fn(&T) -> Result<u8>,
) -> Result<u8> {
    let folders: Vec<PathBuf> = all.iter().map(|each| job(each).folder.clone()).collect();
    output::prepare_folders(&folders)?;
    let mut exit_code = 0;
    for (i, each) in all.iter().enumerate() {
        if i > 0 && !options.quiet && !options.json {
            print("\n")?;
        }
        match work(each)? {
            INTERRUPTED => return Ok(INTERRUPTED),
            // Complete as it is: who interrupted it wants no more of what comes next.
            _ if interrupt::is_asked() => {
                let name = &job(each).name;
                warn(&format!(
                    "warning: {name}: interrupted when it was complete"
                ));
                return Ok(INTERRUPTED);
            }
            0 => {}
            // A failure, of the lower code, says more than a disagreement.
            code if exit_code == 0 || code < exit_code => exit_code = code,
            _ => {}
        }
    }
    Ok(exit_code)
}
