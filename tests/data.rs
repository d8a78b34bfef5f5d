//! Sources of data: populations, samples, tables.

use super::common::{moments, table, try_moments};
use modalflow::data::{Generalisation, Moments, Quadratic, Source};
use modalflow::section::one_key;
use nalgebra::{DMatrix, dmatrix};
use serde_json::{Value, json};
use std::path::Path;

const EPS: f64 = f64::EPSILON;

/// Random deviations are checked against this many standard errors: about one check in two
/// million fails by chance, and seeds are fixed, so that a pass stays one.
const SIGMAS: f64 = 5.0;

/// The error against the population, whose optimum is the true map.
fn against_population(m: &Moments) -> &Quadratic {
    match m.generalisation.as_ref() {
        Some(Generalisation::Population(error)) => error,
        other => panic!("no population: {other:?}"),
    }
}

/// The loss on the rows held out, which know of no true map.
fn held_out(m: &Moments) -> &Quadratic {
    let generalisation = m.generalisation.as_ref().expect("a hold-out");
    assert_eq!(generalisation.true_map(), None);
    generalisation.error()
}

fn toy(extra: Value) -> Value {
    let mut toy =
        json!({"rho": 0.5, "sigma": {"A": 2.0, "B": 1.0}, "target": {"A": 1.0, "B": -3.0}});
    let fields = toy.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    json!({ "toy": toy })
}

#[test]
fn toy_population_has_the_moments_of_its_formula() {
    let m = moments(0, toy(json!({"noise": 0.5})));
    // Products and sums of small powers of two: exact.
    assert_eq!(m.inputs.to_matrix(), dmatrix![4.0, 1.0; 1.0, 1.0]);
    assert_eq!(m.cross, dmatrix![1.0, -2.0]);
    // tr S_yy = W S_xx W^T + noise^2 = (1 + 6) + 1/4.
    assert_eq!(m.initial_loss, 0.5 * 7.25);
    // What is left is the noise; round-off of sums of 7.
    assert!((m.loss.floor - 0.125).abs() < 32.0 * EPS);
    assert_eq!(m.generalisation, None);
    assert_eq!(m.modalities[1].name, "B");
    assert_eq!(m.modalities[1].range, 1..2);
}

#[test]
fn toy_targets_follow_their_names_not_their_order() {
    let text = r#"{"toy": {"sigma": {"A": 2.0, "B": 1.0}, "target": {"B": -3.0, "A": 1.0}}}"#;
    // Text keeps the order that a JSON value would sort.
    let mut data = serde_json::Deserializer::from_str(text);
    let data: Source = one_key::deserialize(&mut data).expect("well formed");
    let m = Moments::of(&data, 0, false).expect("usable");
    assert_eq!(m.cross, dmatrix![4.0, -3.0]);
}

#[test]
fn given_moments_are_taken_as_they_are_but_symmetric() {
    let m = moments(
        0,
        json!({"moments": {
            "modalities": {"A": 2, "B": 1},
            "inputs": [[2.0, 0.5, 0.25], [0.75, 1.0, 0.0], [0.25, 0.0, 4.0]],
            "target_map": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
            "noise": 0.5,
        }}),
    );
    let inputs = dmatrix![2.0, 0.625, 0.25; 0.625, 1.0, 0.0; 0.25, 0.0, 4.0];
    assert_eq!(m.inputs.to_matrix(), inputs);
    assert_eq!(m.cross, dmatrix![2.25, 0.625, 4.25; 1.25, 2.0, 0.0]);
    // W S W^T has the diagonal (2.25 + 4.25, 4); two outputs of noise variance 1/4.
    assert_eq!(m.initial_loss, 0.5 * (10.5 + 0.5));
    assert_eq!(m.outputs_len(), 2);
}

