//! Stacks that do not know each other but for their drives: which of them is learned next, and when.

use super::super::growth::{are_opposed, drives};
use super::super::homogeneous::{Ended, Reached, SmallNetwork};
use super::drop::{Drop, Part, drop};
use super::projection::Outside;
use super::result::Event;
use super::{Order, Problem, RTOL};
use nalgebra::{DMatrix, DVector};
use std::collections::VecDeque;

/// What becomes of a stack under its drive (o x d), followed for a time at most: its modality is one of those that are
/// given with it, which are learned then.
type Wait<'w> = dyn Fn(&SmallNetwork, &DMatrix<f64>, (usize, &[usize]), f64) -> Waited + 'w;

/// The drives of all stacks while some modalities are learned.
type Drives<'d> = dyn Fn(&[usize]) -> Result<Vec<DMatrix<f64>>, Outside> + 'd;

/// What became of a stack.
pub(super) enum Waited {
    /// It is learned.
    Learned(Event),
    /// It is not learned in the time given: the stack then.
    TimeIsUp(SmallNetwork),
    /// It is never learned.
    Never,
}

impl Waited {
    /// What became of a flow, learned at what `event` makes of the place that it got to.
    pub(super) fn of(ended: Ended, event: impl FnOnce(&Reached) -> Event) -> Self {
        match ended {
            Ended::Learned(reached) => Self::Learned(event(&reached)),
            Ended::TimeIsUp(stack) => Self::TimeIsUp(stack),
            Ended::Never => Self::Never,
        }
    }
}

/// A time with constant drives.
struct Stage {
    /// How long it lasts unless a stack is learned before; infinite for a plateau.
    duration: f64,
    /// The drives of all stacks.
    drives: Vec<DMatrix<f64>>,
}

/// The stacks on their way; None for those that are learned or never are.
struct Race<'r> {
    stacks: Vec<Option<SmallNetwork>>,
    learned: Vec<usize>,
    times: Vec<Option<Event>>,
    stage: Stage,
    /// What comes after this stage.
    ahead: VecDeque<Stage>,
    now: Event,
    /// How long ago the last drop was.
    since: f64,
    wait: &'r Wait<'r>,
}

impl Problem<'_> {
    /// Late fusion: from blow-up to blow-up.
    pub(super) fn late(&self) -> Result<Vec<Option<Event>>, Outside> {
        let at_start = self.drives(&[])?;
        let stack = |m: usize| {
            let stack = SmallNetwork::of_stack(&self.layers(self.weights, m, None))?;
            Some(self.starting(stack, &at_start[m]))
        };
        let stacks = (0..self.count()).map(stack).collect();
        let start = Event::at(0.0);
        self.one_by_one(
            stacks,
            (Vec::new(), start),
            &|learned| self.drives(learned),
            &|stack, drive, (m, all), limit| {
                let layers = self.architecture.depth(m);
                // Two layers never blow up: their map grows exponentially, and saturates as a logistic function
                // that is half way up where the exponential is all the way.
                let ended = if layers > 2 {
                    stack.blow_up(drive, (limit, RTOL))
                } else {
                    stack.flow_until(drive, &[(0, self.map_norm(all, m))], (limit, RTOL))
                };
                let half = 0.5 * self.map_norm(all, m);
                Waited::of(ended, |reached| Event {
                    time: reached.time + reached.rest,
                    half: 0.0,
                    delay: self.delay(reached, drive, half, layers),
                })
            },
        )
    }

    /// Stacks that do not know each other but for their drives, from `start` on, at which the modalities in
    /// `learned` are.
    pub(super) fn one_by_one(
        &self,
        stacks: Vec<Option<SmallNetwork>>,
        (learned, start): (Vec<usize>, Event),
        drives: &Drives<'_>,
        wait: &Wait<'_>,
    ) -> Result<Vec<Option<Event>>, Outside> {
        let mut times = vec![None; self.count()];
        for &m in &learned {
            times[m] = Some(start);
        }
        let stage = Stage::plateau(drives(&learned)?);
        let mut race = Race {
            stacks,
            learned,
            times,
            stage,
            ahead: VecDeque::new(),
            now: start,
            since: 0.0,
            wait,
        };
        loop {
            let (due, wait) = race.next(self);
            if wait.time.is_infinite() {
                return Ok(race.times);
            }
            let rates = race.rates();
            race.now = race.now.then(wait);
            race.since += wait.time;
            let excess = match due.is_empty() {
                true => None,
                false => race.learn(self, &due, drives)?,
            };
            if !self.are_whole(&race.learned) {
                return Ok(race.times);
            }
            let Some(stage) = race.ahead.pop_front() else {
                return Ok(race.times);
            };
            race.switch(stage, rates, wait.delay);
            if let Some(excess) = excess {
                race.go_through(&excess);
            }
        }
    }

    /// Whether the course of drops is known: late fusion of one output.
    fn knows_drops(&self) -> bool {
        let is_one_output = self.moments.outputs_len() == 1;
        self.order == Order::Next && self.architecture.shared.is_empty() && is_one_output
    }

    /// The course of the drop at which stacks are learned beside others, the time `wait` after the last ones were.
    fn drop(
        &self,
        next: (&[usize], &[(usize, f64)]),
        wait: f64,
        is_waited_for: bool,
    ) -> Option<Drop> {
        let problem = (self.moments, self.architecture);
        self.knows_drops()
            .then(|| drop(problem, next, wait, is_waited_for))?
    }

    /// The drives of late fusion while the modalities `learned` are, in the coordinates of the network's inputs.
    pub(super) fn drives(&self, learned: &[usize]) -> Result<Vec<DMatrix<f64>>, Outside> {
        let drives = drives(self.moments, learned);
        match self.projection {
            Some(projection) => projection.of_drives(drives, learned),
            None => Ok(drives),
        }
    }

    /// The blocks of a joined row (1 x d) in the coordinates of the network's inputs.
    fn inside(&self, row: &DMatrix<f64>) -> Vec<DMatrix<f64>> {
        let block = |m: usize| {
            let block = self.moments.block(row, m);
            match self.projection {
                Some(projection) => projection.inside(m, &block),
                None => block,
            }
        };
        (0..self.count()).map(block).collect()
    }

    /// A part of a drop as a stage of the others.
    fn during(&self, part: &Part) -> Stage {
        Stage {
            duration: part.duration,
            drives: self.inside(&part.residual),
        }
    }
}

