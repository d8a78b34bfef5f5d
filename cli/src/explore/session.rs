//! From what the page sends to what it shows: checked, prepared, run within a budget, drawn.
//!
//! A scenario can name files. The page can name only those that the scenario of the command line names.

use super::controls::controls;
use super::headline::{cut_short, headline, numbers};
use super::lessons::LESSONS;
use super::view::{Fault, Picture, Question, Shown, State, View};
use crate::error::{Error, InputError, Result};
use crate::figures;
use crate::output;
use crate::plot::{self, Format, Page};
use crate::report::summary::RunSummary;
use crate::report::{csv, text};
use crate::scenario::{Loaded, edited};
use crate::sweep::memory;
use modalflow::experiment::Outline;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::experiment::run::{self, Progress, Stage};
use modalflow::theory::NOT_WAITED_FOR;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of memory that a state may take.
const MEMORY: u64 = 1 << 30;
/// Weights of a network: what is done to them before the flow begins cannot be cut short.
const WEIGHTS: usize = 1_000_000;
/// Weights that are integrated, after the reduction, likewise.
const INTEGRATED: usize = 100_000;
/// Inputs of a source that draws their covariance, and samples that are drawn, likewise.
const INPUTS: usize = 500;
const SAMPLES: u64 = 1_000_000;
/// Weights times samples where moments do not suffice, likewise: of a step.
const SAMPLED: usize = 20_000_000;
/// Multiplications that second moments may take, likewise: about a second.
const MULTIPLICATIONS: u64 = 2_000_000_000;

/// What is explored, and how far the page may go.
#[derive(Debug)]
pub struct Session {
    /// The scenario file, or what stands for it where there is none.
    path: PathBuf,
    /// What the page starts with.
    start: String,
    /// The files that a state may name.
    files: Vec<PathBuf>,
    /// What stands in the scenario file as far as this program knows; None where none was named.
    saved: Option<Mutex<String>>,
    /// How long a run may take.
    budget: Duration,
}

/// What leaves the page as a file, and what is missing in it where the budget ended its run.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenOut {
    /// The content of the file.
    pub bytes: Vec<u8>,
    /// What the file says too; None where its run is complete.
    pub cut: Option<String>,
}

/// A state that has run.
struct Ran {
    name: String,
    cut: Option<String>,
    file: crate::scenario::ScenarioFile,
    problem: Problem,
    result: RunResult,
}

impl Session {
    /// Explores the scenario file `path`, changed as `--set` says, or the first lesson.
    ///
    /// # Errors
    /// An input error where the file cannot be used.
    pub fn new(path: Option<&Path>, set: &[String], budget: Duration) -> Result<Self> {
        let Some(path) = path else {
            let [first, ..] = LESSONS;
            let loaded = Loaded::parse(&first.path(), first.text.to_owned(), set)?;
            return Self::of(loaded, None, budget);
        };
        let loaded = Loaded::read(path, set)?;
        let is_file = path != Path::new("-");
        let saved = is_file.then(|| loaded.source.text().to_owned());
        Self::of(loaded, saved, budget)
    }

    fn of(loaded: Loaded, saved: Option<String>, budget: Duration) -> Result<Self> {
        let files = loaded.files().into_iter().map(|(_, path)| path);
        Ok(Self {
            files: files.collect(),
            start: loaded.source.changed_text()?,
            path: loaded.source.path,
            saved: saved.map(Mutex::new),
            budget,
        })
    }

    /// How long a run may take.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// What the page starts with.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The file that the page may write, where there is one.
    pub fn writes(&self) -> Option<&Path> {
        self.saved.is_some().then_some(&*self.path)
    }

    /// What the page shows of a state; None where `go_on` says that nobody waits for it.
    pub fn view(&self, question: Question, go_on: &dyn Fn() -> bool) -> Option<View> {
        let mut view = View::default();
        if let Err(error) = self.fill(&mut view, question, go_on) {
            view.fault = Some(Fault::from(error));
        }
        go_on().then_some(view)
    }

    fn fill(&self, view: &mut View, question: Question, go_on: &dyn Fn() -> bool) -> Result<()> {
        let text = self.text(question.state)?;
        view.text = Some(text.clone());
        let loaded = self.loaded(text)?;
        view.controls = Some(controls(&loaded.file.scenario));
        let ran = self.run(quickened(loaded), go_on)?;
        if go_on() {
            view.shown = Some(Self::shown(&ran, question.narrow)?);
        }
        Ok(())
    }

