//! Initial weights: unbalanced layers and factors beside a scheme.

use super::support::{BASE, Case, cases, check, load, replaced};
use modalflow::network::{InitScheme, LambdaInit, StackScale};
use modalflow_cli::scenario::to_yaml;

const GAUSSIAN: &str = "  gaussian:\n    std: 1.0e-9\n";

/// The base text with another section of initial weights, which starts on line 17.
fn with_init(init: &str) -> String {
    replaced(BASE, GAUSSIAN, init)
}

const LAMBDA: &str = "  lambda_balanced:\n    norm: 1.0e-3\n    lambda: {A: 0.0, B: -0.1}\n";

#[test]
fn lambda_balanced_weights() {
    let late = replaced(
        &with_init(LAMBDA),
        "depth: 4\n  fusion_layer: 3",
        "depth: 2\n  fusion_layer: 2",
    );
    check(
        &late,
        cases! {
            "norm: 1.0e-3" => "norm: 0", 18, "init.lambda_balanced.norm", ["0", "above 0"];
            "norm: 1.0e-3" => "nrm: 1", 18, "init.lambda_balanced.nrm", ["unknown", "did you mean norm?"];
            "B: -0.1" => "B: .inf", 19, "init.lambda_balanced.lambda.B", ["finite"];
            "B: -0.1" => "B: 1e51", 19, "init.lambda_balanced.lambda.B", ["out of range"];
            ", B: -0.1" => "", 19, "init.lambda_balanced.lambda.B", ["modality B of the data is missing", "add B"];
            "B: -0.1" => "C: 1, B: 0", 19, "init.lambda_balanced.lambda.C", ["no modality C", "A, B"];
            "lambda: {" => "lamda: {", 19, "init.lambda_balanced.lamda", ["unknown", "did you mean lambda?"];
            "depth: 2" => "depth: 3", 17, "init.lambda_balanced", ["two private layers", "2, 2 private and 1 shared", "network.fusion_layer"];
            "depth: 2\n  fusion_layer: 2" => "private_layers: {A: 2, B: 1}\n  shared_layers: 0", 17, "init.lambda_balanced", ["2, 1 private and 0 shared"];
        },
    );
    let file = load(&late, &["init.lambda_balanced.lambda.B=2"]).expect("valid");
    let InitScheme::LambdaBalanced(LambdaInit { norm, lambda }) = &file.scenario.init.scheme else {
        panic!("another scheme");
    };
    assert_eq!((*norm, lambda["A"], lambda["B"]), (1e-3, 0.0, 2.0));
}

/// Both forms of the factors, plain numbers of layers or quoted ones.
const SCALED: &str = "  gaussian:\n    std: 1.0e-9\n  scale:\n    A: 2\n    B: {1: 0.5, \"3\": 1.5}\n    shared: {4: 3}\n";

#[test]
fn factors_beside_a_scheme() {
    check(
        &with_init(SCALED),
        cases! {
            "    A: 2\n" => "    A: 0\n", 20, "init.scale.A", ["0.0", "above 0"];
            "    A: 2\n" => "    A: two\n", 20, "init.scale.A", ["a factor, or factors by layer", "the text \"two\""];
            "    A: 2\n" => "    A: [2]\n", 20, "init.scale.A", ["a factor, or factors by layer", "a list"];
            "    A: 2\n" => "    C: 2\n", 20, "init.scale.C", ["no modality C", "A, B or shared"];
            "{1: 0.5" => "{1: -1", 21, "init.scale.B.1", ["-1.0", "above 0"];
            "{1: 0.5" => "{1: much", 21, "init.scale.B.1", ["expected a number", "the text \"much\""];
            "{1: 0.5" => "{4: 0.5", 21, "init.scale.B.4", ["B has no layer 4", "1, 2, 3"];
            "{1: 0.5" => "{first: 0.5", 21, "init.scale.B.first", ["B has no layer first", "1, 2, 3"];
            "{1: 0.5" => "{1: 2, 1: 0.5", 21, "init.scale.B.1", ["twice"];
            "\"3\"" => "\"1\"", 21, "init.scale.B.1", ["twice"];
            "{4: 3}" => "{3: 3}", 22, "init.scale.shared.3", ["shared has no layer 3", "its layers are 4"];
            "depth: 4" => "depth: 3", 22, "init.scale.shared", ["no layers after the fusion", "take the key out"];
            "  scale:\n    A: 2\n    B: {1: 0.5, \"3\": 1.5}\n    shared: {4: 3}\n" => "  scal: {A: 1}\n", 19, "init.scal", ["unknown key \"scal\"", "did you mean scale?"];
            "  scale:" => "  aligned: {norm: 1}\n  scale:", 16, "init", ["gaussian and aligned are given", "keep one"];
            "  gaussian:\n    std: 1.0e-9\n" => "", 16, "init", ["a scheme of initial weights is missing", "gaussian, "];
        },
    );
    let file = load(&with_init(SCALED), &[]).expect("valid");
    let scale = &file.scenario.init.scale;
    assert_eq!(scale["A"], StackScale::All(2.0));
    let StackScale::Layers(layers) = &scale["B"] else {
        panic!("by layers");
    };
    assert_eq!((layers["1"], layers["3"]), (0.5, 1.5));
    assert_eq!(load(&to_yaml(&file), &[]).as_ref(), Ok(&file));
}

/// Factors and lambdas are keys like others: of `--set` and of a sweep.
#[test]
fn factors_change_by_path() {
    let scale =
        |change: &str| load(&with_init(SCALED), &[change]).map(|file| file.scenario.init.scale);
    let layers = |change: &str| match &scale(change).expect("valid")["B"] {
        StackScale::Layers(layers) => layers.clone(),
        StackScale::All(factor) => panic!("{factor}"),
    };
    assert_eq!(layers("init.scale.B.1=4")["1"], 4.0);
    assert_eq!(layers("init.scale.B.1=4").len(), 2);
    assert_eq!(layers("init.scale.B={2: 7}")["2"], 7.0);
    assert_eq!(
        scale("init.scale.B=7").expect("valid")["B"],
        StackScale::All(7.0)
    );
    assert_eq!(scale("init.scale=null").expect("valid").len(), 0);
    let sweep = "sweep: {axes: [{path: init.scale.B.1, values: [1, 2]}, {path: init.scale.A, from: 1, to: 4, count: 3}]}\n";
    let text = with_init(SCALED) + sweep;
    assert!(load(&text, &[]).is_ok(), "{:?}", load(&text, &[]));
    let error = scale("init.scale.B.9=4").unwrap_err();
    assert!(
        error.contains("from --set init.scale.B.9=4: B has no layer 9"),
        "{error}"
    );
}
