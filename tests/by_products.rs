//! Products with second moments that trajectories keep, against what follows from the map alone.

use crate::common;
use approx::assert_relative_eq;
use modalflow::experiment::problem::Problem;
use modalflow::flow::{Flow, Observation};
use modalflow::trajectory::{Observables, Trajectory};

/// Dense moments of a population, and samples of it: many are kept as entries, few as a factor.
fn data(samples: u64, outputs: usize) -> String {
    format!(
        "data: {{wishart: {{modalities: {{A: 70, B: 80}}, scale: {{A: 2.0, B: 1.0}}, outputs: {outputs}, \
         noise: 0.1, samples: {samples}}}}}\n"
    )
}

const REST: &str = "init: {gaussian: {std: 0.02}}\nflow: {until: {time: 1.0}}\n\
                    descent: {learning_rate: 0.01}\n";

/// Values of sums of 150 terms, relative to the largest of a run.
const ROUNDING: f64 = 1e-11;

/// The largest size of a quantity along a trajectory, and the largest difference of two ways to compute it.
fn compare(trajectory: &Trajectory, mut of: impl FnMut(f64) -> [f64; 2]) -> [f64; 2] {
    let mut largest = [0.0f64; 2];
    for time in trajectory.scan() {
        let [kept, expected] = of(time);
        largest[0] = largest[0].max(expected.abs());
        largest[1] = largest[1].max((kept - expected).abs());
    }
    largest
}

fn assert_follows_from_the_map(observables: &Observables<'_>, trajectory: &Trajectory, what: &str) {
    let moments = observables.moments;
    let check = |name: &str, of: &dyn Fn(f64) -> [f64; 2]| {
        let [size, difference] = compare(trajectory, of);
        assert!(size > 0.0, "{what}: {name}");
        assert!(
            difference <= ROUNDING * size,
            "{what}: {name}, {difference:e} of {size:e}"
        );
    };
    let error = moments
        .generalisation
        .as_ref()
        .expect("a population")
        .error();
    check("loss", &|time| {
        let knot = trajectory.at(time);
        [
            observables.loss(&knot),
            moments.loss.loss(observables.map(&knot)),
        ]
    });
    check("speed", &|time| {
        let knot = trajectory.at(time);
        let (map, rate) = (observables.map(&knot), observables.map_rate(&knot));
        [observables.speed(&knot), -moments.loss.rate(map, rate)]
    });
    check("gap", &|time| {
        let knot = trajectory.at(time);
        let excess = moments.excess(observables.map(&knot));
        [
            observables.loss_gap(&knot),
            excess / observables.learnable_loss(),
        ]
    });
    check("error", &|time| {
        let knot = trajectory.at(time);
        let kept = observables.generalisation(&knot).expect("an error");
        [kept, error.loss(observables.map(&knot))]
    });
    check("rate of the error", &|time| {
        let knot = trajectory.at(time);
        let kept = observables.generalisation_rate(&knot).expect("an error");
        let (map, rate) = (observables.map(&knot), observables.map_rate(&knot));
        [kept, error.rate(map, rate)]
    });
    for m in 0..2 {
        check("power", &|time| {
            let knot = trajectory.at(time);
            let expected = observables.output_moment(observables.map(&knot), m..m + 1);
            assert_relative_eq!(
                observables.own_moment(&knot, m),
                expected,
                epsilon = ROUNDING * expected.norm()
            );
            [observables.power(&knot, m), expected.trace()]
        });
    }
}

/// Flow, descent and theory curve, of entries and of a factor, of one and of two outputs, and where a width keeps
/// the network from W*.
#[test]
fn loss_speed_and_powers_follow_from_what_is_kept() {
    for (samples, outputs, network, is_factor) in [
        (400, 1, "{depth: 2, fusion_layer: 2, width: 8}", false),
        (70, 1, "{depth: 3, fusion_layer: 2, width: 8}", true),
        (400, 2, "{depth: 2, fusion_layer: 1, width: 1}", false),
        (70, 2, "{depth: 2, fusion_layer: 2, width: 8}", true),
    ] {
        let text = data(samples, outputs) + "network: " + network + "\n" + REST;
        let (problem, result) = common::run(&text);
        let observables = problem.observables();
        let places = problem.moments.by_products();
        assert_eq!(problem.moments.inputs.inner_len() > 0, is_factor);
        assert_eq!(places.len, 3 * 150 * outputs, "all three are kept");
        assert_eq!(
            problem.moments.least.is_bound(),
            network.contains("width: 1")
        );
        let what = format!("{samples} samples, {outputs} outputs, {network}");
        assert_follows_from_the_map(&observables, &result.flow.trajectory, &what);
        let descent = &result.descents[0].descent.trajectory;
        assert_follows_from_the_map(&observables, descent, &format!("descent, {what}"));
        assert_eq!(
            result.theory_curve.is_some(),
            samples == 400 && outputs == 1
        );
        if let Some(curve) = &result.theory_curve {
            let trajectory = &curve.curve.trajectory;
            assert_follows_from_the_map(&observables, trajectory, &format!("curve, {what}"));
        }
    }
}

/// A knot's rates are those of its values; those of by-products are left out where nobody asks for them.
#[test]
fn rates_are_kept_where_they_are_asked_for() {
    let text = data(400, 2) + "network: {depth: 2, fusion_layer: 2, width: 8}\n" + REST;
    let problem: Problem = common::prepare(&text);
    let mut flow = Flow::new(&problem.architecture, &problem.moments);
    let mut observation = Observation::default();
    flow.observe(problem.weights.as_slice(), &mut observation);
    let len = observation.values.len();
    assert_eq!(len, 300 + problem.architecture.layers.len() + 3 * 300);
    let mut rate = vec![0.0; problem.weights.len()];
    flow.write_rate(problem.weights.as_slice(), &mut rate);
    let at = |step: f64| {
        let mut flow = flow.clone();
        let mut observation = Observation::default();
        let rate = rate.iter().map(|rate| rate * step);
        let moved = problem.weights.iter().zip(rate).map(|(w, r)| w + r);
        let moved: Vec<f64> = moved.collect();
        flow.observe_values(&moved, &mut observation);
        assert!(
            observation.rates[len - 900..]
                .iter()
                .all(|rate| *rate == 0.0)
        );
        observation.values
    };
    let (before, after) = (at(-1e-3), at(1e-3));
    let kept = &observation.rates[len - 900..];
    let size = kept
        .iter()
        .fold(0.0, |most: f64, rate| most.max(rate.abs()));
    for (i, rate) in kept.iter().enumerate() {
        // Central differences of a product of two layers are exact but for rounding.
        let i = len - 900 + i;
        let slope = (after[i] - before[i]) / 2e-3;
        assert!((rate - slope).abs() < 1e-6 * size, "{i}: {rate} {slope}");
    }
}

/// Few inputs, and few samples of many, are cheap: nothing is kept.
#[test]
fn what_is_cheap_is_not_kept() {
    for (from, to) in [
        ("samples: 400", "samples: 40"),
        ("A: 70, B: 80", "A: 60, B: 68"),
    ] {
        let text = data(400, 1)
            .replace(from, to)
            .replace("wishart", "isotropic");
        let text = text
            .replace("scale", "variance")
            .replace("outputs: 1", "weight: {A: 1, B: 1}");
        let problem =
            common::prepare(&(text + "network: {depth: 2, fusion_layer: 2, width: 8}\n" + REST));
        assert_eq!(problem.moments.by_products().len, 0, "{to}");
    }
}
