//! Mini-batches, momentum and Adam: their definitions and their continuous-time limits; visits to
//! saddles.

use super::common;

use modalflow::analysis::saddle_visits::Visitor;
use modalflow::data::{Moments, Samples};
use modalflow::descent::batches::Batches;
use modalflow::descent::optimiser::{AdamSection, Momentum, Plain, Rule};
use modalflow::descent::{Settings, Stepping, descend};
use modalflow::flow::Flow;
use modalflow::integrate::{self, Method, Pair, Until, Verdict, integrate};
use modalflow::network::Architecture;
use modalflow::trajectory::Knot;
use modalflow::trajectory::Observables;
use nalgebra::{DMatrix, DVector};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::sync::Arc;

/// Two independent inputs, y = x_A + x_B + noise.
fn sampled(count: usize) -> Moments {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut normal =
        |cols: usize| DMatrix::from_fn(count, cols, |_, _| StandardNormal.sample(&mut rng));
    let (inputs, noise): (DMatrix<f64>, DMatrix<f64>) = (normal(2), normal(1));
    let targets = DMatrix::from_column_slice(count, 1, inputs.column_sum().as_slice()) + noise;
    let number = count as f64;
    let mut moments = Moments::new(
        common::modalities(&[1, 1]),
        inputs.tr_mul(&inputs) / number,
        targets.tr_mul(&inputs) / number,
        targets.norm_squared() / number,
    );
    moments.samples = Some(Arc::new(Samples::new(&inputs, &targets)));
    moments
}

fn settings(learning_rate: f64, t_end: f64) -> Settings {
    Settings {
        learning_rate,
        t_end,
        until: Until::default(),
        max_steps: u64::MAX,
    }
}

fn rates<'a>(
    architecture: &'a Architecture,
    moments: &'a Moments,
    weights: &DVector<f64>,
    size: usize,
    seed: u64,
) -> Vec<DVector<f64>> {
    let mut batches = Batches::new(architecture, moments, size, seed).expect("samples");
    let next = |_| {
        let mut rate = weights.clone();
        batches.write_next(weights.as_slice(), rate.as_mut_slice());
        rate
    };
    (0..2 * moments.samples.as_ref().expect("kept").len().div_ceil(size))
        .map(next)
        .collect()
}

/// Every sample has its turn once an epoch, so the batches' weighted mean is the whole gradient.
#[test]
fn an_epoch_is_a_permutation_in_seeded_order() {
    let moments = sampled(300);
    let architecture = common::network(&moments, 2, 2, 3);
    let weights = DVector::from_fn(architecture.len(), |i, _| f64::sin(1.0 + i as f64));
    let mut whole = weights.clone();
    Flow::new(&architecture, &moments).rate(weights.as_slice(), whole.as_mut_slice());
    for size in [1, 7, 130, 300] {
        let batches = rates(&architecture, &moments, &weights, size, 5);
        for epoch in batches.chunks(batches.len() / 2) {
            let mut sum = DVector::zeros(weights.len());
            for (k, rate) in epoch.iter().enumerate() {
                let count = size.min(300 - k * size);
                sum += rate * (count as f64 / 300.0);
            }
            assert!((&sum - &whole).norm() < 1e-12 * whole.norm(), "{size}");
        }
        assert_eq!(batches, rates(&architecture, &moments, &weights, size, 5));
        if size < 300 {
            assert_ne!(
                batches[0],
                batches[batches.len() / 2],
                "two epochs of one order"
            );
            assert_ne!(
                batches[0],
                rates(&architecture, &moments, &weights, size, 6)[0]
            );
        }
    }
}

