//! The run's name and the sections of the data sources, key by key.

use super::support::{
    BASE, Case, ISOTROPIC, MOMENTS, TABLE, WISHART, cases, check, load, replaced, with_data,
};

#[test]
fn toy_data() {
    check(
        BASE,
        cases! {
            "name: base" => "name: my run", 1, "name", ["my run", "letters"];
            "name: base" => "name: ''", 1, "name", ["empty", "letters"];
            "name: base" => "name: ../up", 1, "name", ["../up", "letters"];
            "      A: 2.0\n" => "", 8, "data.toy.target.A", ["no modality A", "B"];
            "A: 1.0, B: 1.0" => "A: 1.0", 9, "data.toy.target.B", ["modality B", "add B"];
            "A: 1.0, B: 1.0" => "A: 1.0, B: 1.0, C: 1.0", 9, "data.toy.target.C", ["no modality C", "A, B"];
            "      B: 1.0" => "      9B: 1.0", 8, "data.toy.sigma.9B", ["cannot be the name", "letter first"];
            "      B: 1.0" => "      b-c: 1.0", 8, "data.toy.sigma.b-c", ["cannot be the name", "letter first"];
            "      B: 1.0" => "      b.c: 1.0", 8, "data.toy.sigma.b.c", ["cannot be the name", "letter first"];
            "      B: 1.0" => "      shared: 1.0", 8, "data.toy.sigma.shared", ["fusion", "another name"];
            "A: 2.0" => "A: 0.0", 7, "data.toy.sigma.A", ["0.0", "above 0"];
            "      B: 1.0" => "      B: -1", 8, "data.toy.sigma.B", ["-1.0", "above 0"];
            "A: 2.0" => "A: .nan", 7, "data.toy.sigma.A", ["NaN", "finite", "above 0"];
            "A: 2.0" => "A: 1e200", 7, "data.toy.sigma.A", ["1e200", "up to 1e50"];
            "A: 1.0, B" => "A: -.inf, B", 9, "data.toy.target.A", ["-inf", "finite", "from"];
            "A: 1.0, B: 1.0" => "A: 0, B: 0", 9, "data.toy.target", ["nothing to learn", "other than 0"];
            "rho: 0.5" => "rho: 1.01", 5, "data.toy.rho", ["1.01", "from -1.0 to 1.0"];
            "rho: 0.5" => "rho: .nan", 5, "data.toy.rho", ["finite", "from -1.0 to 1.0"];
            "noise: 0.0" => "noise: -0.1", 10, "data.toy.noise", ["-0.1", "from 0"];
            "noise: 0.0" => "noise: .inf", 10, "data.toy.noise", ["inf", "finite"];
            "samples: 100\n" => "samples: 0\n", 11, "data.toy.samples", ["0", "from 1 to"];
            "samples: 100\n" => "samples: 1000000001\n", 11, "data.toy.samples", ["from 1 to 1000000000"];
        },
    );
    let three = replaced(BASE, "      B: 1.0\n", "      B: 1.0\n      C: 1.0\n");
    let three = replaced(&three, "A: 1.0, B: 1.0", "A: 1.0, B: 1.0, C: 0");
    check(
        &three,
        cases! {
            "rho: 0.5" => "rho: -0.51", 5, "data.toy.rho", ["from -0.5 to 1.0"];
        },
    );
    assert!(load(&replaced(&three, "rho: 0.5", "rho: -0.5"), &[]).is_ok());
}

