//! When each modality is learned, as the times from the actual weights are given back.

use super::super::growth::{in_order, residual_growth_rate};
use super::super::heavy_ball::HeavyBall;
use super::super::length_between;
use super::super::order::RIGHT_AFTER;
use super::RTOL;
use crate::data::{Modality, Moments};
use crate::network::{Architecture, Fusion};
use crate::section::ByModality;
use serde::Serialize;

/// Why a time may be missing that is followed to the end of a run.
pub(in super::super) const NOT_BEFORE_THE_END: &str = "from the weights, modalities without a time are not learned before the time at which the run ends";

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
    /// Whether times that decide which modalities are first and second are equal but for their errors.
    #[serde(skip)]
    pub is_open: bool,
    /// Why modalities without a time may be learned all the same; None where they never are.
    #[serde(skip)]
    pub unknown: Option<&'static str>,
    #[serde(skip)]
    pub(super) accuracy: Accuracy,
}

impl FromWeights {
    /// The summary of the times of all modalities, which integrations found.
    pub(in super::super) fn of(
        problem: (&Moments, &Architecture),
        events: &[Option<Event>],
        steps: Option<HeavyBall>,
    ) -> Self {
        let lag = steps.map_or(0.0, HeavyBall::lag);
        let time = |event: &Event| event.time + event.half + lag * event.delay;
        let times: Vec<Option<f64>> = events.iter().map(|e| e.as_ref().map(time)).collect();
        let first = in_order(&times).first().map_or(0.0, |(time, _)| *time);
        let accuracy = Accuracy {
            share: 10.0 * RTOL,
            // Stacks before shared layers are followed from where the first modality is learned.
            start: match problem.1.shared.is_empty() {
                true => 0.0,
                false => first,
            },
        };
        Self::within(problem, (events, times), accuracy)
    }

    /// The same of times in closed form.
    pub(super) fn of_exact(problem: (&Moments, &Architecture), times: Vec<Option<f64>>) -> Self {
        let events: Vec<_> = times.iter().map(|time| time.map(Event::at)).collect();
        let accuracy = Accuracy {
            // So much for what is learned right after another.
            share: 2.0 * RIGHT_AFTER,
            start: 0.0,
        };
        Self::within(problem, (&events, times), accuracy)
    }

    /// The summary of times that a curve of aligned weights has, up to where it ends.
    pub fn of_curve(problem: (&Moments, &Architecture), times: &[Option<f64>]) -> Self {
        let events: Vec<_> = times.iter().map(|time| time.map(Event::at)).collect();
        let is_missing = times.contains(&None);
        Self {
            neglected: None,
            unknown: is_missing.then_some(NOT_BEFORE_THE_END),
            ..Self::of(problem, &events, None)
        }
    }

    /// The summary of events and of the times that they are seen at.
    fn within(
        (moments, architecture): (&Moments, &Architecture),
        (events, times): (&[Option<Event>], Vec<Option<f64>>),
        accuracy: Accuracy,
    ) -> Self {
        let mut order = in_order(&times);
        let in_time = order.clone();
        // Modalities whose times are equal but for their errors are in their own order.
        for equal in order.chunk_by_mut(|a, b| accuracy.are_equal(a.0, b.0)) {
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
            is_open: accuracy.ties(&in_time).contains(&true),
            unknown: None,
            accuracy,
        }
    }

    /// When a modality is learned.
    pub fn time(&self, modality: usize) -> Option<f64> {
        self.times.values().nth(modality).copied().flatten()
    }

    /// Length of the unimodal phase; None where the second modality follows right after the first.
    pub fn length(&self) -> Option<f64> {
        length_between(self.t_first?, self.t_second?)
    }

    /// Whether what the times neglect is small, in words; None where they have no ratio. The limits are those of
    /// `docs/validity.md`, where nearly all runs at or below them have a ratio within 5 %.
    pub(in super::super) fn trust(&self, architecture: &Architecture) -> Option<String> {
        const TIE: &str = "times are equal but for their errors, so that their order is open";
        const MANY: &str = "many such ratios are off by more than 5 %";
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
        let is_small = neglected.max(share) <= limit;
        if is_small && self.is_open {
            return Some(format!("from weights: {TIE}"));
        }
        let verdict = match (is_small, self.is_open) {
            (true, _) => "nearly all such ratios are within 5 %".to_owned(),
            (false, false) => MANY.to_owned(),
            (false, true) => format!("{MANY}, and {TIE}"),
        };
        let shared = match self.shared_share {
            Some(share) => format!(
                ", the shared layers start at {} of their final squares",
                in_percent(share)
            ),
            None => String::new(),
        };
        Some(format!(
            "from weights: drops last up to {} of the times at which they come{shared} (trusted up to {:.0} %): {verdict}",
            in_percent(neglected),
            100.0 * limit
        ))
    }

    /// Whether these are other modalities than those learned first and second, by more than the errors of the times.
    /// What is not known is no other one.
    pub(in super::super) fn differs_from(&self, expected: [&Option<Modality>; 2]) -> bool {
        let times = [self.t_first, self.t_second];
        expected.into_iter().zip(times).any(|(modality, time)| {
            let own = modality
                .as_ref()
                .map(|m| self.times.values().nth(m.index).copied());
            match (own, time) {
                (None, None) => false,
                (Some(Some(Some(own))), Some(time)) => !self.accuracy.are_equal(own, time),
                (Some(_), None) => self.unknown.is_none(),
                _ => true,
            }
        })
    }

