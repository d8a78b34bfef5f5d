//! Gradient modulation: the rule against its definition, its threshold, the flow against descents, sliding, and the
//! place of switches.

use super::common;

use modalflow::analysis::detector::Phase;
use modalflow::data::{Moments, Samples};
use modalflow::descent::batches::Batches;
use modalflow::experiment::results::RunResult;
use modalflow::flow::{Branch, Flow, Modulation};
use modalflow::integrate::{Method, Pair, Settings, Verdict, integrate};
use modalflow::network::{Activation, Architecture};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// Two scalar modalities of standard deviations r and 1, two layers, late fusion, aligned weights.
fn scenario(r: f64, rho: f64, norm: f64, rest: &str) -> String {
    format!(
        "{{name: t, data: {{toy: {{sigma: {{A: {r}, B: 1.0}}, rho: {rho}, target: {{A: 1.0, B: 1.0}}}}}}, \
         network: {{depth: 2, fusion_layer: 2, width: 10}}, init: {{aligned: {{norm: {norm:e}}}}}, {rest}}}"
    )
}

fn run(yaml: &str) -> RunResult {
    common::run(yaml).1
}

fn phase(yaml: &str) -> Phase {
    run(yaml).flow.detection.phase.clone()
}

/// Moments of these samples, kept beside them.
fn moments_of(inputs: &DMatrix<f64>, targets: &DMatrix<f64>, dims: &[usize]) -> Moments {
    let count = inputs.nrows() as f64;
    let mut moments = Moments::new(
        common::modalities(dims),
        inputs.tr_mul(inputs) / count,
        targets.tr_mul(inputs) / count,
        targets.norm_squared() / count,
    );
    moments.samples = Some(Arc::new(Samples::new(inputs, targets)));
    moments
}

/// Some samples of inputs of 2 and 3 entries, and of two outputs.
fn samples() -> (DMatrix<f64>, DMatrix<f64>) {
    let wave = |i: usize, k: usize| f64::sin(1.3 * i as f64 + 2.1 * (k * k) as f64 + 0.4);
    let inputs = DMatrix::from_fn(40, 5, wave);
    (
        inputs,
        DMatrix::from_fn(40, 2, |i, k| wave(i, k + 7) + 0.8 * wave(i, 2 * k)),
    )
}

fn weights_of(architecture: &Architecture, size: f64) -> DVector<f64> {
    DVector::from_fn(architecture.len(), |i, _| {
        size * f64::sin(1.0 + 1.7 * i as f64)
    })
}

/// The loss with the inputs of one modality at zero: that of the other one's own output.
fn own_loss(architecture: &Architecture, zeroed: std::ops::Range<usize>, weights: &[f64]) -> f64 {
    let (mut inputs, targets) = samples();
    inputs.columns_range_mut(zeroed).fill(0.0);
    let moments = moments_of(&inputs, &targets, &[2, 3]);
    Flow::on_samples(architecture, &moments).loss(weights)
}

