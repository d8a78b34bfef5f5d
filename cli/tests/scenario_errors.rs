//! Every way a key of a scenario file can be wrong, and what the user is told: file, line, key,
//! problem, remedy.

mod data;
mod files;
mod images;
mod init;
mod names;
mod overrides;
mod round_trip;
mod support;
mod sweep;

use support::{BASE, Case, PRIVATE, cases, check, load, replaced, with_network};

#[test]
fn missing_keys() {
    check(
        BASE,
        cases! {
            "    sigma:\n      A: 2.0\n      B: 1.0\n" => "", 4, "data.toy.sigma", ["missing", "add `sigma:`", "Standard deviation"];
            "    target: {A: 1.0, B: 1.0}\n" => "", 4, "data.toy.target", ["missing", "add `target:` under data.toy"];
            "  depth: 4\n" => "", 12, "network.depth", ["missing", "add depth"];
            "  fusion_layer: 3\n" => "", 12, "network.fusion_layer", ["missing", "early"];
            "  depth: 4\n  fusion_layer: 3\n" => "", 12, "network.depth", ["missing", "private_layers"];
            "  width: 100\n" => "", 12, "network.width", ["missing", "add width"];
            "    std: 1.0e-9\n" => "    {}\n", 17, "init.gaussian.std", ["missing", "add `std:`"];
            "  until: {time: 40.0, loss_gap: 1.0e-6}\n" => "", 19, "flow.until", ["missing", "add `until:`"];
            "{time: 40.0, loss_gap: 1.0e-6}" => "{}", 24, "flow.until", ["no end", "loss_gap"];
            "  learning_rate: [0.08, 0.04]" => "  {}", 25, "descent.learning_rate", ["missing", "add"];
            "  toy:\n" => "  ~:\n", 4, "data", ["null", "not a name"];
            "  gaussian:\n    std: 1.0e-9\n" => "", 16, "init", ["missing", "gaussian, gaussian_norm, aligned, lambda_balanced, file"];
        },
    );
    let no_data = BASE
        .split_once("data:\n")
        .zip(BASE.split_once("network:\n"));
    let (before, after) = no_data.map(|(a, b)| (a.0, b.1)).unwrap();
    let message = load(&format!("{before}network:\n{after}"), &[]).unwrap_err();
    assert!(
        message.starts_with("base.yaml: data: this key is missing"),
        "{message}"
    );
    assert!(
        message.contains("add `data:` at the top level"),
        "{message}"
    );
}

#[test]
fn units() {
    check(
        BASE,
        cases! {
            "  depth: 4\n" => "  depth: 4\n  activation: rellu\n", 14, "network.activation", ["\"rellu\" is not one of linear, relu, leaky_relu, tanh, erf", "did you mean relu?"];
            "  depth: 4\n" => "  depth: 4\n  activation: 3\n", 14, "network.activation", ["expected linear, relu, tanh, erf or {leaky_relu: 0.1}, found 3"];
            "  depth: 4\n" => "  depth: 4\n  activation: leaky_relu\n", 14, "network.activation", ["slope", "{leaky_relu: 0.1}"];
            "  depth: 4\n" => "  depth: 4\n  activation: {leaky: 0.1}\n", 14, "network.activation.leaky", ["unknown key", "did you mean leaky_relu?"];
            "  depth: 4\n" => "  depth: 4\n  activation: {leaky_relu: 1.5}\n", 14, "network.activation.leaky_relu", ["out of range", "from 0.0 to 1.0"];
            "  depth: 4\n" => "  depth: 4\n  activation:\n    leaky_relu: steep\n", 15, "network.activation.leaky_relu", ["expected a number"];
            "  depth: 4\n" => "  depth: 4\n  activation: {}\n", 14, "network.activation.leaky_relu", ["missing"];
            "  depth: 4\n" => "  depth: 4\n  biases: 1\n", 14, "network.biases", ["true or false"];
            "    samples: 100\nnetwork:\n" => "network:\n  activation: tanh\n", 4, "data.toy.samples", ["missing", "tanh needs samples", "add samples: 8192"];
            "    samples: 100\nnetwork:\n" => "network:\n  biases: true\n", 4, "data.toy.samples", ["biases needs samples"];
            "init:\n  gaussian:\n    std: 1.0e-9\nflow:\n  method: dopri5" => "  activation: relu\ninit:\n  gaussian: {std: 1.0e-9}\nflow:\n  method: exponential", 20, "flow.method", ["relu has a kink", "dopri5"];
        },
    );
}