/// The noise of a batch of b samples is of order 1/sqrt(b), as long as an epoch is long.
#[test]
fn mini_batches_converge_to_all_samples() {
    let moments = sampled(1 << 16);
    let architecture = common::network(&moments, 2, 2, 2);
    let weights = common::aligned(&architecture, 0.3);
    let mut flow = Flow::new(&architecture, &moments);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let run = settings(0.01, 1.0);
    let whole = descend(
        &mut flow,
        weights.as_slice(),
        &run,
        Stepping::on_all(Plain),
        &mut |_, _, _| None,
    );
    let whole = DVector::from_column_slice(observables.map(whole.trajectory.end()));
    let distance = |size: usize| {
        let squares = (0..24).map(|seed| {
            let stepping = Stepping {
                rule: Box::new(Plain),
                batches: Batches::new(&architecture, &moments, size, seed),
            };
            let mut flow = Flow::new(&architecture, &moments);
            let descent = descend(
                &mut flow,
                weights.as_slice(),
                &run,
                stepping,
                &mut |_, _, _| None,
            );
            let map = DVector::from_column_slice(observables.map(descent.trajectory.end()));
            (map - &whole).norm_squared()
        });
        (squares.sum::<f64>() / 24.0).sqrt()
    };
    let distances = [4, 16, 64].map(distance);
    let slope = (distances[2] / distances[0]).ln() / 16f64.ln();
    assert!((slope + 0.5).abs() < 0.12, "{distances:?}, {slope}");
}

/// With momentum mu a step stands for eta/(1 - mu) of flow time, to first order in eta.
#[test]
fn momentum_converges_to_the_flow_in_its_own_time() {
    const T_END: f64 = 2.0;
    let moments = common::toy(2.0, 0.3);
    let architecture = common::network(&moments, 2, 2, 2);
    let weights = common::aligned(&architecture, 0.3);
    let mut flow = Flow::new(&architecture, &moments);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let finest = integrate::Settings {
        method: Method::RungeKutta(Pair::Dop853),
        rtol: 1e-12,
        atol: 1e-12,
        t_end: T_END,
        max_steps: 100_000,
    };
    let end = integrate(&mut flow, weights.clone(), &finest, &mut |_| {
        Verdict::Continue
    })
    .state;
    let mut observation = Default::default();
    flow.observe(end.as_slice(), &mut observation);
    let exact = Knot::of(T_END, &observation);
    for momentum in [0.5, 0.9f64] {
        // The lag of the velocity is of order eta/(1 - mu)^2.
        let errors = [2e-3, 1e-3, 5e-4].map(|share: f64| {
            let eta = share * (1.0 - momentum) * (1.0 - momentum);
            let stepping = Stepping::on_all(Momentum(momentum));
            let run = settings(eta, T_END);
            let descent = descend(
                &mut flow,
                weights.as_slice(),
                &run,
                stepping,
                &mut |_, _, _| None,
            );
            let last = descent.trajectory.end();
            assert!((last.time / T_END - 1.0).abs() < 1e-9);
            assert!((descent.time_step / (eta / (1.0 - momentum)) - 1.0).abs() < 1e-12);
            let gaps = observables
                .map(last)
                .iter()
                .zip(observables.map(&exact))
                .map(|(a, b)| (a - b).powi(2));
            gaps.sum::<f64>().sqrt()
        });
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((order - 1.0).abs() < 0.1, "momentum {momentum}: {errors:?}");
        }
    }
}

/// As eta goes to 0, Adam's running means settle on the gradient and its square within no time, and
/// dw/dt = g/(|g| + epsilon), to first order in eta.
#[test]
fn adam_converges_to_a_flow_of_its_own() {
    const T_END: f64 = 0.5;
    let adam = AdamSection {
        beta1: 0.5,
        beta2: 0.6,
        epsilon: 0.5,
    };
    let moments = common::toy(2.0, 0.3);
    let architecture = common::network(&moments, 2, 2, 2);
    let start = common::aligned(&architecture, 0.3);
    let mut flow = Flow::new(&architecture, &moments);
    let mut direction = |weights: &DVector<f64>| {
        let mut rate = weights.clone();
        flow.rate(weights.as_slice(), rate.as_mut_slice());
        rate.map(|g| g / (g.abs() + adam.epsilon))
    };
    // The classical Runge-Kutta method, of order 4: its error is far below Adam's.
    let step = T_END / 500.0;
    let mut exact = start.clone();
    for _ in 0..500 {
        let k1 = direction(&exact);
        let k2 = direction(&(&exact + &k1 * (0.5 * step)));
        let k3 = direction(&(&exact + &k2 * (0.5 * step)));
        let k4 = direction(&(&exact + &k3 * step));
        exact += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (step / 6.0);
    }
    let errors = [4e-3, 2e-3, 1e-3].map(|eta: f64| {
        let mut flow = Flow::new(&architecture, &moments);
        let mut optimiser = adam.start(start.len());
        let mut weights = start.clone();
        let mut rate = start.clone();
        for _ in 0..(T_END / eta).round() as u32 {
            flow.rate(weights.as_slice(), rate.as_mut_slice());
            optimiser.begin_step();
            optimiser.step(0, eta, rate.as_slice(), weights.as_mut_slice());
        }
        (weights - &exact).norm()
    });
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 1.0).abs() < 0.1, "{errors:?}");
    }
}