    /// Names those that are learned first and second where equal times leave that open: as `expected` where that names
    /// both, none of them elsewhere.
    pub(in super::super) fn settle(&mut self, expected: [&Option<Modality>; 2]) {
        if !self.is_open {
            return;
        }
        if let [first @ Some(_), second @ Some(_)] = expected {
            (self.first, self.second) = (first.clone(), second.clone());
            return;
        }
        let times: Vec<Option<f64>> = self.times.values().copied().collect();
        let [is_first_open, is_second_open] = self.accuracy.ties(&in_order(&times));
        self.first = self.first.take().filter(|_| !is_first_open);
        let is_known = !is_first_open && !is_second_open;
        self.second = self.second.take().filter(|_| is_known);
    }
}

/// A share in percent, with digits enough to tell it from none.
pub(in super::super) fn in_percent(share: f64) -> String {
    match 100.0 * share {
        small @ ..0.1 => format!("{small:.1e} %"),
        percent => format!("{percent:.2} %"),
    }
}

/// How well times are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Accuracy {
    /// Their relative error, of the time from `start` on.
    share: f64,
    /// Up to where all of them are the same.
    start: f64,
}

impl Accuracy {
    /// Whether two times are equal but for their errors.
    fn are_equal(self, a: f64, b: f64) -> bool {
        (a - b).abs() <= self.share * (a.max(b) - self.start)
    }

    /// Whether the first of some times in their order is equal to the second, and that to the third.
    fn ties(self, times: &[(f64, usize)]) -> [bool; 2] {
        let is_tie = |n: usize| {
            let pair = times.get(n).zip(times.get(n + 1));
            pair.is_some_and(|(a, b)| self.are_equal(a.0, b.0))
        };
        [is_tie(0), is_tie(1)]
    }
}

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Event {
    /// The time of the flow.
    pub(in super::super) time: f64,
    /// How much later than there the map is half way up, where that is known.
    pub(in super::super) half: f64,
    /// How much later it happens by descent, over its lag; zero where only the flow is asked for.
    pub(in super::super) delay: f64,
}

impl Event {
    /// What happens at a time of the flow, no more being known.
    pub(in super::super) fn at(time: f64) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::layout;
    use nalgebra::DMatrix;

    /// The times of three scalar modalities, with shared layers or without.
    fn found(shared: usize, times: [f64; 3]) -> FromWeights {
        let inputs = DMatrix::identity(3, 3);
        let map = DMatrix::from_element(1, 3, 1.0);
        let modalities = layout([("A", 1), ("B", 1), ("C", 1)]);
        let moments = Moments::new(modalities, inputs, map, 3.0);
        let private = [4 - shared; 3];
        let architecture = Architecture::build(&moments.modalities, 1, &private, shared, &[2; 3]);
        let events = times.map(|time| Some(Event::at(time)));
        FromWeights::of((&moments, &architecture.expect("fits")), &events, None)
    }

    fn names(found: &FromWeights) -> [Option<&str>; 2] {
        [&found.first, &found.second].map(|m| m.as_ref().map(|m| m.name.as_str()))
    }

    /// Stacks of late fusion are integrated apart; before shared layers only the wait from the first one has an error.
    #[test]
    fn times_tie_by_how_well_they_are_known() {
        let times = [1.00001, 1.0, 2.0];
        let late = found(0, times);
        assert!(late.is_open);
        assert_eq!(names(&late), [Some("A"), Some("B")]);
        let intermediate = found(1, times);
        assert!(!intermediate.is_open);
        assert_eq!(names(&intermediate), [Some("B"), Some("A")]);
        // A millionth of the wait from the first one.
        assert!(found(1, [1.0, 1.1, 1.1000001]).is_open);
        assert!(!found(1, [1.0, 1.1, 1.1001]).is_open);
        assert!(found(1, [1.0, 1.0, 2.0]).is_open);
    }

    #[test]
    fn equal_times_have_the_names_that_are_expected_or_none() {
        let modality = |m| {
            found(0, [1.0; 3])
                .times
                .get_index(m)
                .map(|(name, _)| Modality {
                    index: m,
                    name: name.to_string(),
                    range: m..m + 1,
                })
        };
        let mut tie = found(0, [1.0, 1.0, 2.0]);
        let expected = [modality(1), modality(0)];
        assert!(!tie.differs_from([&expected[0], &expected[1]]));
        tie.settle([&expected[0], &expected[1]]);
        assert_eq!(names(&tie), [Some("B"), Some("A")]);
        tie.settle([&None, &None]);
        assert_eq!(names(&tie), [None, None]);
        let mut later = found(0, [1.0, 2.0, 2.0]);
        later.settle([&None, &None]);
        assert_eq!(names(&later), [Some("A"), None]);
    }

    #[test]
    fn small_shares_are_told_from_none() {
        assert_eq!(in_percent(0.1736), "17.36 %");
        assert_eq!(in_percent(3.2e-7), "3.2e-5 %");
    }
}