/// The rate is the gradient times 1 - tanh(alpha rho) for the stack that is ahead, of linear networks by moments and of
/// any by samples; the factor on the learning rate comes on top.
#[test]
fn the_stack_that_is_ahead_is_slowed_by_the_rule() {
    let (inputs, targets) = samples();
    let moments = moments_of(&inputs, &targets, &[2, 3]);
    for (activation, size) in [
        (Activation::Linear, 0.4),
        (Activation::Linear, 0.9),
        (Activation::Relu, 0.4),
        (Activation::Tanh, 0.9),
    ] {
        let architecture = common::network(&moments, 3, 3, 4)
            .with_units(activation, false)
            .expect("a small network")
            .with_rate_factors(&[1.0, 3.0]);
        let weights = weights_of(&architecture, size);
        let weights = weights.as_slice();
        let (loss_a, loss_b) = (
            own_loss(&architecture, 2..5, weights),
            own_loss(&architecture, 0..2, weights),
        );
        let rho = [f64::exp(loss_b - loss_a), f64::exp(loss_a - loss_b)];
        let c = rho.map(|rho| {
            if rho > 1.0 {
                1.0 - f64::tanh(0.7 * rho)
            } else {
                1.0
            }
        });
        let mut plain = Flow::new(&architecture, &moments);
        let modulation = Some(Modulation::new(0.7));
        let mut modulated = plain.clone().modulated(modulation);
        let [mut expected, mut rate] = [vec![0.0; weights.len()], vec![0.0; weights.len()]];
        plain.rate(weights, &mut expected);
        modulated.rate(weights, &mut rate);
        architecture.scale_stacks(&c, &mut expected);
        for (rate, expected) in rate.iter().zip(&expected) {
            assert!(
                (rate - expected).abs() < 1e-12 * expected.abs().max(1e-3),
                "{activation:?}"
            );
        }
        let mut gradient = vec![0.0; weights.len()];
        modulated.write_negative_gradient(weights, &mut gradient);
        modulated.modulate(&mut gradient);
        architecture.scale_stacks(&[1.0, 3.0], &mut gradient);
        for (gradient, expected) in gradient.iter().zip(&expected) {
            assert!((gradient - expected).abs() < 1e-12 * expected.abs().max(1e-3));
        }
    }
}

/// Along the surface the convex combination of both flows keeps the losses level, by moments and by samples: at two
/// states of a step of Euler's method the lead differs by its square.
#[test]
fn sliding_keeps_the_scores_equal() {
    let (inputs, targets) = samples();
    let moments = moments_of(&inputs, &targets, &[2, 3]);
    for activation in [Activation::Linear, Activation::Tanh] {
        let architecture = common::network(&moments, 2, 2, 4)
            .with_units(activation, false)
            .expect("a small network")
            .with_rate_factors(&[1.0, 1.5]);
        let weights = weights_of(&architecture, 0.3);
        let lead = |weights: &DVector<f64>| {
            own_loss(&architecture, 0..2, weights.as_slice())
                - own_loss(&architecture, 2..5, weights.as_slice())
        };
        let mut flow = Flow::new(&architecture, &moments).modulated(Some(Modulation::new(2.0)));
        let mut rate = weights.clone();
        let mut change = |branch: Option<Branch>, step: f64| {
            flow.hold(branch);
            flow.rate(weights.as_slice(), rate.as_mut_slice());
            (lead(&(&weights + &rate * step)) - lead(&(&weights - &rate * step))) / (2.0 * step)
        };
        let free = change(None, 1e-4);
        let slid = change(Some(Branch::Level), 1e-4);
        assert!(
            slid.abs() < 1e-7 * free.abs(),
            "{activation:?} {slid} {free}"
        );
    }
}

/// A stays ahead below alpha* = atanh(1 - |S_yxB|/|S_yxA|); above, both become level while the weights are small, and B
/// is learned first. A that is ahead is slowed more the more it learns: which of both has learned the half of
/// its map first flips there too where the weights start small enough.
#[test]
fn the_modality_that_is_ahead_flips_at_the_threshold() {
    for r in [1.5, 2.0, 3.0] {
        let threshold = f64::atanh(1.0 - 1.0 / (r * r));
        for share in [0.97, 1.03] {
            let alpha = share * threshold;
            let rest = format!(
                "flow: {{until: {{time: 22.0}}}}, remedy: {{modulate: {{alpha: {alpha}}}}}"
            );
            let result = run(&scenario(r, 0.0, 1e-9, &rest));
            let branches = result.flow.branches.expect("a modulated flow");
            if share < 1.0 {
                assert_eq!((branches.switches, branches.sliding_time), (0, 0.0), "{r}");
            } else {
                assert!(branches.sliding_time > 5.0, "{r} {branches:?}");
                let first = result.flow.detection.phase.first.clone();
                assert_eq!(first.expect("a phase").name, "B", "{r}");
            }
        }
    }
}