#[test]
fn stepping() {
    check(
        BASE,
        cases! {
            "[0.08, 0.04]" => "0.1\n  batch: 0", 27, "descent.batch", ["out of range"];
            "[0.08, 0.04]" => "0.1\n  momentum: 1.0", 27, "descent.momentum", ["out of range", "less than 1"];
            "[0.08, 0.04]" => "8.0\n  momentum: 0.9", 26, "descent.learning_rate", ["a step of 80.", "longer than the run"];
            "[0.08, 0.04]" => "0.1\n  adam: {beta1: -0.1}", 27, "descent.adam.beta1", ["out of range"];
            "[0.08, 0.04]" => "0.1\n  adam:", 27, "descent.adam", ["has no value", "{} stands for the defaults"];
            "[0.08, 0.04]" => "0.1\n  adam: {beta3: 0.1}", 27, "descent.adam.beta3", ["unknown key"];
            "[0.08, 0.04]" => "0.1\n  adam: {epsilon: 0}", 27, "descent.adam.epsilon", ["out of range"];
            "[0.08, 0.04]" => "0.1\n  momentum: 0.9\n  adam: {}", 28, "descent.adam", ["both given"];
        },
    );
    let without = replaced(BASE, "    samples: 100\n", "");
    let message = load(&without, &["descent.batch=8"]).unwrap_err();
    assert!(
        message.contains("data.toy.samples: this key is missing"),
        "{message}"
    );
}

#[test]
fn null_for_what_is_required() {
    check(
        BASE,
        cases! {
            "seed: 1" => "seed:", 2, "seed", ["nothing (null)", "whole number"];
            "rho: 0.5" => "rho: null", 5, "data.toy.rho", ["nothing (null)", "give a number"];
            "{A: 1.0, B: 1.0}" => "~", 9, "data.toy.target.A", ["A", "missing"];
            "      A: 2.0\n      B: 1.0\n" => "", 6, "data.toy.sigma", ["no modality", "one modality"];
            "std: 1.0e-9" => "std:", 18, "init.gaussian.std", ["nothing", "number"];
            "    std: 1.0e-9\n" => "", 16, "init", ["missing", "give one of"];
            "{time: 40.0, loss_gap: 1.0e-6}" => "null", 24, "flow.until", ["no end", "time"];
            "[0.08, 0.04]" => "", 26, "descent.learning_rate", ["nothing", "list of numbers"];
            "depth: 4" => "depth: null", 13, "network.depth", ["missing", "add depth"];
            "width: 100" => "width: ~", 15, "network.width", ["missing", "add width"];
            "method: dopri5" => "method:", 20, "flow.method", ["nothing (null)", "give auto or exponential or dopri5 or dop853"];
        },
    );
}

