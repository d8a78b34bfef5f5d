//! Diagnoses of data whose answers are known.

mod by_samples;
mod interrupts;
mod unknown;

use crate::common;
use common::{Table, scenario, table};
use modalflow::diagnosis::{Diagnosed, Diagnosis, Options};
use modalflow::experiment::problem::Problem;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;

const FEW: Options = Options {
    resamples: 40,
    permutations: 39,
    divisions: Some(3),
    is_width_free: false,
    memory: u64::MAX,
};

fn diagnose(yaml: &str) -> Diagnosis {
    let scenario = scenario(yaml).expect("a valid scenario");
    let found = Diagnosed::of(&scenario, &FEW, &|_| true);
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    found.expect("nobody interrupts it").diagnosis
}

fn error(yaml: &str) -> String {
    let scenario = scenario(yaml).expect("a valid scenario");
    match Diagnosed::of(&scenario, &FEW, &|_| true) {
        Ok(_) => panic!("it was diagnosed"),
        Err(error) => error.to_string(),
    }
}

fn assert_near(found: f64, expected: f64, tolerance: f64) {
    let gap = (found - expected).abs();
    assert!(gap <= tolerance, "{found} is not {expected} +- {tolerance}");
}

/// Columns of numbers as a table.
fn written(names: &[&str], rows: impl Iterator<Item = Vec<f64>>) -> Table {
    let mut text = names.join(",") + "\n";
    for row in rows {
        let cells: Vec<String> = row.iter().map(f64::to_string).collect();
        let _ = writeln!(text, "{}", cells.join(","));
    }
    table(text.as_bytes())
}

/// Depth 2 on some columns of a table, a fifth of its rows held out.
fn two_layers(table: &Table, modalities: &str) -> String {
    format!(
        "{{data: {{table: {{path: {}, modalities: {modalities}, targets: [y], holdout: 0.2}}}}, \
         network: {{depth: 2, fusion_layer: 2, width: 6}}, init: {{gaussian: {{std: 1.0e-4}}}}, \
         flow: {{rtol: 1.0e-5, until: {{loss_gap: 1.0e-3}}}}}}",
        table.path.display()
    )
}

/// With rho = 1/2, r = 2 and w = (1, 1): S_yx = (5, 2), tr S_yy = 7, and a late ratio of 1 + (r^2 - 1)/(1 - rho^2).
#[test]
fn a_population_is_told_exactly() {
    let yaml = "{data: {toy: {rho: 0.5, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}, \
                network: {depth: 2, fusion_layer: 2, width: 6}, init: {gaussian: {std: 1.0e-6}}, \
                flow: {until: {loss_gap: 1.0e-4}}}";
    let found = diagnose(yaml);
    let [a, b] = &found.modalities[..] else {
        panic!("{found:?}")
    };
    assert_near(a.growth_rate, 5.0, 1e-12);
    assert_near(b.growth_rate, 2.0, 1e-12);
    assert_near(a.explained_alone.expect("known"), 6.25 / 7.0, 1e-12);
    assert_near(b.explained_alone.expect("known"), 4.0 / 7.0, 1e-12);
    assert_near(a.explained_unique.expect("known"), 3.0 / 7.0, 1e-12);
    assert_near(b.explained_unique.expect("known"), 0.75 / 7.0, 1e-12);
    assert_eq!((a.rank, b.rank, found.rows), (1, 1, None));
    assert_eq!(found.first.name, "A");
    assert_eq!(found.superficial.verdict, Some(false));
    assert_near(found.late_ratio.ratio.expect("a ratio"), 5.0, 1e-12);
    assert_eq!(found.first.confidence, None);
    assert!(
        found
            .first
            .reason
            .is_some_and(|reason| reason.contains("population"))
    );
    let fusions: Vec<_> = found
        .layers
        .iter()
        .map(|layer| layer.learned.fusion_layer)
        .collect();
    assert_eq!(fusions, [Some(1), Some(2)]);
    // Where the initial weights are not infinitely small, the ratio is a little less.
    assert_near(found.layers[1].learned.ratio.expect("measured"), 5.0, 0.25);
    let theory = found.layers[1].theory.ratio.expect("predicted");
    assert_near(
        found.layers[1].learned.ratio.expect("measured") / theory,
        1.0,
        1e-2,
    );
    // The flow of another layer is that of the scenario with this layer.
    let (_, early) = common::run(&yaml.replace("fusion_layer: 2", "fusion_layer: 1"));
    let early = early.flow.detection.phase.ratio.expect("a ratio");
    assert_near(
        found.layers[0].learned.ratio.expect("measured"),
        early,
        1e-6,
    );
    assert!(early < 1.2);
    assert!(found.layers[1].stopping.early_stop.is_none());
    // Equal rates: c_B = s_A/s_B, and a run with it has no phase.
    let rate = found.remedies.iter().find(|remedy| remedy.remedy == "rate");
    let rate = rate.expect("a rate balances");
    assert_near(rate.measured_ratio.expect("measured"), 1.0, 0.05);
}

