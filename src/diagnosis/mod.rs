//! What unimodal bias does to some data, and what to do about it: the open question as a decision.
//!
//! A diagnosis reads the rows of a scenario, tells which modality late fusion learns first and why, integrates the flow of
//! every fusion layer, measures how sure all that is at this number of rows, and runs the remedies that theory knows a
//! balancing value of. Nothing is integrated here but by `crate::experiment`.
//!
//! | file | what it tells |
//! |---|---|
//! | `rows.rs` | the rows, and their divisions |
//! | `reading.rs` | rank, constant and equal columns, what a modality fits alone, other scalings |
//! | `ridge.rs` | the power that modalities explain on rows not fitted to |
//! | `rates.rs` | growth rates and time ratio of some rows |
//! | `resampling.rs` | how sure order, superficiality and ratio are |
//! | `noise.rs` | what permuted targets seem to show |
//! | `population.rs` | the same of a population, which has no rows |
//! | `directions.rs` | few directions of many inputs, for the flows |
//! | `layers.rs` | the flow of each fusion layer |
//! | `recommendation.rs` | which layer, if the rows can tell |
//! | `remedies.rs` | what would change it |

mod directions;
mod layers;
mod noise;
mod population;
mod rates;
mod reading;
mod recommendation;
mod remedies;
mod resampling;
mod ridge;
mod rows;

pub use directions::Seen;
pub use layers::{LayerResult, LayerTheory, PowerShare};
pub use noise::{ModalityFloor, NoiseFloor, SIGNIFICANT};
pub use reading::{ModalityReading, OtherScaling};
pub use recommendation::{LayerError, Recommendation};
pub use remedies::{Cost, RemedyResult, RemedyValue};
pub use resampling::Confidence;

use crate::data::Content;
use crate::error::{InputError, Result};
use crate::experiment::Scenario;
use crate::experiment::problem::Problem;
use crate::experiment::results::{FlowRun, RunResult};
use crate::experiment::run::{self, Plan, run_flow};
use crate::linalg::random::{Purpose, cell_seed, stream};
use layers::{Descending, Prepared, Shared};
use rates::{Rates, fastest};
use rayon::prelude::*;
use resampling::Half;
use ridge::Squares;
use rows::Pool;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fewest rows that are resampled.
const FEWEST_ROWS: usize = 8;

/// Divisions of a cross-validation.
const FOLDS: usize = 10;

/// Fraction of the rows that a division for the fusion layers leaves out.
const LEFT_OUT: f64 = 0.2;

/// Most divisions of the rows on which every fusion layer is trained, where their number is not given.
const MOST_DIVISIONS: usize = 10;

/// Divisions where the flows are long.
const FEW_DIVISIONS: usize = 4;

/// Most weights that are integrated without a smaller width, where that is free.
const LARGE: usize = 8_000;

/// Fewest units of a smaller width.
const NARROW: usize = 20;

/// Weights above which a flow is long.
const LONG: usize = 1_500;

/// Why nothing of a population is uncertain.
const POPULATION: &str = "a population has no rows: nothing of it is uncertain";

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

impl Default for Options {
    fn default() -> Self {
        Self {
            resamples: 200,
            permutations: 99,
            divisions: None,
            is_width_free: false,
            memory: u64::MAX,
        }
    }
}

/// How far a diagnosis is, in parts of about equal work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Parts done.
    pub done: u64,
    /// All parts that are known of.
    pub of: u64,
}

/// Told of the progress, from any thread.
pub type Monitor<'m> = dyn Fn(Progress) + Sync + 'm;

/// The modality learned first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct First {
    /// Its name.
    pub name: String,
    /// How sure that is; null with the reason where nothing is resampled.
    pub confidence: Option<f64>,
    /// The share of resamples in which it is the first.
    pub share: Option<f64>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// Whether the modality learned first explains less than another one, each alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Superficial {
    /// Whether it does.
    pub verdict: bool,
    /// How sure that is; null with the reason where nothing is resampled.
    pub confidence: Option<f64>,
    /// The share of resamples with this verdict.
    pub share: Option<f64>,
    /// Why something is missing.
    pub reason: Option<String>,
}

/// The time ratio of late fusion by the published formula.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LateRatio {
    /// t_second/t_first; null where no second modality is ever learned.
    pub ratio: Option<f64>,
    /// From 10 to 90 %; null where nothing is resampled.
    pub interval: Option<[f64; 2]>,
    /// The share of resamples in which no second modality is ever learned; null likewise.
    pub never: Option<f64>,
}

