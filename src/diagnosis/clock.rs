//! How far a diagnosis is, and whether it is to go on.

use crate::error::InputError;
use crate::experiment::problem::Problem;
use crate::experiment::results::FlowRun;
use crate::experiment::run::{Plan, run_flow};
use crate::integrate::Outcome;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a diagnosis is, in parts of about equal work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Parts done.
    pub done: u64,
    /// All parts that are known of.
    pub of: u64,
}

/// Told of the progress, from any thread, now and then; answers whether to go on.
pub type Monitor<'m> = dyn Fn(Progress) -> bool + Sync + 'm;

/// Parts that a flow counts for.
pub(super) const FLOW_PARTS: u64 = 20;

/// Why a diagnosis comes to nothing.
#[derive(Debug)]
pub(super) enum Stop {
    /// Whoever watches it wants no more of it.
    Interrupted,
    /// The data cannot be used.
    Invalid(InputError),
}

impl From<InputError> for Stop {
    fn from(error: InputError) -> Self {
        Stop::Invalid(error)
    }
}

/// What a diagnosis that goes on comes to.
pub(super) type Ongoing<T> = Result<T, Stop>;

/// Counts a part that is done; an error where there are to be no more.
pub(super) type Tick<'t> = dyn Fn() -> Ongoing<()> + Sync + 't;

/// Counts parts that are done, and asks whether to go on.
pub(super) struct Clock<'m> {
    monitor: &'m Monitor<'m>,
    done: AtomicU64,
    of: AtomicU64,
    is_stopped: AtomicBool,
}

impl<'m> Clock<'m> {
    /// Of a diagnosis that has not begun.
    pub(super) fn new(monitor: &'m Monitor<'m>) -> Self {
        Self {
            monitor,
            done: AtomicU64::new(0),
            of: AtomicU64::new(0),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// So many more parts are to be done.
    pub(super) fn expect(&self, parts: usize) {
        self.of.fetch_add(parts as u64, Ordering::Relaxed);
    }

    /// Some are done.
    ///
    /// # Errors
    /// Where there are to be no more.
    pub(super) fn tick(&self, parts: u64) -> Ongoing<()> {
        self.done.fetch_add(parts, Ordering::Relaxed);
        match self.goes_on() {
            true => Ok(()),
            false => Err(Stop::Interrupted),
        }
    }

    /// A flow, which ends early where there is to be no more.
    ///
    /// # Errors
    /// Where it did.
    pub(super) fn flow(&self, problem: &Problem, plan: &Plan) -> Ongoing<FlowRun> {
        let flow = run_flow(problem, plan, &mut |_| self.goes_on());
        match flow.end.outcome {
            Outcome::Interrupted => Err(Stop::Interrupted),
            _ => Ok(flow),
        }
    }

    /// A long flow of at most so many steps, which counts for parts as it goes on.
    ///
    /// # Errors
    /// Where there are to be no more.
    pub(super) fn long_flow(
        &self,
        (problem, plan): (&Problem, &Plan),
        (parts, steps): (u64, u64),
    ) -> Ongoing<FlowRun> {
        let mut counted = 0;
        let flow = run_flow(problem, plan, &mut |progress| {
            let reached = parts * progress.steps.min(steps) / steps.max(1);
            self.done
                .fetch_add(reached.saturating_sub(counted), Ordering::Relaxed);
            counted = counted.max(reached);
            self.goes_on()
        });
        self.tick(parts - counted)?;
        match flow.end.outcome {
            Outcome::Interrupted => Err(Stop::Interrupted),
            _ => Ok(flow),
        }
    }

    /// Tells how far it is, and asks; who has said no is not asked again.
    fn goes_on(&self) -> bool {
        if self.is_stopped.load(Ordering::Relaxed) {
            return false;
        }
        let goes_on = (self.monitor)(Progress {
            done: self.done.load(Ordering::Relaxed),
            of: self.of.load(Ordering::Relaxed),
        });
        if !goes_on {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
        goes_on
    }
}