/// Moments of P samples of a Gaussian deviate from the population's with the variances of
/// Isserlis' theorem, var(a b) = E[a^2] E[b^2] + E[a b]^2 over P.
#[test]
fn sampled_moments_approach_the_population_at_one_over_root_p() {
    let source = |samples: Option<u64>| {
        let mut source = json!({"moments": {
            "modalities": {"A": 2, "B": 1},
            "inputs": [[2.0, 0.5, 0.25], [0.5, 1.0, 0.0], [0.25, 0.0, 4.0]],
            "target_map": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
            "noise": 0.7,
        }});
        source["moments"]["samples"] = json!(samples);
        moments(3, source)
    };
    let population = source(None);
    let map = &population.loss.optimum;
    let s = population.inputs.to_matrix();
    let targets = map * &s * map.transpose() + DMatrix::identity(2, 2) * 0.49;
    for samples in [100u64, 10_000, 200_000] {
        let m = source(Some(samples));
        let root = (samples as f64).sqrt();
        let mut largest = 0.0f64;
        let mut check = |drawn: f64, expected: f64, variance: f64| {
            let deviation = (drawn - expected) * root / variance.sqrt();
            assert!(
                deviation.abs() < SIGMAS,
                "{samples}: {drawn} for {expected}"
            );
            largest = largest.max(deviation.abs());
        };
        for i in 0..3 {
            for j in 0..3 {
                let variance = s[(i, i)] * s[(j, j)] + s[(i, j)].powi(2);
                check(m.inputs.entry(i, j), s[(i, j)], variance);
            }
            for k in 0..2 {
                let expected = population.cross[(k, i)];
                let variance = targets[(k, k)] * s[(i, i)] + expected.powi(2);
                check(m.cross[(k, i)], expected, variance);
            }
        }
        let variance = (&targets * &targets).trace() / 2.0;
        check(m.initial_loss, population.initial_loss, variance);
        // The residual of a regression on 3 inputs is chi squared with P - 3 degrees of freedom, for
        // each of two outputs.
        let expected = 0.49 * (samples - 3) as f64 / samples as f64;
        check(m.loss.floor, expected, 0.49 * 0.49);
        // The largest of a dozen deviations is not that small by chance: the samples are samples.
        assert!(
            largest > 0.3,
            "{samples}: at most {largest} standard errors"
        );
        let truth = against_population(&m);
        assert_eq!(truth.covariance, population.inputs);
        assert_eq!(truth.floor, 0.0);
        // The map given, and its least-squares estimate from exact moments: condition number 5.
        assert!((&truth.optimum - map).amax() < 64.0 * EPS);
    }
}

#[test]
fn noiseless_samples_determine_the_map_and_noise_leaves_the_inputs() {
    let clean = moments(1, toy(json!({"samples": 50})));
    // Condition number of S_xx is about 5: a few dozen roundings.
    assert!((&clean.loss.optimum - dmatrix![1.0, -3.0]).amax() < 256.0 * EPS);
    assert_eq!(clean.loss.floor, 0.0);
    let noisy = moments(1, toy(json!({"samples": 50, "noise": 1.0})));
    assert_eq!(clean.inputs, noisy.inputs);
    assert!(
        noisy.loss.floor > 0.1,
        "noise of variance 1 leaves a loss of about 1/2"
    );
    assert_ne!(clean.inputs, moments(2, toy(json!({"samples": 50}))).inputs);
}

#[test]
fn samples_of_a_singular_covariance_stay_on_its_line() {
    for k in 1..20 {
        let sigma = [0.3 * f64::from(k), 0.7, 1.1];
        let data = json!({"toy": {
            "rho": 1.0,
            "sigma": {"A": sigma[0], "B": sigma[1], "C": sigma[2]},
            "target": {"A": 1.0, "B": 1.0, "C": 1.0},
            "samples": 20,
        }});
        let m = moments(1, data);
        // x_A/sigma_A = x_B/sigma_B in every sample. The eigenvalue that should be zero is round-off
        // of the largest, tr S, and enters by its square root, times that of the largest.
        let off = m.inputs.entry(0, 0) / sigma[0] - m.inputs.entry(0, 1) / sigma[1];
        let trace: f64 = sigma.iter().map(|s| s * s).sum();
        let round_off = 16.0 * EPS.sqrt() * trace / sigma[1];
        assert!(off.abs() < round_off, "{k}: {off} {round_off}");
        assert!(m.inputs.entry(1, 1) > 0.1);
    }
}

