//! What the rows tell before anything is trained.

use super::clock::{Ongoing, Tick};
use super::draws::Draws;
use super::rates::{Rates, fastest};
use super::resampling::{self, Confidence, Half, about};
use super::ridge::Ridge;
use super::rows::Pool;
use super::{First, LateRatio, ModalityReading, NoiseFloor, OtherScaling, Superficial};
use super::{noise, reading};
use crate::linalg::random::cell_seed;

/// Below this confidence nothing is said of what is superficial.
const TIE: f64 = 0.6;

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
    let whole = pool.part(&(0..pool.len()).collect::<Vec<_>>());
    let rates = Rates::of(&whole, &pool.modalities);
    let ridge = Ridge::of(&whole, &pool.modalities);
    let first = fastest(&rates.growth);
    let explained = ridge.explained(&whole);
    let seed = cell_seed(seed, 0);
    let halves = resampling::halves(pool, &ridge, (resamples, seed), tick)?;
    let preferences = Preferences::of(&rates, &explained.alone, &halves);
    let mut modalities = reading::modalities(pool);
    for (m, reading) in modalities.iter_mut().enumerate() {
        reading.explained_alone = Some(explained.alone[m]);
        reading.explained_unique = Some(explained.unique[m]);
    }
    Ok(Told {
        first: preferences.first(&pool.modalities[first].name),
        superficial: preferences.superficial(),
        late_ratio: late_ratio(&rates, &halves, first),
        scalings: reading::other_scalings(pool),
        noise_floor: Some(noise::floor(pool, (permutations, seed), tick)?),
        explained_joint: Some(explained.joint),
        modalities,
    })
}

/// What all rows tell, each half of them, and the halves about what all rows tell: squared growth rates, and what each modality
/// explains alone.
struct Preferences {
    whole: Preference,
    halves: Vec<Preference>,
    about: Vec<Preference>,
}

struct Preference {
    growth: Vec<f64>,
    alone: Vec<f64>,
}

impl Preferences {
    fn of(rates: &Rates, alone: &[f64], halves: &[Half]) -> Self {
        let preference = |of: &Rates, alone: &[f64]| Preference {
            growth: of.squares(rates),
            alone: alone.to_vec(),
        };
        let whole = preference(rates, alone);
        let halves: Vec<Preference> = halves
            .iter()
            .map(|half| preference(&half.rates, &half.alone))
            .collect();
        let growth = each_about(&whole.growth, &halves, |half| &half.growth);
        let alone = each_about(&whole.alone, &halves, |half| &half.alone);
        let about = growth.into_iter().zip(alone);
        Self {
            about: about
                .map(|(growth, alone)| Preference { growth, alone })
                .collect(),
            whole,
            halves,
        }
    }

    /// How sure it is that a statistic has its sign.
    fn confidence(&self, statistic: impl Fn(&Preference) -> f64) -> Option<Confidence> {
        let of = |each: &[Preference]| -> Vec<f64> { each.iter().map(&statistic).collect() };
        Confidence::of(statistic(&self.whole), &of(&self.about), &of(&self.halves))
    }

    fn first(&self, name: &str) -> First {
        let first = fastest(&self.whole.growth);
        let found = self.confidence(|each| -excess(&each.growth, first));
        First {
            name: name.to_owned(),
            confidence: found.map(|found| found.confidence),
            share: found.map(|found| found.share),
            of_draws: None,
            with_draws: None,
            reason: None,
        }
    }

    /// Which modality is first is as uncertain as what it explains, so that each half has a first one of its own.
    fn superficial(&self) -> Superficial {
        let more = |each: &Preference| excess(&each.alone, fastest(&each.growth));
        let found = self.confidence(more);
        let sure = found.filter(|found| found.confidence >= TIE);
        Superficial {
            verdict: sure.map(|_| more(&self.whole) > 0.0),
            confidence: sure.map(|found| found.confidence),
            share: sure.map(|found| found.share),
            reason: match found {
                Some(found) if found.confidence < TIE => Some(format!(
                    "the halves of the rows agree with all rows by {:.2} only, less than the {TIE} asked for",
                    found.confidence
                )),
                Some(_) => None,
                None => Some("no half of the rows can tell".to_owned()),
            },
        }
    }
}

/// How much more the best other modality has than that of the place `first`.
fn excess(values: &[f64], first: usize) -> f64 {
    let others = values.iter().enumerate().filter(|(m, _)| *m != first);
    let best = others
        .map(|(_, value)| *value)
        .fold(f64::NEG_INFINITY, f64::max);
    best - values[first]
}

/// Of each half what it tells of each modality, about what all rows tell.
fn each_about(
    whole: &[f64],
    halves: &[Preference],
    told: impl Fn(&Preference) -> &[f64],
) -> Vec<Vec<f64>> {
    let of_modality = |(m, value): (usize, &f64)| {
        let halves: Vec<f64> = halves.iter().map(|half| told(half)[m]).collect();
        about(*value, &halves)
    };
    let moved: Vec<Vec<f64>> = whole.iter().enumerate().map(of_modality).collect();
    let half = |k: usize| moved.iter().map(|of_modality| of_modality[k]).collect();
    (0..halves.len()).map(half).collect()
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
        reason: match (rates.late_ratio, ratios.is_empty()) {
            (None, _) => Some("no second modality is ever learned".to_owned()),
            (_, true) => {
                Some("no half of the rows has a ratio of the same first modality".to_owned())
            }
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference(growth: [f64; 2], alone: [f64; 2]) -> (Rates, Vec<f64>) {
        let rates = Rates {
            growth: growth.to_vec(),
            late_ratio: None,
        };
        (rates, alone.to_vec())
    }

    /// All rows have A first and B explaining more. Three of four halves agree on A, all of them on B.
    #[test]
    fn an_order_that_is_not_sure_leaves_superficiality_unsure() {
        let half = |growth| {
            let (rates, alone) = preference(growth, [0.3, 0.6]);
            Half { rates, alone }
        };
        let halves = [[1.0, 0.8], [1.0, 0.8], [1.0, 0.8], [0.8, 1.0]].map(half);
        let (rates, alone) = preference([1.0, 0.8], [0.3, 0.6]);
        let found = Preferences::of(&rates, &alone, &halves);
        let (first, superficial) = (found.first("A"), found.superficial());
        assert_eq!(superficial.verdict, Some(true));
        assert_eq!(
            (first.confidence, first.share),
            (Some(3.5 / 5.0), Some(0.75))
        );
        assert_eq!(superficial.confidence, first.confidence);
        assert_eq!(superficial.share, first.share);
    }

    /// Noise adds more to the rates of halves: about what all rows tell the lead of A is 0.1, less 0.2 in one half.
    #[test]
    fn what_noise_adds_to_the_rates_of_halves_does_not_count() {
        let half = |extra: f64| {
            let (rates, alone) = preference([(1.0 + extra).sqrt(), 1.0], [0.5, 0.5]);
            Half { rates, alone }
        };
        let halves = [0.4, 0.4, 0.2].map(half);
        let whole = half(0.1);
        let first = Preferences::of(&whole.rates, &whole.alone, &halves).first("A");
        assert_eq!(
            (first.confidence, first.share),
            (Some(2.5 / 4.0), Some(1.0))
        );
    }
}