/// Where losses are small against 1 the scores stay nearly equal, and so does what slows A while it learns: half of its map is
/// then learned first up to the threshold too.
#[test]
fn with_small_losses_the_order_flips_at_the_threshold() {
    for r in [1.5, 2.0, 3.0] {
        for (share, first) in [(0.97, "A"), (1.03, "B")] {
            let alpha = share * f64::atanh(1.0 - 1.0 / (r * r));
            let rest = format!(
                "flow: {{until: {{time: 300.0}}}}, remedy: {{modulate: {{alpha: {alpha}}}}}"
            );
            let small = scenario(r, 0.0, 1e-9, &rest);
            let small = small.replace("target: {A: 1.0, B: 1.0}", "target: {A: 0.1, B: 0.1}");
            let found = phase(&small).first;
            assert_eq!(found.expect("a phase").name, first, "{r} {share}");
        }
    }
}

/// A strength of 0 is no modulation: the same steps, exponential ones included.
#[test]
fn no_strength_is_no_modulation() {
    let rest = "flow: {until: {time: 8.0}}";
    let plain = run(&scenario(2.0, 0.3, 1e-3, rest));
    let none = run(&scenario(
        2.0,
        0.3,
        1e-3,
        &format!("{rest}, remedy: {{modulate: {{alpha: 0.0}}}}"),
    ));
    assert_eq!(plain.flow.end, none.flow.end);
    assert!(none.flow.branches.is_none());
}

/// No modulation is its limit for small alpha.
#[test]
fn weak_modulation_is_none() {
    let rest = "flow: {method: dopri5, until: {time: 14.0}}";
    let plain = phase(&scenario(2.0, 0.4, 1e-4, rest));
    let slowed = |alpha: f64| {
        let rest = format!("{rest}, remedy: {{modulate: {{alpha: {alpha:e}}}}}");
        phase(&scenario(2.0, 0.4, 1e-4, &rest))
            .t_first
            .expect("learned")
    };
    let t = plain.t_first.expect("learned");
    let [weak, weaker] = [1e-3, 1e-4].map(|alpha| slowed(alpha) - t);
    assert!(weak > 1e-4 * t && weak < 1e-1 * t, "{weak}");
    assert!((weak / weaker - 10.0).abs() < 0.2, "{weak} {weaker}");
    assert!(slowed(1e-12) - t < 1e-7 * t);
}

/// Descents tend to the flow in first order, the one that slides and those with momentum too.
#[test]
fn descents_tend_to_the_modulated_flow() {
    for (alpha, method, slides) in [
        (0.3, "learning_rate: [0.004, 0.002, 0.001]", false),
        (1.5, "learning_rate: [0.004, 0.002, 0.001]", true),
        (
            1.5,
            "learning_rate: [0.0004, 0.0002, 0.0001], momentum: 0.9",
            true,
        ),
    ] {
        let rest = format!(
            "flow: {{until: {{time: 6.0}}}}, descent: {{{method}}}, remedy: {{modulate: {{alpha: {alpha}}}}}"
        );
        let result = run(&scenario(2.0, 0.0, 0.1, &rest));
        let branches = result.flow.branches.expect("a modulated flow");
        assert_eq!(branches.sliding_time > 0.5, slides, "{branches:?}");
        let order = result.orders.expect("several learning rates").max_loss_gap;
        assert!(
            (order.expect("an order") - 1.0).abs() < 0.15,
            "{alpha} {order:?}"
        );
    }
}