    fn shown(ran: &Ran, is_narrow: bool) -> Result<Shown> {
        let Ran {
            name,
            cut,
            file,
            problem,
            result,
        } = ran;
        let summary = RunSummary::of(name, file.clone(), problem, result);
        let outcome = result.flow.end.outcome;
        let failed =
            (!outcome.is_success() && cut.is_none()).then(|| outcome.sentence().to_owned());
        let reason = result.flow.detection.phase.reason.clone();
        let assumptions = &result.theory.assumptions;
        let is_missing = assumptions.iter().any(|words| words == NOT_WAITED_FOR);
        let missing = is_missing.then(|| format!("theory: {NOT_WAITED_FOR}"));
        let notes = failed.into_iter().chain(reason).chain(missing);
        let drawn = plot::render(&ran.pages(is_narrow), &[Format::Svg])?;
        let picture = |(name, svg): (String, Vec<u8>)| Picture {
            stem: name.trim_end_matches(".svg").to_owned(),
            svg: String::from_utf8_lossy(&svg).into_owned(),
        };
        Ok(Shown {
            headline: headline(problem, result),
            cut: cut.clone(),
            notes: notes
                .chain(summary.results.warnings.iter().cloned())
                .collect(),
            numbers: numbers(result),
            report: text::report(problem, &summary),
            pictures: drawn.files.into_iter().map(picture).collect(),
            name: name.clone(),
        })
    }

    /// One picture of a state as PNG; None where it has none of this name.
    ///
    /// # Errors
    /// An input error where the state cannot be run, and a drawing error.
    pub fn png(&self, state: State, stem: &str) -> Result<Option<TakenOut>> {
        let ran = self.run(self.loaded(self.text(state)?)?, &|| true)?;
        let mut pages = ran.pages(false);
        pages.retain(|(name, _)| name == stem);
        let drawn = plot::render(&pages, &[Format::Png])?;
        let file = drawn.files.into_iter().next();
        Ok(file.map(|(_, bytes)| TakenOut {
            bytes,
            cut: ran.cut,
        }))
    }

    /// The trajectory of a state, as `trajectory.csv`; below a line that says so where the budget ended the run.
    ///
    /// # Errors
    /// An input error where the state cannot be run.
    pub fn csv(&self, state: State) -> Result<TakenOut> {
        let ran = self.run(self.loaded(self.text(state)?)?, &|| true)?;
        let comment = ran.cut.as_ref().map(|cut| format!("# {cut}\n"));
        let mut bytes = comment.unwrap_or_default().into_bytes();
        bytes.extend(csv::trajectory(&ran.problem, &ran.result));
        Ok(TakenOut {
            bytes,
            cut: ran.cut,
        })
    }