/// All combinations of three signs: y = 2a + b + e/2 has the variance 5.25, S_yx = (2, 1) over its root, and orthogonal
/// inputs have the late ratio s_A/s_B.
#[test]
fn rows_are_told_as_they_were_planted() {
    let sign = |k: u32, bit: u32| if k >> bit & 1 == 1 { 1.0 } else { -1.0 };
    let row = |k: u32| {
        let (a, b, e) = (sign(k, 0), sign(k, 1), sign(k, 2));
        vec![a, b, 2.0 * a + b + 0.5 * e]
    };
    let table = written(&["a", "b", "y"], (0..96).map(row));
    let yaml = two_layers(&table, "{A: [a], B: [b]}")
        .replace("flow:", "descent: {learning_rate: 0.1, batch: 10}, flow:");
    let found = diagnose(&yaml);
    let root = 5.25_f64.sqrt();
    assert_near(found.modalities[0].growth_rate, 2.0 / root, 1e-12);
    assert_near(found.modalities[1].growth_rate, 1.0 / root, 1e-12);
    assert_near(found.late_ratio.ratio.expect("a ratio"), 2.0, 1e-6);
    let [low, high] = found.late_ratio.interval.expect("resampled");
    assert!(
        (1.5..=2.0).contains(&low) && (2.0..2.6).contains(&high),
        "{low} {high}"
    );
    assert_near(
        found.modalities[0].explained_alone.expect("told"),
        4.0 / 5.25,
        0.05,
    );
    assert_near(
        found.modalities[1].explained_alone.expect("told"),
        1.0 / 5.25,
        0.05,
    );
    assert_near(found.explained_joint.expect("told"), 5.0 / 5.25, 0.02);
    assert_eq!(found.first.name, "A");
    assert_eq!(found.first.share, Some(1.0));
    assert_near(found.first.confidence.expect("told"), 40.5 / 41.0, 1e-12);
    assert_eq!(found.superficial.verdict, Some(false));
    let floor = found.noise_floor.expect("told");
    assert!(
        !floor.is_all_noise && floor.p_value == 1.0 / 40.0,
        "{floor:?}"
    );
    let rows = found.rows.expect("rows");
    assert_eq!(
        (rows.used, rows.trained, rows.dropped, rows.rank),
        (96, 77, 0, 2)
    );
    // A step is 0.1, and 77 rows are 7.7 batches of ten.
    let late = &found.layers[1];
    let t_first = late.learned.t_first.expect("measured");
    assert_near(
        late.steps.steps_first.expect("told"),
        t_first / 0.1,
        1e-9 * t_first,
    );
    assert_near(
        late.steps.epochs_first.expect("told"),
        t_first / 0.77,
        1e-9 * t_first,
    );
    // Where the loss is least, both layers see eigenvalues of about twice the singular values of S_yx.
    assert!(
        late.stable_learning_rate
            .is_some_and(|rate| 0.1 < rate && rate < 10.0)
    );
    assert!(
        found.recommendation.fusion_layer.is_none(),
        "{:?}",
        found.recommendation
    );
}