#[test]
fn rules_step_as_defined() {
    let gradients: Vec<f64> = (0..6).map(|n| f64::sin(1.0 + 2.0 * f64::from(n))).collect();
    let run = |rule: &dyn Rule| {
        let mut optimiser = rule.start(1);
        let mut weight = [0.0];
        let step = |g: &f64| {
            optimiser.begin_step();
            optimiser.step(0, 0.1, &[*g], &mut weight);
            weight[0]
        };
        gradients.iter().map(step).collect::<Vec<f64>>()
    };
    let momentum = run(&Momentum(0.5));
    let adam = AdamSection {
        beta1: 0.8,
        beta2: 0.9,
        epsilon: 1e-3,
    };
    let adams = run(&adam);
    let (mut by_momentum, mut by_adam) = (0.0, 0.0);
    for n in 0..gradients.len() {
        // Sums instead of recursions.
        let weighted = |beta: f64, power: i32| -> f64 {
            let terms = gradients[..=n].iter().enumerate();
            terms
                .map(|(k, g)| beta.powi((n - k) as i32) * g.powi(power))
                .sum()
        };
        by_momentum += 0.1 * weighted(0.5, 1);
        let mean = |beta: f64, power| {
            weighted(beta, power) * (1.0 - beta) / (1.0 - beta.powi(n as i32 + 1))
        };
        by_adam += 0.1 * mean(0.8, 1) / (mean(0.9, 2).sqrt() + 1e-3);
        assert!((momentum[n] - by_momentum).abs() < 1e-14);
        assert!((adams[n] - by_adam).abs() < 1e-13);
    }
    // Of a constant gradient Adam keeps the sign.
    let mut optimiser = AdamSection::default().start(2);
    let mut weights = [0.0, 0.0];
    for _ in 0..50 {
        optimiser.begin_step();
        optimiser.step(0, 0.1, &[1e-3, -40.0], &mut weights);
    }
    assert!(
        (weights[0] - 5.0).abs() < 1e-3 && (weights[1] + 5.0).abs() < 1e-3,
        "{weights:?}"
    );
}

#[test]
fn visits_are_counted_and_timed() {
    let moments = common::toy(1.0, 0.0);
    let architecture = common::network(&moments, 2, 2, 1);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let mut visitor = Visitor::new(observables, 0.1);
    // Learnable loss 1; the distance of (a, b) from M_A = (1, 0) is ((a - 1)^2 + b^2)/2.
    let path = [
        (0.0, 0.0),
        (0.95, 0.0),
        (1.0, 0.1),
        (1.0, 0.9),
        (1.0, 0.2),
        (1.0, 1.0),
    ];
    for (step, (a, b)) in path.into_iter().enumerate() {
        let mut values = vec![0.0; 2 + architecture.layers.len()];
        values[..2].copy_from_slice(&[a, b]);
        visitor.pass(&Knot {
            time: 10.0 * step as f64,
            rates: values.clone(),
            values,
        });
    }
    let visits = visitor.finish();
    let sets: Vec<Vec<usize>> = visits.iter().map(|v| common::places(&v.learned)).collect();
    assert_eq!(sets, [vec![], vec![0], vec![1], vec![0, 1]]);
    let [start, a, b, end] = &visits[..] else {
        panic!("{visits:?}")
    };
    assert_eq!((start.count, start.duration, start.time), (1, 10.0, 0.0));
    assert_eq!((a.count, a.duration, a.time), (2, 30.0, 10.0));
    assert!((a.least_distance - 0.00125).abs() < 1e-12, "{a:?}");
    assert_eq!((b.count, b.duration), (0, 0.0));
    assert_eq!(
        (end.count, end.duration, end.least_distance),
        (2, 10.0, 0.0)
    );
}

