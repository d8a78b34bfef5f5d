//! What unimodal bias does to some data, and what to do about it: the open question as a decision.
//!
//! A diagnosis reads the rows of a scenario, tells which modality late fusion learns first and why, integrates the flow of
//! every fusion layer, measures how sure all that is at this number of rows, and runs the remedies that theory knows a
//! balancing value of. Nothing is integrated here but by `crate::experiment`.
//!
//! | file | what it tells |
//! |---|---|
//! | `record.rs` | all of it, as plain data |
//! | `work.rs` | its parts in their order |
//! | `clock.rs` | how far it is, and whether it is to go on |
//! | `told.rs` | what the rows tell before anything is trained |
//! | `rows.rs` | the rows, and their divisions |
//! | `reading.rs` | rank, constant and equal columns, what a modality fits alone, other scalings |
//! | `ridge.rs` | the power that modalities explain on rows not fitted to |
//! | `rates.rs` | growth rates and time ratio of some rows |
//! | `resampling.rs` | how sure order, superficiality and ratio are |
//! | `noise.rs` | what permuted targets seem to show |
//! | `population.rs` | the same of a population, which has no rows |
//! | `directions.rs` | few directions of many inputs, for the flows |
//! | `divisions.rs` | which fusion layer is best on divisions of the rows |
//! | `layers.rs` | the flow of each fusion layer |
//! | `stopping.rs` | whether a bias matters: the error on rows held out, and shares of the outputs |
//! | `by_samples/` | the flow of each fusion layer with units that are not linear |
//! | `draws.rs` | what other draws of the initial weights do |
//! | `recommendation.rs` | which layer, if the rows can tell |
//! | `remedies.rs` | what would change it |

mod by_samples;
mod clock;
mod directions;
mod divisions;
mod draws;
mod layers;
mod noise;
mod population;
mod rates;
mod reading;
mod recommendation;
mod record;
mod remedies;
mod resampling;
mod ridge;
mod rows;
mod stopping;
mod told;
mod work;

pub use by_samples::{BySamples, OverDivisions, SampledLayer, SampledRemedy, ShareSpread};
pub use clock::{Monitor, Progress};
pub use directions::Seen;
pub use draws::{AGREE, Draws, FirstShare, Spread, are_together};
pub use layers::{LayerPhase, LayerResult, LayerTheory};
pub use noise::{ModalityFloor, NoiseFloor, SIGNIFICANT};
pub use reading::{Duplicate, ModalityReading, OtherScaling};
pub use recommendation::{LayerError, Recommendation};
pub use record::{Diagnosis, First, LateRatio, RowCount, Superficial};
pub use remedies::{Cost, RemedyDraws, RemedyResult, RemedyValue};
pub use stopping::{PowerShare, StepTimes, Stopping};

use crate::data::{Content, GivenArrays, Moments, Source};
use crate::error::{InputError, Result};
use crate::experiment::Scenario;
use crate::experiment::problem::Problem;
use crate::experiment::results::RunResult;
use crate::network::NetworkSection;
use by_samples::Sampled;
use clock::{Clock, Ongoing, Stop};
use layers::Shared;
use rows::Pool;
use std::ops::RangeInclusive;
use std::sync::Arc;
use work::Work;

/// Fewest rows that are resampled.
const FEWEST_ROWS: usize = 8;

/// Fewest outputs that may be a number taken for classes.
const MANY: usize = 20;

/// Most divisions of the rows on which every fusion layer is trained, where their number is not given.
const MOST_DIVISIONS: usize = 10;

/// Divisions where the flows are long, as all of units that are not linear are.
const FEW_DIVISIONS: usize = 4;

/// Most weights that are integrated without a smaller width, where that is free.
const LARGE: usize = 8_000;

/// Weights above which a flow is long.
const LONG: usize = 1_500;

/// How much is resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Halves of the rows that order, superficiality and time ratio are told of.
    pub resamples: usize,
    /// Permutations of the targets.
    pub permutations: usize,
    /// Divisions of the rows on which every fusion layer is trained; by the size of the flows where it is not given.
    pub divisions: Option<usize>,
    /// Whether the width is a default, which may be smaller where the network would be large.
    pub is_width_free: bool,
    /// Bytes of memory that there are.
    pub memory: u64,
}

/// How many halves of the rows may be asked for.
pub const RESAMPLES: RangeInclusive<i64> = 20..=100_000;

/// How many divisions of the rows may be asked for.
pub const DIVISIONS: RangeInclusive<i64> = 3..=20;

/// Most permutations of the targets: enough for the level that noise is told at.
const MOST_PERMUTATIONS: usize = 99;

