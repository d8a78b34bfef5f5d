//! Tables as people have them: separators, missing cells, categories, patterns, and numbers at the ends of
//! what a double can be.

use super::common::{Table, moments, table, try_moments};
use flate2::write::GzEncoder;
use modalflow::data::Moments;
use nalgebra::{DMatrix, dmatrix};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

const EPS: f64 = f64::EPSILON;

/// A data section for a table with columns a, b and y, changed by `extra`.
fn section(path: &Path, extra: &Value) -> Value {
    let mut section = json!({
        "path": path, "modalities": {"A": ["a"], "B": ["b"]}, "targets": ["y"], "standardise": false,
    });
    let fields = section.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    fields.retain(|_, value| !value.is_null());
    json!({ "table": section })
}

fn of(text: impl AsRef<[u8]>, extra: Value) -> Moments {
    let file = table(text.as_ref());
    moments(0, section(&file.path, &extra))
}

/// The error, with the folder left out.
fn error_of(text: impl AsRef<[u8]>, extra: Value) -> String {
    let file = table(text.as_ref());
    let error = try_moments(0, section(&file.path, &extra)).expect_err("unusable");
    without_folder(&error, &file)
}

fn without_folder(error: &str, file: &Table) -> String {
    let folder = file.path.parent().expect("a folder").display().to_string();
    error.replace(&format!("{folder}/"), "")
}

fn rows(moments: &Moments) -> (usize, usize) {
    let reading = moments.reading.as_ref().expect("rows of a file");
    (reading.used, reading.dropped)
}

#[test]
fn the_same_table_reads_the_same_however_it_is_written() {
    let plain = of("a,b,y\n1,2,3\n4,-5,0.5\n", json!({}));
    assert_eq!(plain.inputs.to_matrix(), dmatrix![8.5, -9.0; -9.0, 14.5]);
    assert_eq!(plain.cross, dmatrix![2.5, 1.75]);
    let german = json!({"decimal": ","});
    let cases: &[(&str, Value)] = &[
        ("a;b;y\r\n1;2;3\r\n4;-5;0.5\r\n", json!({})),
        ("\u{feff}a\tb\ty\n1\t2\t3\n4\t-5\t0.5\n", json!({})),
        ("a|b|y\n1|2|3\n4|-5|0.5\n", json!({})),
        ("  a  b   y\n 1   2 3 \n\n4 -5\t0.5", json!({})),
        ("a;b;y\n1,0;2;3\n4;-5;0,5\n", german.clone()),
        ("a,b,y\n\"1,0\",2,3\n4,-5,\"0,5\"\n", german),
        // Quoted and unquoted: what separates is what the second line has as often.
        (
            "\"a\",\"b\",\"y\",\"k;l|m\"\n1,2,3,x\n4,-5,0.5,x\n",
            json!({}),
        ),
        ("y,k;l,b,a\n3,0,2,1\n0.5,0,-5,4\n", json!({})),
        ("a,b,y\n1,2,3\n4,-5,0.5\n", json!({"separator": ","})),
        ("a b y\n1 2 3\n4 -5 0.5\n", json!({"separator": " "})),
        (
            "\u{feff}1;2;3\n4;-5;0.5\n",
            json!({"header": false, "modalities": {"A": [1], "B": ["2"]}, "targets": [3]}),
        ),
    ];
    for (text, extra) in cases {
        let read = of(text, extra.clone());
        assert_eq!(read.inputs, plain.inputs, "{text}");
        assert_eq!(read.cross, plain.cross, "{text}");
    }
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed
        .write_all(b"a;b;y\n1;2;3\n4;-5;0.5\n")
        .expect("in memory");
    let packed = packed.finish().expect("in memory");
    assert_eq!(of(&packed, json!({})).inputs, plain.inputs);
    let error = error_of(&packed[..packed.len() - 12], json!({}));
    assert!(error.contains("cut short or damaged"), "{error}");
}

