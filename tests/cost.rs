//! What a run will cost, by counts: before anything is decomposed, and as its parts add up.

use crate::common;
use modalflow::experiment::{Cost, Outline};
use modalflow::linalg::Size;

const GIB: u64 = 1 << 30;

/// 5 and 3 inputs, one output, late fusion of two layers of width 4.
fn text(samples: u64, rest: &str) -> String {
    format!(
        "data: {{isotropic: {{modalities: {{A: 5, B: 3}}, variance: {{A: 2.0, B: 1.0}}, \
         weight: {{A: 1.0, B: 1.0}}, samples: {samples}}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: 4}}\ninit: {{gaussian: {{std: 0.1}}}}\n{rest}"
    )
}

fn outline(text: &str) -> Outline {
    let scenario = common::scenario(text).expect("a valid scenario");
    Outline::of(&scenario, GIB).expect("a small run")
}

/// A gradient: of each first layer (4 x d_m) back and the rate, of each second one (1 x 4) forward from d_m inputs,
/// back, the rate, and the pull; and a product with S_xx.
const fn gradient(product: u64) -> u64 {
    2 * 4 * 8 + 2 * (2 * 4) + 2 * 4 * 8 + product
}

#[test]
fn the_parts_of_a_forecast_are_counted() {
    let flow = "flow: {until: {time: 2}}\n";
    let descent = "descent: {learning_rate: [0.1, 0.04], momentum: 0.5}\n";
    let outline = outline(&text(20, &format!("{flow}{descent}")));
    let forecast = outline.forecast();
    let sizes = (forecast.weights, forecast.inputs, forecast.outputs);
    assert_eq!(sizes, (4 * 8 + 2 * 4, 8, 1));
    assert_eq!((forecast.samples, forecast.kept_samples), (Some(20), 0));
    // Draws of 8 independent inputs, sums of 8 x 8 products, and the inverses of 8, 5 and 3 inputs.
    let inverse = |n: u64| 9 * n * n * n / 2 + n * n * n;
    let moments = 20 * 8 + 20 * 64 + inverse(8) + inverse(5) + inverse(3);
    assert_eq!(forecast.moments_multiplications, moments);
    // A step stands for the time eta/(1 - mu).
    let steps = forecast.descents.iter().map(|descent| descent.steps);
    assert_eq!(steps.collect::<Vec<_>>(), [Some(10), Some(25)]);
    for descent in &forecast.descents {
        assert_eq!(descent.multiplications, gradient(64));
    }
    assert_eq!(forecast.curvature.multiplications, 2 * gradient(64));
    assert_eq!(forecast.curvature.products_a_plateau, 120);
    // 24 MiB of knots for each of three copies of the flow's, two descents' and the curve's.
    let measured: u64 = 8 + 4;
    let knot = 2 * 8 * measured + 56;
    assert_eq!(forecast.trajectory_bytes, 6 * ((24 << 20) / knot) * knot);
    // Vectors of the weights, S_xx and its inverses, and the variances of the population.
    let moments = 2 * 64 + 25 + 9 + 8;
    assert_eq!(forecast.memory_bytes, 8 * (40 * 40 + moments));
    assert_eq!(forecast.caution(), None);
}

#[test]
fn few_samples_are_a_factor_and_batches_count_their_samples() {
    let descent = "flow: {until: {loss_gap: 0.1}}\ndescent: {learning_rate: 0.1, batch: 2}\n";
    let outline = outline(&text(3, descent));
    let forecast = outline.forecast();
    // A factor of 8 x 3; of the modalities' moments, of 5 and 3 inputs, both are kept as entries.
    let inverse = |n: u64| 9 * n * n * n / 2 + n * n * n;
    let factor = 9 * 27 / 2 + 2 * 8 * 9;
    let moments = 3 * 8 + factor + inverse(5) + inverse(3);
    assert_eq!(forecast.moments_multiplications, moments);
    assert_eq!(forecast.kept_samples, 3);
    let [descent] = &forecast.descents[..] else {
        panic!("one descent");
    };
    assert_eq!(descent.steps, None);
    assert_eq!(descent.multiplications, gradient(2 * 8 * 3) + 3 * 2 * 40);
}

/// What is told beforehand holds for what is prepared.
#[test]
fn forecasts_are_of_the_sizes_that_come_about() {
    for samples in [3, 20] {
        let outline = outline(&text(samples, "flow: {until: {time: 2}}\n"));
        let forecast = outline.forecast().clone();
        let problem = outline.prepare().expect("a problem");
        let cost = Cost::of(&problem);
        assert_eq!(cost.forecast, forecast);
        // Nothing to reduce: the same gradient.
        assert_eq!(cost.integrated_weights, forecast.weights);
        assert_eq!(2 * cost.multiplications, forecast.curvature.multiplications);
        assert_eq!(problem.moments.inputs.size(), Size::of_samples(samples, 8));
    }
}

/// 2000 inputs of more samples take 8e10 multiplications and more, and are told of; half as many inputs pass, and
/// so do 10,000 inputs of few samples.
#[test]
fn long_decompositions_are_told_of_before_they_begin() {
    let of = |inputs: u64, samples: u64| {
        let text = text(samples, "flow: {until: {time: 2}}\n");
        let text = text.replace("A: 5, B: 3", &format!("A: {inputs}, B: {inputs}"));
        outline(&text).forecast().caution()
    };
    let caution = of(1000, 3000).expect("a caution");
    assert!(
        caution.contains("2000 inputs take about 7e10 multiplications"),
        "{caution}"
    );
    assert_eq!(of(500, 1500), None);
    assert_eq!(of(5000, 50), None);
}

/// What does not fit is refused while nothing is decomposed: moments count.
#[test]
fn moments_that_do_not_fit_are_refused() {
    let text = text(3000, "flow: {until: {time: 2}}\n").replace("A: 5, B: 3", "A: 1000, B: 1000");
    let scenario = common::scenario(&text).expect("a valid scenario");
    let error = Outline::of(&scenario, 70 << 20)
        .map(|_| ())
        .expect_err("too little memory");
    assert!(
        error
            .to_string()
            .contains("to integrate, and this machine has 0.1 GiB"),
        "{error}"
    );
}
