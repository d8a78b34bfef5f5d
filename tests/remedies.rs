//! Remedies: gradients by their definitions, conserved matrices, and the numbers of linear theory.

use super::common;

use modalflow::analysis::balancedness::balancedness_drift;
use modalflow::data::{Exposure, Moments, Samples};
use modalflow::descent::batches::Batches;
use modalflow::flow::{Flow, Observation};
use modalflow::integrate::{Method, Pair, Settings, Verdict, integrate};
use modalflow::network::{Activation, Architecture};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// A few samples of two modalities (2 and 1 inputs) and two targets, and late fusion of three layers.
struct Case {
    inputs: DMatrix<f64>,
    targets: DMatrix<f64>,
    moments: Moments,
    architecture: Architecture,
    weights: DVector<f64>,
    exposure: Exposure,
}

fn case(activation: Activation) -> Case {
    let entry = |k: usize, i: usize, j: usize| ((k * 7 + (i + 1) * (j + 3)) as f64).sin();
    let inputs = DMatrix::from_fn(20, 3, |i, j| entry(1, i, j));
    let targets = DMatrix::from_fn(20, 2, |i, j| entry(2, 2 * i, j) + 0.5 * inputs[(i, 2)]);
    let exposure = Exposure {
        keep: vec![0.7, 0.4],
        auxiliary: vec![0.3, 2.0],
    };
    let mut moments = Moments::new(
        common::modalities(&[2, 1]),
        inputs.tr_mul(&inputs) / 20.0,
        targets.tr_mul(&inputs) / 20.0,
        targets.norm_squared() / 20.0,
    );
    moments.samples = Some(Arc::new(Samples::new(&inputs, &targets)));
    let moments = moments.exposed(&exposure);
    let mut architecture =
        Architecture::build(&moments.modalities, 2, &[3, 3], 0, &[4, 3]).expect("a small network");
    architecture = architecture
        .with_units(activation, false)
        .expect("a small network")
        .with_rate_factors(&[0.5, 3.0]);
    architecture.weight_decay = 0.05;
    let weights = DVector::from_fn(architecture.len(), |i, _| 0.6 * entry(3, i, 0));
    Case {
        inputs,
        targets,
        moments,
        architecture,
        weights,
        exposure,
    }
}

impl Case {
    /// The output of one modality's stack for one sample, layer by layer.
    fn output(&self, weights: &DVector<f64>, m: usize, sample: usize) -> DVector<f64> {
        let range = &self.moments.modalities[m].range;
        let row = self.inputs.row(sample).transpose();
        let mut h = row.rows_range(range.clone()).into_owned();
        let layers = self.architecture.private[m].clone();
        for l in layers.clone() {
            h = self.architecture.view(weights, l) * h;
            if l + 1 < layers.end {
                h.apply(|z| {
                    *z = match self.architecture.activation {
                        Activation::Tanh => z.tanh(),
                        _ => *z,
                    }
                });
            }
        }
        h
    }

    /// The loss that the weights descend: the expectation over what is dropped, auxiliary losses, decay.
    fn objective(&self, weights: &DVector<f64>) -> f64 {
        let Exposure { keep, auxiliary } = &self.exposure;
        let mut sum = 0.0;
        for sample in 0..20 {
            let y = self.targets.row(sample).transpose();
            let own = [0, 1].map(|m| self.output(weights, m, sample));
            for kept in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
                let chance: f64 = [0, 1]
                    .map(|m| kept[m] * keep[m] + (1.0 - kept[m]) * (1.0 - keep[m]))
                    .iter()
                    .product();
                let joint = &y - &own[0] * kept[0] - &own[1] * kept[1];
                sum += chance * joint.norm_squared();
                for m in 0..2 {
                    sum += chance * auxiliary[m] * (&y - &own[m] * kept[m]).norm_squared();
                }
            }
        }
        sum / 40.0 + 0.5 * self.architecture.weight_decay * weights.norm_squared()
    }
}