#[test]
fn rows_with_missing_cells_are_dropped_and_counted() {
    let text = "a,b,y,note\n1,2,3,\n,1,1,\n1,NA,1,\n1,1,nan,\n1,null,1,\n 4 ,-5,0.5,x\n";
    let dropped = of(text, json!({"missing": "drop"}));
    assert_eq!(dropped.inputs.to_matrix(), dmatrix![8.5, -9.0; -9.0, 14.5]);
    assert_eq!(rows(&dropped), (2, 4));
    assert_eq!(rows(&of("a,b,y\n1,2,3\n4,-5,1\n", json!({}))), (2, 0));
    let error = error_of(text, json!({}));
    assert!(
        error.starts_with("t.csv:3: column a: the cell is empty"),
        "{error}"
    );
    assert!(error.contains("data.table.missing: drop"), "{error}");
    let error = error_of("a,b,y\n1,,3\n,1,2\n", json!({"missing": "drop"}));
    assert!(
        error.starts_with("t.csv: each of the 2 rows has a missing cell"),
        "{error}"
    );
}

#[test]
fn words_for_true_and_false_are_one_and_zero() {
    let read = of("a,b,y\ntrue,FALSE,3\nFalse,True,0.5\n", json!({}));
    assert_eq!(read.inputs.to_matrix(), dmatrix![0.5, 0.0; 0.0, 0.5]);
    assert_eq!(read.cross, dmatrix![1.5, 0.25]);
}

/// Heights 1.5, 2.5, 3.5 and numbers 1, 2, 4 against north, south, south: by NumPy.
#[test]
fn categories_are_centred_one_hot_targets_in_the_order_of_their_names() {
    let text = "id;height;species;y\r\n1;1,5;north;2,25\r\n2;2,5;south;3,5\r\n3;;north;1,0\r\n4;3,5;south;5,75\r\n";
    let extra = json!({
        "decimal": ",", "missing": "drop", "modalities": {"A": ["height"], "B": ["id"]},
        "targets": null, "label": "species", "standardise": true,
    });
    let read = of(text, extra.clone());
    let (height, id) = (0.40824829046386296, 0.3563483225498992);
    let expected = dmatrix![-height, -id; height, id];
    assert!(
        (&read.cross - expected).amax() < 8.0 * EPS,
        "{}",
        read.cross
    );
    assert!((read.inputs.entry(0, 1) - 0.9819805060619657).abs() < 8.0 * EPS);
    // 1/2 the trace of the covariance of two indicators of probability 1/3: 2/9.
    assert!((read.initial_loss - 2.0 / 9.0).abs() < 8.0 * EPS);
    let turned = "id;height;species;y\n4;3,5;south;5,75\n2;2,5;south;3,5\n1;1,5;north;2,25\n";
    assert!((of(turned, extra).cross - read.cross).amax() < 8.0 * EPS);
}

#[test]
fn numbers_as_categories_stand_in_the_order_of_their_values() {
    let extra = json!({"targets": null, "label": "y"});
    let read = of("a,b,y\n1,0,10\n-1,0,9\n0,1,10\n", extra.clone());
    // 9 before 10: the first output is the one of the second row.
    assert_eq!(
        read.cross.column(0),
        dmatrix![-1.0 / 3.0; 1.0 / 3.0].column(0)
    );
    let error = error_of("a,b,y\n1,0,x\n-1,0,x\n", extra);
    assert!(
        error.starts_with("data.table.label: every row has the label \"x\""),
        "{error}"
    );
}

#[test]
fn columns_are_taken_by_pattern_range_and_rest() {
    let text = ",g_1,y,g_2,s1,s2,s3,other,id\n0,1,9,2,3,4,5,6,x\n1,-1,9,1,-1,1,-1,1,x\n";
    let dims = |modalities: Value| {
        let extra = json!({"modalities": modalities, "ignore": ["id"]});
        let read = of(text, extra);
        let dims: Vec<usize> = read.modalities.iter().map(|m| m.dim()).collect();
        // Twice the second moment with the constant target, less the second row: the first.
        let sums = read.cross.row(0) / 9.0 * 2.0;
        (
            dims,
            sums.iter()
                .map(|sum| sum.round() as i64)
                .collect::<Vec<_>>(),
        )
    };
    let parts = json!({"A": ["g_*"], "B": ["s1..s3"], "C": "rest"});
    assert_eq!(dims(parts), (vec![2, 3, 1], vec![0, 3, 2, 5, 4, 7]));
    let parts = json!({"A": ["*3", "g*1"], "B": ["oth*r"]});
    assert_eq!(dims(parts), (vec![2, 1], vec![4, 0, 7]));
    let parts = json!({"A": ["s2..s2"], "B": "rest"});
    assert_eq!(dims(parts), (vec![1, 5], vec![5, 0, 3, 2, 4, 7]));
}