#[test]
fn wrong_types() {
    check(
        BASE,
        cases! {
            "name: base" => "name: [a]", 1, "name", ["expected text, found a list", "give text"];
            "name: base" => "name: 5", 1, "name", ["expected text, found 5", "give text"];
            "seed: 1" => "seed: 1.5", 2, "seed", ["whole number", "found 1.5", "decimal"];
            "seed: 1" => "seed: -1", 2, "seed", ["0 or more", "found -1", "give"];
            "seed: 1" => "seed: 18446744073709551616", 2, "seed", ["too large", "smaller"];
            "seed: 1" => "seed: -99999999999999999999999", 2, "seed", ["too large", "smaller"];
            "seed: 1" => "seed: {a: 1}", 2, "seed", ["found a mapping", "give a whole"];
            "rho: 0.5" => "rho: half", 5, "data.toy.rho", ["a number", "the text \"half\"", "Correlation"];
            "rho: 0.5" => "rho: true", 5, "data.toy.rho", ["found true", "give a number"];
            "A: 2.0" => "A: [2]", 7, "data.toy.sigma.A", ["a list", "Standard deviation"];
            "{A: 1.0, B: 1.0}" => "[1, 2]", 9, "data.toy.target", ["a mapping", "a list", "give"];
            "{A: 1.0, B: 1.0}" => "3", 9, "data.toy.target", ["a mapping", "found 3", "give"];
            "samples: 100\n" => "samples: many\n", 11, "data.toy.samples", ["whole number", "many"];
            "width: 100" => "width: wide", 15, "network.width", ["expected a whole number", "found the text \"wide\"", "Width of every"];
            "width: 100" => "width: 100.0", 15, "network.width", ["found 100.0", "without a decimal point"];
            "width: 100" => "width: -3", 15, "network.width", ["found -3", "0 or more"];
            "width: 100" => "width: \"wide, expected usize\"", 15, "network.width", ["wide, expected usize\"", "give a whole"];
            "width: 100" => "widths: [2, x, 3]", 15, "network.widths.1", ["the text \"x\"", "one number per"];
            "width: 100" => "widths: 4", 15, "network.widths", ["a list", "found 4", "give"];
            "std: 1.0e-9" => "std: 1e999", 18, "init.gaussian.std", ["the text \"1e999\"", "number"];
            "method: dopri5" => "method: dopri", 20, "flow.method", ["\"dopri\"", "did you mean dopri5?"];
            "method: dopri5" => "method: euler", 20, "flow.method", ["auto, exponential, dopri5, dop853", "known here"];
            "method: dopri5" => "method: [dopri5]", 20, "flow.method", ["one word", "give auto or exponential or dopri5 or dop853"];
            "[0.08, 0.04]" => "fast", 26, "descent.learning_rate", ["a number or a list of numbers", "\"fast\"", "give"];
            "[0.08, 0.04]" => "[0.08, fast]", 26, "descent.learning_rate.1", ["\"fast\"", "give a number"];
            "[0.08, 0.04]" => "{a: 1}", 26, "descent.learning_rate", ["a mapping", "list of numbers"];
            "spacing: linear" => "spacing: 3", 33, "output.spacing", ["found 3", "give linear or log"];
            "weights: false" => "weights: no", 34, "output.weights", ["true or false", "\"no\""];
        },
    );
    check(
        "data: 3\n",
        cases! {
            "" => "", 1, "data", ["a mapping", "found 3", "give"];
        },
    );
}

#[test]
fn misspelt_duplicated_and_odd_keys() {
    check(
        BASE,
        cases! {
            "seed: 1" => "sede: 1", 2, "sede", ["unknown key \"sede\"", "did you mean seed?"];
            "rho: 0.5" => "rhoo: 0.5", 5, "data.toy.rhoo", ["unknown", "did you mean rho?"];
            "rho: 0.5" => "whiten: true", 5, "data.toy.whiten", ["unknown", "whiten belongs under data.table or data.arrays"];
            "    sigma:\n" => "    sigm:\n", 6, "data.toy.sigm", ["unknown", "did you mean sigma?"];
            "    sigma:\n" => "    Sigma:\n", 6, "data.toy.Sigma", ["unknown", "did you mean sigma?"];
            "width: 100" => "widht: 100", 15, "network.widht", ["unknown", "did you mean width?"];
            "width: 100" => "kernel: 100", 15, "network.kernel", ["unknown", "known here: depth, fusion_layer"];
            "std: 1.0e-9" => "sdt: 1.0e-9", 18, "init.gaussian.sdt", ["unknown", "did you mean std?"];
            "  until: {time" => "  until: {tme", 24, "flow.until.tme", ["unknown", "did you mean time?"];
            "learning_rate" => "learning_rates", 26, "descent.learning_rates", ["did you mean learning_rate?"];
            "share: 0.05" => "shares: 0.05", 28, "detector.shares", ["did you mean share?"];
            "spacing: linear" => "spcing: log", 33, "output.spcing", ["did you mean spacing?"];
            "seed: 1" => "seed: 1\nseed: 1", 3, "seed", ["twice", "keep one"];
            "      B: 1.0\n" => "      B: 1.0\n      A: 2.0\n", 9, "data.toy.sigma.A", ["twice", "keep one"];
            "{A: 1.0, B: 1.0}" => "{A: 1.0, A: 1.0}", 9, "data.toy.target.A", ["twice", "keep one"];
            "  width: 100\n" => "  width: 100\n  width: 100\n", 16, "network.width", ["twice", "keep"];
            "      A: 2.0" => "      1: 2.0", 7, "data.toy.sigma", ["the key 1 is not a name", "quotes"];
            "      A: 2.0" => "      [a]: 2.0", 7, "data.toy.sigma", ["not a name", "quotes"];
            "      A: 2.0" => "      !a A: 2.0", 7, "data.toy.sigma", ["the key !a A is not a name"];
        },
    );
}

