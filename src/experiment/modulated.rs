//! Theory under gradient modulation: the flow of the network of one unit a layer that stands for the actual one.

use super::problem::Problem;
use crate::analysis::detector::detect;
use crate::flow::{Flow, Modulation};
use crate::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate};
use crate::remedy::ModulateSection;
use crate::theory::{self, Curve, FromWeights};
use crate::trajectory::{Observables, Recorder};

/// Most steps of the curve: it rests long before where it rests at all.
const MOST_STEPS: u64 = 100_000;

impl Problem {
    /// The times under modulation, read off the curve as off a run.
    ///
    /// # Errors
    /// Why they are not known.
    pub(super) fn modulated_times(
        &self,
        modulate: ModulateSection,
    ) -> Result<FromWeights, &'static str> {
        let t_end = self.scenario.flow.until.time.unwrap_or(f64::INFINITY);
        let curve = self.modulated_curve(modulate, t_end)?;
        let observables = self.observables();
        let found = detect(&curve.trajectory, &observables, &self.scenario.detector);
        let times: Vec<_> = found.crossings.iter().map(|c| c.t_learned).collect();
        let problem = (&self.moments, &self.architecture);
        Ok(FromWeights::of_curve(problem, &times))
    }

    /// Theory's curve under modulation, up to a time or the loss gap that a run ends at.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn modulated_curve(
        &self,
        modulate: ModulateSection,
        t_end: f64,
    ) -> Result<Curve, &'static str> {
        let (moments, rtol) = (&self.moments, self.curve_rtol());
        let is_deep = self.architecture.deepest() > 2;
        let known = is_deep.then(|| self.leading_times()).flatten();
        let start = (&self.weights, self.initial_scale(), known.as_ref());
        let small = theory::one_unit(moments, &self.architecture, start)?;
        let sizes = small.weights.iter().map(|weight| weight.abs());
        let smallest = sizes
            .filter(|&size| size > 0.0)
            .fold(f64::INFINITY, f64::min);
        let settings = Settings {
            method: Method::RungeKutta(Pair::Dopri5),
            rtol,
            atol: rtol * smallest,
            t_end,
            max_steps: MOST_STEPS,
        };
        let modulation = Modulation::new(modulate.alpha);
        let mut flow = Flow::new(&small.architecture, moments).modulated(Some(modulation));
        let observables = Observables {
            architecture: &small.architecture,
            moments,
        };
        let least = self.scenario.flow.until.loss_gap;
        let mut recorder = Recorder::new(flow.clone(), small.weights.as_slice(), rtol);
        let mut see = |segment: &mut dyn Segment| {
            let gap = observables.loss_gap(recorder.record(segment));
            match least {
                Some(least) if gap <= least => Verdict::Stop(Outcome::Converged),
                _ => Verdict::Continue,
            }
        };
        let end = integrate(&mut flow, small.weights.clone(), &settings, &mut see);
        match end.outcome {
            Outcome::Converged | Outcome::TimeReached => Ok(Curve {
                trajectory: recorder.finish(),
                start: small.start,
            }),
            _ => Err("the curve under modulation takes too many steps"),
        }
    }
}