/// A column that is called like a pattern is taken by its name.
#[test]
fn names_come_before_patterns() {
    let text = "a*,b..c,y\n1,2,3\n4,-5,0.5\n";
    let read = of(text, json!({"modalities": {"A": ["a*"], "B": ["b..c"]}}));
    assert_eq!(read.inputs.to_matrix(), dmatrix![8.5, -9.0; -9.0, 14.5]);
}

/// By hand: 9e307 is four times as far from the mean as the others, on the other side.
#[test]
fn the_largest_numbers_are_standardised_and_pointed_out() {
    let text = "a,b,y\n1,2,3\n2,1,4\n3,5,1\n4,8.98846567431158e+307,2\n5,3,3\n";
    let read = of(text, json!({"standardise": true}));
    assert!((read.inputs.entry(0, 1) - 0.5 / 2f64.sqrt()).abs() < 8.0 * EPS);
    assert!((read.inputs.entry(1, 1) - 1.0).abs() < 8.0 * EPS);
    // -3/5 of the target's standard deviation sqrt(1.04), halved.
    assert!((read.cross[(0, 1)] + 0.3 / 1.04f64.sqrt()).abs() < 8.0 * EPS);
    let warnings = &read.reading.as_ref().expect("a file").warnings;
    assert_eq!(warnings.len(), 1);
    for word in ["column b", "8.98846567431158e307", "missing"] {
        assert!(warnings[0].contains(word), "{warnings:?}");
    }
    for code in ["1e308", "-1.7976931348623157e308"] {
        let read = of(
            text.replace("8.98846567431158e+307", code),
            json!({"standardise": true}),
        );
        assert_eq!(read.reading.expect("a file").warnings.len(), 1);
    }
    // No code, and small numbers neither underflow nor count as constant.
    for unit in ["e307", "e-300", "e150"] {
        let text = format!("a,b,y\n1{unit},1,3\n2{unit},2,5\n4{unit},4,1\n");
        let read = of(text, json!({"standardise": true}));
        assert!((read.inputs.entry(0, 1) - 1.0).abs() < 8.0 * EPS, "{unit}");
        assert!(read.reading.expect("a file").warnings.is_empty());
    }
    let error = error_of(text, json!({}));
    assert!(
        error.starts_with("t.csv: column b: a value of magnitude 8.98846567431158e307"),
        "{error}"
    );
}

/// scikit-learn's bound: a variance of at most n eps var + (n mean eps)^2 is round-off.
#[test]
fn columns_that_vary_by_rounding_only_are_constant() {
    let column = |values: [&str; 4]| {
        let rows = values.iter().zip(["1,3", "2,4", "3,1", "4,2"]);
        let rows: String = rows.map(|(b, ay)| format!("{b},{ay}\n")).collect();
        format!("b,a,y\n{rows}")
    };
    let extra = json!({"standardise": true});
    let nearly = ["0.30000000000000004", "0.30000000000000004", "0.3", "0.3"];
    let error = error_of(column(nearly), extra.clone());
    assert!(
        error.starts_with(
            "t.csv: column b: the 4 rows trained on differ only by rounding, from 0.3 to 0.30000000000000004"
        ),
        "{error}"
    );
    assert!(error.contains("data.table.standardise: false"), "{error}");
    let scaled = [
        "30000000000000004e200",
        "3e216",
        "3e216",
        "30000000000000004e200",
    ];
    assert!(error_of(column(scaled), extra.clone()).contains("by rounding"));
    // Four eps apart from the mean on either side is twice the bound of one n eps.
    let apart = [
        "1.000000000000002",
        "1.000000000000002",
        "0.999999999999998",
        "0.999999999999998",
    ];
    of(column(apart), extra.clone());
    let error = error_of(
        "a,b,c,y\n1,7,2,1\n2,7,2,3\n",
        json!({
            "standardise": true, "modalities": {"A": ["a"], "B": ["b", "c"]},
        }),
    );
    assert!(
        error.contains("have the value 7; as flat are column c"),
        "{error}"
    );
    // Nothing is to be learned of a target that does not vary, whatever is done to constants.
    let error = error_of(
        "a,b,y\n1,2,7\n2,5,7\n3,2,7\n",
        json!({
            "standardise": true, "constant": "drop", "modalities": {"A": ["a"], "B": ["b"]},
        }),
    );
    assert!(
        error.contains("column y: all 3 rows") && error.contains("leaves nothing to learn"),
        "{error}"
    );
}