#[test]
fn network_section() {
    check(
        BASE,
        cases! {
            "depth: 4" => "depth: 0", 13, "network.depth", ["0", "from 1 to 64"];
            "depth: 4" => "depth: 65", 13, "network.depth", ["65", "from 1 to 64"];
            "fusion_layer: 3" => "fusion_layer: 0", 14, "network.fusion_layer", ["0", "from 1 to 4"];
            "fusion_layer: 3" => "fusion_layer: 5", 14, "network.fusion_layer", ["5 is more than the depth, 4", "late fusion"];
            "width: 100" => "width: 0", 15, "network.width", ["0", "from 1"];
            "width: 100" => "width: 10000001", 15, "network.width", ["10000001", "10000000"];
            "width: 100" => "widths: [1, 2]", 15, "network.widths", ["2 numbers", "3 hidden", "give 3"];
            "width: 100" => "widths: [1, 0, 2]", 15, "network.widths.1", ["0", "from 1"];
            "width: 100" => "width: 100\n  widths: [1, 1, 2]", 16, "network.widths", ["width and widths", "one width"];
            "width: 100" => "width: 100\n  shared_layers: 1", 16, "network.shared_layers", ["depth", "give either"];
            "width: 100" => "width: 100\n  private_layers: {A: 1, B: 1}", 16, "network.private_layers", ["depth", "give either"];
        },
    );
    check(
        &with_network(PRIVATE),
        cases! {
            "{A: 2, B: 3}" => "{A: 2}", 13, "network.private_layers.B", ["modality B", "add B"];
            "{A: 2, B: 3}" => "{A: 2, B: 3, C: 1}", 13, "network.private_layers.C", ["no modality C", "A, B"];
            "{A: 2, B: 3}" => "{A: 0, B: 3}", 13, "network.private_layers.A", ["0", "from 1 to 64"];
            "{A: 2, B: 3}" => "{A: 2, B: 65}", 13, "network.private_layers.B", ["65", "from 1 to 64"];
            "shared_layers: 1" => "shared_layers: 65", 14, "network.shared_layers", ["65", "from 0 to 64"];
            "  shared_layers: 1\n" => "", 12, "network.shared_layers", ["missing", "add shared_layers"];
            "  private_layers: {A: 2, B: 3}\n" => "", 12, "network.private_layers", ["missing", "add private_layers"];
            "widths: [5, 6, 7]" => "widths: [5, 6]", 15, "network.widths", ["3 hidden", "give 3"];
        },
    );
}