/// Nine columns that nearly repeat one another, and one that explains more.
fn superficial() -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let rows = (0..300).map(|_| {
        let (weak, strong) = (normal(), normal());
        let mut row: Vec<f64> = (0..9).map(|_| weak + 0.1 * normal()).collect();
        row.extend([strong, 0.6 * weak + 0.8 * strong]);
        row
    });
    let names = [
        "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b", "y",
    ];
    written(&names, rows)
}

/// Nine columns that repeat one another grow three times as fast as one would, and explain no more.
#[test]
fn a_superficial_preference_is_seen() {
    let found = diagnose(&two_layers(&superficial(), "{A: [a1..a9], B: [b]}"));
    assert_eq!(found.first.name, "A");
    assert_eq!(found.superficial.verdict, Some(true));
    assert!(found.superficial.confidence.expect("told") > 0.9);
    // Whitened, growth rates are the roots of what is explained.
    let white = found
        .scalings
        .iter()
        .find(|other| other.scaling == "whiten");
    assert_eq!(white.expect("told").first, "B");
}

#[test]
fn of_noise_it_says_that_there_is_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let table = written(
        &["a1", "a2", "a3", "b1", "b2", "y"],
        (0..80).map(|_| (0..6).map(|_| normal()).collect()),
    );
    let found = diagnose(&two_layers(&table, "{A: [a1..a3], B: [b1, b2]}"));
    let floor = found.noise_floor.expect("told");
    assert!(floor.is_all_noise && floor.p_value > 0.05, "{floor:?}");
    assert_eq!(found.recommendation.fusion_layer, None);
    assert!(found.recommendation.reason.contains("noise"));
    assert!(found.remedies.is_empty() && found.remedies_reason.is_some());
}

/// Nine independent directions of ten centred rows fit any target.
#[test]
fn a_modality_that_fits_alone_is_named() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let names = [
        "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "b", "y",
    ];
    let rows: Vec<Vec<f64>> = (0..10)
        .map(|_| (0..12).map(|_| normal()).collect())
        .collect();
    let table = written(&names, rows.into_iter());
    let found = diagnose(&two_layers(&table, "{A: [a1..a10], B: [b]}"));
    let [a, b] = &found.modalities[..] else {
        panic!("{found:?}")
    };
    assert_eq!((a.rank, a.fits_alone, a.fits_any_target), (9, true, true));
    assert_eq!((b.rank, b.fits_alone), (1, false));
    assert_eq!(found.late_ratio.ratio, None);
    let late = &found.layers[1];
    assert_eq!(
        (late.learned.first.as_deref(), late.learned.t_second),
        (Some("A"), None)
    );
}