/// Three columns of rank two, c = a + b: principal axes by scikit-learn's PCA, with its signs.
const DEPENDENT: &str = "a,b,c,d,y\n1,2,3,2,1\n2,1,3,-1,3\n4,0,4,0,-2\n0,5,5,4,0\n3,3,6,1,5\n";

fn dependent(extra: Value) -> Moments {
    let mut section = json!({"modalities": {"A": ["a..c"], "B": ["d"]}, "standardise": true});
    let fields = section.as_object_mut().expect("an object");
    fields.extend(extra.as_object().expect("an object").clone());
    of(DEPENDENT, section)
}

#[test]
fn whitened_inputs_have_unit_covariance_and_no_dependent_directions() {
    let read = dependent(json!({"whiten": true}));
    assert_eq!(read.modalities[0].dim(), 2);
    assert_eq!(read.modalities[1].range, 2..3);
    let own = read.inputs.to_matrix().view((0, 0), (2, 2)).into_owned();
    assert!(
        (&own - DMatrix::identity(2, 2)).amax() < 32.0 * EPS,
        "{own}"
    );
    let cross = dmatrix![0.21286490721268864, 0.2506917872800346];
    assert!(
        (read.cross.columns(0, 2) - cross).amax() < 32.0 * EPS,
        "{}",
        read.cross
    );
    let beside = dmatrix![0.8694222172070243, -0.11905286332359799];
    assert!((read.inputs.to_matrix().view((2, 0), (1, 2)) - beside).amax() < 32.0 * EPS);
    // Without standardisation too, the mean is taken out.
    let raw = dependent(json!({"whiten": true, "standardise": false}));
    assert!(
        (raw.inputs.to_matrix().view((0, 0), (2, 2)) - DMatrix::identity(2, 2)).amax() < 32.0 * EPS
    );
    assert!((raw.inputs.entry(2, 2) - 1.0).abs() < 32.0 * EPS);
}

/// A column of sums written with twelve digits depends on the others but for its last one: no input of its own, as
/// it makes none without whitening.
#[test]
fn what_only_the_last_decimals_make_independent_is_not_whitened() {
    let row = |i: u32| {
        let [a, b, d] = [2.1, 3.3, 5.7].map(|rate| (rate * f64::from(i)).sin());
        format!("{a:.12},{b:.12},{:.12},{d:.12},{}\n", a + b, a - d)
    };
    let text = "a,b,c,d,y\n".to_owned() + &(0..40).map(row).collect::<String>();
    for whiten in [false, true] {
        let read = of(
            &text,
            json!({"modalities": {"A": ["a..c"], "B": ["d"]}, "standardise": true, "whiten": whiten}),
        );
        assert_eq!(read.rank(), 3, "{whiten}");
        assert_eq!(read.modalities[0].dim(), if whiten { 2 } else { 3 });
    }
}

#[test]
fn the_fewest_components_that_explain_enough_are_kept() {
    // The fractions of variance are 0.62748 and 0.37252.
    for (explained, dim) in [(0.5, 1), (0.627, 1), (0.628, 2), (1.0, 2)] {
        let read = dependent(json!({"components": explained}));
        assert_eq!(read.modalities[0].dim(), dim, "{explained}");
        assert!((read.inputs.entry(0, 0) - 1.8824446508578636).abs() < 32.0 * EPS);
        assert!((read.cross[(0, 0)] - 0.292055357628476).abs() < 32.0 * EPS);
    }
    let both = dependent(json!({"components": 0.5, "whiten": true}));
    assert!((both.inputs.entry(0, 0) - 1.0).abs() < 32.0 * EPS);
    assert!((both.cross[(0, 0)] - 0.21286490721268864).abs() < 32.0 * EPS);
}