    /// Writes a state to the scenario file of the command line, unless somebody else has changed it.
    ///
    /// # Errors
    /// An input error where the state is no scenario; a usage error where there is no file to write, or it has changed;
    /// an error of writing.
    pub fn save(&self, state: State) -> Result<()> {
        let Some(saved) = &self.saved else {
            return Err(Error::usage(
                "the command names no scenario file to save to",
                "copy the text, or start with modalflow explore FILE",
            ));
        };
        let text = self.text(state)?;
        self.loaded(text.clone())?;
        let mut saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
        // What a link leads to is written, not the link.
        let path = self.path.canonicalize().map_err(Error::write(&self.path))?;
        let stands = std::fs::read_to_string(&path).map_err(Error::write(&path))?;
        if stands.trim_start_matches('\u{feff}') != *saved {
            return Err(Error::usage(
                "the scenario file has been changed by another program since it was read",
                "copy the text, and start again",
            ));
        }
        let permissions = path.metadata().map_err(Error::write(&path))?.permissions();
        if permissions.readonly() {
            return Err(Error::usage(
                "the scenario file may not be written to",
                "copy the text, or change the file's permissions",
            ));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name =
            name.ok_or_else(|| Error::usage("the name of the file is not UTF-8", "copy the text"))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        output::write_files(folder, &[(name.to_owned(), text.clone().into_bytes())], &[])?;
        // Another file has taken the place of the one that was read.
        std::fs::set_permissions(&path, permissions).map_err(Error::write(&path))?;
        *saved = text;
        Ok(())
    }

    fn text(&self, State { text, set }: State) -> Result<String> {
        let changes: Vec<_> = set.into_iter().collect();
        edited(&self.path, text, &changes)
    }

    /// The scenario of a text, if it names no file but those of the command line.
    fn loaded(&self, text: String) -> Result<Loaded> {
        let loaded = Loaded::parse(&self.path, text, &[])?;
        let mut files = loaded.files().into_iter();
        match files.find(|(_, file)| !self.files.contains(file)) {
            None => Ok(loaded),
            Some((key, _)) => Err(loaded.source.locate(refused_file(key).into())),
        }
    }

    /// Runs a scenario until its end, the budget's, or that of `go_on`.
    fn run(&self, loaded: Loaded, go_on: &dyn Fn() -> bool) -> Result<Ran> {
        let Loaded { file, source } = loaded;
        let locate = |error: InputError| source.locate(error.into());
        // Before anything is drawn.
        let about = file.scenario.data.get().about();
        let inputs = about.shape.map_or(0, |[inputs, _]| inputs);
        ensure_small(inputs <= INPUTS && about.sampling.drawn().unwrap_or(0) <= SAMPLES)?;
        let outline = Outline::of(&file.scenario, memory()).map_err(locate)?;
        let forecast = outline.forecast();
        ensure_small(
            forecast.weights <= WEIGHTS
                && forecast.moments_multiplications <= MULTIPLICATIONS
                && forecast.memory_bytes <= MEMORY,
        )?;
        let problem = outline.prepare().map_err(locate)?;
        let integrated = problem.network(true).architecture.len();
        if integrated > INTEGRATED {
            return Err(too_many_weights(integrated));
        }
        let samples = problem.moments.samples.as_ref().map_or(0, |s| s.len());
        let is_of_moments = file.scenario.is_of_moments();
        ensure_small(
            is_of_moments || problem.architecture.len().saturating_mul(samples) <= SAMPLED,
        )?;
        let begin = Instant::now();
        let mut monitor = |progress: &Progress| {
            // Half of the budget is left for what theory is about.
            let share = if progress.stage == Stage::Theory {
                2
            } else {
                1
            };
            go_on() && begin.elapsed() < self.budget / share
        };
        let result = run::run(&problem, &mut monitor);
        Ok(Ran {
            name: file.scenario.name.clone().unwrap_or_default(),
            cut: cut_short(&result, self.budget.as_secs_f64()),
            file,
            problem,
            result,
        })
    }
}

impl Ran {
    /// What is drawn: loss over maps, the generalisation error where there is one, the phase portrait of two scalar
    /// inputs. Each says where the budget ended the run.
    fn pages(&self, is_narrow: bool) -> Vec<(String, Page)> {
        let Self {
            name,
            cut,
            problem,
            result,
            ..
        } = self;
        let mut pages = figures::run_pages(name, &problem.scenario, problem.observables(), result);
        pages.retain(|(stem, _)| stem == "overview" || stem == "generalisation");
        let portrait = figures::run_portrait(problem, &result.flow);
        pages.extend(portrait.map(|page| ("portrait".to_owned(), page)));
        for (_, page) in &mut pages {
            page.notes.extend(cut.clone());
            page.is_narrow = is_narrow;
        }
        pages
    }
}

/// The scenario with the tolerance of what is looked at, where it gives none itself: the times keep five digits, and
/// come in half to a third of the time. What is downloaded has the scenario's own.
fn quickened(mut loaded: Loaded) -> Loaded {
    const RTOL: f64 = 1e-5;
    let scenario = &mut loaded.file.scenario;
    // Other units have tolerances of their own.
    if scenario.is_of_moments() {
        scenario.flow.rtol.get_or_insert(RTOL);
    }
    loaded
}

fn ensure_small(is_small: bool) -> Result<()> {
    match is_small {
        true => Ok(()),
        false => Err(Error::usage(
            "this state is too large to be explored by hand",
            "use modalflow run, or a smaller network, fewer inputs and fewer samples",
        )),
    }
}

/// Many keys have a part in that: depth, width, initial weights.
fn too_many_weights(weights: usize) -> Error {
    Error::usage(
        format!(
            "no smaller network has the trajectory of these {weights} weights, which are too many to be explored by hand"
        ),
        "use modalflow run, or choose a narrower or shallower network, or init.aligned: such weights train as a network of width 1",
    )
}

fn refused_file(key: String) -> InputError {
    InputError::at(
        key,
        "the page reads no files but those of the scenario that it was started with",
        "start modalflow explore with a scenario that names the file",
    )
}