#[test]
fn fewer_samples_than_inputs_are_fitted_exactly() {
    let dims = json!({"A": 30, "B": 30});
    let scale = json!({"A": 2.0, "B": 1.0});
    let wishart = json!({"modalities": dims, "scale": scale, "noise": 0.5, "samples": 20});
    let m = moments(1, json!({ "wishart": wishart }));
    // 20 equations, 60 unknowns. The covariance drawn has condition number up to about 1e5 on
    // the samples' span: so many roundings of Loss_0.
    assert!(
        m.loss.floor < 1e5 * EPS * m.initial_loss,
        "{}",
        m.loss.floor
    );
    let truth = against_population(&m);
    assert!(truth.excess(m.loss.optimum.as_slice()) > 0.0);
}

fn isotropic(extra: Value) -> Value {
    let mut source = json!({
        "modalities": {"A": 2, "B": 1},
        "variance": {"A": 4.0, "B": 0.5},
        "weight": {"B": -2.0, "A": 1.0},
        "noise": 0.5,
    });
    let fields = source.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    json!({ "isotropic": source })
}

#[test]
fn isotropic_populations_have_the_moments_of_their_formula() {
    let m = moments(0, isotropic(json!({})));
    // Products and sums of small powers of two: exact.
    assert_eq!(
        m.inputs.to_matrix(),
        dmatrix![4.0, 0.0, 0.0; 0.0, 4.0, 0.0; 0.0, 0.0, 0.5]
    );
    assert_eq!(m.cross, dmatrix![4.0, 4.0, -1.0]);
    // tr S_yy = sum of variance_m weight_m^2 d_m + noise^2 = 8 + 2 + 1/4.
    assert_eq!(m.initial_loss, 0.5 * 10.25);
    assert!((m.loss.floor - 0.125).abs() < 32.0 * EPS);
    assert_eq!(m.modalities[1].range, 2..3);
    assert_eq!(m.generalisation, None);
}

/// The same population written out as matrices gives the same samples to the last digit.
#[test]
fn isotropic_samples_are_those_of_the_matrices() {
    let mut drawn = moments(3, isotropic(json!({"samples": 20})));
    let mut written = moments(
        3,
        json!({"moments": {
            "modalities": {"A": 2, "B": 1},
            "inputs": [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.5]],
            "target_map": [[1.0, 1.0, -2.0]],
            "noise": 0.5,
            "samples": 20,
        }}),
    );
    let (truth, other) = (against_population(&drawn), against_population(&written));
    assert_eq!(truth.optimum, dmatrix![1.0, 1.0, -2.0]);
    assert_eq!(truth.optimum, other.optimum);
    // One is kept as its diagonal.
    assert_eq!(truth.covariance.to_matrix(), other.covariance.to_matrix());
    (drawn.generalisation, written.generalisation) = (None, None);
    assert_eq!(drawn, written);
}

fn wishart(seed: u64, scale: [f64; 2]) -> Moments {
    let scale = json!({"A": scale[0], "B": scale[1]});
    let source = json!({"modalities": {"A": 2, "B": 1}, "scale": scale, "outputs": 2});
    moments(seed, json!({ "wishart": source }))
}

