//! What moments alone tell: of a population, which has no rows, growth rates and explained power are exact, and nothing is
//! uncertain; of too few rows to fit to some and test on others nothing that is explained is told.

use super::reading::several;
use super::told::Told;
use super::{First, LateRatio, ModalityReading, Superficial};
use crate::data::Moments;
use crate::theory;

/// What the moments tell; `reason` says why nothing is resampled, `few` how many rows they are of,
/// where those are too few for anything.
pub(super) fn told(moments: &Moments, reason: &str, few: Option<usize>) -> Told {
    let are_exact = few.is_none();
    let order = theory::learning_order(moments);
    let first = order[0];
    let times = theory::late_schedule(moments, false);
    let later = times.iter().enumerate().filter(|(m, _)| *m != first);
    let ratio = later.filter_map(|(_, time)| *time).reduce(f64::min);
    let all: Vec<usize> = (0..moments.modalities.len()).collect();
    Told {
        modalities: all.iter().map(|&m| reading(moments, m, few)).collect(),
        explained_joint: are_exact.then(|| explained(moments, &all)),
        first: First {
            name: moments.modalities[first].name.clone(),
            confidence: None,
            share: None,
            of_draws: None,
            with_draws: None,
            reason: Some(reason.to_owned()),
        },
        superficial: Superficial {
            verdict: are_exact.then(|| theory::is_preference_superficial(moments, first)),
            confidence: None,
            share: None,
            reason: Some(reason.to_owned()),
        },
        late_ratio: LateRatio {
            ratio,
            interval: None,
            never: None,
            reason: Some(match ratio {
                Some(_) => reason.to_owned(),
                None => format!("no second modality is ever learned; {reason}"),
            }),
        },
        scalings: Vec::new(),
        noise_floor: None,
    }
}

/// The fraction of the targets' power that some modalities explain.
fn explained(moments: &Moments, learned: &[usize]) -> f64 {
    let map = moments.critical_map(learned);
    1.0 - moments.loss.loss(map.as_slice()) / moments.initial_loss
}

fn reading(moments: &Moments, m: usize, few: Option<usize>) -> ModalityReading {
    /// A rest that is round-off.
    const ROUND_OFF: f64 = 1e-9;
    let are_exact = few.is_none();
    let modality = &moments.modalities[m];
    let others: Vec<usize> = (0..moments.modalities.len())
        .filter(|other| *other != m)
        .collect();
    let all: Vec<usize> = (0..moments.modalities.len()).collect();
    let modes = moments.block(&moments.cross, m).singular_values();
    let alone = explained(moments, &[m]);
    ModalityReading {
        name: modality.name.clone(),
        inputs: modality.dim(),
        rank: moments.own_rank(m),
        fits_alone: 1.0 - alone <= ROUND_OFF,
        // Centred rows have one direction less than there are of them.
        fits_any_target: few.is_some_and(|rows| moments.own_rank(m) + 1 >= rows),
        left_out: Vec::new(),
        constant: Vec::new(),
        duplicates: Vec::new(),
        growth_rate: theory::growth_rate(moments, m),
        modes: several(modes.as_slice().to_vec()),
        explained_alone: are_exact.then_some(alone),
        explained_unique: are_exact.then(|| explained(moments, &all) - explained(moments, &others)),
    }
}
