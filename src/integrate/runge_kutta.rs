//! Explicit Runge-Kutta pairs through ode_solvers: Dormand-Prince 5(4) and 8(5,3).
//!
//! J. R. Dormand & P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl.
//! Math. 6 (1980); E. Hairer, S. P. Norsett & G. Wanner, "Solving Ordinary Differential
//! Equations I" (1993), section II.5.
//!
//! What ode_solvers needs from its user, found out by running it:
//! - it keeps every state it passes, so it is stopped every few steps and rebuilt from the last
//!   state and step size: memory stays flat, at one evaluation a restart;
//! - its stiffness test ends every converged flow with an error, so it is switched off;
//! - its dense output is wrong at the last point, so points inside a step are reached by a fresh
//!   short integration from the step's start;
//! - a right-hand side that is smooth by parts is held on its branch to the end of a step; the end of the branch is
//!   found inside the step by bisection, and the next branch starts there as after any restart;
//! - a right-hand side that is not finite shows as a step underflow, so it is noted down here.

use super::{End, Node, Outcome, Pair, RightHandSide, Segment, Settings, Verdict, Work};
use crate::flow::Branch;
use nalgebra::DVector;
use ode_solvers::dop_shared::{IntegrationError, OutputType, Stats, System as OdeSystem};
use ode_solvers::{Dop853, Dopri5};
use std::cell::{Cell, RefCell};

type State = DVector<f64>;

/// Bytes of states that ode_solvers may pile up between two restarts.
const MEMORY: usize = 16 << 20;

/// An accepted step shorter than this many units of round-off of the time cannot be taken again
/// from its start.
const SHORTEST: f64 = 64.0 * f64::EPSILON;

/// Integrates `system` from `start`, a state at a time, until the time, the step limit or `observe` ends it.
///
/// `observe` sees every pair of accepted steps in order; the last segment may be one step with a
/// point taken inside it.
pub(super) fn integrate<S: RightHandSide>(
    system: &mut S,
    pair: Pair,
    start: (f64, State),
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    let solver = Solver {
        system: RefCell::new(system),
        pair,
        settings,
        evaluations: Cell::new(0),
        finite: Cell::new(true),
    };
    solver.system.borrow_mut().take_branch(start.1.as_slice());
    let mut path = Path {
        solver: &solver,
        has_turned: false,
        nodes: vec![start],
        work: Work::default(),
        verdict: Verdict::Continue,
        observe,
    };
    let batch = (MEMORY / (size_of::<f64>() * path.nodes[0].1.len()).max(1)).clamp(8, 512);
    let mut step = 0.0;
    loop {
        if let Some(outcome) = path.advance(batch as u64, &mut step) {
            return path.finish(outcome);
        }
    }
}

/// A pair at work on a system, which ode_solvers calls through a shared reference.
struct Solver<'s, S> {
    system: RefCell<&'s mut S>,
    pair: Pair,
    settings: &'s Settings,
    evaluations: Cell<u64>,
    finite: Cell<bool>,
}

/// What ode_solvers calls back; `accepted` sees time and state of an accepted step, and answers
/// whether to stop.
struct Client<'c, 's, S> {
    solver: &'c Solver<'s, S>,
    accepted: &'c mut dyn FnMut(f64, &State) -> bool,
}

impl<S: RightHandSide> OdeSystem<f64, State> for Client<'_, '_, S> {
    fn system(&self, _time: f64, state: &State, rate: &mut State) {
        let solver = self.solver;
        solver.evaluations.set(solver.evaluations.get() + 1);
        let mut system = solver.system.borrow_mut();
        system.rate(state.as_slice(), rate.as_mut_slice());
        solver.finite.set(system.is_finite());
    }

    fn solout(&mut self, time: f64, state: &State, _rate: &State) -> bool {
        (self.accepted)(time, state)
    }
}