#[test]
fn init_flow_and_the_rest() {
    check(
        BASE,
        cases! {
            "std: 1.0e-9" => "std: 0", 18, "init.gaussian.std", ["0.0", "above 0"];
            "std: 1.0e-9" => "std: .inf", 18, "init.gaussian.std", ["inf", "finite"];
            "  gaussian:\n    std: 1.0e-9\n" => "  aligned: {norm: -1}\n", 17, "init.aligned.norm", ["-1.0", "above 0"];
            "  gaussian:\n    std: 1.0e-9\n" => "  gaussian_norm: {norm: .nan}\n", 17, "init.gaussian_norm.norm", ["NaN", "finite"];
            "  gaussian:\n    std: 1.0e-9\n" => "  file: {path: ''}\n", 17, "init.file.path", ["empty", "name a file"];
            "    std: 1.0e-9\n" => "    std: 1.0e-9\n  aligned: {norm: 1}\n", 16, "init", ["gaussian and aligned", "keep one", "init.aligned=null"];
            "  toy:\n" => "  wishart: {modalities: {A: 1}, scale: {A: 1}}\n  toy:\n", 3, "data", ["toy and wishart", "keep one"];
            "rtol: 1.0e-8" => "rtol: 1.0e-14", 21, "flow.rtol", ["1e-14", "from 1e-13 to 0.1"];
            "rtol: 1.0e-8" => "rtol: 0.2", 21, "flow.rtol", ["0.2", "from 1e-13 to 0.1"];
            "rtol: 1.0e-8" => "rtol: .nan", 21, "flow.rtol", ["finite", "from 1e-13 to 0.1"];
            "atol: 1.0e-17" => "atol: 0", 22, "flow.atol", ["0.0", "above 0"];
            "atol: 1.0e-17" => "atol: .inf", 22, "flow.atol", ["finite", "above 0"];
            "max_steps: 1000" => "max_steps: 0", 23, "flow.max_steps", ["0", "1 or more"];
            "time: 40.0" => "time: 0.0", 24, "flow.until.time", ["0.0", "above 0"];
            "time: 40.0" => "time: .inf", 24, "flow.until.time", ["finite", "above 0"];
            "loss_gap: 1.0e-6" => "loss_gap: 1", 24, "flow.until.loss_gap", ["1.0", "below 1.0"];
            "loss_gap: 1.0e-6" => "loss_gap: 0", 24, "flow.until.loss_gap", ["0.0", "above 0.0"];
            "loss_gap: 1.0e-6" => "loss_gap: .nan", 24, "flow.until.loss_gap", ["finite"];
            "[0.08, 0.04]" => "[]", 26, "descent.learning_rate", ["empty", "at least one"];
            "[0.08, 0.04]" => "0", 26, "descent.learning_rate", ["0.0", "above 0"];
            "[0.08, 0.04]" => ".nan", 26, "descent.learning_rate", ["finite", "above 0"];
            "[0.08, 0.04]" => "[0.08, -0.04]", 26, "descent.learning_rate.1", ["-0.04", "above 0"];
            "[0.08, 0.04]" => "[0.08, .inf]", 26, "descent.learning_rate.1", ["finite"];
            "[0.08, 0.04]" => "[0.08, 0.04, 8.0e-2]", 26, "descent.learning_rate.2", ["0.08", "twice", "keep one"];
            "[0.08, 0.04]" => "\n    - 0.08\n    - -1", 28, "descent.learning_rate.1", ["-1.0", "above"];
            "share: 0.05" => "share: 0.5", 28, "detector.share", ["0.5", "below 0.5"];
            "share: 0.05" => "share: .nan", 28, "detector.share", ["finite"];
            "dip: 0.1" => "dip: 1", 29, "detector.dip", ["1.0", "below 1.0"];
            "dip: 0.1" => "dip: .nan", 29, "detector.dip", ["finite"];
            "drop: 1.0e-3" => "drop: 0", 30, "detector.drop", ["0.0", "above 0.0"];
            "drop: 1.0e-3" => "drop: .nan", 30, "detector.drop", ["finite"];
            "samples: 500" => "samples: 1", 32, "output.samples", ["1", "from 2 to 1000000"];
            "samples: 500" => "samples: 1000001", 32, "output.samples", ["from 2 to 1000000"];
        },
    );
}
