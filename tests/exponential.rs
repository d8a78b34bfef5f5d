//! The exponential method: against explicit methods, over plateaus of any length.

use super::common;
use approx::assert_relative_eq;
use modalflow::experiment::results::RunResult;
use modalflow::flow::Flow;
use modalflow::integrate::{Method, Outcome, Settings, Verdict, integrate};
use nalgebra::DVector;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::fmt::Write;

/// A small random problem as text: depth 1 to 5, every fusion layer, 2 to 3 modalities, 1 to 3
/// outputs, 1 to 2 inputs a modality.
fn problems() -> impl Strategy<Value = String> {
    let fusion = (1usize..=5).prop_flat_map(|depth| (Just(depth), 1..=depth));
    let sizes = (2usize..=3, 1usize..=3, 1usize..=2, 2usize..=6);
    let start = (any::<u32>(), 0.2..0.5);
    (fusion, sizes, start).prop_map(
        |((depth, fusion), (modalities, outputs, dim, width), (seed, norm))| {
            let names = || "ABC".chars().take(modalities);
            let list = |value: &dyn Fn(usize) -> String| {
                let entries = names().enumerate().map(|(m, name)| format!("{name}: {}", value(m)));
                entries.collect::<Vec<_>>().join(", ")
            };
            let dims = list(&|m| (1 + (m + dim) % 2).to_string());
            let scales = list(&|m| [3.0, 1.0, 2.0][m].to_string());
            let mut yaml = format!("seed: {seed}\n");
            let _ = write!(
                yaml,
                "data: {{wishart: {{modalities: {{{dims}}}, scale: {{{scales}}}, outputs: {outputs}}}}}\n\
                 network: {{depth: {depth}, fusion_layer: {fusion}, width: {width}}}\n\
                 init: {{gaussian_norm: {{norm: {norm}}}}}\n"
            );
            yaml
        },
    )
}

fn run(problem: &str, flow: &str) -> RunResult {
    common::run(&format!("{problem}flow: {{{flow}, until: {{time: 30}}}}\n")).1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// Crossing times, loss and maps against the explicit method at rtol 1e-10. Both accumulate
    /// their tolerances over hundreds of steps, and the growth from the saddles multiplies them.
    #[test]
    fn agrees_with_the_explicit_method(problem in problems()) {
        let explicit = run(&problem, "method: dopri5, rtol: 1e-10, reduction: off");
        let exponential = run(&problem, "method: exponential, rtol: 1e-9");
        let phases = [&explicit, &exponential].map(|r| &r.flow.detection.phase);
        let times = [(phases[0].t_first, phases[1].t_first), (phases[0].t_second, phases[1].t_second)];
        for (a, b) in times {
            prop_assert_eq!(a.is_some(), b.is_some());
            let (a, b) = (a.unwrap_or(1.0), b.unwrap_or(1.0));
            prop_assert!((a - b).abs() <= 1e-6 * a, "{} {}\n{}", a, b, problem);
        }
        let prepared = common::prepare(&format!("{problem}flow: {{until: {{time: 30}}}}\n"));
        let observables = prepared.observables();
        let size = prepared.moments.loss.optimum.norm();
        for i in 0..=200 {
            let time = 30.0 * f64::from(i) / 200.0;
            let knots = [&explicit, &exponential].map(|r| r.flow.trajectory.at(time));
            let losses = knots.each_ref().map(|knot| observables.loss(knot));
            prop_assert!(
                (losses[0] - losses[1]).abs() <= 1e-6 * prepared.moments.initial_loss,
                "t = {}: {:?}\n{}", time, losses, problem
            );
            let maps = observables.map(&knots[0]).iter().zip(observables.map(&knots[1]));
            let gap = maps.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            prop_assert!(gap <= 1e-6 * size, "t = {}: {}\n{}", time, gap, problem);
        }
    }
}

/// Late fusion at depth 4 from aligned weights without correlation: each modality of variance s
/// follows du/dt = s u^3 (1 - u^4), so that half of the map, u^4 = 1/2, is reached at
/// s t = [f(u)]_{u0}^{2^{-1/4}} with f(u) = -1/(2 u^2) + artanh(u^2)/2. Returns s t.
fn half_height(u0: f64) -> f64 {
    let f = |u: f64| -0.5 / (u * u) + 0.5 * (u * u).atanh();
    f(0.5f64.powf(0.25)) - f(u0)
}

/// The plateau is 1/u0^2 long: 4e7 time units at 1e-4, 4e9 at 1e-5. Steps grow with its logarithm.
#[test]
fn the_length_of_a_plateau_costs_its_logarithm() {
    let steps: Vec<u64> = (1..=5)
        .map(|k| {
            let u0 = 10f64.powi(-k);
            let yaml = format!(
                "data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
                 network: {{depth: 4, fusion_layer: 4, width: 4}}\ninit: {{aligned: {{norm: {u0}}}}}\n\
                 flow: {{method: exponential, rtol: 1e-6, until: {{loss_gap: 1e-6}}}}\n"
            );
            let (_, result) = common::run(&yaml);
            assert_eq!(result.flow.end.outcome, Outcome::Converged);
            let phase = &result.flow.detection.phase;
            let exact = half_height(u0);
            // Each of the first steps leaves its tolerance of 1e-6 in the weights, and the time
            // left goes with their inverse square; a few of them count.
            assert_relative_eq!(phase.t_first.expect("A"), exact / 4.0, max_relative = 1e-5);
            assert_relative_eq!(phase.t_second.expect("B"), exact, max_relative = 1e-5);
            result.flow.end.work.steps
        })
        .collect();
    assert!(steps[3] < 1000, "{steps:?}");
    // A decade of u0 is two decades of time and adds about two hundred steps.
    for pair in steps.windows(2) {
        assert!((170..=230).contains(&(pair[1] - pair[0])), "{steps:?}");
    }
}