/// The whole way from the scenario: Adam on the full network, momentum in its own time, mini-batches
/// of a network that is not linear, all near the flow or not as they should be.
#[test]
fn scenarios_step_as_they_ask_for() {
    let text = |stepping: &str, activation: &str| {
        format!(
            "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 1024}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 30, activation: {activation}}}\n\
             init: {{gaussian: {{std: 1.0e-2}}}}\nflow: {{rtol: 1.0e-4, until: {{time: 16.0}}}}\n\
             descent: {{{stepping}}}\n"
        )
    };
    let gap = |stepping, activation| {
        let (_, result) = common::run(&text(stepping, activation));
        let run = &result.descents[0];
        assert!(run.descent.outcome.is_success(), "{stepping}");
        let has_theory = activation == "linear" && stepping.contains("momentum");
        assert_eq!(run.theory.ratio.is_some(), has_theory, "{stepping}");
        let end = run.descent.trajectory.end().time;
        assert!((15.5..=16.0 + 1e-9).contains(&end), "{stepping}: {end}");
        let alone = run.visits.iter().find(|v| v.saddle == "M_A").expect("M_A");
        (
            run.phase.t_first.expect("learned")
                / result.flow.detection.phase.t_first.expect("learned")
                - 1.0,
            alone.clone(),
        )
    };
    let (momentum, alone) = gap("learning_rate: 5.0e-4, momentum: 0.9", "linear");
    // Small weights grow as z^n, z^2 - (1.9 + eta s) z + 0.9 = 0: with s = 4 later by s eta/0.1/ln z - 1 = 0.16.
    assert!(
        (momentum - 0.16).abs() < 0.03 && alone.count == 1 && alone.duration > 1.0,
        "{momentum}, {alone:?}"
    );
    let (batches, alone) = gap("learning_rate: 0.01, batch: 64", "linear");
    assert!(
        batches.abs() < 0.1 && alone.count >= 1,
        "{batches}, {alone:?}"
    );
    let (batches, _) = gap("learning_rate: 0.01, batch: 64", "relu");
    assert!(batches.abs() < 0.1, "{batches}");
    // The signs of the gradient know no slow saddle: weights of 1e-2 are outgrown in a few steps.
    let (adam, _) = gap("learning_rate: 0.01, adam: {beta1: 0.8}", "linear");
    assert!(adam < -0.3, "{adam}");
}

/// With the same batches a linear network looks at every step, by its moments; the same network
/// written as a leaky one of slope 1 only now and then, over the samples. Batches of 8 take epochs
/// much longer than the growth of the weights.
#[test]
fn steps_are_looked_at_as_often_as_they_need() {
    let text = |activation: &str| {
        format!(
            "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 4096}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 10, activation: {activation}}}\n\
             init: {{gaussian: {{std: 1.0e-3}}}}\n\
             flow: {{rtol: 1.0e-4, reduction: off, until: {{time: 16.0}}}}\n\
             descent: {{learning_rate: 0.02, batch: 8}}\n"
        )
    };
    let [linear, leaky] = ["linear", "{leaky_relu: 1.0}"].map(|activation| {
        let (_, result) = common::run(&text(activation));
        let run = &result.descents[0];
        assert_eq!(run.descent.steps, 800);
        assert!((run.descent.trajectory.end().time - 16.0).abs() < 1e-9);
        let phase = &run.phase;
        let times = [phase.t_first, phase.t_second].map(|t| t.expect("learned"));
        (times, run.descent.final_loss, result.orders)
    });
    // Between looks a layer changes by 5 %, the map of two layers by 10 %: parabolas leave some 2e-4
    // of it. The noise of single steps between looks is not seen, and is larger: some 1e-3 of the map.
    for (a, b) in linear.0.iter().zip(&leaky.0) {
        assert!((a / b - 1.0).abs() < 0.01, "{linear:?} {leaky:?}");
    }
    assert!(
        (linear.1 / leaky.1 - 1.0).abs() < 1e-6,
        "{linear:?} {leaky:?}"
    );
}