/// Rows of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowCount {
    /// Those used, those held out included.
    pub used: usize,
    /// Those left out for missing cells.
    pub dropped: usize,
    /// Those trained on.
    pub trained: usize,
    /// Independent inputs of all modalities together, and inputs.
    pub rank: usize,
    /// Inputs of all modalities together.
    pub inputs: usize,
}

/// Everything that a diagnosis tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Rows; null for a population.
    pub rows: Option<RowCount>,
    /// Number of outputs.
    pub outputs: usize,
    /// Number of resamples.
    pub resamples: usize,
    /// The modalities.
    pub modalities: Vec<ModalityReading>,
    /// The power that all explain together, on rows that were not fitted to.
    pub explained_joint: Option<f64>,
    /// The modality learned first.
    pub first: First,
    /// Whether it explains less than another one.
    pub superficial: Superficial,
    /// The time ratio of late fusion.
    pub late_ratio: LateRatio,
    /// What other scalings of the inputs would change.
    pub scalings: Vec<OtherScaling>,
    /// Modalities of many inputs, of which the flows see few directions.
    pub seen: Vec<Seen>,
    /// What each fusion layer does.
    pub layers: Vec<LayerResult>,
    /// Which fusion layer.
    pub recommendation: Recommendation,
    /// What would change it.
    pub remedies: Vec<RemedyResult>,
    /// Why there are none.
    pub remedies_reason: Option<String>,
    /// What permuted targets seem to show; null where nothing is resampled.
    pub noise_floor: Option<NoiseFloor>,
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
    /// Diagnoses the data of a checked scenario of a linear network. Its fusion layer does not matter: every one is tried.
    ///
    /// # Errors
    /// An input error where the data cannot be used, where there is one modality only or one layer, and where the network
    /// is not linear.
    pub fn of(scenario: &Scenario, options: &Options, monitor: &Monitor<'_>) -> Result<Self> {
        ensure_fit(scenario)?;
        let mut scenario = scenario.clone();
        scenario.data.get_mut().resolve()?;
        let content = Arc::new(scenario.data.get().content(scenario.seed)?);
        let pool = Pool::of(&scenario.data, &content, scenario.seed);
        let pool = pool.filter(|pool| pool.len() >= FEWEST_ROWS);
        let mut shared = Shared::new(&scenario, Arc::clone(&content), options.memory)?;
        if let Some(width) = narrower(&shared, options)? {
            scenario.network.width = Some(width);
            shared.narrow(width);
        }
        let work = Work {
            scenario: &scenario,
            divisions: match options.divisions {
                Some(divisions) => divisions,
                None if integrated(&shared)? > LONG => FEW_DIVISIONS,
                None => MOST_DIVISIONS,
            },
            options,
            content: &content,
            shared: &shared,
            pool: pool.as_ref(),
            clock: Clock::new(monitor),
        };
        work.diagnose()
    }
}