/// Steep networks at coarse tolerances, whose stages leave the range of numbers: such a step is
/// rejected, not taken for one without error.
#[test]
fn a_step_into_infinity_is_rejected() {
    for (depth, rtol, b) in [
        (8, 1e-2, 1e-8),
        (10, 1e-3, 1e-6),
        (10, 1e-3, 1e-9),
        (14, 1e-4, 1e-8),
        (20, 1e-5, 1e-8),
    ] {
        let moments = common::toy(2.0, 0.0);
        let architecture = common::network(&moments, depth, 2, 1);
        let weights = DVector::from_fn(architecture.len(), |i, _| {
            let second = architecture.private[1].clone();
            let is_second = second
                .into_iter()
                .any(|l| architecture.layers[l].range.contains(&i));
            if is_second { b } else { 1.0 }
        });
        let settings = Settings {
            method: Method::Exponential,
            rtol,
            atol: rtol * b,
            t_end: 100.0,
            max_steps: 100_000,
        };
        let mut flow = Flow::new(&architecture, &moments);
        let end = integrate(&mut flow, weights, &settings, &mut |_| Verdict::Continue);
        assert_eq!(end.outcome, Outcome::TimeReached, "L = {depth}");
        // Both modalities are learned to the tolerance.
        let loss = flow.loss(end.state.as_slice());
        assert!(loss < 10.0 * rtol, "L = {depth}: {loss}");
    }
}

/// Squares of weights below 1e-154 underflow; their errors must be measured all the same.
#[test]
fn weights_whose_squares_underflow_are_integrated() {
    let yaml = |method: &str| {
        format!(
            "data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 3}}\ninit: {{gaussian: {{std: 1e-170}}}}\n\
             flow: {{method: {method}, rtol: 1e-6, until: {{time: 110}}}}\n"
        )
    };
    let first = |method| {
        let (_, result) = common::run(&yaml(method));
        result.flow.detection.phase.t_first.expect("learned")
    };
    // A grows alone at first, so that its time needs no resolution beside larger weights.
    assert_relative_eq!(first("exponential"), first("dopri5"), max_relative = 1e-5);
    let (_, result) = common::run(&yaml("auto"));
    assert_eq!(result.flow.method.name(), "dopri5");
}

/// The curvature at large initial weights, far above that at the minimum, makes explicit steps
/// short: std 2 and width 20 start at 4 (80 + 80).
#[test]
fn auto_sees_the_curvature_of_large_initial_weights() {
    let method = |std: f64| {
        let yaml = format!(
            "data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 20}}\ninit: {{gaussian: {{std: {std}}}}}\n\
             flow: {{rtol: 1e-8, until: {{time: 20}}}}\n"
        );
        common::run(&yaml).1.flow.method.name()
    };
    assert_eq!([method(1e-3), method(2.0)], ["dopri5", "exponential"]);
}

/// Where rho r < -1 what drives B turns round when A is learned: B's weights shrink before they grow along
/// modes that exponential steps lose beside what has grown first. `auto` knows, and the user who asks for
/// them is told.
#[test]
fn a_drive_that_turns_round_is_left_to_explicit_steps() {
    let text = |method: &str, rho: f64| {
        format!(
            "seed: 1\ndata: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 100}}\ninit: {{gaussian: {{std: 1e-14}}}}\n\
             flow: {{method: {method}, rtol: 1e-6, until: {{time: 1000, loss_gap: 1e-4}}}}\n"
        )
    };
    let (problem, result) = common::run(&text("auto", -0.9));
    assert_eq!(result.flow.method.name(), "dopri5");
    // Absolute times leave out the lag of A behind B, a fraction of a percent here.
    let predicted = result.theory.t_second.expect("two layers");
    let measured = result.flow.detection.phase.t_second.expect("B is learned");
    assert!(
        (measured / predicted - 1.0).abs() < 0.005,
        "{measured} {predicted}"
    );
    assert!(problem.warnings.is_empty(), "{:?}", problem.warnings);
    let unbounded = text("auto", -0.9).replace("time: 1000, ", "");
    let (_, unbounded) = common::run(&unbounded);
    assert_eq!(unbounded.flow.detection.phase.t_second, Some(measured));
    let warned = common::prepare(&text("exponential", -0.9)).warnings;
    assert!(warned[0].contains("turns round"), "{warned:?}");
    assert!(
        common::prepare(&text("exponential", -0.4))
            .warnings
            .is_empty()
    );
    let (_, straight) = common::run(&text("auto", -0.4));
    assert_eq!(straight.flow.method.name(), "exponential");
    // Early fusion has no saddle at which anything could shrink.
    let early = text("exponential", -0.9).replace("fusion_layer: 2", "fusion_layer: 1");
    assert!(common::prepare(&early).warnings.is_empty());
    // C turns when B is learned, the second of three.
    let (_, third) = common::run(
        "seed: 1\ndata: {moments: {modalities: {A: 1, B: 1, C: 1}, \
         inputs: [[9, 0, 0], [0, 4, -1.8], [0, -1.8, 1]], target_map: [[1, 1, 1]]}}\n\
         network: {depth: 2, fusion_layer: 2, width: 20}\ninit: {gaussian: {std: 1e-14}}\n\
         flow: {rtol: 1e-6, until: {time: 1000, loss_gap: 1e-4}}\n",
    );
    assert_eq!(third.flow.method.name(), "dopri5");
}