/// Fewer steps than an epoch has between its looks are done all the same.
#[test]
fn short_runs_take_all_their_steps() {
    for (batch, steps) in [(1, 50), (4, 3u32)] {
        let (_, result) = common::run(&format!(
            "data: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 1024}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 4, activation: relu}}\n\
             init: {{gaussian: {{std: 0.1}}}}\nflow: {{rtol: 1.0e-3, until: {{time: {}}}}}\n\
             descent: {{learning_rate: 0.01, batch: {batch}}}\n",
            0.01 * f64::from(steps)
        ));
        let descent = &result.descents[0].descent;
        assert_eq!(descent.steps, u64::from(steps));
        assert!((descent.trajectory.end().time - 0.01 * f64::from(steps)).abs() < 1e-12);
    }
}

/// Small weights grow by u(n+1) - u(n) = mu (u(n) - u(n-1)) + eta s u(n): as z^n, where
/// z^2 - (1 + mu + eta s) z + mu = 0. Two modalities of one height apart by their s alone then have
/// crossings in the ratio ln z_A/ln z_B, to leading order in the weights.
#[test]
fn momentum_slows_small_weights_as_its_recursion_says() {
    let (eta, mu) = (2e-3, 0.9);
    let (problem, result) = common::run(
        "data: {toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}\n\
         network: {depth: 2, fusion_layer: 2, width: 1}\ninit: {aligned: {norm: 1.0e-8}}\n\
         flow: {rtol: 1.0e-8, until: {time: 60.0}}\ndescent: {learning_rate: 2.0e-3, momentum: 0.9}\n",
    );
    let growth = |s: f64| {
        let b = 1.0 + mu + eta * s;
        (0.5 * (b + (b * b - 4.0 * mu).sqrt())).ln()
    };
    let expected = growth(4.0) / growth(1.0);
    let phase = &result.descents[0].phase;
    let ratio = phase.ratio.expect("both learned");
    // In the flow both crossings are off by terms of order 1 in 2 ln(1e8)/s.
    let flow = result.flow.detection.phase.ratio.expect("both learned");
    let leading = result.theory.ratio.expect("late fusion");
    assert!(expected < 0.9 * leading, "{expected} {leading}");
    assert!(
        (ratio / expected - flow / leading).abs() < 0.02,
        "{ratio} {expected} {flow}"
    );
    assert_eq!(problem.warnings.len(), 0, "{:?}", problem.warnings);
}

/// Every saddle of three modalities, those of two learned ones included.
#[test]
fn visits_are_to_every_saddle() {
    let (_, result) = common::run(
        "data: {isotropic: {modalities: {A: 1, B: 1, C: 1}, variance: {A: 9, B: 3, C: 1}, weight: {A: 1, B: 1, C: 1}}}\n\
         network: {depth: 2, fusion_layer: 2, width: 4}\ninit: {gaussian: {std: 1.0e-6}}\n\
         flow: {rtol: 1.0e-6, until: {time: 30.0}}\ndescent: {learning_rate: 0.01}\n",
    );
    let visits = &result.descents[0].visits;
    let sets: Vec<Vec<usize>> = visits.iter().map(|v| common::places(&v.learned)).collect();
    let all: [&[usize]; 8] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
    assert_eq!(sets, all.map(<[usize]>::to_vec));
    let counts: Vec<u64> = visits.iter().map(|v| v.count).collect();
    assert_eq!(counts, [1, 1, 0, 0, 1, 0, 0, 1]);
}