/// The mean over seeds of Sigma itself converges too slowly to test: with d + 2 degrees of
/// freedom its variance is infinite. Its inverse is Wishart, with mean n Psi^-1 and variances
/// n (P_ii P_jj + P_ij^2), P = Psi^-1; and Psi_ii/Sigma_ii is chi squared with n - d + 1 = 3
/// degrees of freedom, mean 3, variance 6. Both pin n and Psi, so that E Sigma = Psi.
#[test]
fn wishart_covariances_have_the_right_mean_precision_and_marginals() {
    const SEEDS: u64 = 4000;
    let scale = [2.0, 2.0, 0.5];
    let degrees = 5.0;
    let mut precision = DMatrix::zeros(3, 3);
    let mut ratios = [0.0; 3];
    let (mut sum, mut squares) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let m = wishart(seed, [2.0, 0.5]);
        let inputs = m.inputs.to_matrix();
        assert_eq!(inputs, inputs.transpose());
        precision += inputs.try_inverse().expect("positive definite") / SEEDS as f64;
        for (i, ratio) in ratios.iter_mut().enumerate() {
            *ratio += scale[i] / m.inputs.entry(i, i) / SEEDS as f64;
        }
        assert!(
            m.loss.optimum.amax() < 1.0 + 1e-6,
            "the map lies in (-1, 1)"
        );
        sum += m.loss.optimum.sum();
        squares += m.loss.optimum.norm_squared();
    }
    let root = (SEEDS as f64).sqrt();
    for i in 0..3 {
        for j in 0..3 {
            let same = f64::from(u8::from(i == j));
            let expected = same * degrees / scale[i];
            let variance = degrees * (1.0 + same) / (scale[i] * scale[j]);
            let deviation = (precision[(i, j)] - expected) * root / variance.sqrt();
            assert!(deviation.abs() < SIGMAS, "{i} {j}: {deviation}");
        }
        let deviation = (ratios[i] - 3.0) * root / 6f64.sqrt();
        assert!(deviation.abs() < SIGMAS, "{i}: {deviation}");
    }
    // 6 entries a seed, uniform on (-1, 1): E[w] = 0, var 1/3; E[w^2] = 1/3, var 4/45.
    let count = 6.0 * SEEDS as f64;
    assert!((sum / count).abs() < SIGMAS * (1.0 / 3.0 / count).sqrt());
    assert!((squares / count - 1.0 / 3.0).abs() < SIGMAS * (4.0 / 45.0 / count).sqrt());
}

#[test]
fn wishart_covariances_of_unlike_scales_stay_positive_definite() {
    for seed in 0..20 {
        let m = wishart(seed, [1e10, 1e-10]);
        let inputs = m.inputs.to_matrix();
        assert!(inputs.clone().cholesky().is_some(), "{inputs}");
    }
}

#[test]
fn data_that_teach_nothing_are_refused() {
    let silent = toy(json!({"target": {"A": 0.0, "B": 0.0}, "noise": 1.0}));
    let error = try_moments(0, silent).expect_err("no target depends on the inputs");
    assert!(
        error.starts_with("data: there is nothing to learn"),
        "{error}"
    );
    for samples in [None, Some(3)] {
        let huge = toy(json!({"sigma": {"A": 1e200, "B": 1.0}, "samples": samples}));
        let error = try_moments(0, huge).expect_err("sigma^2 overflows");
        assert!(
            error.starts_with("data: the second moments are larger"),
            "{error}"
        );
    }
}

fn source(path: &Path, extra: Value) -> Value {
    let mut source = json!({
        "path": path, "modalities": {"A": ["a"], "B": ["b"]}, "targets": ["y"]
    });
    let fields = source.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    json!({ "table": source })
}

#[test]
fn table_moments_match_those_by_hand() {
    let raw = table(b"y,note,b,a\n1,north,2,1\n2,south,1,3\n");
    let m = moments(0, source(&raw.path, json!({"standardise": false})));
    // Halves of small whole numbers: exact.
    assert_eq!(m.inputs.to_matrix(), dmatrix![5.0, 2.5; 2.5, 2.5]);
    assert_eq!(m.cross, dmatrix![3.5, 2.0]);
    assert_eq!(m.initial_loss, 1.25);
    assert_eq!(m.generalisation, None);
    // Standardised a = (-1, 0, 1) sqrt(3/2), b = (-1, -1, 2)/sqrt(2), y = a. With the byte order
    // mark, CRLF and padding that spreadsheets write.
    let text = "\u{feff}a, b ,y\r\n1,1,0.5\r\n 3 ,1,1\r\n5,4,1.5\r\n";
    let m = moments(0, source(&table(text.as_bytes()).path, json!({})));
    let r = 0.75f64.sqrt();
    // Sums of three numbers of order one, a handful of roundings each.
    assert!((m.inputs.to_matrix() - dmatrix![1.0, r; r, 1.0]).amax() < 16.0 * EPS);
    assert!((m.cross - dmatrix![1.0, r]).amax() < 16.0 * EPS);
    assert!((m.initial_loss - 0.5).abs() < 16.0 * EPS);
}

