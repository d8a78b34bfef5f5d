//! What the actual initial weights change of the formulas' predictions: the order is theirs.

use super::from_weights::{FromWeights, in_percent};
use super::growth::nth_learned;
use super::{NEVER, Theory, is_preference_superficial};
use crate::data::Moments;
use crate::network::Architecture;

impl Theory {
    /// What holds of these predictions where only the first stage is known, for a reason: the order.
    pub fn of_first_stage(self, reason: &str) -> Self {
        Self {
            first: self.first,
            second: self.second,
            assumptions: vec![reason.to_owned()],
            ..Self::default()
        }
    }

    /// Takes the times from the actual initial weights, or why there are none: the order is theirs. Where the
    /// formulas have another one, what they say of it is dropped. Where equal times leave it open, it is the formulas'.
    pub fn take_weights(
        &mut self,
        moments: &Moments,
        architecture: &Architecture,
        found: Result<FromWeights, &'static str>,
    ) {
        let mut found = match found {
            Ok(found) => found,
            Err(reason) => return self.lack_times(reason),
        };
        let is_deep = architecture.deepest() > 2;
        let has_other = self.settle(&mut found);
        if is_deep && has_other {
            self.assume_order(
                &found,
                "the initial weights decide the order, by their blow-up times",
            );
            self.follow(moments, architecture, &found);
        }
        if let Some(reason) = found.unknown {
            self.assume(reason);
        }
        if let Some(words) = found.trust(architecture) {
            self.assume(&words);
        }
        self.from_weights = Some(found);
    }

    fn lack_times(&mut self, reason: &'static str) {
        self.without_times = Some(reason);
        self.assume(reason);
    }

    /// Whether the times from the weights have another order than the formulas. Where they leave it open, the names of
    /// those learned first and second are made the same.
    fn settle(&self, found: &mut FromWeights) -> bool {
        let expected = [&self.first, &self.second];
        let has_other = found.differs_from(expected);
        found.settle(match has_other {
            true => [&None, &None],
            false => expected,
        });
        has_other && [&found.first, &found.second] != expected
    }

    /// Says what is other than by the formulas in the order of the weights, which `decide` it.
    fn assume_order(&mut self, found: &FromWeights, decide: &str) {
        let is_other_first = self.first != found.first;
        let is_other_second = self.second.is_some() && found.second.is_some();
        if self.first.is_none() {
            self.assume(decide);
        } else if is_other_first || is_other_second {
            self.assume(&format!("{decide}: the formulas have another one"));
        } else if found.second.is_some() {
            self.assume("the initial weights learn a second modality, the formulas none");
        }
        if found.t_second.is_none() && found.unknown.is_none() {
            self.assume(NEVER);
        }
    }

    /// Takes over the order of the weights, and drops what the formulas say of another one.
    fn follow(&mut self, moments: &Moments, architecture: &Architecture, found: &FromWeights) {
        (self.first, self.second) = (found.first.clone(), found.second.clone());
        [self.ratio, self.t_first, self.t_second] = [None; 3];
        (self.misattribution, self.misattribution_map) = (None, None);
        self.schedule = None;
        self.superficial_preference = None;
        self.tell_of_first(moments, architecture);
    }

    /// What follows of the modality that is learned first.
    fn tell_of_first(&mut self, moments: &Moments, architecture: &Architecture) {
        if let Some(first) = self.first.as_ref().map(|first| first.index) {
            self.superficial_preference = Some(is_preference_superficial(moments, first));
            if architecture.has_saddle(&[first]) {
                self.misattribute(moments, first);
            }
        }
    }

    /// Takes the times of a flow whose loss changes in time, or whose weights decay, from the actual initial weights, or why
    /// there are none. The order is theirs.
    pub fn take_course(
        &mut self,
        (moments, architecture): (&Moments, &Architecture),
        found: Result<FromWeights, &'static str>,
    ) {
        let mut found = match found {
            Ok(found) => found,
            Err(reason) => return self.lack_times(reason),
        };
        if found.second.is_some() {
            // What the formula says of it is overruled.
            self.assumptions.retain(|assumption| assumption != NEVER);
        }
        if self.settle(&mut found) {
            if self.first.is_some() {
                self.assume_order(&found, "the initial weights decide the order");
            }
            (self.first, self.second) = (found.first.clone(), found.second.clone());
            self.ratio = None;
        }
        // Rates and earlier stages leave the saddles where they are.
        let is_plain = architecture.is_linear() && architecture.weight_decay == 0.0;
        if is_plain && self.misattribution.is_none() {
            self.tell_of_first(moments, architecture);
        }
        if let Some(reason) = found.unknown {
            self.assume(reason);
        }
        if let Some(neglected) = found.neglected {
            self.assume(&format!(
                "from weights: drops last up to {} of the times at which they come",
                in_percent(neglected)
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