impl Stage {
    /// A stage that only the next drop ends.
    fn plateau(drives: Vec<DMatrix<f64>>) -> Self {
        Self {
            duration: f64::INFINITY,
            drives,
        }
    }
}

impl Race<'_> {
    /// Writes down what is learned now, and what comes next: the drop, whose excess before is given back where it is
    /// known, and the plateau after it.
    fn learn(
        &mut self,
        problem: &Problem<'_>,
        due: &[(usize, f64)],
        drives: &Drives<'_>,
    ) -> Result<Option<Vec<DMatrix<f64>>>, Outside> {
        let before = self.learned.clone();
        self.learned.extend(due.iter().map(|(m, _)| *m));
        self.learned.sort_unstable();
        let is_waited_for = self.stacks.iter().any(Option::is_some);
        let after = match is_waited_for {
            true => Some(drives(&self.learned)?),
            false => None,
        };
        let drop = problem.drop((&before, due), self.since, is_waited_for);
        for (k, (m, _)) in due.iter().enumerate() {
            // What falls into the last drop is as far up as that.
            self.now.half = drop.as_ref().map_or(self.now.half, |drop| drop.halves[k]);
            self.times[*m] = Some(self.now);
        }
        let parts = drop.iter().flat_map(|drop| &drop.parts);
        self.ahead = parts.map(|part| problem.during(part)).collect();
        self.ahead.extend(after.map(Stage::plateau));
        self.since = 0.0;
        Ok(drop.map(|drop| problem.inside(&drop.excess)))
    }

    /// Moves all stacks on to where the next of them is learned, or to the end of the stage. Gives back what is learned
    /// then, if anything is, each with how much later than the first its blow-up is, and after what wait.
    fn next(&mut self, problem: &Problem<'_>) -> (Vec<(usize, f64)>, Event) {
        let mut first = None;
        let mut end = Event::at(self.stage.duration);
        let mut moved: Vec<Option<(f64, SmallNetwork)>> = vec![None; self.stacks.len()];
        for m in self.strongest_first() {
            let Some(stack) = &self.stacks[m] else {
                continue;
            };
            let (all, drive) = (self.with(m), &self.stage.drives[m]);
            // Nothing is left to learn.
            if drive.norm() == 0.0 || problem.map_norm(&all, m) == 0.0 {
                continue;
            }
            if problem.never_turns && are_opposed(&stack.map(), drive) {
                continue;
            }
            match (self.wait)(stack, drive, (m, &all), end.time) {
                Waited::Learned(event) if event.time < end.time => (first, end) = (Some(m), event),
                Waited::TimeIsUp(stack) => moved[m] = Some((end.time, stack)),
                Waited::Learned(_) | Waited::Never => {}
            }
        }
        if end.time.is_infinite() {
            return (Vec::new(), end);
        }
        if let Some(first) = first {
            self.stacks[first] = None;
        }
        let overtaken = self.advance(end.time, moved);
        let due = first.into_iter().chain(overtaken);
        let mut due: Vec<(usize, f64)> = due.map(|m| (m, 0.0)).collect();
        if !due.is_empty() && problem.knows_drops() {
            self.add_simultaneous(problem, &mut due);
        }
        (due, end)
    }

    /// Adds those stacks to the ones that are learned whose maps, if nothing held them, would be beyond what they come
    /// to: they are in their drop as well. They are aligned by then, so that the rest of their time is known.
    fn add_simultaneous(&mut self, problem: &Problem<'_>, due: &mut Vec<(usize, f64)>) {
        let mut all = self.learned.clone();
        all.extend(due.iter().map(|(m, _)| *m));
        for m in 0..self.stacks.len() {
            let Some(stack) = &self.stacks[m] else {
                continue;
            };
            let mut with = all.clone();
            with.push(m);
            with.sort_unstable();
            // Beside the others it comes to nothing.
            if problem.map_norm(&with, m) == 0.0 {
                continue;
            }
            let norm = stack.map_norm();
            let rest = stack.rest(norm, &self.stage.drives[m]);
            // Alone, or beside the others: what they explain as well is nothing that it comes to.
            let level = problem.map_norm(&with, m).max(problem.map_norm(&[m], m));
            if norm >= level && rest.is_some() {
                due.extend(rest.map(|rest| (m, rest)));
                self.stacks[m] = None;
            }
        }
    }

    /// Takes the stacks to a time of the stage: those that were followed up to it, in `moved`, are there. Gives back
    /// those that blow up before.
    fn advance(&mut self, time: f64, mut moved: Vec<Option<(f64, SmallNetwork)>>) -> Vec<usize> {
        let mut overtaken = Vec::new();
        for (m, stack) in self.stacks.iter_mut().enumerate() {
            let Some(small) = stack else { continue };
            *stack = match moved[m].take() {
                Some((there, stack)) if there == time => Some(stack),
                _ => small.flow_for(&self.stage.drives[m], time, RTOL),
            };
            if stack.is_none() {
                overtaken.push(m);
            }
        }
        overtaken
    }

    /// The rates of the stacks under their drives, where descent is followed.
    fn rates(&self) -> Vec<Option<DVector<f64>>> {
        let pairs = self.stacks.iter().zip(&self.stage.drives);
        let rate = |(stack, drive): (&Option<SmallNetwork>, _)| {
            let stack = stack.as_ref().filter(|stack| stack.behind.is_some())?;
            Some(stack.rate(drive))
        };
        pairs.map(rate).collect()
    }

    /// Goes over to a stage, from rates under the drives of the one before, at a time that descent comes to later by
    /// `delay` lags.
    fn switch(&mut self, stage: Stage, rates: Vec<Option<DVector<f64>>>, delay: f64) {
        self.stage = stage;
        let pairs = self.stacks.iter_mut().zip(rates).zip(&self.stage.drives);
        for ((stack, rate), drive) in pairs {
            if let Some((stack, rate)) = stack.as_mut().zip(rate) {
                stack.switch(&rate, drive, delay);
            }
        }
    }

    /// Takes the stacks through an excess of their drives, each o x d_m.
    fn go_through(&mut self, excess: &[DMatrix<f64>]) {
        for (stack, excess) in self.stacks.iter_mut().zip(excess) {
            let moved = stack.as_ref().and_then(|stack| {
                let alone = SmallNetwork {
                    behind: None,
                    ..stack.clone()
                };
                alone.flow_for(excess, 1.0, RTOL)
            });
            if let Some((stack, moved)) = stack.as_mut().zip(moved) {
                stack.weights = moved.weights;
            }
        }
    }

    /// The stacks in the order of their drives: the first one's time is the shortest as a rule, and stops the others'.
    fn strongest_first(&self) -> Vec<usize> {
        let sizes: Vec<f64> = self.stage.drives.iter().map(DMatrix::norm).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        order
    }

    /// The learned modalities and `m`.
    fn with(&self, m: usize) -> Vec<usize> {
        let is_in = |other: &usize| *other == m || self.learned.contains(other);
        (0..self.stacks.len()).filter(is_in).collect()
    }
}