impl<S: RightHandSide> Solver<'_, S> {
    /// One call of ode_solvers, with the controller constants of Hairer, Norsett & Wanner's codes.
    fn solve(
        &self,
        (time, state): (f64, State),
        t_end: f64,
        step: f64,
        most_steps: u64,
        accepted: &mut dyn FnMut(f64, &State) -> bool,
    ) -> Result<Stats, IntegrationError> {
        let &Settings { rtol, atol, .. } = self.settings;
        // ode_solvers subtracts times, so that an infinite end has to be a large number.
        let t_end = t_end.min(f64::MAX);
        let most_steps = u32::try_from(most_steps).unwrap_or(u32::MAX - 1);
        let (longest, never, sparse) = (t_end - time, u32::MAX, OutputType::Sparse);
        let client = Client {
            solver: self,
            accepted,
        };
        match self.pair {
            Pair::Dopri5 => Dopri5::from_param(
                client, time, t_end, 0.0, state, rtol, atol, 0.9, 0.04, 0.2, 10.0, longest, step,
                most_steps, never, sparse,
            )
            .integrate(),
            Pair::Dop853 => Dop853::from_param(
                client, time, t_end, 0.0, state, rtol, atol, 0.9, 0.0, 0.333, 6.0, longest, step,
                most_steps, never, sparse,
            )
            .integrate(),
        }
    }

    /// Whether the branch that is held has ended at a state.
    fn has_branch_ended(&self, state: &State) -> bool {
        let mut system = self.system.borrow_mut();
        if system.branch().is_some() {
            self.evaluations.set(self.evaluations.get() + 1);
        }
        system.has_branch_ended(state.as_slice())
    }

    /// The first state of a step behind the end of the branch, which the step's own end is behind.
    fn end_of_branch(&self, start: &(f64, State), end: &(f64, State)) -> (f64, State) {
        /// Relative width to which the time is bracketed.
        const WIDTH: f64 = 1e-12;
        let (mut before, mut after) = (start.0, end.clone());
        while after.0 - before > WIDTH * after.0 {
            let time = before + 0.5 * (after.0 - before);
            let Some(state) = self.restep(start, time) else {
                break;
            };
            if self.has_branch_ended(&state) {
                after = (time, state);
            } else {
                before = time;
            }
        }
        after
    }

    /// The state at `time`, reached from an accepted state by a step of its own, which is shorter
    /// than the accepted one and so at least as accurate.
    fn restep(&self, start: &(f64, State), time: f64) -> Option<State> {
        // A rejected step is retried shorter; a handful always suffices.
        const MOST_STEPS: u64 = 1000;
        let length = time - start.0;
        if length <= SHORTEST * start.0.abs() {
            return (length >= 0.0).then(|| start.1.clone());
        }
        let mut reached = None;
        let accepted = &mut |_, state: &State| {
            reached = Some(state.clone());
            false
        };
        self.solve(start.clone(), time, length, MOST_STEPS, accepted)
            .ok()?;
        reached
    }
}

/// Accepted steps since the last segment that was shown, and what is known of the run.
struct Path<'p, 's, S> {
    solver: &'p Solver<'s, S>,
    /// One to three accepted nodes; the first is the end of the last segment.
    nodes: Vec<(f64, State)>,
    work: Work,
    /// Whether the last step ended where a branch does.
    has_turned: bool,
    verdict: Verdict,
    observe: &'p mut dyn FnMut(&mut dyn Segment) -> Verdict,
}