impl Options {
    /// So many halves of the rows, and as many permutations as go with them.
    pub fn resampling(resamples: usize) -> Self {
        Self {
            resamples,
            permutations: resamples.min(MOST_PERMUTATIONS),
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resamples: 200,
            permutations: MOST_PERMUTATIONS,
            divisions: None,
            is_width_free: false,
            memory: u64::MAX,
        }
    }
}

/// A diagnosis with the problem of its last fusion layer and the flow of it, for a figure.
pub struct Diagnosed {
    /// The scenario, as its data were read.
    pub scenario: Scenario,
    /// What it tells.
    pub diagnosis: Diagnosis,
    /// What the user should know before trusting it.
    pub warnings: Vec<String>,
    /// The scenario's network, or that of late fusion, ready to run.
    pub problem: Problem,
    /// Its flow, theory and generalisation.
    pub result: RunResult,
}

impl Diagnosed {
    /// Reads and diagnoses the data of a checked scenario. Its fusion layer does not matter: every one
    /// is tried.
    ///
    /// # Errors
    /// Those of [`Subject::of`] and [`Subject::diagnose`].
    pub fn of(
        scenario: &Scenario,
        options: &Options,
        monitor: &Monitor<'_>,
    ) -> Result<Option<Self>> {
        Subject::of(scenario)?.diagnose(options, monitor)
    }
}

/// A scenario whose data are read, to be diagnosed.
pub struct Subject {
    scenario: Scenario,
    content: Arc<Content>,
}

impl Subject {
    /// Reads the data of a checked scenario.
    ///
    /// # Errors
    /// An input error where the data cannot be read, and where there is one modality only or one layer.
    pub fn of(scenario: &Scenario) -> Result<Self> {
        Self::with(scenario, |source, seed| source.get().content(seed))
    }

    /// The same with arrays in memory in place of the files that the scenario names.
    ///
    /// # Errors
    /// As for [`Subject::of`], and where the scenario's data are no arrays or one of them is not given.
    pub fn of_arrays(scenario: &Scenario, arrays: &GivenArrays<'_>) -> Result<Self> {
        Self::with(scenario, |source, seed| source.content_of(arrays, seed))
    }

    fn with(
        scenario: &Scenario,
        content: impl FnOnce(&Source, u64) -> Result<Content>,
    ) -> Result<Self> {
        ensure_fit(scenario)?;
        let mut scenario = scenario.clone();
        scenario.data.get_mut().resolve()?;
        let content = Arc::new(content(&scenario.data, scenario.seed)?);
        Ok(Self { scenario, content })
    }

    /// What looks wrong with the data, before anything is computed.
    pub fn warnings(&self) -> Vec<String> {
        let Content::Rows { training, .. } = &*self.content else {
            return Vec::new();
        };
        let reading = training.reading.as_ref();
        let mut warnings = reading.map_or(Vec::new(), |reading| reading.warnings.clone());
        let (rows, outputs) = (training.inputs.nrows(), training.targets.ncols());
        if outputs >= MANY && 4 * outputs > rows {
            warnings.push(format!(
                "{outputs} outputs of {rows} rows trained on: if they are the values of a number, give it as target, not as \
                 label"
            ));
        }
        warnings
    }

    /// Tells everything of them; None where the monitor wants no more of it.
    ///
    /// # Errors
    /// An input error where the data cannot be used.
    pub fn diagnose(self, options: &Options, monitor: &Monitor<'_>) -> Result<Option<Diagnosed>> {
        match self.ongoing(options, Clock::new(monitor)) {
            Ok(found) => Ok(Some(found)),
            Err(Stop::Interrupted) => Ok(None),
            Err(Stop::Invalid(error)) => Err(error),
        }
    }

    /// What the costly part of it may cost, to be said before it begins; None where there is none.
    ///
    /// # Errors
    /// An input error where the data cannot be used.
    pub fn cost(&self, options: &Options) -> Result<Option<String>> {
        if self.scenario.network.is_linear() {
            return Ok(None);
        }
        let Networks {
            linear, sampled, ..
        } = self.networks(options)?;
        let fusions = linear.network.depth.unwrap_or(1);
        let divisions = self.sampled_divisions(options);
        Ok(sampled.map(|sampled| sampled.words(fusions, divisions)))
    }