/// More columns than rows: the span of the centred rows, one dimension less than there are rows.
#[test]
fn few_rows_of_many_columns_are_whitened_to_their_rank() {
    let columns = 60;
    let header: Vec<String> = (0..columns).map(|k| format!("g{k}")).collect();
    let mut text = format!("{},b,y\n", header.join(","));
    for row in 0..7 {
        let cells: Vec<String> = (0..columns)
            .map(|k| ((row * row * 7 + k * k * row * 3 + k) % 41).to_string())
            .collect();
        text += &format!("{},{row},{}\n", cells.join(","), row * row);
    }
    let extra = json!({"modalities": {"A": ["g*"], "B": ["b"]}, "whiten": true});
    let read = of(&text, extra);
    assert_eq!(read.modalities[0].dim(), 6);
    let own = read.inputs.to_matrix().view((0, 0), (6, 6)).into_owned();
    assert!((&own - DMatrix::identity(6, 6)).amax() < 1e-13, "{own}");
}

/// The rows held out are mapped by the transformation of the rows trained on: whitening is linear and
/// invertible, so the best map explains as much as before.
#[test]
fn the_hold_out_is_whitened_by_the_training_rows() {
    let mut text = "a,c,b,y\n".to_owned();
    for i in 0..40 {
        let (a, b, c) = ((i * i) % 23, (i * 7) % 11, (i * 5) % 13);
        text += &format!("{a},{c},{b},{}\n", 3 * a - b + (i % 3));
    }
    let section =
        json!({"modalities": {"A": ["a", "c"], "B": ["b"]}, "standardise": true, "holdout": 0.3});
    let mut whitened = section.clone();
    whitened["whiten"] = json!(true);
    let (plain, white) = (of(&text, section), of(&text, whitened));
    let held_out = |moments: &Moments| {
        let error = moments
            .generalisation
            .as_ref()
            .expect("a hold-out")
            .error()
            .clone();
        (error.floor, error.excess(moments.loss.optimum.as_slice()))
    };
    let ((floor, excess), (white_floor, white_excess)) = (held_out(&plain), held_out(&white));
    assert!((floor - white_floor).abs() < 1e-12 && floor > 0.0);
    assert!(
        (excess - white_excess).abs() < 1e-12 && excess > 1e-6,
        "{excess}"
    );
}

#[test]
fn mirrored_samples_leave_the_moments_and_double_the_samples() {
    let text = "a,b,y\n1,2,3\n4,-5,0.5\n";
    let file = table(text.as_bytes());
    let read = |mirror: bool| {
        let section = section(&file.path, &json!({"mirror": mirror}));
        let source = modalflow::section::one_key::deserialize(section).expect("well formed");
        Moments::of(&source, 0, true).expect("usable")
    };
    let (plain, mirrored) = (read(false), read(true));
    assert_eq!(plain.inputs, mirrored.inputs);
    assert_eq!(plain.cross, mirrored.cross);
    assert_eq!(rows(&mirrored), (2, 0));
    let samples = mirrored.samples.expect("kept");
    assert_eq!(samples.len(), 4);
    assert_eq!(
        samples.block(0).inputs,
        [1.0, 4.0, -1.0, -4.0, 2.0, -5.0, -2.0, 5.0]
    );
    assert_eq!(samples.block(0).targets, [3.0, 0.5, -3.0, -0.5]);
}