#[test]
fn moments_data() {
    check(
        &with_data(MOMENTS),
        cases! {
            "{A: 2, B: 1}" => "{A: 0, B: 1}", 5, "data.moments.modalities.A", ["0", "from 1"];
            "{A: 2, B: 1}" => "{}", 5, "data.moments.modalities", ["no modality", "give"];
            "{A: 2, B: 1}" => "{A: 2, B: 2}", 6, "data.moments.inputs", ["3 rows", "4 inputs", "give 4 rows"];
            "{A: 2, B: 1}" => "{A: 2, B: 1000000}", 5, "data.moments.modalities.B", ["1000000", "2000"];
            "{A: 2, B: 1}" => "{A: 2000, B: 2000}", 5, "data.moments.modalities", ["4000", "at most 2000"];
            "- [0.5, 2.0, 0.0]" => "- [0.5, 2.0]", 8, "data.moments.inputs.1", ["row 2 has 2", "give 3"];
            "- [0.5, 2.0, 0.0]" => "- [0.5, .nan, 0.0]", 8, "data.moments.inputs.1.1", ["finite", "number"];
            "- [0.5, 2.0, 0.0]" => "- [0.5, x, 0.0]", 8, "data.moments.inputs.1.1", ["\"x\"", "covariance"];
            "- [0.5, 2.0, 0.0]" => "- [0.500001, 2.0, 0.0]", 8, "data.moments.inputs.1.0", ["not symmetric", "0.500001", "same number"];
            "- [0.5, 2.0, 0.0]" => "- [0.5, 0.2, 0.0]", 6, "data.moments.inputs", ["eigenvalue is -4.031e-2", "semi-definite"];
            "- [0.5, 2.0, 0.0]" => "- 7", 8, "data.moments.inputs.1", ["a list", "found 7", "give"];
            "[[1, 0, 1]]" => "[]", 10, "data.moments.target_map", ["no row", "3 numbers"];
            "[[1, 0, 1]]" => "[[1, 0]]", 10, "data.moments.target_map.0", ["row 1 has 2", "give 3"];
            "[[1, 0, 1]]" => "[[0, 0, 0]]", 10, "data.moments.target_map", ["nothing to learn", "other than 0"];
            "[[1, 0, 1]]" => "[[1, .inf, 0]]", 10, "data.moments.target_map.0.1", ["inf", "finite"];
            "noise: 0.1" => "noise: -1", 11, "data.moments.noise", ["-1.0", "from 0"];
            "samples: 70" => "samples: 0", 12, "data.moments.samples", ["from 1"];
        },
    );
    let zero = MOMENTS.replace("[1.0, 0.5, 0.0]", "[0, 0, 0]");
    let zero = zero.replace("[0.5, 2.0, 0.0]", "[0, 0, 0]");
    let zero = with_data(&zero.replace("[0.0, 0.0, 1.0]", "[0, 0, 0]"));
    check(
        &zero,
        cases! {
            "" => "", 6, "data.moments.inputs", ["never vary", "covariance"];
        },
    );
    // Singular, and symmetric but for round-off: fine.
    let singular = replaced(
        &with_data(MOMENTS),
        "- [0.5, 2.0, 0.0]",
        "- [0.5000000001, 0.25, 0.0]",
    );
    assert!(load(&singular, &[]).is_ok());
}

#[test]
fn isotropic_data() {
    check(
        &with_data(ISOTROPIC),
        cases! {
            "    weight: {A: 0.1, B: -0.2}\n" => "", 4, "data.isotropic.weight", ["missing", "add `weight:`", "True weight"];
            "{A: 10, B: 20}" => "{A: 10}", 6, "data.isotropic.variance.B", ["no modality B", "A"];
            "{A: 10, B: 20}" => "{A: 10, B: 0}", 5, "data.isotropic.modalities.B", ["0", "from 1"];
            "{A: 10, B: 20}" => "{A: 5001, B: 5000}", 5, "data.isotropic.modalities", ["10001", "at most 10000"];
            "{A: 3.0, B: 1.0}" => "{A: 3.0}", 6, "data.isotropic.variance.B", ["missing", "add B"];
            "{A: 3.0, B: 1.0}" => "{A: 3.0, B: 1.0, C: 1.0}", 6, "data.isotropic.variance.C", ["no modality C", "A, B"];
            "{A: 3.0, B: 1.0}" => "{A: 0.0, B: 1.0}", 6, "data.isotropic.variance.A", ["0.0", "above 0"];
            "{A: 3.0, B: 1.0}" => "{A: .nan, B: 1.0}", 6, "data.isotropic.variance.A", ["NaN", "finite"];
            "{A: 0.1, B: -0.2}" => "{B: 0.1}", 7, "data.isotropic.weight.A", ["missing", "add A"];
            "{A: 0.1, B: -0.2}" => "{A: 0.1, B: 1e51}", 7, "data.isotropic.weight.B", ["1e51", "from"];
            "{A: 0.1, B: -0.2}" => "{A: 0, B: 0}", 7, "data.isotropic.weight", ["every weight is 0", "nothing to learn", "a weight other than 0"];
            "noise: 0.5" => "noise: -1", 8, "data.isotropic.noise", ["-1.0", "from 0"];
            "samples: 70" => "samples: 0", 9, "data.isotropic.samples", ["0", "from 1"];
            "variance:" => "varience:", 6, "data.isotropic.varience", ["unknown", "did you mean variance?"];
        },
    );
}

