//! Arrays in memory in place of the files of `data.arrays`.

use super::common::scenario;
use modalflow::data::{GivenArray, GivenArrays};
use modalflow::diagnosis::Subject;
use modalflow::experiment::{Outline, Scenario};
use nalgebra::{DMatrix, DMatrixView, Dyn, dmatrix};

/// Small whole numbers, whose sums are exact.
const A: [f64; 8] = [1.0, 0.0, 2.0, -1.0, 0.0, 3.0, -2.0, 1.0];
const B: [f64; 4] = [1.0, -1.0, 2.0, 0.0];
const Y: [f64; 4] = [2.0, 0.0, 1.0, -1.0];

/// Two inputs in A, one in B, four rows.
fn checked(target: &str) -> Scenario {
    let yaml = format!(
        "{{data: {{arrays: {{modalities: {{A: x.npz#A, B: x.npz#B}}, {target}, standardise: false}}}}, \
         network: {{depth: 2, fusion_layer: 2, width: 4}}, init: {{gaussian: {{std: 1.0e-3}}}}, \
         flow: {{until: {{time: 1.0}}}}}}"
    );
    scenario(&yaml).expect("a scenario")
}

/// Numbers as Python has them: row after row.
fn by_rows(values: &[f64], columns: usize) -> GivenArray<'_> {
    let (rows, columns) = (Dyn(values.len() / columns), Dyn(columns));
    let view = DMatrixView::from_slice_with_strides_generic(values, rows, columns, columns, Dyn(1));
    GivenArray::Numbers(view)
}

fn labels(texts: &[&str]) -> GivenArray<'static> {
    GivenArray::Labels(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn given<'a, const N: usize>(arrays: [(&str, GivenArray<'a>); N]) -> GivenArrays<'a> {
    let named = arrays.map(|(name, array)| (name.to_owned(), array));
    named.into_iter().collect()
}

fn outline(target: &str, arrays: &GivenArrays<'_>) -> Result<Outline, String> {
    let outline = Outline::of_arrays(&checked(target), arrays, u64::MAX);
    outline.map_err(|error| error.to_string())
}

#[test]
fn numbers_are_read_whatever_their_strides() {
    let rows = given([
        ("A", by_rows(&A, 2)),
        ("B", by_rows(&B, 1)),
        ("y", by_rows(&Y, 1)),
    ]);
    let by_columns = DMatrix::from_row_slice(4, 2, &A);
    let columns = given([
        ("A", GivenArray::Numbers(by_columns.as_view())),
        ("B", by_rows(&B, 1)),
        ("y", by_rows(&Y, 1)),
    ]);
    for arrays in [rows, columns] {
        let outline = outline("target: x.npz#y", &arrays).expect("usable arrays");
        let moments = outline.moments().expect("finite moments");
        // X^T X / 4 and y^T X / 4 by hand; quarters of small whole numbers are exact.
        let inputs = dmatrix![9.0, -4.0, -1.0; -4.0, 11.0, 7.0; -1.0, 7.0, 6.0] / 4.0;
        assert_eq!(moments.inputs.to_matrix(), inputs);
        assert_eq!(moments.cross, dmatrix![4.0, 2.0, 4.0] / 4.0);
    }
}

#[test]
fn labels_are_classes_in_the_order_of_their_names() {
    let arrays = given([
        ("A", by_rows(&A, 2)),
        ("B", by_rows(&B, 1)),
        ("y", labels(&["dog", "cat", "dog", "ant"])),
    ]);
    let outline = outline("label: x.npz#y", &arrays).expect("usable arrays");
    let moments = outline.moments().expect("finite moments");
    // One in the rows of ant, cat and dog, less 1/4, 1/4 and 1/2; times B = (1, -1, 2, 0), whose sum is 2.
    let of_b = moments.cross.column(2);
    assert_eq!(of_b.as_slice(), [-0.5 / 4.0, -1.5 / 4.0, 2.0 / 4.0]);
}

#[test]
fn what_cannot_be_used_says_where_and_why() {
    let with = |name: &str, array: GivenArray<'static>| {
        let mut arrays = given([
            ("A", by_rows(&A, 2)),
            ("B", by_rows(&B, 1)),
            ("y", by_rows(&Y, 1)),
        ]);
        arrays.insert(name.to_owned(), array);
        outline("target: x.npz#y", &arrays)
            .err()
            .expect("an unusable array")
    };
    let error = with("B", by_rows(&B[..3], 1));
    assert!(
        error.starts_with("data.arrays.modalities.B: 3 rows, where data.arrays.modalities.A has 4"),
        "{error}"
    );
    let error = with("B", labels(&["a", "b", "c", "d"]));
    assert!(error.contains("the array holds classes"), "{error}");
    let error = with("y", by_rows(&[1.0, f64::NAN, 0.0, 1.0], 1));
    assert!(
        error.starts_with("data.arrays.target: the number at [1, 0] is NaN"),
        "{error}"
    );
    let error = with("A", by_rows(&[1.0, 1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 1e200], 2));
    assert!(
        error.starts_with("data.arrays.modalities.A: column 1: a value of magnitude 1e200"),
        "{error}"
    );
    let error = with("A", by_rows(&[0.0, 1.0, 2.0, f64::INFINITY], 2));
    assert!(error.contains("the number at [1, 1] is inf"), "{error}");

    let arrays = given([("A", by_rows(&A, 2)), ("y", by_rows(&Y, 1))]);
    let error = outline("target: x.npz#y", &arrays).err().expect("no B");
    assert!(error.starts_with("data.arrays.modalities.B: "), "{error}");
    assert!(error.contains("no array \"B\" was given"), "{error}");
    let arrays = given([
        ("A", by_rows(&A, 2)),
        ("B", by_rows(&B, 1)),
        ("y", by_rows(&Y, 1)),
    ]);
    let error = outline("label: x.npz#y", &arrays).err().expect("no labels");
    assert!(error.contains("the array holds numbers"), "{error}");
}

#[test]
fn only_data_arrays_take_them() {
    let yaml = "{data: {toy: {sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}, network: {depth: 2, \
                fusion_layer: 2, width: 4}, init: {gaussian: {std: 1.0e-3}}, flow: {until: {time: 9.0}}}";
    let scenario = scenario(yaml).expect("a scenario");
    let arrays = given([("A", by_rows(&A, 2))]);
    let told = [
        Outline::of_arrays(&scenario, &arrays, u64::MAX).err(),
        Subject::of_arrays(&scenario, &arrays).err(),
    ];
    for error in told {
        let error = error.expect("data from elsewhere").to_string();
        assert!(error.starts_with("data.toy: arrays are given"), "{error}");
    }
}