fn ensure_fit(scenario: &Scenario) -> Result<()> {
    let count = scenario.data.get().about().modalities.len();
    if count < 2 {
        let remedy = "give two modalities or more, to see which one is learned first";
        return Err(InputError::at("data", "there is one modality only", remedy));
    }
    if !scenario.network.is_linear() {
        return Err(InputError::at(
            "network.activation",
            "a diagnosis is of linear networks",
            "leave the activation out; modalflow run takes others",
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

/// A smaller width where it is free and the network that would be integrated is large. From small weights no layer has more
/// than as many directions as there are outputs, so that twice as many units leave room for all.
fn narrower(shared: &Shared, options: &Options) -> Result<Option<usize>> {
    if !options.is_width_free || integrated(shared)? <= LARGE {
        return Ok(None);
    }
    Ok(Some((2 * shared.moments().outputs_len()).max(NARROW)))
}

/// Weights of the network that is integrated.
fn integrated(shared: &Shared) -> Result<usize> {
    let problem = shared.problem(|_| {})?;
    Ok(problem.network(true).weights.len())
}

/// Counts parts that are done.
struct Clock<'m> {
    monitor: &'m Monitor<'m>,
    done: AtomicU64,
    of: AtomicU64,
}

impl<'m> Clock<'m> {
    fn new(monitor: &'m Monitor<'m>) -> Self {
        Self {
            monitor,
            done: AtomicU64::new(0),
            of: AtomicU64::new(0),
        }
    }

    /// So many more parts are to be done.
    fn expect(&self, parts: usize) {
        self.of.fetch_add(parts as u64, Ordering::Relaxed);
    }

    /// Some are done.
    fn tick(&self, parts: u64) {
        let done = self.done.fetch_add(parts, Ordering::Relaxed) + parts;
        (self.monitor)(Progress {
            done,
            of: self.of.load(Ordering::Relaxed),
        });
    }
}

/// Parts that a flow counts for.
const FLOW_PARTS: u64 = 20;

/// What a diagnosis works on.
struct Work<'w> {
    scenario: &'w Scenario,
    options: &'w Options,
    /// Of the rows, on which the fusion layers are trained.
    divisions: usize,
    content: &'w Content,
    shared: &'w Shared,
    pool: Option<&'w Pool>,
    clock: Clock<'w>,
}

/// What the rows alone tell.
struct Told {
    modalities: Vec<ModalityReading>,
    explained_joint: Option<f64>,
    first: First,
    superficial: Superficial,
    late_ratio: LateRatio,
    scalings: Vec<OtherScaling>,
    noise_floor: Option<NoiseFloor>,
}

impl Work<'_> {
    fn diagnose(&self) -> Result<Diagnosed> {
        let fusions = self.fusions();
        self.clock.expect(self.parts(fusions.len()));
        let told = match self.pool {
            Some(pool) => self.told(pool),
            None => population::told(self.shared.moments(), self.without_rows()),
        };
        let prepared: Vec<(Option<usize>, Prepared)> = fusions
            .into_par_iter()
            .map(|fusion| {
                Ok((
                    fusion,
                    Prepared::new(self.shared.problem(with_fusion(fusion))?),
                ))
            })
            .collect::<Result<_>>()?;
        let (layers, flow) = self.layers(&prepared);
        let is_noise = told
            .noise_floor
            .as_ref()
            .is_some_and(|floor| floor.is_all_noise);
        let recommendation = match self.pool {
            _ if is_noise => Recommendation::none("the rows show nothing but noise"),
            None => Recommendation::none(self.without_rows()),
            Some(pool) => self.recommendation(pool, &prepared)?,
        };
        let [.., (fusion, last)] = &prepared[..] else {
            return Err(InputError::at(
                "network",
                "there are no layers",
                "give a depth",
            ));
        };
        let (remedies, remedies_reason) = match is_noise {
            true => (
                Vec::new(),
                Some("the rows show nothing but noise".to_owned()),
            ),
            false => self.remedies(*fusion, last, &layers)?,
        };
        let mut result = run::first(&last.problem, last.theory.clone(), flow);
        result.generalisation = layers::generalising(&last.problem, &result.flow);
        result.is_complete = true;
        let moments = self.shared.moments();
        let diagnosis = Diagnosis {
            rows: self.rows(),
            outputs: moments.outputs_len(),
            resamples: self.pool.map_or(0, |_| self.options.resamples),
            modalities: told.modalities,
            explained_joint: told.explained_joint,
            first: told.first,
            superficial: told.superficial,
            late_ratio: told.late_ratio,
            scalings: told.scalings,
            seen: self.shared.seen().to_vec(),
            layers,
            recommendation,
            remedies,
            remedies_reason,
            noise_floor: told.noise_floor,
        };
        Ok(Diagnosed {
            scenario: self.scenario.clone(),
            warnings: last.problem.warnings.clone(),
            diagnosis,
            problem: last.problem.clone(),
            result,
        })
    }

    /// What every fusion layer does, and the flow of the last one.
    fn layers(&self, prepared: &[(Option<usize>, Prepared)]) -> (Vec<LayerResult>, FlowRun) {
        let descending = self.descending();
        let last = prepared.len() - 1;
        let places = (0..prepared.len()).into_par_iter().with_max_len(1);
        let mut flows: Vec<(LayerResult, Option<FlowRun>)> = places
            .map(|place| {
                let (fusion, prepared) = &prepared[place];
                let flow = prepared.flow();
                let found = layers::layer(*fusion, (prepared, &flow), descending);
                self.clock.tick(FLOW_PARTS);
                (found, (place == last).then_some(flow))
            })
            .collect();
        let flow = flows.last_mut().and_then(|(_, flow)| flow.take());
        let flow = flow.unwrap_or_else(|| prepared[last].1.flow());
        (flows.into_iter().map(|(found, _)| found).collect(), flow)
    }

    /// The fusion layers that are tried; that of unequal stacks is the only one of its kind.
    fn fusions(&self) -> Vec<Option<usize>> {
        match self.scenario.network.depth {
            None => vec![None],
            Some(depth) => (1..=depth).map(Some).collect(),
        }
    }

    fn parts(&self, fusions: usize) -> usize {
        let flows = fusions * (1 + self.pool.map_or(0, |_| self.divisions));
        let resampled = self.options.resamples + self.options.permutations;
        flows * FLOW_PARTS as usize + self.pool.map_or(0, |_| resampled)
    }

    /// Why there are no rows to resample.
    fn without_rows(&self) -> &'static str {
        match self.content {
            Content::Population(_)
                if self.scenario.data.get().about().sampling.drawn().is_none() =>
            {
                POPULATION
            }
            Content::Population(_) => "there are more draws than can be kept, or too few to divide",
            Content::Rows { .. } => "there are too few rows to divide",
        }
    }

    /// Number of rows trained on.
    fn trained(&self) -> Option<usize> {
        match self.content {
            Content::Population(_) => {
                Some(self.scenario.data.get().about().sampling.drawn()? as usize)
            }
            Content::Rows { training, .. } => Some(training.inputs.nrows()),
        }
    }

    fn rows(&self) -> Option<RowCount> {
        let moments = self.shared.moments();
        let (rank, inputs) = match self.pool {
            Some(pool) => (reading::rank(pool), pool.inputs.ncols()),
            None => (moments.rank(), moments.inputs_len()),
        };
        let trained = self.trained()?;
        let (used, dropped) = match self.content {
            Content::Population(_) => (trained, 0),
            Content::Rows { training, holdout } => {
                let held = holdout.as_ref().map_or(0, |rows| rows.inputs.nrows());
                let reading = training.reading.as_ref();
                let told = reading.map(|reading| (reading.used, reading.dropped));
                told.unwrap_or((trained + held, 0))
            }
        };
        Some(RowCount {
            used,
            dropped,
            trained,
            rank,
            inputs,
        })
    }

    fn descending(&self) -> Descending {
        let section = self.scenario.descent.as_ref();
        let batch = section.and_then(|section| section.batch);
        let rates = section.map_or(&[][..], |section| section.learning_rate.as_slice());
        // Momentum makes a step stand for more time; Adam has no such number.
        let momentum = section.and_then(|section| section.heavy_ball());
        let trained = self.trained().map(|rows| rows as f64);
        Descending {
            learning_rate: rates
                .first()
                .zip(momentum)
                .map(|(rate, m)| rate / (1.0 - m)),
            steps_an_epoch: trained.map(|rows| batch.map_or(1.0, |batch| rows / batch as f64)),
        }
    }

    /// What the rows tell before anything is trained.
    fn told(&self, pool: &Pool) -> Told {
        let whole: Vec<usize> = (0..pool.len()).collect();
        let whole = pool.split(&whole, &[]).training;
        let rates = Rates::of(&whole, &pool.modalities);
        let penalties = ridge::penalties(&whole, &pool.modalities);
        let first = fastest(&rates.growth);
        let folds = pool.folds(FOLDS, &mut stream(self.scenario.seed, Purpose::Resampling));
        let squares: Vec<Squares> = folds
            .par_iter()
            .map(|fold| Squares::of(fold, &pool.modalities, &penalties))
            .collect();
        let explained = Squares::sum(&squares).explained(pool.modalities.len());
        let seed = cell_seed(self.scenario.seed, 0);
        let tick = || self.clock.tick(1);
        let halves = resampling::halves(pool, &penalties, (self.options.resamples, seed), &tick);
        let mut modalities = reading::modalities(pool);
        for (m, reading) in modalities.iter_mut().enumerate() {
            reading.explained_alone = Some(explained.alone[m]);
            reading.explained_unique = Some(explained.unique[m]);
        }
        let seed = (self.options.permutations, seed);
        Told {
            first: first_of(&rates, &halves, &pool.modalities[first].name),
            superficial: superficial(&explained.alone, &halves, first),
            late_ratio: late_ratio(&rates, &halves, first),
            scalings: reading::other_scalings(pool),
            noise_floor: Some(noise::floor(pool, seed, &tick)),
            explained_joint: Some(explained.joint),
            modalities,
        }
    }

    /// Every fusion layer on the same divisions of the rows.
    fn recommendation(
        &self,
        pool: &Pool,
        prepared: &[(Option<usize>, Prepared)],
    ) -> Result<Recommendation> {
        let divisions = (0..self.divisions).into_par_iter().with_max_len(1);
        let errors: Vec<Vec<Option<f64>>> = divisions
            .map(|division| self.errors(pool, prepared, division as u64))
            .collect::<Result<_>>()?;
        let by_layer = prepared.iter().enumerate().map(|(place, (fusion, _))| {
            let of_layer = errors.iter().map(|errors| errors[place]);
            Some(((*fusion)?, of_layer.collect::<Option<Vec<f64>>>()?))
        });
        let Some(by_layer) = by_layer.collect::<Option<Vec<(usize, Vec<f64>)>>>() else {
            return Ok(Recommendation::none(
                "a flow has no error on the rows left out",
            ));
        };
        let quotient = LEFT_OUT / (1.0 - LEFT_OUT);
        Ok(Recommendation::of(&by_layer, quotient, pool.len()))
    }

    /// The least error of each layer along the flow on rows left out. Every division has initial weights of its own.
    fn errors(
        &self,
        pool: &Pool,
        prepared: &[(Option<usize>, Prepared)],
        division: u64,
    ) -> Result<Vec<Option<f64>>> {
        let seed = cell_seed(self.scenario.seed, (1 << 40) + division);
        let split = pool.random_split(LEFT_OUT, &mut stream(seed, Purpose::Resampling));
        let content = pool.content(split);
        let shared = Shared::new(self.scenario, content, self.options.memory)?;
        let of_layer = |(fusion, whole): &(Option<usize>, Prepared)| {
            let problem = shared.problem(|scenario| {
                with_fusion(*fusion)(scenario);
                scenario.seed = seed;
                scenario.flow.until = whole.problem.scenario.flow.until.clone();
            })?;
            let flow = run_flow(&problem, &Plan::measuring(&problem), &mut |_| true);
            self.clock.tick(FLOW_PARTS);
            Ok(layers::generalising(&problem, &flow).map(|found| found.least.error))
        };
        prepared.iter().map(of_layer).collect()
    }

    fn remedies(
        &self,
        fusion: Option<usize>,
        late: &Prepared,
        layers: &[LayerResult],
    ) -> Result<(Vec<RemedyResult>, Option<String>)> {
        self.clock
            .expect((remedies::count(late) as u64 * FLOW_PARTS) as usize);
        let tick = || self.clock.tick(FLOW_PARTS);
        let found = match layers.last() {
            Some(plain) => {
                let change = with_fusion(fusion);
                remedies::remedies(self.shared, (late, plain), &change, &tick)?
            }
            None => Vec::new(),
        };
        let reason = found
            .is_empty()
            .then(|| "theory knows no value that balances these modalities".to_owned());
        Ok((found, reason))
    }
}