#[test]
fn unusable_columns_say_where_and_why() {
    let list = |a: Value| json!({"modalities": {"A": a, "B": ["b"]}});
    let plain = "a,b,y\n1,2,3\n";
    let cases: &[(&str, Value, &[&str])] = &[
        (
            plain,
            list(json!(["aa*"])),
            &[
                "t.csv:1: column aa*: no column fits this pattern",
                "a, b, y",
            ],
        ),
        (
            plain,
            list(json!(["a..c"])),
            &["t.csv:1: column a..c: no column \"c\""],
        ),
        (
            "a,c,b,y\n1,2,3,4\n",
            list(json!(["c..a"])),
            &["t.csv:1: column c..a: no column stands", "a..c"],
        ),
        (
            "a1,b,a2,y\n1,2,3,4\n",
            list(json!(["a1..y"])),
            &[
                "data.table.modalities.B.0: the column \"b\" already stands at data.table.modalities.A.0",
                "ignore",
            ],
        ),
        (
            plain,
            list(json!(["a", "*"])),
            &[
                "data.table.modalities.A.1: the column \"a\" of \"*\" already stands at data.table.modalities.A.0",
            ],
        ),
        (
            "a,b\n1,2\n",
            json!({"modalities": {"A": ["a"], "B": "rest"}, "targets": ["b"]}),
            &["data.table.modalities.B: no column is left"],
        ),
        (
            "1;2;3\n1;2;3\n",
            json!({}),
            &[
                "t.csv:1: column a: no such column",
                "data.table.header: false",
            ],
        ),
        (
            "a;b;y\n1;2;3\n",
            json!({"separator": ","}),
            &[
                "t.csv:1: column a: no such column",
                "separated by commas",
                "data.table.separator",
            ],
        ),
        (
            "a;b,y\n1;2,3\n",
            json!({}),
            &[
                "t.csv:1: the cells may be separated by semicolons or by commas",
                "data.table.separator",
            ],
        ),
        (
            "a,b,y\n1,2,north\n",
            json!({}),
            &[
                "t.csv:2: column y: \"north\" is not a number",
                "data.table.label",
            ],
        ),
        (
            "a;b;y\n1;2,5;3\n",
            json!({}),
            &[
                "t.csv:2: column b: \"2,5\" is not a number",
                "data.table.decimal: \",\"",
            ],
        ),
        (
            "a;b;y\n1;2.5;3\n",
            json!({"decimal": ","}),
            &[
                "t.csv:2: column b: \"2.5\" is not a number",
                "data.table.decimal: \".\"",
            ],
        ),
        (
            "a;b;y\n1;1,234,5;3\n",
            json!({"decimal": ","}),
            &["t.csv:2: column b: \"1,234,5\" is not a number"],
        ),
        (
            "a,b,y\n1,2,3\n1,4,2\n",
            json!({"whiten": true}),
            &["data.table.modalities.A: the inputs of this modality do not vary"],
        ),
    ];
    for (text, extra, parts) in cases {
        let error = error_of(text, extra.clone());
        assert!(error.starts_with(parts[0]), "{error}\nfor\n{}", parts[0]);
        for part in *parts {
            assert!(error.contains(part), "{error}\nwithout\n{part}");
        }
    }
}

/// Eleven rows in four folds: each row is held out once, folds differ by one row at most, and the division does not
/// depend on the seed of the scenario. The rows trained on are read off the sum of squares of powers of two.
#[test]
fn every_row_is_held_out_by_one_fold() {
    const ROWS: u32 = 11;
    let row = |i: u32| format!("{},{},{}\n", 1u32 << i, i % 3, i % 2);
    let file = table(("a,b,y\n".to_owned() + &(0..ROWS).map(row).collect::<String>()).as_bytes());
    let held_out = |seed: u64, fold: u64, fold_seed: u64| {
        let extra = json!({"folds": 4, "fold": fold, "fold_seed": fold_seed});
        let read = moments(seed, section(&file.path, &extra));
        assert!(read.generalisation.is_some());
        let trained = |count: u32| {
            let sum = (read.inputs.entry(0, 0) * f64::from(count)).round() as u64;
            let rows: Vec<u32> = (0..ROWS).filter(|i| sum >> (2 * i) & 1 == 1).collect();
            (rows.iter().map(|i| 1 << (2 * i)).sum::<u64>() == sum && rows.len() == count as usize)
                .then_some(rows)
        };
        let trained = [ROWS - 3, ROWS - 2].into_iter().find_map(trained);
        let trained = trained.expect("two or three rows are held out");
        (0..ROWS)
            .filter(|i| !trained.contains(i))
            .collect::<Vec<_>>()
    };
    let folds: Vec<Vec<u32>> = (1..=4).map(|fold| held_out(0, fold, 0)).collect();
    let mut all = folds.concat();
    all.sort_unstable();
    assert_eq!(all, (0..ROWS).collect::<Vec<_>>());
    assert_eq!(held_out(7, 2, 0), folds[1]);
    assert_ne!(
        (1..=4).map(|fold| held_out(0, fold, 1)).collect::<Vec<_>>(),
        folds
    );
}

#[test]
fn more_folds_than_rows_are_refused() {
    let error = error_of("a,b,y\n1,2,3\n2,1,5\n4,4,1\n", json!({"folds": 4}));
    assert!(error.contains("3 rows cannot make 4 folds"), "{error}");
}

