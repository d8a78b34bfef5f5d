//! The exponential Rosenbrock method of order 4(3), exprb43, with Lanczos.
//!
//! At each step the linear part of the flow is integrated exactly, so that a saddle's
//! neighbourhood, where the flow *is* linear, costs a few steps however long it lasts. With F the
//! right-hand side, J its Jacobian at w (symmetric: -Hessian), g(u) = F(u) - J u:
//!
//! ```text
//! U2 = w + h/2 phi1(h/2 J) F(w)                    D2 = g(U2) - g(w)
//! U3 = w + h phi1(hJ) F(w) + h phi1(hJ) D2         D3 = g(U3) - g(w)
//! w' = w + h phi1(hJ) F(w) + h [16 phi3(hJ) - 48 phi4(hJ)] D2 + h [-2 phi3(hJ) + 12 phi4(hJ)] D3
//! error = h [-48 phi4(hJ) D2 + 12 phi4(hJ) D3]
//! ```
//!
//! The same expression with the cubic through g(w), D2 and D3 gives the state at w(t + c h):
//!
//! ```text
//! w + c h phi1(chJ) F + c h [16 c^2 phi3(chJ) - 48 c^3 phi4(chJ)] D2 + c h [-2 c^2 phi3(chJ) + 12 c^3 phi4(chJ)] D3
//! ```
//!
//! Sources: M. Hochbruck & A. Ostermann, "Exponential integrators", Acta Numerica 19 (2010);
//! M. Hochbruck, A. Ostermann & J. Schweitzer, "Exponential Rosenbrock-type methods", SIAM J. Numer.
//! Anal. 47 (2009), method exprb43.

use super::krylov::{Failure, Krylov, LARGEST_DIMENSION, LARGEST_EXPONENT, phi};
use super::{End, Node, Outcome, Segment, Settings, System, Verdict, Work};
use crate::linalg::norm;
use nalgebra::DVector;
use std::ops::Range;

type State = DVector<f64>;

/// Share of the step's tolerance that the Krylov approximation may use up.
const KRYLOV_SHARE: f64 = 0.05;

/// Bytes that the three bases may take at their largest dimension: 2 GiB.
const LARGEST_MEMORY: usize = 2 << 30;

/// Step control: the usual safety factor, and limits of the change from step to step.
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.2;
const GROW: f64 = 5.0;

/// Integrates `system` from `start`, a state at a time, until the time, the step limit or `observe` ends it.
pub(super) fn integrate<S: System>(
    system: &mut S,
    start: (f64, State),
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    let mut stepper = Stepper::new(system, start, settings);
    let t_end = settings.t_end.min(f64::MAX);
    let outcome = loop {
        if stepper.time >= t_end {
            // Without a time to stop at, the last number is not a time that was asked for.
            break match settings.t_end {
                f64::INFINITY => Outcome::StepLimit,
                _ => Outcome::TimeReached,
            };
        }
        if stepper.work.steps + stepper.work.rejected_steps >= settings.max_steps {
            break Outcome::StepLimit;
        }
        match stepper.advance(t_end) {
            Err(outcome) => break outcome,
            Ok(false) => {}
            Ok(true) => {
                let verdict = observe(&mut stepper);
                stepper.commit();
                if let Verdict::Stop(outcome) = verdict {
                    break outcome;
                }
            }
        }
    };
    End {
        outcome,
        time: stepper.time,
        state: stepper.state,
        work: stepper.work,
    }
}