/// Forty inputs are seen in nineteen directions: ten of their own, and of all inputs, which share the first one; the flow of all of them has the same time ratio.
#[test]
fn few_directions_of_many_inputs_have_the_same_flow() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let rows = (0..200).map(|_| {
        let mut row: Vec<f64> = (0..42).map(|_| normal()).collect();
        let y = row[..40].iter().sum::<f64>() / 5.0 + 0.5 * row[40] + 0.3 * normal();
        row.push(y);
        row
    });
    let names: Vec<String> = (1..=42)
        .map(|k| format!("x{k}"))
        .chain(["y".into()])
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = written(&names, rows);
    let aligned = two_layers(&table, "{A: [x1..x40], B: [x41, x42]}")
        .replace("gaussian: {std: 1.0e-4}", "aligned: {norm: 1.0e-3}");
    // Of three layers, times depend on the draw: it must be that of all inputs.
    let drawn = aligned
        .replace("aligned: {norm: 1.0e-3}", "gaussian_norm: {norm: 0.1}")
        .replace("depth: 2, fusion_layer: 2", "depth: 3, fusion_layer: 3");
    for (yaml, seed) in [(&aligned, 0), (&drawn, 1), (&drawn, 2)] {
        let yaml = format!("{{seed: {seed}, {}", &yaml[1..]);
        let found = diagnose(&yaml);
        let seen = &found.seen[..];
        assert!(
            matches!(seen, [one] if (one.inputs, one.directions) == (40, 19)),
            "{seen:?}"
        );
        assert_eq!(found.rows.expect("rows").inputs, 42);
        let (_, whole) = common::run(&yaml);
        let expected = whole.flow.detection.phase.ratio.expect("a ratio");
        let late = found.layers.last().expect("late fusion");
        assert_near(late.learned.ratio.expect("a ratio") / expected, 1.0, 1e-2);
    }
}

/// The draws are those of a run by the next seeds, whose rows are the same where none is held out.
#[test]
fn draws_of_the_weights_are_those_of_the_next_seeds() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}")
        .replace("gaussian: {std: 1.0e-4}", "gaussian_norm: {norm: 0.1}")
        .replace("depth: 2, fusion_layer: 2", "depth: 3, fusion_layer: 3")
        .replace("holdout: 0.2", "holdout: 0.0");
    let found = diagnose(&format!("{{seed: 7, {}", &yaml[1..]));
    let draws = found.layers[2].draws.as_ref().expect("draws");
    let theory = |seed: u64| {
        let scenario = scenario(&format!("{{seed: {seed}, {}", &yaml[1..])).expect("valid");
        let problem = Problem::prepare(&scenario).expect("a problem");
        problem.theory().from_weights.expect("times")
    };
    let all: Vec<_> = (7..39).map(theory).collect();
    let mut ratios: Vec<f64> = all
        .iter()
        .map(|times| times.ratio.expect("a ratio"))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let spread = draws.ratio.expect("ratios");
    assert_eq!(draws.draws, 32);
    assert_near(spread.median, 0.5 * (ratios[15] + ratios[16]), 1e-6);
    // The place 0.9 x 31 = 27.9 among those from 0.
    assert_near(spread.high, 0.1 * ratios[27] + 0.9 * ratios[28], 1e-6);
    let of_a = all
        .iter()
        .filter(|times| times.first.as_ref().is_some_and(|first| first.name == "A"));
    let share = of_a.count() as f64 / 32.0;
    assert_eq!(draws.share_of("A"), Some(share));
    assert_eq!(found.first.of_draws, Some(share));
    let rate = found
        .remedies
        .iter()
        .find(|remedy| remedy.remedy == "rate")
        .expect("a rate");
    let of_rate = rate.draws.as_ref().expect("draws");
    // What is advised is nearer to 1 for other draws too.
    assert!(of_rate.agree >= 0.9 && of_rate.holds, "{of_rate:?}");
    assert!(of_rate.ratio.expect("ratios").high < spread.high);
}

/// Aligned weights have the same times however they are drawn.
#[test]
fn weights_that_are_not_drawn_have_no_draws() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}")
        .replace("gaussian: {std: 1.0e-4}", "aligned: {norm: 1.0e-3}");
    let found = diagnose(&yaml);
    assert!(found.layers.iter().all(|layer| layer.draws.is_none()));
    assert_eq!((found.first.of_draws, found.first.with_draws), (None, None));
}