/// Sliding on its way: the scores stay equal to the tolerance, and the conserved matrices are conserved.
#[test]
fn the_flow_slides_on_equal_scores() {
    let moments = common::toy(2.0, 0.2);
    let architecture = common::network(&moments, 2, 2, 4);
    let weights = weights_of(&architecture, 0.05);
    let lead = |weights: &DVector<f64>| {
        let loss = |m: usize| {
            let stack = architecture.private[m].clone();
            let w = (architecture.view(weights, stack.start + 1)
                * architecture.view(weights, stack.start))[(0, 0)];
            0.5 * moments.inputs.entry(m, m) * w * w - moments.cross[(0, m)] * w
        };
        loss(1) - loss(0)
    };
    let settings = Settings {
        method: Method::RungeKutta(Pair::Dopri5),
        rtol: 1e-10,
        atol: 1e-14,
        t_end: 4.0,
        max_steps: 100_000,
    };
    let mut flow = Flow::new(&architecture, &moments).modulated(Some(Modulation::new(1.5)));
    let (mut slid, mut joints) = (0.0, 0.0f64);
    let mut before: Option<(f64, DVector<f64>)> = None;
    integrate(&mut flow, weights, &settings, &mut |segment| {
        let [start, _, end] = segment.nodes();
        if let Some((time, state)) = &before {
            assert_eq!(
                (*time, state),
                (start.time, start.state),
                "no gap between segments"
            );
        }
        before = Some((end.time, end.state.clone()));
        if segment.branch() == Some(Branch::Level) {
            slid += end.time - start.time;
            joints = joints.max(lead(end.state).abs());
        }
        Verdict::Continue
    });
    assert!(slid > 0.5, "{slid}");
    assert!(joints < 1e-8, "{joints}");
}

/// Times of runs with switches converge with the tolerance.
#[test]
fn switches_are_located_to_the_tolerance() {
    let times = |rtol: f64| {
        let rest = format!(
            "flow: {{rtol: {rtol:e}, until: {{time: 20.0}}}}, remedy: {{modulate: {{alpha: 1.5}}}}"
        );
        let result = run(&scenario(1.5, 0.0, 1e-2, &rest));
        let branches = result.flow.branches.expect("a modulated flow");
        assert!(branches.switches >= 2, "{branches:?}");
        let phase = result.flow.detection.phase.clone();
        [phase.t_first, phase.t_second, Some(branches.sliding_time)].map(|t| t.expect("a time"))
    };
    let exact = times(1e-12);
    for rtol in [1e-6, 1e-8, 1e-10] {
        for (time, exact) in times(rtol).iter().zip(exact) {
            assert!(
                (time / exact - 1.0).abs() < 20.0 * rtol,
                "{rtol:e} {time} {exact}"
            );
        }
    }
}

/// Negative correlation: A that is learned drives B harder, |S_yxB - S_yxA S_A^+ S_AB| = 1.0 against |S_yxB| = 0.4, so that
/// slowing A delays B: from 26 to ln(1e9)/0.4 = 52 and the time of its rise.
#[test]
fn slowing_the_first_delays_the_second_where_they_oppose() {
    let found = |remedy: &str| {
        let rest = format!("flow: {{until: {{time: 60.0}}}}{remedy}");
        phase(&scenario(2.0, -0.3, 1e-9, &rest))
    };
    let plain = found("").t_second.expect("learned");
    let slowed = found(", remedy: {modulate: {alpha: 2.0}}");
    assert!((plain - 26.2).abs() < 0.1, "{plain}");
    assert_eq!(slowed.first.expect("a phase").name, "B");
    let late = slowed.t_first.expect("learned");
    assert!(late > 1e9f64.ln() / 0.4 && late < 56.0, "{late}");
}