/// The state between two steps, and the storage of a step: nothing is allocated per step but the
/// small matrices of the Krylov bases.
struct Stepper<'s, S: System> {
    system: &'s mut S,
    settings: &'s Settings,
    /// Entries whose errors are measured together, by their Euclidean norm.
    groups: Vec<Range<usize>>,
    time: f64,
    state: State,
    /// F(w).
    rate: Vec<f64>,
    /// Whether `rate` and the basis of F belong to `state`.
    is_linearised: bool,
    /// Size of the next step to try; 0 before the first.
    step: f64,
    /// Krylov bases of J started at F(w), D2 and D3.
    bases: [Krylov; 3],
    /// U2, then U3.
    stage: State,
    /// D2, then D3, then the error.
    remainder: Vec<f64>,
    /// The tolerance of each group.
    tolerances: Vec<f64>,
    /// The accepted step that is not yet committed: its size, its middle and its end.
    taken: f64,
    middle: State,
    next: State,
    work: Work,
}

impl<'s, S: System> Stepper<'s, S> {
    fn new(system: &'s mut S, (time, start): (f64, State), settings: &'s Settings) -> Self {
        let groups = system.groups();
        let n = start.len();
        let affordable = LARGEST_MEMORY / (3 * size_of::<f64>() * n.max(1));
        let dimension = affordable.clamp(8, LARGEST_DIMENSION);
        Self {
            system,
            settings,
            tolerances: vec![0.0; groups.len()],
            groups,
            time,
            rate: vec![0.0; n],
            is_linearised: false,
            step: 0.0,
            bases: [0; 3].map(|_| Krylov::new(n, dimension)),
            stage: start.clone(),
            remainder: vec![0.0; n],
            taken: 0.0,
            middle: start.clone(),
            next: start.clone(),
            state: start,
            work: Work::default(),
        }
    }

    /// Tries a step; true where it is accepted.
    fn advance(&mut self, t_end: f64) -> Result<bool, Outcome> {
        if !self.is_linearised {
            self.linearise()?;
        }
        let left = t_end - self.time;
        // A last step that would leave round-off behind goes all the way.
        let is_last = self.step >= left * (1.0 - 1e-12);
        let step = if is_last { left } else { self.step };
        if self.time + step <= self.time {
            return Err(Outcome::StepUnderflow);
        }
        let factor = match self.attempt(step) {
            Ok(error) if error <= 1.0 => {
                write_state(&self.bases, &self.state, step, 0.5, &mut self.middle);
                self.taken = step;
                self.step = step * (SAFETY * error.powf(-0.25)).clamp(SHRINK, GROW);
                self.work.steps += 1;
                return Ok(true);
            }
            Ok(error) => (SAFETY * error.powf(-0.25)).max(SHRINK),
            Err(Failure::Growth(exponent)) => 0.5 * LARGEST_EXPONENT / exponent,
            Err(Failure::Capacity) => 0.5,
            Err(Failure::NotFinite) => SHRINK,
        };
        self.step = step * factor;
        self.work.rejected_steps += 1;
        Ok(false)
    }

    /// F(w), J and the basis of F at a new state.
    fn linearise(&mut self) -> Result<(), Outcome> {
        self.system.rate(self.state.as_slice(), &mut self.rate);
        self.work.rhs_evaluations += 1;
        if !self.system.is_finite() {
            return Err(Outcome::NotFinite);
        }
        self.system.linearise();
        self.bases[0].start(&self.rate);
        self.is_linearised = true;
        let &Settings { rtol, atol, .. } = self.settings;
        let state = self.state.as_slice();
        for (tolerance, group) in self.tolerances.iter_mut().zip(&self.groups) {
            *tolerance = atol * (group.len() as f64).sqrt() + rtol * norm(&state[group.clone()]);
        }
        if self.step == 0.0 {
            // The fastest layer moves by a tenth of its own size.
            let speeds = self.groups.iter().zip(&self.tolerances);
            let speeds = speeds.map(|(g, tol)| norm(&self.rate[g.clone()]) * rtol / tol);
            let fastest = speeds.fold(0.0, f64::max);
            self.step = if fastest > 0.0 {
                0.1 / fastest
            } else {
                f64::MAX
            };
        }
        Ok(())
    }

