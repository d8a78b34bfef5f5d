//! When each modality is learned, as the times from the actual weights are given back.

use super::super::growth::{in_order, residual_growth_rate};
use super::super::heavy_ball::HeavyBall;
use super::RTOL;
use crate::data::{Modality, Moments};
use crate::network::{Architecture, Fusion};
use crate::section::ByModality;
use serde::Serialize;

/// When each modality is learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FromWeights {
    /// The modality learned first; None for early fusion, which learns all together.
    pub first: Option<Modality>,
    /// The modality learned second.
    pub second: Option<Modality>,
    /// When the first is learned.
    pub t_first: Option<f64>,
    /// When the second is learned.
    pub t_second: Option<f64>,
    /// t_second/t_first.
    pub ratio: Option<f64>,
    /// When each modality is learned; None for those that never are.
    pub times: ByModality<Option<f64>>,
    /// The size of what leading order neglects, max 1/(L |D_m| t_m) over the first two modalities: how long the drop
    /// of a modality takes (one over the depth L of its path and the size of its drive D_m), over the time t_m at
    /// which it comes, since a drop is counted as an instant. For the first of two layers it is 1/ln(w_inf/w_0). Early
    /// fusion has one time, and the first drive is that of all inputs together, S_yx.
    pub neglected: Option<f64>,
    /// Intermediate fusion neglects a second thing: the square of what the shared layers start with over what they
    /// end with, since they are taken for balanced and of rank one.
    pub shared_share: Option<f64>,
}

impl FromWeights {
    /// The summary of the times of all modalities.
    pub(super) fn of(
        (moments, architecture): (&Moments, &Architecture),
        events: &[Option<Event>],
        steps: Option<HeavyBall>,
    ) -> Self {
        let lag = steps.map_or(0.0, HeavyBall::lag);
        let times: Vec<Option<f64>> = events
            .iter()
            .map(|event| event.map(|event| event.time + event.half + lag * event.delay))
            .collect();
        let mut order = in_order(&times);
        let in_time = order.clone();
        // Modalities whose times are equal but for their errors are in their own order.
        for equal in order.chunk_by_mut(|a, b| are_equal(a.0, b.0)) {
            equal.sort_by_key(|(_, m)| *m);
        }
        let nth = |n: usize| order.get(n).copied();
        let modality = |n: usize| nth(n).map(|(_, m)| moments.modalities[m].clone());
        let [t_first, t_second] = [0, 1].map(|n| in_time.get(n).map(|(time, _)| *time));
        // The blow-up's own time: it is what the drop is taken for an instant of.
        let drop = |n: usize| {
            let ((_, m), before) = (nth(n)?, nth(0).filter(|_| n > 0));
            let learned: Vec<usize> = before.iter().map(|(_, first)| *first).collect();
            let drive = residual_growth_rate(moments, &learned, m);
            let time = events[m]?.time;
            let share = 1.0 / (architecture.depth(m) as f64 * drive * time);
            share.is_finite().then_some(share)
        };
        let neglected = [drop(0), drop(1)].into_iter().flatten().reduce(f64::max);
        Self {
            first: modality(0),
            second: modality(1),
            t_first,
            t_second,
            ratio: t_second.zip(t_first).map(|(second, first)| second / first),
            times: moments
                .modalities
                .iter()
                .map(|modality| modality.name.clone())
                .zip(times)
                .collect(),
            neglected,
            shared_share: None,
        }
    }

    /// Whether what the times neglect is small, in words; None where they have no ratio. The limits are those of
    /// `docs/validity.md`, where nearly all runs at or below them have a ratio within 5 %.
    pub(in super::super) fn trust(&self, architecture: &Architecture) -> Option<String> {
        self.ratio?;
        let (neglected, share) = (self.neglected?, self.shared_share.unwrap_or(0.0));
        let is_early = architecture.fusion().is_some_and(Fusion::is_early);
        let is_late = architecture.shared.is_empty();
        let limit = match architecture.deepest() {
            ..=2 => 0.5,
            _ if is_early => 0.05,
            _ if is_late => 0.2,
            _ => 0.1,
        };
        let verdict = match neglected.max(share) <= limit {
            true => "nearly all such ratios are within 5 %",
            false => "many such ratios are off by more than 5 %",
        };
        let shared = match self.shared_share {
            Some(share) => format!(
                ", the shared layers start at {:.2} % of their final squares",
                100.0 * share
            ),
            None => String::new(),
        };
        Some(format!(
            "from weights: drops last up to {:.2} % of the times at which they come{shared} (trusted up to {:.0} %): {verdict}",
            100.0 * neglected,
            100.0 * limit
        ))
    }

    /// Whether these are other modalities than those learned first and second, by more than the errors of the times.
    pub(in super::super) fn differs_from(&self, expected: [&Option<Modality>; 2]) -> bool {
        let times = [self.t_first, self.t_second];
        expected.into_iter().zip(times).any(|(modality, time)| {
            let own = modality
                .as_ref()
                .map(|m| self.times.values().nth(m.index).copied());
            match (own, time) {
                (None, None) => false,
                (Some(Some(Some(own))), Some(time)) => !are_equal(own, time),
                _ => true,
            }
        })
    }
}

/// Whether two times are equal but for their errors.
fn are_equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= 10.0 * RTOL * b
}

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// The time of the flow.
    pub(super) time: f64,
    /// How much later than there the map is half way up, where that is known.
    pub(super) half: f64,
    /// How much later it happens by descent, over its lag; zero where only the flow is asked for.
    pub(super) delay: f64,
}

impl Event {
    /// What happens at a time of the flow, no more being known.
    pub(super) fn at(time: f64) -> Self {
        Self {
            time,
            half: 0.0,
            delay: 0.0,
        }
    }

    /// When what comes after this event happens, its map as far up as that of this one.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            time: self.time + next.time,
            half: self.half,
            delay: self.delay + next.delay,
        }
    }
}