#[test]
fn standardising_survives_a_large_mean() {
    let text = "a,b,y\n1000000000000001,-1,1\n1000000000000003,0,3\n1000000000000007,1,5\n";
    let m = moments(0, source(&table(text.as_bytes()).path, json!({})));
    // Deviations -8/3, -2/3, 10/3: correlation 6/sqrt(56/3 x 2) with (-1, 0, 1). The mean itself is
    // rounded to 1/8, a twentieth of the deviation; what that leaves is removed again, so that a
    // few roundings remain.
    let expected = 6.0 / (56.0f64 / 3.0 * 2.0).sqrt();
    let error = m.inputs.entry(0, 1) - expected;
    assert!(error.abs() < 16.0 * EPS, "{error}");
}

fn diabetes(extra: Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/data/diabetes.csv");
    let mut source = source(&path, extra);
    source["table"]["modalities"] =
        json!({"A": ["age", "sex", "bmi", "bp"], "B": ["s1", "s2", "s3", "s4", "s5", "s6"]});
    source["table"]["targets"] = json!(["progression"]);
    source
}

#[test]
fn diabetes_regression_explains_the_known_share() {
    let m = moments(0, diabetes(json!({})));
    // 442 rows of rounding.
    assert!((m.initial_loss - 0.5).abs() < 442.0 * EPS);
    assert!((m.inputs.to_matrix().diagonal().add_scalar(-1.0)).amax() < 442.0 * EPS);
    // R^2 = 0.5177 (Efron, Hastie, Johnstone & Tibshirani 2004), given to four digits.
    assert!((1.0 - m.loss.floor / 0.5 - 0.5177).abs() < 5e-5);
    assert_eq!(m.modalities[1].range, 4..10);
}

#[test]
fn hold_out_and_training_rows_make_up_the_table() {
    let raw = |seed, holdout: f64| {
        let extra = json!({"standardise": false, "holdout": holdout});
        moments(seed, diabetes(extra))
    };
    let all = raw(7, 0.0);
    assert_eq!(all.generalisation, None);
    let part = raw(7, 0.2);
    assert_eq!(part, raw(7, 0.2));
    assert_ne!(part.inputs, raw(8, 0.2).inputs);
    // round(0.2 x 442) = 88 rows held out. The two parts' sums are the whole's; the largest entries
    // are about 5e4, with 442 roundings.
    let [training, all] = [&part, &all].map(|m| m.inputs.to_matrix());
    let sum = training * 354.0 + held_out(&part).covariance.to_matrix() * 88.0;
    assert!((sum / 442.0 - &all).amax() < 442.0 * EPS * all.amax());
}

/// A column of ones in a run without standardisation gives the means of both parts.
#[test]
fn the_hold_out_is_scaled_by_the_training_rows_and_has_its_own_optimum() {
    let mut text = "one,a,b,y\n".to_owned();
    for i in 0..40 {
        let (a, b) = ((i * i) % 23, (i * 7) % 11);
        text += &format!("1,{a},{b},{}\n", 3 * a - b + (i % 3));
    }
    let file = table(text.as_bytes());
    let ones = json!({"modalities": {"A": ["one", "a"], "B": ["b"]}, "holdout": 0.3, "standardise": false});
    let raw = moments(5, source(&file.path, ones));
    let scaled = moments(5, source(&file.path, json!({"holdout": 0.3})));
    let Quadratic {
        optimum,
        covariance,
        floor,
    } = held_out(&scaled).clone();
    let held = &held_out(&raw).covariance;
    let (mean, square) = (raw.inputs.entry(0, 1), raw.inputs.entry(1, 1));
    let expected =
        (held.entry(1, 1) - 2.0 * mean * held.entry(0, 1) + mean * mean) / (square - mean * mean);
    // The variance by subtraction loses a digit or two of round-off.
    assert!((covariance.entry(0, 0) - expected).abs() < 1e-12);
    assert!(
        (expected - 1.0).abs() > 1e-3,
        "the hold-out's own scale would give 1"
    );
    // y is nearly 3 a - b: a good fit in either part, but not the same one.
    assert!(floor > 0.0 && floor < 0.01, "{floor}");
    assert!((optimum - scaled.loss.optimum).amax() > 1e-4);
}