    /// Computes a step's end; gives back its error in units of the tolerance.
    fn attempt(&mut self, h: f64) -> Result<f64, Failure> {
        let phi1 = |z: f64| phi(z)[1];
        self.converge(0, h)?;

        self.stage.copy_from(&self.state);
        self.bases[0].add(0.5 * h, phi1, 0.5 * h, self.stage.as_mut_slice());
        self.evaluate_stage()?;
        // g(U2) - g(w) = F(U2) - F(w) - J (U2 - w)
        self.bases[0].add_product(-0.5 * h, phi1, 0.5 * h, &mut self.remainder);
        self.bases[1].start(&self.remainder);
        self.converge(1, h)?;

        self.stage.copy_from(&self.state);
        for basis in &self.bases[..2] {
            basis.add(h, phi1, h, self.stage.as_mut_slice());
        }
        self.evaluate_stage()?;
        for basis in &self.bases[..2] {
            basis.add_product(-h, phi1, h, &mut self.remainder);
        }
        self.bases[2].start(&self.remainder);
        self.converge(2, h)?;

        write_state(&self.bases, &self.state, h, 1.0, &mut self.next);
        self.remainder.fill(0.0);
        for (basis, factor) in self.bases[1..].iter().zip([-48.0, 12.0]) {
            basis.add(factor * h, |z| phi(z)[4], h, &mut self.remainder);
        }
        self.error()
    }

    /// Extends one of the bases until it serves a step of size `h`.
    fn converge(&mut self, k: usize, h: f64) -> Result<(), Failure> {
        let (basis, state) = (&mut self.bases[k], self.state.as_slice());
        let before = basis.dimension() as u64;
        let sizes = self.groups.iter().zip(&self.tolerances);
        let result = basis.converge(
            h,
            KRYLOV_SHARE,
            &mut |v, product| self.system.jacobian_product(state, v, product),
            &|v| {
                let sizes = sizes.clone();
                let sizes = sizes.map(|(group, tolerance)| norm(&v[group.clone()]) / tolerance);
                sizes.fold(0.0, f64::max)
            },
        );
        let dimension = basis.dimension() as u64;
        self.work.hessian_products += dimension - before;
        self.work.krylov_bases += u64::from(before == 0 && dimension > 0);
        self.work.krylov_max = self.work.krylov_max.max(dimension);
        result
    }

    /// F(stage) - F(w).
    fn evaluate_stage(&mut self) -> Result<(), Failure> {
        self.system.rate(self.stage.as_slice(), &mut self.remainder);
        self.work.rhs_evaluations += 1;
        if !self.system.is_finite() {
            return Err(Failure::NotFinite);
        }
        for (remainder, rate) in self.remainder.iter_mut().zip(&self.rate) {
            *remainder -= rate;
        }
        Ok(())
    }

    /// The largest error of a group, in units of its tolerance at the larger end of the step.
    fn error(&self) -> Result<f64, Failure> {
        let &Settings { rtol, atol, .. } = self.settings;
        let mut largest = 0.0f64;
        for (group, tolerance) in self.groups.iter().zip(&self.tolerances) {
            let end = norm(&self.next.as_slice()[group.clone()]);
            let at_end = atol * (group.len() as f64).sqrt() + rtol * end;
            let error = norm(&self.remainder[group.clone()]) / tolerance.max(at_end);
            // A step into infinity has no error: the largest of numbers leaves out what is none.
            if !(end.is_finite() && error.is_finite()) {
                return Err(Failure::NotFinite);
            }
            largest = largest.max(error);
        }
        Ok(largest)
    }

    fn commit(&mut self) {
        self.time += self.taken;
        std::mem::swap(&mut self.state, &mut self.next);
        self.is_linearised = false;
    }
}

