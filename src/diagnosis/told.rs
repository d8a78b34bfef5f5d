//! What the rows tell before anything is trained.

use super::clock::{Ongoing, Tick};
use super::draws::Draws;
use super::rates::{Rates, fastest};
use super::resampling::{self, Half};
use super::ridge::{self, Squares};
use super::rows::Pool;
use super::{First, LateRatio, ModalityReading, NoiseFloor, OtherScaling, Superficial};
use super::{noise, reading};
use crate::linalg::random::{Purpose, cell_seed, stream};
use rayon::prelude::*;

/// Divisions of a cross-validation.
const FOLDS: usize = 10;

/// What the rows alone tell; as in the diagnosis.
pub(super) struct Told {
    pub(super) modalities: Vec<ModalityReading>,
    pub(super) explained_joint: Option<f64>,
    pub(super) first: First,
    pub(super) superficial: Superficial,
    pub(super) late_ratio: LateRatio,
    pub(super) scalings: Vec<OtherScaling>,
    pub(super) noise_floor: Option<NoiseFloor>,
}

impl Told {
    /// How often other draws of the initial weights have the modality first that grows fastest.
    pub(super) fn take_draws(&mut self, draws: Option<&Draws>) {
        let first = &mut self.first;
        let share =
            draws.and_then(|draws| Some((draws.share_of(&first.name)?, draws.draws as f64)));
        first.of_draws = share.map(|(share, _)| share);
        // As of the rows: half a draw for and half against it.
        let sure = share.map(|(share, draws)| (share * draws + 0.5) / (draws + 1.0));
        first.with_draws = first.confidence.zip(sure).map(|(rows, draws)| rows * draws);
    }

    /// Whether the rows show nothing but noise.
    pub(super) fn is_noise(&self) -> bool {
        let floor = self.noise_floor.as_ref();
        floor.is_some_and(|floor| floor.is_all_noise)
    }
}

/// What the rows tell by so many resamples and permutations; `tick` is called after each.
pub(super) fn told(
    pool: &Pool,
    (resamples, permutations): (usize, usize),
    seed: u64,
    tick: &Tick<'_>,
) -> Ongoing<Told> {
    let whole: Vec<usize> = (0..pool.len()).collect();
    let whole = pool.split(&whole, &[]).training;
    let rates = Rates::of(&whole, &pool.modalities);
    let penalties = ridge::penalties(&whole, &pool.modalities);
    let first = fastest(&rates.growth);
    let folds = pool.folds(FOLDS, &mut stream(seed, Purpose::Resampling));
    let squares: Vec<Squares> = folds
        .par_iter()
        .map(|fold| Squares::of(fold, &pool.modalities, &penalties))
        .collect();
    let explained = Squares::sum(&squares).explained(pool.modalities.len());
    let seed = cell_seed(seed, 0);
    let halves = resampling::halves(pool, &penalties, (resamples, seed), tick)?;
    let mut modalities = reading::modalities(pool);
    for (m, reading) in modalities.iter_mut().enumerate() {
        reading.explained_alone = Some(explained.alone[m]);
        reading.explained_unique = Some(explained.unique[m]);
    }
    Ok(Told {
        first: first_of(&rates, &halves, &pool.modalities[first].name),
        superficial: superficial(&explained.alone, &halves, first).where_known(pool),
        late_ratio: late_ratio(&rates, &halves, first),
        scalings: reading::other_scalings(pool),
        noise_floor: Some(noise::floor(pool, (permutations, seed), tick)?),
        explained_joint: Some(explained.joint),
        modalities,
    })
}

fn first_of(rates: &Rates, halves: &[Half], name: &str) -> First {
    let first = fastest(&rates.growth);
    let leads: Vec<f64> = halves.iter().map(|half| half.rates.lead(first)).collect();
    let found = resampling::confidence(rates.lead(first), &leads);
    First {
        name: name.to_owned(),
        confidence: found.map(|found| found.confidence),
        share: found.map(|found| found.share),
        of_draws: None,
        with_draws: None,
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

impl Superficial {
    /// Without a confidence where some modality has about as many inputs as a half of the rows: how much it explains there is known
    /// too badly (`docs/diagnose.md`, planted data).
    fn where_known(self, pool: &Pool) -> Self {
        let most = pool.modalities.iter().map(|m| m.dim()).max();
        if most.is_none_or(|most| 2 * most < pool.len()) {
            return self;
        }
        Self {
            confidence: None,
            share: None,
            reason: Some("a modality has more inputs than half of the rows".to_owned()),
            ..self
        }
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