#[test]
fn unusable_tables_say_where_and_why() {
    let cases: &[(&[u8], Value, &str)] = &[
        (b"", json!({}), "t.csv: the file is empty"),
        (b"a,b,y\n", json!({}), "t.csv: a header, but no rows"),
        (
            b"a,bb,y\n1,2,3\n",
            json!({}),
            "t.csv:1: column b: no such column\n  help: the file's columns are: a, bb, y",
        ),
        (
            b"a,b,a,y\n1,2,3,4\n",
            json!({}),
            "t.csv:1: column a: more than one column",
        ),
        (
            b"a,b,y\n1,2,3\n4,,6\n",
            json!({}),
            "t.csv:3: column b: the cell is empty",
        ),
        (
            b"a,b,y\r\n1,2,3\r\n\r\n4,x1,6\r\n",
            json!({}),
            "t.csv:4: column b: \"x1\" is not a number",
        ),
        (
            b"a,b,y\n1,nan,3\n",
            json!({}),
            "t.csv:2: column b: \"nan\" is not a finite number",
        ),
        (
            b"a,b,y\n1,-inf,3\n",
            json!({}),
            "t.csv:2: column b: \"-inf\" is not a finite number",
        ),
        (
            b"a,b,y\n1,1e999,3\n",
            json!({}),
            "t.csv:2: column b: \"1e999\" is not a finite",
        ),
        (
            b"a,b,y\r\n1,2,3\r\n4,5\r\n",
            json!({}),
            "t.csv:3: 2 cells where the header has 3",
        ),
        (
            b"a,b,y\n1,2,3,4\n",
            json!({}),
            "t.csv:2: 4 cells where the header has 3",
        ),
        (
            b"a,b,y\n1,2,\xff\xfe\n",
            json!({}),
            "t.csv:2: column y: not text in UTF-8",
        ),
        (
            b"a,b,y\n1,0.1,3\n2,0.1,5\n3,0.1,4\n",
            json!({}),
            "t.csv: column b: all 3 rows trained on have the value 0.1",
        ),
        (
            b"a,b,y\n1,2,3\n2,1,5\n",
            json!({"holdout": 0.9}),
            "data.table.holdout: a share of 0.9 holds out 2 of 2 rows",
        ),
        (
            b"a,b,y\n1,2,3\n2,1,5\n",
            json!({"holdout": 0.1}),
            "data.table.holdout: a share of 0.1 holds out 0 of 2 rows",
        ),
        (
            b"a,b,y\n1,1,1\n-1,-1,1\n1,-1,-1\n-1,1,-1\n",
            json!({}),
            "data: there is nothing to learn",
        ),
        (
            b"a,b,y\n1e200,2,3\n2,1,5\n",
            json!({"standardise": false}),
            "t.csv: column a: a value of magnitude 1e200: its square",
        ),
    ];
    for (bytes, extra, expected) in cases {
        let file = table(bytes);
        let error = try_moments(0, source(&file.path, extra.clone())).expect_err(expected);
        let folder = file.path.parent().expect("a folder").display().to_string();
        let error = error.replace(&format!("{folder}/"), "");
        assert!(error.starts_with(expected), "{error}\nfor\n{expected}");
        assert!(error.contains("\n  help: "), "{error}");
    }
}

#[test]
fn long_lists_of_columns_are_cut() {
    let header: Vec<String> = (1..=25).map(|k| format!("c{k:02}")).collect();
    let file = table(format!("{}\n", header.join(",")).as_bytes());
    let error = try_moments(0, source(&file.path, json!({}))).expect_err("no column a");
    assert!(error.ends_with("c19, c20, ... (25 in all)"), "{error}");
}

#[test]
fn a_table_that_is_not_there_is_named() {
    let file = table(b"");
    let folder = file.path.parent().expect("a folder");
    let error = try_moments(0, source(&folder.join("none.csv"), json!({}))).expect_err("missing");
    assert!(
        error.contains("none.csv: cannot read the file: No such file"),
        "{error}"
    );
    assert!(error.contains("relative to the scenario file"), "{error}");
    let error = try_moments(0, source(folder, json!({}))).expect_err("a folder");
    assert!(error.contains("not a folder"), "{error}");
}