/// Adam divides by the size of the gradient, so that a slowly varying factor cancels: B is learned when it was, and A
/// loses little, where plain steps lose at least 1/(1 - tanh 0.3) = 1.41.
#[test]
fn adam_cancels_modulation() {
    let times = |rule: &str, remedy: &str| {
        let rest = format!(
            "flow: {{until: {{time: 12.0}}}}, descent: {{learning_rate: 0.001{rule}}}{remedy}"
        );
        let result = run(&scenario(2.0, 0.0, 1e-3, &rest));
        let phase = &result.descents[0].phase;
        let time = |name: &str| {
            let is_first = phase.first.as_ref().is_some_and(|m| m.name == name);
            let time = if is_first {
                phase.t_first
            } else {
                phase.t_second
            };
            time.expect("learned")
        };
        [time("A"), time("B")]
    };
    let remedy = ", remedy: {modulate: {alpha: 0.3}}";
    for (rule, most, least) in [(", adam: {}", 1.2, 1.0), ("", 2.0, 1.4)] {
        let [plain, slowed] = ["", remedy].map(|remedy| times(rule, remedy));
        let ratio = slowed[0] / plain[0];
        assert!(ratio > least && ratio < most, "{rule} {ratio}");
        assert!(
            (slowed[1] / plain[1] - 1.0).abs() < 1e-9,
            "{rule} {slowed:?} {plain:?}"
        );
    }
}

/// Mini-batches score themselves: a batch of all samples is a step on all of them, to the order of its sums.
#[test]
fn mini_batches_are_slowed_by_their_own_scores() {
    let (inputs, targets) = samples();
    let moments = moments_of(&inputs, &targets, &[2, 3]);
    let architecture = common::network(&moments, 2, 2, 4);
    let weights = weights_of(&architecture, 0.4);
    let modulation = Some(Modulation::new(0.7));
    let batches = Batches::new(&architecture, &moments, 40, 1).expect("samples");
    let [mut batch, mut whole] = [weights.clone(), weights.clone()];
    let mut batches = batches.modulated(modulation);
    batches.write_next(weights.as_slice(), batch.as_mut_slice());
    let mut flow = Flow::new(&architecture, &moments).modulated(modulation);
    flow.rate(weights.as_slice(), whole.as_mut_slice());
    assert!((&batch - &whole).norm() < 1e-12 * whole.norm());
}

/// Where it is not defined there is one error, at its key.
#[test]
fn modulation_is_refused_where_it_is_not_defined() {
    let plain = scenario(
        2.0,
        0.0,
        1e-3,
        "flow: {until: {time: 1.0}}, remedy: {modulate: {alpha: 0.3}}",
    );
    assert!(common::try_prepare(&plain).is_ok());
    for (from, to, key) in [
        ("alpha: 0.3", "alpha: -0.1", "remedy.modulate.alpha"),
        ("fusion_layer: 2", "fusion_layer: 1", "remedy.modulate"),
        (
            "alpha: 0.3}",
            "alpha: 0.3}, auxiliary: {A: 1.0}",
            "remedy.modulate",
        ),
        (
            "alpha: 0.3}",
            "alpha: 0.3}, keep: {A: 0.5}",
            "remedy.modulate",
        ),
        (
            "until: {time",
            "method: exponential, until: {time",
            "flow.method",
        ),
        (
            "until: {time",
            "weight_decay: 0.1, until: {time",
            "flow.weight_decay",
        ),
    ] {
        let changed = plain.replacen(from, to, 1);
        assert_ne!(plain, changed);
        let error = common::try_prepare(&changed).expect_err(to).to_string();
        assert!(error.contains(key), "{error}");
    }
}

/// A, held at a part of its way, still gives more to the outputs than B, which is learned in full: B is the modality that is
/// learned.
#[test]
fn a_large_modality_on_its_way_does_not_hide_one_that_is_learned() {
    let result = run(&scenario(
        3.0,
        0.0,
        1e-9,
        "flow: {until: {time: 80.0}}, remedy: {modulate: {alpha: 0.424}}",
    ));
    let crossings = &result.flow.detection.crossings;
    assert!(crossings[0].t_learned.is_none(), "{crossings:?}");
    assert!(crossings[1].t_learned.is_some(), "{crossings:?}");
}