/// A fold or a hold-out may leave a class without a row to train on; a column of names has a class for each row.
#[test]
fn labels_that_look_wrong_are_pointed_out() {
    let warnings = |labels: &[&str], extra: Value| {
        let row = |(i, label): (usize, &&str)| format!("{i},{},{label}\n", i * i % 7);
        let rows: String = labels.iter().enumerate().map(row).collect();
        let mut all = json!({"targets": null, "label": "y"});
        let fields = all.as_object_mut().expect("an object");
        fields.extend(extra.as_object().expect("an object").clone());
        let read = of(format!("a,b,y\n{rows}"), all);
        read.reading.expect("rows of a file").warnings
    };
    let plain = ["cat", "dog", "cat", "dog", "dog", "cat", "cat", "dog"];
    assert_eq!(warnings(&plain, json!({})), [""; 0]);
    let rare = ["cat", "dog", "cat", "dog", "dog", "cat", "cat", "owl"];
    assert_eq!(warnings(&rare, json!({})), [""; 0]);
    let of_folds: Vec<Vec<String>> = (1..=4)
        .map(|fold| warnings(&rare, json!({"folds": 4, "fold": fold})))
        .collect();
    let said = of_folds.concat();
    assert_eq!(said.len(), 1, "the owl is held out by one fold: {said:?}");
    assert!(
        said[0].starts_with("data.table.label: owl has no row that is trained on"),
        "{said:?}"
    );
    let names = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "p7"];
    let said = warnings(&names, json!({}));
    assert!(
        said.len() == 1 && said[0].starts_with("data.table.label: 8 rows have 7 different labels"),
        "{said:?}"
    );
}

#[test]
fn measurements_are_no_labels() {
    let label = json!({"targets": null, "label": "y"});
    let error = error_of("a,b,y\n1,2,1\n2,1,2.0\n3,3,0.5\n", label.clone());
    assert!(
        error.starts_with("t.csv:4: column y: \"0.5\" is a measurement, not a category"),
        "{error}"
    );
    assert!(error.contains("give the column as targets"), "{error}");
    // Words with points in them, and whole numbers, are categories.
    for words in ["1.0\n2,1,2.0", "v1.5\n2,1,v2.5", "1.2.3\n2,1,1.2.4"] {
        assert_eq!(
            of(format!("a,b,y\n1,2,{words}\n"), label.clone())
                .cross
                .nrows(),
            2
        );
    }
}

#[test]
fn a_quote_that_is_never_closed_is_found_where_it_opens() {
    let cases = [
        ("a,b,y\n1,2,3\n2,\"4,4\n3,4,4\n4,1,2\n", json!({}), 3),
        (
            "a,b,y,note\r\n1,2,3,x\r\n2,4,4,\"x\r\n3,4,4,x\r\n4,1,2,x\r\n",
            json!({}),
            3,
        ),
        (
            "a,b,y,note\n1,2,3,\"two\nlines\"\n2,4,4,\"x\n3,4,4,x\n",
            json!({}),
            4,
        ),
        ("a,b,\"y\n1,2,3\n2,4,4\n", json!({}), 1),
        (
            "\u{feff}\"a,b,y\n1,2,3\n2,4,4\n",
            json!({"separator": ","}),
            1,
        ),
        ("a b y\n1 2 3\n2  \"4 4\n3 4 4\n", json!({}), 3),
    ];
    for (text, extra, line) in cases {
        let error = error_of(text, extra);
        let start = format!("t.csv:{line}: the quote that opens here is never closed");
        assert!(error.starts_with(&start), "{text}: {error}");
    }
    // Closed ones, doubled ones, and quotes within a cell open nothing.
    let text = "a,b,y,note\n1,2,3,\"5\"\" pipe\nlong\"\n4,-5,0.5,5\" pipe\n";
    let read = of(text, json!({}));
    assert_eq!(read.inputs.to_matrix(), dmatrix![8.5, -9.0; -9.0, 14.5]);
}

#[test]
fn remedies_for_separators_say_what_to_write() {
    let error = error_of("a;b,c;y,d\n1;2,3;4,5\n1;2,3;4,5\n", json!({}));
    assert!(
        error.contains(
            "set data.table.separator: \";\" or set data.table.separator: \",\", whichever it is"
        ),
        "{error}"
    );
    let error = error_of("a,b,y\n1,2,3\n", json!({"separator": ";"}));
    assert!(
        error.contains("in quotes: set data.table.separator: \",\""),
        "{error}"
    );
    let error = error_of("a;b;y\n1,5;2;3\n", json!({}));
    assert!(error.contains("set data.table.decimal: \",\""), "{error}");
}