/// Central differences of order 4, as for the plain loss (tests/invariants.rs): from moments, and by passes over
/// the samples.
#[test]
fn gradients_match_finite_differences() {
    for activation in [Activation::Linear, Activation::Tanh] {
        let case = case(activation);
        let flows = [
            Flow::new(&case.architecture, &case.moments),
            Flow::on_samples(&case.architecture, &case.moments),
        ];
        for mut flow in flows {
            let mut rate = vec![0.0; case.weights.len()];
            flow.rate(case.weights.as_slice(), &mut rate);
            let loss = flow.loss(case.weights.as_slice());
            let decay = 0.025 * case.weights.norm_squared();
            let objective = case.objective(&case.weights);
            assert!((loss + decay - objective).abs() < 1e-13 * objective);
            for (range, factor) in case.architecture.rate_factors() {
                for i in range.clone() {
                    let at = |shift: f64| {
                        let mut moved = case.weights.clone();
                        moved[i] += shift;
                        case.objective(&moved)
                    };
                    let step = 1e-3;
                    let slope = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step)))
                        / (12.0 * step);
                    let gap = rate[i] + factor * slope;
                    assert!(gap.abs() < 1e-8, "{activation:?} {i}: {} {slope}", rate[i]);
                }
            }
        }
    }
}

/// What is observed by passes over the samples is the network with all modalities there: its best linear fit is the
/// total map, and its rates are those of the map.
#[test]
fn outputs_are_observed_without_dropping() {
    let case = case(Activation::Linear);
    let len = case.architecture.map_len() + case.architecture.layers.len();
    let observed = [Flow::new, Flow::on_samples].map(|flow| {
        let mut observation = Observation::default();
        let mut flow = flow(&case.architecture, &case.moments);
        flow.observe(case.weights.as_slice(), &mut observation);
        (observation.values, observation.rates)
    });
    let [(values, rates), (fits, fit_rates)] = &observed;
    for k in 0..len {
        assert!(
            (values[k] - fits[k]).abs() < 1e-12,
            "{k}: {} {}",
            values[k],
            fits[k]
        );
        assert!(
            (rates[k] - fit_rates[k]).abs() < 1e-12,
            "{k}: {} {}",
            rates[k],
            fit_rates[k]
        );
    }
}

