//! Where the usual picture does not hold: few samples, redundant inputs, opposed drives, weights
//! that are far from small, and networks that are very wide.

use super::common;
use modalflow::analysis::balancedness::balancedness_drift;
use modalflow::experiment::problem::Problem;
use modalflow::integrate::Outcome;

/// With fewer samples than inputs one modality alone may fit the targets. A run that has reached
/// the least loss is at the minimum, whichever modality it came from, and no loss is negative.
#[test]
fn a_redundant_modality_is_not_missing() {
    let few = "data: {wishart: {modalities: {A: 10, B: 10}, scale: {A: 2, B: 1}, noise: 0.1, samples: 8}}\n\
               network: {depth: 2, fusion_layer: 2, width: 20}\n\
               init: {gaussian: {std: 1e-6}}\nflow: {until: {time: 2000, loss_gap: 1e-5}}";
    let same = "data: {toy: {rho: 1, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}\n\
                network: {depth: 2, fusion_layer: 2, width: 20}\n\
                init: {gaussian: {std: 1e-6}}\nflow: {until: {time: 20, loss_gap: 1e-9}}";
    for yaml in [few, same] {
        let (problem, result) = common::run(yaml);
        assert_eq!(result.flow.end.outcome, Outcome::Converged);
        let last = result.flow.detection.plateaus.last().expect("a plateau");
        assert!(last.is_of(&[0, 1]), "{last:?}");
        assert!(
            problem
                .warnings
                .iter()
                .any(|warning| warning.contains("linearly dependent"))
        );
        for m in 0..2 {
            let alone = problem.moments.critical_map(&[m]);
            assert!(problem.moments.loss.loss(alone.as_slice()) >= 0.0);
        }
    }
}

/// rho r < -1: B is driven one way before A is learned and the other way after. Random weights come
/// back and are learned when theory says; aligned ones never do, and theory says that too.
#[test]
fn opposed_drives_are_predicted_for_random_and_aligned_weights() {
    let yaml = |init: &str| {
        format!(
            "data: {{toy: {{rho: -0.8, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 100}}\n\
             init: {init}\nflow: {{until: {{time: 160, loss_gap: 1e-6}}}}"
        )
    };
    let (_, random) =
        common::run(&(yaml("{gaussian: {std: 1e-9}}") + "\ndescent: {learning_rate: 0.02}"));
    let predicted = random.theory.ratio.expect("late fusion");
    assert!((predicted - (1.0 + 3.0 / 0.36)).abs() < 1e-12);
    let measured = random.flow.detection.phase.ratio.expect("both");
    assert!(
        (measured / predicted - 1.0).abs() < 0.03,
        "{measured} {predicted}"
    );
    // Descent gains a factor 1 - eta s a step while it is driven away, 1 + eta b~ afterwards.
    let descent = &random.descents[0];
    let predicted = descent.theory.ratio.expect("two layers");
    let measured = descent.phase.ratio.expect("both");
    assert!(
        (measured / predicted - 1.0).abs() < 0.03,
        "{measured} {predicted}"
    );
    let intermediate = yaml("{aligned: {norm: 0.1}}").replace("depth: 2", "depth: 4");
    assert_eq!(common::prepare(&intermediate).theory().ratio, None);
    let (_, aligned) = common::run(&yaml("{aligned: {norm: 1e-6}}"));
    assert_eq!(aligned.theory.ratio, None);
    // They rest: nothing is left that could bring them back.
    assert_eq!(aligned.flow.end.outcome, Outcome::Stalled);
    assert_eq!(aligned.flow.detection.phase.t_second, None);
}

/// Weights whose products cancel in the map leave noise above the tolerance in it. It must not be
/// resolved: the work stays a small multiple of the steps'.
#[test]
fn noise_of_large_weights_is_not_resolved() {
    let yaml = "data: {toy: {sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}\n\
                network: {depth: 2, fusion_layer: 2, width: 10}\n\
                init: {gaussian_norm: {norm: 1000}}\nflow: {max_steps: 200, until: {time: 1}}";
    let (_, result) = common::run(yaml);
    let work = result.flow.end.work;
    // Six evaluations a step, and seven for each of some sixty points inside a pair of steps, which
    // three vain halvings and a few lucky ones make; ten levels of halving would make two thousand.
    assert!(work.rhs_evaluations < work.steps * (6 + 7 * 30), "{work:?}");
}