impl<S: RightHandSide> Path<'_, '_, S> {
    /// Takes up to `batch` steps; `step` is the size to start with (0: to be found) and then the
    /// last one. Says why the integration is over, if it is.
    fn advance(&mut self, batch: u64, step: &mut f64) -> Option<Outcome> {
        let solver = self.solver;
        let &Settings {
            t_end, max_steps, ..
        } = solver.settings;
        let limit = max_steps - (self.work.steps + self.work.rejected_steps);
        let from = self.last().clone();
        let (mut left, mut last_time) = (batch.min(limit), from.0);
        let result = solver.solve(from, t_end, *step, limit, &mut |time, state| {
            *step = time - last_time;
            last_time = time;
            left = left.saturating_sub(1);
            self.accept(time, state) != Verdict::Continue || left == 0 || self.has_turned
        });
        if std::mem::take(&mut self.has_turned) {
            *step = 0.0;
        }
        match result {
            Ok(stats) => self.work.rejected_steps += u64::from(stats.rejected_steps),
            Err(IntegrationError::MaxNumStepReached { .. }) => return Some(Outcome::StepLimit),
            Err(_) if !solver.finite.get() => return Some(Outcome::NotFinite),
            Err(_) => return Some(Outcome::StepUnderflow),
        }
        match self.verdict {
            Verdict::Stop(outcome) => Some(outcome),
            _ if self.last().0 >= t_end => Some(Outcome::TimeReached),
            _ if self.work.steps + self.work.rejected_steps >= max_steps => {
                Some(Outcome::StepLimit)
            }
            _ => None,
        }
    }

    fn last(&self) -> &(f64, State) {
        &self.nodes[self.nodes.len() - 1]
    }

    /// Takes in an accepted step; shows a segment when two are together.
    fn accept(&mut self, time: f64, state: &State) -> Verdict {
        self.work.steps += 1;
        self.nodes.push((time, state.clone()));
        if self.solver.has_branch_ended(state) {
            self.turn();
        } else if self.nodes.len() == 3 {
            self.show();
        }
        self.verdict
    }

    /// Goes back in the last step to where the branch ends, and takes the next one.
    fn turn(&mut self) {
        if let [.., start, end] = &self.nodes[..] {
            let end = self.solver.end_of_branch(start, end);
            self.nodes.pop();
            self.nodes.push(end);
        }
        if self.nodes.len() == 2 {
            self.show_step();
        } else {
            self.show();
        }
        self.nodes.drain(..self.nodes.len() - 1);
        let mut system = self.solver.system.borrow_mut();
        system.take_branch(self.last().1.as_slice());
        self.has_turned = true;
    }

    fn show(&mut self) {
        self.work.rhs_evaluations = self.solver.evaluations.get();
        let mut segment = Steps {
            solver: self.solver,
            nodes: &self.nodes,
            work: self.work,
        };
        self.verdict = (self.observe)(&mut segment);
        self.nodes.drain(..2);
    }

    /// Shows a single step with a point taken inside it, where there is one.
    fn show_step(&mut self) {
        if let [(from, _), (to, _)] = self.nodes[..] {
            let middle = from + 0.5 * (to - from);
            if let Some(state) = self.solver.restep(&self.nodes[0], middle) {
                self.nodes.insert(1, (middle, state));
                self.show();
            }
        }
    }

    /// Shows what is left of a segment and sums up.
    fn finish(mut self, mut outcome: Outcome) -> End {
        self.show_step();
        if let (true, Verdict::Stop(stopped)) = (outcome.is_success(), self.verdict) {
            outcome = stopped;
        }
        self.work.rhs_evaluations = self.solver.evaluations.get();
        let (time, state) = self.nodes.swap_remove(self.nodes.len() - 1);
        End {
            outcome,
            time,
            state,
            work: self.work,
        }
    }
}

/// Two accepted steps.
struct Steps<'p, 's, S> {
    solver: &'p Solver<'s, S>,
    nodes: &'p [(f64, State)],
    work: Work,
}

impl<S: RightHandSide> Segment for Steps<'_, '_, S> {
    fn nodes(&self) -> [Node<'_>; 3] {
        [0, 1, 2].map(|k| Node {
            time: self.nodes[k].0,
            state: &self.nodes[k].1,
        })
    }

    fn state_at(&mut self, time: f64) -> Option<State> {
        let start = &self.nodes[usize::from(time >= self.nodes[1].0)];
        self.solver.restep(start, time)
    }

    fn work(&self) -> Work {
        self.work
    }

    fn branch(&self) -> Option<Branch> {
        self.solver.system.borrow().branch()
    }
}