/// J = -sqrt(c) H sqrt(c) - mu c, from differences of the rate in the coordinates w/sqrt(c).
#[test]
fn hessian_products_match_finite_differences() {
    for activation in [Activation::Linear, Activation::Tanh] {
        let case = case(activation);
        let mut flow = Flow::new(&case.architecture, &case.moments);
        let n = case.weights.len();
        let direction = DVector::from_fn(n, |i, _| (1.7 * i as f64 + 0.3).sin());
        let mut moved = direction.clone();
        for (range, factor) in case.architecture.rate_factors() {
            moved.rows_range_mut(range.clone()).scale_mut(factor.sqrt());
        }
        let mut at = |shift: f64| {
            let mut rate = DVector::zeros(n);
            let state = &case.weights + &moved * shift;
            flow.gradient_rate(state.as_slice(), rate.as_mut_slice());
            rate
        };
        let step = 1e-3;
        let difference =
            ((at(step) - at(-step)) * 8.0 - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
        flow.evaluate(case.weights.as_slice());
        flow.linearise();
        let mut product = DVector::zeros(n);
        let point = case.weights.as_slice();
        flow.jacobian_product(point, direction.as_slice(), product.as_mut_slice());
        let gap = (&product - &difference).norm() / difference.norm();
        assert!(gap < 1e-8, "{activation:?}: {gap:e}");
    }
}

/// Mini-batches with samples dropped at random: their mean gradient is the expectation's, by the law of large numbers.
#[test]
fn random_dropping_has_the_gradient_of_the_expectation() {
    let case = case(Activation::Tanh);
    let mut flow = Flow::new(&case.architecture, &case.moments);
    let n = case.weights.len();
    let mut expected = DVector::zeros(n);
    flow.evaluate(case.weights.as_slice());
    flow.write_negative_gradient(case.weights.as_slice(), expected.as_mut_slice());
    expected += &case.weights * case.architecture.weight_decay;
    let mut batches =
        Batches::new(&case.architecture, &case.moments, 5, 3).expect("samples are kept");
    let (mut sum, mut squares, mut one) = (
        DVector::zeros(n),
        DVector::<f64>::zeros(n),
        DVector::zeros(n),
    );
    const COUNT: usize = 40_000;
    for _ in 0..COUNT {
        batches.write_next(case.weights.as_slice(), one.as_mut_slice());
        squares += one.component_mul(&one);
        sum += &one;
    }
    let mean = sum / COUNT as f64;
    for i in 0..n {
        let deviation = (squares[i] / COUNT as f64 - mean[i] * mean[i]).sqrt();
        // Five standard errors; what is drawn within an epoch is less than independent.
        let error = 5.0 * deviation / (COUNT as f64).sqrt();
        assert!(
            (mean[i] - expected[i]).abs() < error,
            "{i}: {} {}",
            mean[i],
            expected[i]
        );
    }
}

/// Flows on to t = 2 from the weights of a case without decay or with it.
fn end(case: &Case, method: Method) -> DVector<f64> {
    let settings = Settings {
        method,
        rtol: 1e-10,
        atol: 1e-12,
        t_end: 2.0,
        max_steps: 1_000_000,
    };
    let mut flow = Flow::new(&case.architecture, &case.moments);
    integrate(&mut flow, case.weights.clone(), &settings, &mut |_| {
        Verdict::Continue
    })
    .state
}

#[test]
fn methods_agree_and_conserve_weighted_matrices() {
    const DOPRI5: Method = Method::RungeKutta(Pair::Dopri5);
    for (factors, decay) in [([0.5, 3.0], 0.0), ([0.5, 3.0], 0.05), ([0.0, 3.0], 0.0)] {
        let mut case = case(Activation::Linear);
        case.architecture = case.architecture.with_rate_factors(&factors);
        case.architecture.weight_decay = decay;
        let ends = [DOPRI5, Method::Exponential].map(|method| end(&case, method));
        let gap = (&ends[0] - &ends[1]).norm() / ends[0].norm();
        assert!(gap < 1e-8, "{factors:?}: {gap:e}");
        for end in &ends {
            let drift = balancedness_drift(&case.architecture, &case.weights, end, (2.0, 0.0))
                .expect("three layers");
            assert!(drift < 1e-9, "{factors:?} {decay}: {drift:e}");
            // Without the time that has passed the matrices of decaying weights have plainly faded.
            let still = balancedness_drift(&case.architecture, &case.weights, end, (0.0, 0.0));
            assert_eq!(still > Some(1e-3), decay > 0.0, "{still:?}");
            let frozen = case.architecture.private[0].clone();
            let is_frozen = frozen.clone().all(|l| {
                case.architecture.view(end, l) == case.architecture.view(&case.weights, l)
            });
            assert_eq!(is_frozen, factors[0] == 0.0);
        }
    }
}

/// Thin moments are reweighted as the entries of the same matrix are.
#[test]
fn thin_moments_are_reweighted_alike() {
    let samples = DMatrix::from_fn(3, 12, |i, j| ((5 * i + 3 * j + 1) as f64).sin());
    let targets = DMatrix::from_fn(3, 1, |i, _| (i as f64).cos());
    let exposure = Exposure {
        keep: vec![0.6, 1.0, 0.9],
        auxiliary: vec![0.0, 0.5, 0.0],
    };
    let of = |inputs: modalflow::linalg::SemiDefinite| {
        let cross = targets.tr_mul(&samples) / 3.0;
        let modalities = common::modalities(&[4, 5, 3]);
        Moments::new(modalities, inputs, cross, targets.norm_squared() / 3.0).exposed(&exposure)
    };
    let thin = of(modalflow::linalg::SemiDefinite::of_samples(&samples));
    let whole = of((samples.tr_mul(&samples) / 3.0).into());
    let gap = (thin.inputs.to_matrix() - whole.inputs.to_matrix()).norm();
    assert!(gap < 1e-14 * whole.inputs.norm(), "{gap:e}");
    assert_eq!(thin.cross, whole.cross);
}

/// Two layers, late fusion, aligned weights of 1e-9, sigma_A = 2: time ratios integrated elsewhere to four digits,
/// and the closed form 1 + (c_A s_A' - c_B s_B')/(c_B |S_yxB' - S_yxA' S_A'^-1 S_AB'|) that they tend to.
#[test]
fn time_ratios_under_remedies() {
    let ratio = |rho: f64, remedy: &str| {
        let text = format!(
            "data: {{toy: {{sigma: {{A: 2.0, B: 1.0}}, rho: {rho}, target: {{A: 1.0, B: 1.0}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 20}}\n\
             init: {{aligned: {{norm: 1.0e-9}}}}\n\
             flow: {{until: {{loss_gap: 1.0e-8}}}}\n\
             remedy: {{{remedy}}}\n"
        );
        let (_, result) = common::run(&text);
        result.flow.detection.phase.ratio.expect("both are learned")
    };
    let expected = [
        (0.0, "rate: {B: 1.0}", 4.000, 4.000),
        (0.0, "rate: {B: 1.5}", 2.667, 2.667),
        (0.0, "rate: {B: 2.0}", 2.000, 2.000),
        (0.5, "rate: {B: 1.0}", 4.970, 5.000),
        (0.5, "rate: {B: 1.5}", 2.759, 2.778),
        (0.5, "rate: {B: 2.0}", 1.654, 1.667),
        (0.5, "keep: {A: 0.8}", 3.004, 3.000),
        (0.5, "keep: {A: 0.5}", 1.376, 1.364),
        (0.5, "auxiliary: {A: 0.5, B: 0.5}", 3.578, 3.571),
        (0.5, "auxiliary: {A: 1.0, B: 1.0}", 3.197, 3.182),
        (0.5, "auxiliary: {A: 4.0, B: 4.0}", 2.738, 2.714),
    ];
    for (rho, remedy, integrated, formula) in expected {
        let ratio = ratio(rho, remedy);
        assert!(
            (ratio - integrated).abs() < 6e-4,
            "{remedy}, {rho}: {ratio}"
        );
        assert!(
            (ratio / formula - 1.0).abs() < 0.01,
            "{remedy}, {rho}: {ratio}"
        );
    }
}

/// Factors of 1 are no remedy, to the last bit.
#[test]
fn factors_of_one_change_nothing() {
    for fusion in [1, 2, 3] {
        let text = |remedy: &str| {
            format!(
                "data: {{wishart: {{modalities: {{A: 3, B: 2}}, scale: {{A: 2.0, B: 1.0}}, outputs: 2}}}}\n\
                 network: {{depth: 3, fusion_layer: {fusion}, width: 20}}\n\
                 init: {{gaussian_norm: {{norm: 0.1}}}}\n\
                 flow: {{until: {{loss_gap: 1.0e-4}}}}\n{remedy}"
            )
        };
        let plain = common::run(&text(""));
        let same = common::run(&text(
            "remedy: {rate: {A: 1.0}, keep: {A: 1.0, B: 1.0}, auxiliary: {B: 0.0}}\n",
        ));
        assert_eq!(plain.1.flow.end, same.1.flow.end);
        let debug =
            |run: &modalflow::experiment::results::RunResult| format!("{:?}", run.flow.trajectory);
        assert_eq!(debug(&plain.1), debug(&same.1));
    }
}

/// Only what is dropped at random has views of its own: others are not enumerated, however many modalities there are.
#[test]
fn views_are_those_of_what_is_dropped() {
    let modalities = common::modalities(&[1; 70]);
    let mut exposure = Exposure::full(70);
    assert_eq!(exposure.views(&modalities).len(), 1);
    exposure.keep[3] = 0.25;
    exposure.keep[69] = 0.5;
    let views = exposure.views(&modalities);
    let found: Vec<(f64, usize)> = views.iter().map(|v| (v.weight, v.dropped.len())).collect();
    assert_eq!(found, [(0.125, 0), (0.375, 1), (0.125, 1), (0.375, 2)]);
    assert_eq!(views[3].dropped, [3..4, 69..70]);
}

#[test]
fn remedies_that_are_not_defined_are_refused() {
    let error = |network: &str, remedy: &str| {
        let text = format!(
            "data: {{toy: {{sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}}}}}\n\
             network: {{depth: 2, width: 5, {network}}}\n\
             init: {{aligned: {{norm: 0.01}}}}\n\
             flow: {{until: {{time: 1.0}}}}\n\
             remedy: {{{remedy}}}\n"
        );
        common::scenario(&text).expect_err("is refused").to_string()
    };
    let late = "fusion_layer: 2";
    assert!(error(late, "rate: {C: 2.0}").contains("no modality \"C\""));
    assert!(error(late, "rate: {A: -1.0}").contains("out of range"));
    assert!(error(late, "keep: {A: 0.0}").contains("above 0"));
    assert!(error(late, "keep: {A: 1.5}").contains("out of range"));
    assert!(error("fusion_layer: 1", "auxiliary: {A: 1.0}").contains("only late fusion"));
    let names: Vec<String> = (0..9).map(|m| format!("m{m}")).collect();
    let each = |value: &str| {
        let pairs: Vec<String> = names.iter().map(|m| format!("{m}: {value}")).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    let text = |dropped: &str| {
        format!(
            "data: {{toy: {{sigma: {ones}, target: {ones}, samples: 20}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 3, activation: relu}}\n\
             init: {{gaussian: {{std: 0.1}}}}\nflow: {{until: {{time: 0.1}}}}\nremedy: {{keep: {dropped}}}\n",
            ones = each("1.0")
        )
    };
    let many = common::scenario(&text(&each("0.5"))).expect_err("512 views");
    assert!(many.to_string().contains("drops at most 8"), "{many}");
    assert!(common::scenario(&text("{m0: 0.5}")).is_ok());
}