/// The drift of wide networks comes from factors of few columns, not from matrices of the width.
/// At a width of 200,000 those would need hours and 300 GB.
#[test]
fn balancedness_of_a_very_wide_network_is_cheap_and_right() {
    let moments = common::toy(2.0, 0.0);
    let drift = |width: usize| {
        let architecture = common::network(&moments, 2, 2, width);
        let start = common::aligned(&architecture, 0.5);
        let mut end = start.clone();
        // One entry of the first layer moves: W W^T changes by 0.6^2 - 0.5^2 in one entry.
        end[0] = 0.6;
        let scale = end.norm_squared();
        balancedness_drift(&architecture, &start, &end, (1.0, 0.0)).expect("two layers") * scale
    };
    for width in [2, 3, 50, 200_000] {
        assert!((drift(width) - 0.11).abs() < 1e-14, "width {width}");
    }
}

/// Starts from which nothing would ever move, and descents that would not move at all, are errors.
#[test]
fn dead_starts_are_refused() {
    let prepare = |init: &str, descent: &str| {
        let yaml = format!(
            "data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 4, fusion_layer: 4, width: 3}}\n\
             init: {init}\nflow: {{until: {{time: 10}}}}\n{descent}"
        );
        common::try_prepare(&yaml)
    };
    let message = |result: Result<Problem, _>| match result {
        Ok(_) => panic!("accepted"),
        Err(error) => format!("{error}"),
    };
    let small = message(prepare("{gaussian: {std: 1e-120}}", ""));
    assert!(
        small.starts_with("init: ") && small.contains("underflows"),
        "{small}"
    );
    let long = message(prepare(
        "{gaussian: {std: 0.1}}",
        "descent: {learning_rate: [0.1, 11]}",
    ));
    assert!(
        long.contains("descent.learning_rate.1")
            && long.contains("a step of 11.0 is longer than the run"),
        "{long}"
    );
}

fn refused(text: &str) -> String {
    let error = common::try_prepare(text).expect_err("refused");
    error.to_string()
}

/// Samples that would not fit into any machine are refused before they are drawn.
#[test]
fn too_many_samples_are_refused_before_they_are_drawn() {
    let rest = "init: {gaussian: {std: 0.1}}\nflow: {until: {time: 1.0}}\n";
    let network = |more: &str| format!("network: {{depth: 2, fusion_layer: 2, width: 4{more}}}\n");
    let wishart = "data: {wishart: {modalities: {A: 900, B: 900}, scale: {A: 1.0, B: 1.0}, samples: 1000000000}}\n";
    for text in [
        format!("{wishart}{}{rest}", network(", activation: relu")),
        format!(
            "{wishart}{}{rest}descent: {{learning_rate: 0.1, batch: 8}}\n",
            network("")
        ),
    ] {
        let error = refused(&text);
        assert!(
            error.contains("data: 1000000000 samples need about"),
            "{error}"
        );
    }
}

/// Rectified units that no sample activates have no gradient, however large the weights.
#[test]
fn units_that_are_never_active_are_named() {
    let text = |seed: u32| {
        format!(
            "seed: {seed}\ndata: {{toy: {{rho: 0.0, sigma: {{A: 2.0, B: 1.0}}, target: {{A: 1.0, B: 1.0}}, samples: 1}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 1, activation: relu}}\n\
             init: {{gaussian: {{std: 0.1}}}}\nflow: {{until: {{time: 1.0}}}}\n"
        )
    };
    let errors = (0..12).filter_map(|seed| common::try_prepare(&text(seed)).err());
    let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
    // Both of two units are off in a quarter of the cases.
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error.contains("no hidden unit is active"), "{error}");
    }
}

/// A hold-out has no say under cross-entropy, and the user is told.
#[test]
fn an_unused_hold_out_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "a,b,y\n1,2,0\n2,1,1\n3,5,0\n4,4,1\n").expect("written");
    let warnings = |loss: &str, target: &str| {
        let problem = common::prepare(&format!(
            "loss: {loss}\n\
             data: {{table: {{path: {path:?}, modalities: {{A: [a], B: [b]}}, {target}: y, holdout: 0.25}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 8, activation: relu}}\n\
             init: {{gaussian: {{std: 0.1}}}}\nflow: {{rtol: 1.0e-4, until: {{time: 1.0}}}}\n"
        ));
        problem.warnings
    };
    let unused = warnings("cross_entropy", "label");
    let says = |warning: &String| warning.contains("held out are not used");
    assert!(unused.iter().any(says), "{unused:?}");
    let used = warnings("squared", "label");
    assert!(!used.iter().any(says), "{used:?}");
}