/// Writes the state at the share `c` of a step of size `step` from `state`.
fn write_state(bases: &[Krylov; 3], state: &State, step: f64, c: f64, out: &mut State) {
    let [force, second, third] = bases;
    let (c2, c3, tau) = (c * c, c * c * c, c * step);
    out.copy_from(state);
    let out = out.as_mut_slice();
    force.add(tau, |z| phi(z)[1], tau, out);
    let of_second = |[.., phi3, phi4]: [f64; 5]| 16.0 * c2 * phi3 - 48.0 * c3 * phi4;
    second.add(tau, |z| of_second(phi(z)), tau, out);
    let of_third = |[.., phi3, phi4]: [f64; 5]| -2.0 * c2 * phi3 + 12.0 * c3 * phi4;
    third.add(tau, |z| of_third(phi(z)), tau, out);
}

/// The accepted step that is not yet committed, with its middle.
impl<S: System> Segment for Stepper<'_, S> {
    fn nodes(&self) -> [Node<'_>; 3] {
        [(0.0, &self.state), (0.5, &self.middle), (1.0, &self.next)].map(|(c, state)| Node {
            time: self.time + c * self.taken,
            state,
        })
    }

    fn state_at(&mut self, time: f64) -> Option<State> {
        let c = ((time - self.time) / self.taken).clamp(0.0, 1.0);
        let mut out = self.state.clone();
        write_state(&self.bases, &self.state, self.taken, c, &mut out);
        Some(out)
    }

    fn work(&self) -> Work {
        self.work
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Moments, layout};
    use crate::flow::Flow;
    use crate::integrate::{Method, Pair};
    use crate::network::Architecture;
    use nalgebra::DMatrix;

    /// Fixed steps on the nonlinear part of a flow, with the Krylov spaces converged to round-off:
    /// the error falls with the fourth power of the step, and the embedded estimate of one step
    /// with its fourth power too (order 3 embedded).
    #[test]
    fn fixed_steps_are_of_order_four() {
        let inputs =
            DMatrix::from_row_slice(3, 3, &[2.0, 0.3, 0.5, 0.3, 1.0, -0.2, 0.5, -0.2, 0.8]);
        let map = DMatrix::from_row_slice(2, 3, &[1.0, -0.5, 0.7, 0.2, 0.9, -0.4]);
        let power = (&map * &inputs * map.transpose()).trace();
        let moments = Moments::new(
            layout([("A", 2), ("B", 1)]),
            inputs.clone(),
            map * inputs,
            power,
        );
        let architecture = Architecture::build(&moments.modalities, 2, &[2, 2], 1, &[3, 2])
            .expect("a small network");
        let start = State::from_fn(architecture.len(), |i, _| {
            0.5 * f64::sin(1.0 + 2.3 * i as f64)
        });
        const T_END: f64 = 2.0;
        let settings = |method, rtol| Settings {
            method,
            rtol,
            atol: rtol,
            t_end: T_END,
            max_steps: 1_000_000,
        };
        let mut flow = Flow::new(&architecture, &moments);
        let finest = settings(Method::RungeKutta(Pair::Dop853), 1e-13);
        let go_on = &mut |_: &mut dyn Segment| Verdict::Continue;
        let exact = super::super::integrate(&mut flow, start.clone(), &finest, go_on).state;
        let settings = settings(Method::Exponential, 1e-13);
        let errors = [80, 160, 320].map(|steps| {
            let h = T_END / f64::from(steps);
            let mut stepper = Stepper::new(&mut flow, (0.0, start.clone()), &settings);
            let mut estimate = 0.0;
            for step in 0..steps {
                stepper.linearise().expect("finite");
                let error = stepper.attempt(h).expect("converges");
                estimate = if step == 0 { error } else { estimate };
                stepper.taken = h;
                stepper.commit();
            }
            ((stepper.state - &exact).norm(), estimate)
        });
        for pair in errors.windows(2) {
            let slope = (pair[0].0 / pair[1].0).log2();
            assert!((slope - 4.0).abs() < 0.15, "{errors:?}");
            let slope = (pair[0].1 / pair[1].1).log2();
            assert!((slope - 4.0).abs() < 0.15, "{errors:?}");
        }
    }
}
