//! What the actual initial weights change of the formulas' predictions: the order is theirs.

use super::from_weights::FromWeights;
use super::growth::nth_learned;
use super::{NEVER, Theory, is_preference_superficial};
use crate::data::Moments;
use crate::network::Architecture;

impl Theory {
    /// Takes the times from the actual initial weights, or why there are none: the order is theirs. Where the
    /// formulas have another one, what they say of it is dropped.
    pub fn take_weights(
        &mut self,
        moments: &Moments,
        architecture: &Architecture,
        found: Result<FromWeights, &'static str>,
    ) {
        let found = match found {
            Ok(found) => found,
            Err(reason) => return self.assume(reason),
        };
        let is_deep = architecture.deepest() > 2;
        let of_first = found.first.as_ref().map(|first| first.index);
        let has_other = found.differs_from([&self.first, &self.second]);
        if let Some(first) = of_first.filter(|_| is_deep && has_other) {
            self.assume(match self.first {
                Some(_) => {
                    "the initial weights decide the order, by their blow-up times: the formulas have another one"
                }
                None => "the initial weights decide the order, by their blow-up times",
            });
            (self.first, self.second) = (found.first.clone(), found.second.clone());
            [self.ratio, self.t_first, self.t_second] = [None; 3];
            (self.misattribution, self.misattribution_map) = (None, None);
            let times = found.times.values();
            let over_first = |time: &Option<f64>| Some((*time)? / found.t_first?);
            self.schedule = Some(times.map(over_first).collect());
            self.superficial_preference = Some(is_preference_superficial(moments, first));
            if architecture.has_saddle(&[first]) {
                self.misattribute(moments, first);
            }
        }
        if let Some(words) = found.trust(architecture) {
            self.assume(&words);
        }
        self.from_weights = Some(found);
    }

    /// Takes the times of a flow whose loss changes in time, or whose weights decay, from the actual initial weights, or why
    /// there are none. The order is theirs.
    pub fn take_course(&mut self, found: Result<FromWeights, &'static str>) {
        let found = match found {
            Ok(found) => found,
            Err(reason) => return self.assume(reason),
        };
        if found.differs_from([&self.first, &self.second]) {
            let is_same = found.first == self.first;
            let of_second = [&found.second, &self.second].map(Option::is_some);
            match (&self.first, of_second) {
                (None, _) => {}
                (Some(_), [false, true]) if is_same => self.assume(
                    "from the initial weights the second modality of the formula is never learned",
                ),
                (Some(_), [true, false]) if is_same => self.assume(
                    "from the initial weights a second modality is learned, which the formula never learns",
                ),
                _ => self.assume("the initial weights decide the order: the formula has another one"),
            }
            (self.first, self.second) = (found.first.clone(), found.second.clone());
            self.ratio = None;
        }
        if let Some(neglected) = found.neglected {
            self.assume(&format!(
                "from weights: drops last up to {:.2} % of the times at which they come",
                100.0 * neglected
            ));
        }
        self.from_weights = Some(found);
    }

    /// Replaces what the formulas say of the order by what the initial weights say.
    pub(super) fn overrule(&mut self, moments: &Moments, schedule: &[Option<f64>]) {
        let nth = |n: usize| nth_learned(schedule, n);
        let time = |n: usize| schedule[nth(n)?];
        self.second = nth(1).map(|m| moments.modalities[m].clone());
        [self.t_first, self.t_second] = [time(0), time(1)];
        self.ratio = self
            .t_second
            .zip(self.t_first)
            .map(|(later, earlier)| later / earlier);
        let over_first = |time: &Option<f64>| time.zip(self.t_first).map(|(t, first)| t / first);
        self.schedule = Some(schedule.iter().map(over_first).collect());
        self.assume(match nth(1) {
            Some(_) => {
                "the growing modes of the initial weights decide the order, not the growth rates alone: \
                 times and ratio are theirs"
            }
            None => NEVER,
        });
    }
}