#[test]
fn wishart_and_table_data() {
    check(
        &with_data(WISHART),
        cases! {
            "{A: 10, B: 10}" => "{A: 10, B: 0}", 5, "data.wishart.modalities.B", ["0", "from 1"];
            "{A: 10, B: 10}" => "{A: 1001, B: 1000}", 5, "data.wishart.modalities", ["2001", "at most 2000"];
            "{A: 2.0, B: 1.0}" => "{A: 2.0}", 6, "data.wishart.scale.B", ["missing", "add B"];
            "{A: 2.0, B: 1.0}" => "{A: 2.0, B: 1.0, D: 3}", 6, "data.wishart.scale.D", ["no modality D", "A, B"];
            "{A: 2.0, B: 1.0}" => "{A: -2.0, B: 1.0}", 6, "data.wishart.scale.A", ["-2.0", "above 0"];
            "{A: 2.0, B: 1.0}" => "{A: .nan, B: 1.0}", 6, "data.wishart.scale.A", ["NaN", "finite"];
            "outputs: 2" => "outputs: 0", 7, "data.wishart.outputs", ["0", "from 1"];
            "noise: 0.5" => "noise: .nan", 8, "data.wishart.noise", ["finite", "from 0"];
            "samples: 50" => "samples: 0", 9, "data.wishart.samples", ["from 1"];
        },
    );
    check(
        &with_data(TABLE),
        cases! {
            "path: data/x.csv" => "path: ''", 5, "data.table.path", ["empty", "name a file"];
            "path: data/x.csv" => "path: [a]", 5, "data.table.path", ["path of a file", "a list"];
            "    path: data/x.csv\n" => "", 4, "data.table.path", ["missing", "add `path:`"];
            "A: [a, b]" => "A: []", 7, "data.table.modalities.A", ["empty", "at least one"];
            "A: [a, b]" => "A: [a, ' ']", 7, "data.table.modalities.A.1", ["empty", "column"];
            "A: [a, b]" => "A: a", 7, "data.table.modalities.A", ["a list", "\"a\"", "Input columns"];
            "A: [a, b]" => "A: [a, a]", 7, "data.table.modalities.A.1", ["\"a\" already stands at data.table.modalities.A.0", "once"];
            "B: [c]" => "B: [c, a]", 8, "data.table.modalities.B.1", ["\"a\"", "once"];
            "targets: [y]" => "targets: [y, c]", 9, "data.table.targets.1", ["data.table.modalities.B.0", "once"];
            "targets: [y]" => "targets: [y, y]", 9, "data.table.targets.1", ["\"y\"", "once"];
            "targets: [y]" => "targets: []", 4, "data.table", ["target is missing", "targets, label"];
            "targets: [y]" => "targets: [' ']", 9, "data.table.targets.0", ["empty", "column"];
            "targets: [y]" => "targets: [true]", 9, "data.table.targets.0", ["a column", "found true"];
            "    targets: [y]\n" => "", 4, "data.table", ["target is missing", "targets, label"];
            "    targets: [y]\n" => "    targets: [y]\n    label: z\n", 4, "data.table", ["targets and label", "only one"];
            "targets: [y]" => "label: c", 9, "data.table.label", ["\"c\" already stands at data.table.modalities.B.0"];
            "A: [a, b]" => "A: rests", 7, "data.table.modalities.A", ["a list of columns, or rest", "\"rests\""];
            "A: [a, b]\n      B: [c]" => "A: rest\n      B: rest", 8, "data.table.modalities.B", ["already stands at data.table.modalities.A"];
            "standardise: true" => "separator: '#'", 10, "data.table.separator", ["\"#\" is not one of auto", "tab"];
            "standardise: true" => "decimal: ;", 10, "data.table.decimal", ["\";\" is not one of \".\", \",\""];
            "standardise: true" => "missing: dorp", 10, "data.table.missing", ["refuse, drop", "did you mean drop?"];
            "standardise: true" => "header: 1", 10, "data.table.header", ["true or false"];
            "standardise: true" => "ignore: [z, z]", 10, "data.table.ignore.1", ["already stands"];
            "standardise: true" => "components: 0", 10, "data.table.components", ["0", "above 0"];
            "standardise: true" => "components: 1.5", 10, "data.table.components", ["1.5", "up to 1"];
            "standardise: true" => "whiten: 2", 10, "data.table.whiten", ["true or false"];
            "standardise: true" => "mirrored: true", 10, "data.table.mirrored", ["did you mean mirror?"];
            "holdout: 0.25" => "holdout: 0.91", 11, "data.table.holdout", ["0.91", "from 0.0 to 0.9"];
            "holdout: 0.25" => "folds: 1", 11, "data.table.folds", ["from 2"];
            "holdout: 0.25" => "folds: 3\n    fold: 4", 12, "data.table.fold", ["from 1 to 3"];
            "holdout: 0.25" => "fold: 1", 11, "data.table.fold", ["not divided into folds"];
            "holdout: 0.25" => "fold_seed: 1", 11, "data.table.fold_seed", ["not divided into folds"];
            "holdout: 0.25" => "holdout: 0.25\n    folds: 3", 11, "data.table.holdout", ["keep one of"];
            "holdout: 0.25" => "holdout: -.inf", 11, "data.table.holdout", ["finite", "from 0.0 to 0.9"];
            "standardise" => "standardize", 10, "data.table.standardize", ["did you mean standardise?"];
        },
    );
}