    fn ongoing(&self, options: &Options, clock: Clock<'_>) -> Ongoing<Diagnosed> {
        let content = &*self.content;
        let Networks {
            linear,
            shared,
            sampled,
        } = self.networks(options)?;
        let pool = Pool::of(&linear.data, content, linear.seed);
        let pool = pool.filter(|pool| pool.len() >= FEWEST_ROWS);
        let is_long = integrated(&shared)? > LONG;
        let work = Work {
            scenario: &linear,
            sampled: sampled.as_ref(),
            divisions: options.divisions.unwrap_or(match is_long {
                true => FEW_DIVISIONS,
                false => MOST_DIVISIONS,
            }),
            sampled_divisions: self.sampled_divisions(options),
            is_long,
            options,
            content,
            shared: &shared,
            pool: pool.as_ref(),
            clock,
        };
        let mut found = work.diagnose()?;
        let NetworkSection {
            activation, biases, ..
        } = self.scenario.network;
        found.scenario.network.activation = activation;
        found.scenario.network.biases = biases;
        Ok(found)
    }

    /// Divisions of the rows on which units that are not linear are trained.
    fn sampled_divisions(&self, options: &Options) -> usize {
        let rows = match &*self.content {
            Content::Population(_) => trained(&self.scenario, &self.content).unwrap_or(0),
            Content::Rows { training, .. } => training.inputs.nrows() + held_out(&self.content),
        };
        match rows < FEWEST_ROWS {
            true => 0,
            false => options.divisions.unwrap_or(FEW_DIVISIONS),
        }
    }

    /// The linear network, and the one asked for where that is another one.
    fn networks(&self, options: &Options) -> Result<Networks> {
        let mut linear = self.scenario.clone();
        linear.network = linear.network.without_activation();
        let mut shared = Shared::new(&linear, Arc::clone(&self.content), options.memory)?;
        if let Some(width) = narrower(&shared, options)? {
            linear.network.width = Some(width);
            shared.narrow(width);
        }
        let network = &self.scenario.network;
        let sampled = (!network.is_linear()).then(|| {
            let rows = trained(&self.scenario, &self.content).unwrap_or(0);
            let size = (
                (rows, held_out(&self.content)),
                self.sampled_divisions(options),
            );
            Sampled::new(network.clone(), options.is_width_free, &shared, size)
        });
        Ok(Networks {
            sampled: sampled.transpose()?,
            linear,
            shared,
        })
    }
}

/// What is trained.
struct Networks {
    /// The scenario with linear units.
    linear: Scenario,
    /// Its data.
    shared: Shared,
    /// The network with units that are not linear, where it has such.
    sampled: Option<Sampled>,
}

/// Number of rows trained on; None for a population.
fn trained(scenario: &Scenario, content: &Content) -> Option<usize> {
    match content {
        Content::Population(_) => Some(scenario.data.get().about().sampling.drawn()? as usize),
        Content::Rows { training, .. } => Some(training.inputs.nrows()),
    }
}

/// Number of rows held out.
fn held_out(content: &Content) -> usize {
    match content {
        Content::Population(_) => 0,
        Content::Rows { holdout, .. } => holdout.as_ref().map_or(0, |rows| rows.inputs.nrows()),
    }
}

fn ensure_fit(scenario: &Scenario) -> Result<()> {
    let count = scenario.data.get().about().modalities.len();
    if count < 2 {
        let remedy = "give two modalities or more, to see which one is learned first";
        return Err(InputError::at("data", "there is one modality only", remedy));
    }
    if !scenario.loss.is_squared() {
        return Err(InputError::at(
            "loss",
            "a diagnosis is of squared loss",
            "leave the key out: classes are targets of squared loss too; modalflow run takes cross_entropy",
        ));
    }
    if !scenario.remedy.is_empty() {
        let remedy = "leave the section out: a diagnosis tries the remedies itself";
        return Err(InputError::at("remedy", "a remedy is given", remedy));
    }
    if scenario.network.depth == Some(1) {
        let remedy = "give a depth of 2 or more";
        let problem = "a single layer has no fusion layers to compare";
        return Err(InputError::at("network.depth", problem, remedy));
    }
    Ok(())
}

/// A smaller width where it is free and the network that would be integrated is large.
fn narrower(shared: &Shared, options: &Options) -> Result<Option<usize>> {
    if !options.is_width_free || integrated(shared)? <= LARGE {
        return Ok(None);
    }
    Ok(Some(narrow(shared.moments())))
}

/// The smaller width. From small weights no layer has more than as many directions as there are outputs, so that twice as
/// many units, one for either sign, leave room for all.
fn narrow(moments: &Moments) -> usize {
    const FEWEST: usize = 20;
    FEWEST.max(2 * moments.outputs_len())
}

/// Weights of the network that is integrated.
fn integrated(shared: &Shared) -> Result<usize> {
    let problem = shared.problem(|_| {})?;
    Ok(problem.network(true).weights.len())
}