/// A constant, and a column of round-off of single precision, are named and left out: what is told is as without them.
#[test]
fn columns_without_variance_are_left_out() {
    let number = |k: u32, a: u32, n: u32| f64::from(k * a % n);
    let row = |k: u32| {
        let (a, b) = (number(k, 7, 11), number(k, 5, 13));
        vec![
            a,
            5.0,
            a * a,
            number(k, 3, 7) * 1e-33,
            b,
            a + b + number(k, 2, 5),
        ]
    };
    let table = written(&["a1", "a2", "a3", "a4", "b", "y"], (0..60).map(row));
    let all = two_layers(&table, "{A: [a1..a4], B: [b]}");
    assert!(error(&all).contains("all 48 rows trained on have the value 5"));
    let found = diagnose(&all.replace("holdout: 0.2", "holdout: 0.2, constant: drop"));
    let without = diagnose(&two_layers(&table, "{A: [a1, a3], B: [b]}"));
    let [a, b] = &found.modalities[..] else {
        panic!("{found:?}")
    };
    assert_eq!(a.left_out, ["column a2", "column a4"]);
    assert!(b.left_out.is_empty());
    assert_eq!((a.inputs, found.rows.expect("rows").inputs), (2, 3));
    assert_eq!(a.growth_rate, without.modalities[0].growth_rate);
    assert_eq!(found.layers, without.layers);
    // Nothing is left of a modality.
    let none = two_layers(&table, "{A: [a1], B: [a2]}")
        .replace("holdout: 0.2", "holdout: 0.2, constant: drop");
    assert!(
        error(&none).contains("no input of B varies"),
        "{}",
        error(&none)
    );
}

/// Of two copies of one modality neither is ahead, and neither explains more.
#[test]
fn copies_have_no_order() {
    let table = written(
        &["a", "b", "y"],
        (0..40).map(|k| {
            let a = f64::from(k * 7 % 11);
            vec![a, a, a + f64::from(k * 3 % 7)]
        }),
    );
    let found = diagnose(&two_layers(&table, "{A: [a], B: [b]}"));
    let told = (found.first.confidence, found.superficial.verdict);
    assert_eq!(told, (Some(0.5), None));
}

/// A flow that ends at a time given by the user does not tell what comes later.
#[test]
fn of_flows_that_are_cut_short_nothing_is_recommended() {
    let table = superficial();
    let yaml = two_layers(&table, "{A: [a1..a9], B: [b]}").replace("loss_gap: 1.0e-3", "time: 0.5");
    let found = diagnose(&yaml);
    let late = &found.layers[1];
    assert!(
        late.is_cut_short && late.learned.t_second.is_none(),
        "{late:?}"
    );
    assert_eq!(found.recommendation.fusion_layer, None);
    assert!(found.recommendation.reason.contains("flow.until.time"));
}

#[test]
fn threads_make_no_difference() {
    let table = written(
        &["a", "b", "y"],
        (0..40).map(|k| {
            let (a, b) = (f64::from(k * 7 % 11), f64::from(k * 5 % 13));
            vec![a, b, a + 0.5 * b + f64::from(k * 3 % 7)]
        }),
    );
    let yaml = two_layers(&table, "{A: [a], B: [b]}");
    let in_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let found = pool.expect("threads").install(|| diagnose(&yaml));
        serde_json::to_string(&found).expect("plain data")
    };
    assert_eq!(in_threads(1), in_threads(3));
}

#[test]
fn what_cannot_be_diagnosed_is_refused() {
    let base = "{data: {toy: {sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}, network: {depth: 2, \
                fusion_layer: 2, width: 4}, init: {gaussian: {std: 1.0e-3}}, flow: {until: {time: 9.0}}}";
    let one = base
        .replace("{A: 2.0, B: 1.0}", "{A: 2.0}")
        .replace("{A: 1.0, B: 1.0}", "{A: 1.0}");
    assert!(error(&one).contains("one modality only"));
    let remedy = base.replace("flow:", "remedy: {rate: {B: 2.0}}, flow:");
    assert!(error(&remedy).starts_with("remedy: "));
    let shallow = base.replace("depth: 2, fusion_layer: 2", "depth: 1, fusion_layer: 1");
    assert!(error(&shallow).starts_with("network.depth: "));
}