/// Changes the fusion layer of a scenario, where it has one.
fn with_fusion(fusion: Option<usize>) -> impl Fn(&mut Scenario) + Sync {
    move |scenario| {
        if fusion.is_some() {
            scenario.network.fusion_layer = fusion;
        }
    }
}

fn first_of(rates: &Rates, halves: &[Half], name: &str) -> First {
    let first = fastest(&rates.growth);
    let leads: Vec<f64> = halves.iter().map(|half| half.rates.lead(first)).collect();
    let found = resampling::confidence(rates.lead(first), &leads);
    First {
        name: name.to_owned(),
        confidence: found.map(|found| found.confidence),
        share: found.map(|found| found.share),
        reason: None,
    }
}

/// How much more the best other modality explains alone than the first.
fn excess(alone: &[f64], first: usize) -> f64 {
    let others = alone.iter().enumerate().filter(|(m, _)| *m != first);
    let best = others
        .map(|(_, explained)| *explained)
        .fold(f64::NEG_INFINITY, f64::max);
    best - alone[first]
}

fn superficial(alone: &[f64], halves: &[Half], first: usize) -> Superficial {
    let excesses = halves
        .iter()
        .map(|half| excess(&half.explained.alone, first));
    let found = resampling::confidence(excess(alone, first), &excesses.collect::<Vec<_>>());
    Superficial {
        verdict: excess(alone, first) > 0.0,
        confidence: found.map(|found| found.confidence),
        share: found.map(|found| found.share),
        reason: None,
    }
}

fn late_ratio(rates: &Rates, halves: &[Half], first: usize) -> LateRatio {
    let ratios = resampling::ratios(halves, first);
    let never = halves
        .iter()
        .filter(|half| half.rates.late_ratio.is_none())
        .count();
    LateRatio {
        ratio: rates.late_ratio,
        interval: rates
            .late_ratio
            .and_then(|ratio| resampling::interval(ratio, &ratios)),
        never: (!halves.is_empty()).then(|| never as f64 / halves.len() as f64),
    }
}