#[test]
fn xor_data() {
    check(
        &with_data("  xor:\n    sigma: 1.0\n    samples: 8192\n"),
        cases! {
            "sigma: 1.0" => "sigma: 0.0", 5, "data.xor.sigma", ["out of range", "above 0"];
            "samples: 8192" => "samples: 10", 6, "data.xor.samples", ["10 is not a multiple of 4"];
            "samples: 8192" => "samples: 0", 6, "data.xor.samples", ["out of range"];
            "    samples: 8192\n" => "", 4, "data.xor.samples", ["missing"];
        },
    );
}

#[test]
fn array_data() {
    let arrays = "  arrays:\n    modalities:\n      A: a.npy\n      B: b.npz#x\n    target: y.safetensors#y\n    holdout: 0.25\n";
    check(
        &with_data(arrays),
        cases! {
            "A: a.npy" => "A: a.csv", 6, "data.arrays.modalities.A", ["a.csv is no array", ".npz#name"];
            "A: a.npy" => "A: a.npy#x", 6, "data.arrays.modalities.A", ["one array", "#x"];
            "B: b.npz#x" => "B: b.npz#", 7, "data.arrays.modalities.B", ["empty", "file.npz#name"];
            "A: a.npy" => "A: [a.npy]", 6, "data.arrays.modalities.A", ["path of a file", "a list"];
            "A: a.npy" => "A: ''", 6, "data.arrays.modalities.A", ["empty", "name a file"];
            "    target: y.safetensors#y\n" => "", 4, "data.arrays", ["target is missing", "target, label"];
            "target: y.safetensors#y" => "target: y.npy\n    label: l.npy", 4, "data.arrays", ["target and label", "only one"];
            "target: y.safetensors#y" => "label: y.txt", 8, "data.arrays.label", ["y.txt is no array"];
            "holdout: 0.25" => "holdout: 0.91", 9, "data.arrays.holdout", ["0.91", "from 0.0 to 0.9"];
            "holdout: 0.25" => "components: -1", 9, "data.arrays.components", ["-1.0", "above 0"];
            "holdout: 0.25" => "whitened: true", 9, "data.arrays.whitened", ["did you mean whiten?"];
        },
    );
}
