//! Two views of labelled images: what is read from the files, and what the views are.

use flate2::Compression;
use flate2::write::GzEncoder;
use modalflow::data::Moments;
use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use nalgebra::{DMatrix, DVector};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

/// Image sets in a folder of their own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// A pair of IDX files as data.
    fn idx(&self, images: &[u8], labels: &[u8], views: Value) -> Value {
        let files = json!({
            "images": self.write("images", images), "labels": self.write("labels", labels)
        });
        images_of("idx", files, views)
    }

    fn csv(&self, text: &str, views: Value) -> Value {
        images_of(
            "csv",
            json!({"path": self.write("images.csv", text.as_bytes())}),
            views,
        )
    }
}

fn images_of(source: &str, files: Value, views: Value) -> Value {
    let mut images = views;
    images[source] = files;
    json!({ "images": images })
}

/// An IDX file: header by hand from the format's description.
fn idx(dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    file.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Four images of 2 x 3 pixels with labels 7, 2, 7, 5.
const IMAGES: [u8; 24] = [
    0, 51, 102, 153, 204, 255, //
    255, 0, 0, 0, 51, 0, //
    0, 0, 204, 0, 0, 102, //
    51, 51, 51, 0, 255, 255,
];
const LABELS: [u8; 4] = [7, 2, 7, 5];

fn small() -> (Vec<u8>, Vec<u8>) {
    (idx(&[4, 2, 3], &IMAGES), idx(&[4], &LABELS))
}

/// Pixels as numbers from 0 to 1, an image a row.
fn pixels() -> DMatrix<f64> {
    DMatrix::from_row_slice(4, 6, &IMAGES.map(|byte| f64::from(byte) / 255.0))
}

/// Columns for labels 2, 5 and 7.
fn targets() -> DMatrix<f64> {
    DMatrix::from_row_slice(4, 3, &[0., 0., 1., 1., 0., 0., 0., 0., 1., 0., 1., 0.])
}

fn centred(rows: DMatrix<f64>) -> DMatrix<f64> {
    let means = rows.row_mean();
    DMatrix::from_fn(rows.nrows(), rows.ncols(), |i, j| rows[(i, j)] - means[j])
}

fn scenario(data: Value) -> Scenario {
    serde_json::from_value(json!({
        "seed": 3,
        "data": data,
        "network": {"depth": 2, "fusion_layer": 2, "width": 4, "activation": "relu"},
        "init": {"gaussian": {"std": 0.1}},
        "flow": {"until": {"time": 1.0}},
    }))
    .expect("the test's scenario is well formed")
}

fn try_moments(data: Value) -> Result<Moments, String> {
    let scenario = scenario(data);
    Moments::of(&scenario.data, scenario.seed, scenario.keeps_samples())
        .map_err(|error| error.to_string())
}

/// The samples as the network sees them, P x (d + o).
fn rows(data: Value) -> DMatrix<f64> {
    let problem = Problem::prepare(&scenario(data)).unwrap_or_else(|error| panic!("{error}"));
    let samples = problem.moments.samples.as_ref().expect("kept");
    let (d, o) = (problem.moments.inputs_len(), problem.moments.outputs_len());
    let mut rows = DMatrix::zeros(samples.len(), d + o);
    let mut first = 0;
    for block in (0..samples.blocks()).map(|k| samples.block(k)) {
        let inputs = DMatrix::from_column_slice(block.len, d, block.inputs);
        let targets = DMatrix::from_column_slice(block.len, o, block.targets);
        rows.view_mut((first, 0), (block.len, d)).copy_from(&inputs);
        rows.view_mut((first, d), (block.len, o))
            .copy_from(&targets);
        first += block.len;
    }
    rows
}

/// A rounding of the mean of numbers up to 1 and of the difference.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

#[test]
fn halves_are_columns_of_the_image_and_targets_one_hot() {
    let folder = Folder::new();
    let (images, labels) = small();
    let data = folder.idx(&images, &labels, json!({"halves": true, "centre": false}));
    let seen = rows(data.clone());
    // Three columns: one is A's, the middle one B's.
    let order = [0, 3, 1, 2, 4, 5];
    assert_eq!(seen.columns(0, 6), pixels().select_columns(&order));
    assert_eq!(seen.columns(6, 3), targets());
    let moments = try_moments(data).expect("usable");
    let names: Vec<_> = moments
        .modalities
        .iter()
        .map(|m| (m.name.as_str(), m.dim()))
        .collect();
    assert_eq!(names, [("A", 2), ("B", 4)]);

    let data = folder.idx(&images, &labels, json!({"halves": true}));
    let seen = rows(data.clone());
    let inputs = centred(pixels()).select_columns(&order);
    assert!((seen.columns(0, 6) - &inputs).amax() <= ROUNDING);
    assert!((seen.columns(6, 3) - centred(targets())).amax() <= ROUNDING);
    let moments = try_moments(data).expect("usable");
    let expected = inputs.transpose() * &inputs / 4.0;
    assert!((moments.inputs.to_matrix() - expected).amax() <= ROUNDING);
    let expected = centred(targets()).transpose() * inputs / 4.0;
    assert!((moments.cross - expected).amax() <= ROUNDING);
}

#[test]
fn compressed_files_and_csv_give_the_same_samples() {
    let folder = Folder::new();
    let (images, labels) = small();
    let halves = json!({"halves": true});
    let plain = rows(folder.idx(&images, &labels, halves.clone()));
    assert_eq!(
        rows(folder.idx(&gzip(&images), &labels, halves.clone())),
        plain
    );
    let both = folder.idx(&gzip(&images), &gzip(&labels), halves.clone());
    assert_eq!(rows(both), plain);

    // The largest pixel stands for 1, which is 5 here and 255 there: a rounding apart.
    let mut text = "p0,p1,label,p2,p3,p4,p5\n".to_owned();
    for (image, label) in IMAGES.chunks(6).zip(LABELS) {
        let cells: Vec<String> = image.iter().map(|byte| (byte / 51).to_string()).collect();
        text += &format!(
            "{},{label},{}\n",
            cells[..2].join(","),
            cells[2..].join(",")
        );
    }
    let mut csv = folder.csv(&text, halves);
    csv["images"]["csv"]["width"] = json!(3);
    assert!((rows(csv) - plain).amax() <= ROUNDING);
}

#[test]
fn a_limit_takes_the_first_images_and_their_labels() {
    let folder = Folder::new();
    let (images, labels) = small();
    let views = json!({"halves": true, "centre": false, "limit": 2});
    let seen = rows(folder.idx(&images, &labels, views));
    // Labels 2 and 7 are left.
    assert_eq!(seen.shape(), (2, 6 + 2));
    assert_eq!(
        seen.columns(6, 2),
        DMatrix::from_row_slice(2, 2, &[0., 1., 1., 0.])
    );
    let views = json!({"halves": true, "limit": 100});
    assert_eq!(rows(folder.idx(&images, &labels, views)).nrows(), 4);
}

/// 2000 images of one pixel each that is never 0 before the mean is taken.
fn many(folder: &Folder, noise: Value) -> DMatrix<f64> {
    let bytes: Vec<u8> = (0..2000u32).map(|k| 1 + (k % 200) as u8).collect();
    let labels: Vec<u8> = (0..2000u32).map(|k| (k % 2) as u8).collect();
    let (images, labels) = (idx(&[2000, 1, 1], &bytes), idx(&[2000], &labels));
    rows(folder.idx(&images, &labels, json!({ "noise": noise })))
}

#[test]
fn noise_takes_the_place_of_one_view_as_often_as_asked() {
    let folder = Folder::new();
    let seen = many(&folder, json!({"both": 0.5, "only_A": 0.2, "only_B": 0.3}));
    let image = many(&folder, json!({"both": 1.0})).column(0).clone_owned();
    let shows = |view: usize, row: usize| seen[(row, view)] == image[row];
    let count = |a: bool, b: bool| {
        let rows = (0..2000).filter(|&row| shows(0, row) == a && shows(1, row) == b);
        rows.count() as f64
    };
    assert_eq!(count(false, false), 0.0);
    for (found, probability) in [
        (count(true, true), 0.5),
        (count(true, false), 0.2),
        (count(false, true), 0.3),
    ] {
        let deviation: f64 = 2000.0 * probability * (1.0f64 - probability);
        // Five standard deviations of a binomial count.
        assert!(
            (found - 2000.0 * probability).abs() < 5.0 * deviation.sqrt(),
            "{found}"
        );
    }
    // Noise as strong as the images, of mean 0: within five standard errors.
    let noise: Vec<f64> = (0..2000)
        .filter(|&row| !shows(0, row))
        .map(|row| seen[(row, 0)])
        .collect();
    let noise = DVector::from_vec(noise);
    let n = noise.len() as f64;
    let power = noise.norm_squared() / n / (image.norm_squared() / 2000.0);
    assert!((power - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{power}");
    let mean = noise.mean() * n / noise.norm();
    assert!(mean.abs() < 5.0, "{mean}");
    // Same seed, same views.
    assert_eq!(
        seen,
        many(&folder, json!({"both": 0.5, "only_A": 0.2, "only_B": 0.3}))
    );
}

#[test]
fn a_view_of_nothing_but_noise_has_its_standard_deviation() {
    let folder = Folder::new();
    let seen = many(&folder, json!({"only_A": 1.0, "std": 0.25}));
    let image = many(&folder, json!({"both": 1.0}));
    assert_eq!(seen.column(0), image.column(0));
    let power = seen.column(1).norm_squared() / 2000.0;
    assert!(
        (power / 0.0625 - 1.0).abs() < 5.0 * (2.0f64 / 2000.0).sqrt(),
        "{power}"
    );
    let silent = many(&folder, json!({"only_B": 1.0, "std": 0.0}));
    assert_eq!(silent.column(0).amax(), 0.0);
}

/// The linear network on the same files needs no samples, only their moments.
#[test]
fn linear_networks_run_on_moments() {
    let folder = Folder::new();
    let (images, labels) = small();
    let mut scenario = scenario(folder.idx(&images, &labels, json!({"halves": true})));
    scenario.network.activation = Default::default();
    let problem = Problem::prepare(&scenario).expect("usable");
    assert_eq!(problem.moments.samples, None);
    assert!(
        problem.warnings[0].contains("linearly dependent"),
        "{:?}",
        problem.warnings
    );
}

#[test]
fn unusable_image_files_say_where_and_why() {
    let (images, labels) = small();
    let halves = json!({"halves": true});
    let cut = gzip(&images);
    let large = idx(&[2, 100, 102], &[1; 20_400]);
    let cases: [(&[u8], &[u8], &str); 14] = [
        (
            b"",
            &labels,
            "images: data.images.idx.images: the file ends before",
        ),
        (
            b"label,pixel\n1,2\n",
            &labels,
            "images: data.images.idx.images: not an IDX file",
        ),
        (
            &labels,
            &labels,
            "the file has 1 dimensions where 3 are wanted",
        ),
        (
            &images,
            &images,
            "labels: data.images.idx.labels: the file has 3 dimensions",
        ),
        (
            &images[..30],
            &labels,
            "the file ends before its contents do",
        ),
        (
            &images[..9],
            &labels,
            "the file ends before its contents do",
        ),
        (&cut[..cut.len() / 2], &labels, "damaged"),
        (
            &[&images[..], &[0]].concat(),
            &labels,
            "goes on behind what its header says",
        ),
        (&idx(&[4, 0, 3], &[]), &labels, "holds nothing"),
        (
            &idx(&[u32::MAX; 3], &[1]),
            &labels,
            "more than the 268435456 that can be taken",
        ),
        (&images, &idx(&[3], &[1, 2, 3]), "3 labels for 4 images"),
        (
            &images,
            &idx(&[5], &[1, 2, 3, 4, 5]),
            "5 labels for 4 images",
        ),
        (
            &images,
            &idx(&[4], &[1; 4]),
            "the images have 1 different labels",
        ),
        (
            &large,
            &idx(&[2], &[1, 2]),
            "the two views have 10200 pixels together",
        ),
    ];
    for (images, labels, expected) in cases {
        let folder = Folder::new();
        let error = try_moments(folder.idx(images, labels, halves.clone()));
        let error = error.expect_err(expected);
        assert!(
            error.contains(expected) && error.contains("help: "),
            "{expected}: {error}"
        );
    }
    // The limit does not hide that the labels are those of another set.
    let folder = Folder::new();
    let views = json!({"halves": true, "limit": 3});
    let error = try_moments(folder.idx(&images, &idx(&[3], &[1, 2, 3]), views));
    assert!(
        error
            .expect_err("another set")
            .contains("3 labels for 4 images")
    );
    let folder = Folder::new();
    let floats = [&[0, 0, 0x0d, 3][..], &images[4..]].concat();
    let error = try_moments(folder.idx(&floats, &labels, halves.clone())).expect_err("floats");
    assert!(
        error.contains("of type 0x0d, not unsigned bytes"),
        "{error}"
    );
    let narrow = idx(&[4, 6, 1], &IMAGES);
    let error = try_moments(folder.idx(&narrow, &labels, halves.clone())).expect_err("narrow");
    assert!(error.contains("one pixel wide"), "{error}");
    let missing = images_of(
        "idx",
        json!({"images": "none", "labels": "none"}),
        halves.clone(),
    );
    let error = try_moments(missing).expect_err("no file");
    assert!(
        error.contains("none: cannot read the file: No such file"),
        "{error}"
    );
    let folder_for_file = images_of("idx", json!({"images": ".", "labels": "."}), halves);
    let error = try_moments(folder_for_file).expect_err("a folder");
    assert!(error.contains("not a folder"), "{error}");
}

#[test]
fn unusable_tables_of_pixels_say_where_and_why() {
    let cases = [
        (
            "digit,p0,p1\n1,2,3\n",
            "images.csv:1: column label: no such column",
        ),
        (
            "label,p0,p1\n1,2,3\n",
            "images.csv:1: data.images.csv.width: 2 pixel columns do not make up a square",
        ),
        ("label\n1\n", "0 pixel columns"),
        (
            "label,p0,p1,p2,p3\n1.5,2,3,0,0\n",
            "column label: the label of row 1 is 1.5",
        ),
        (
            "label,p0,p1,p2,p3\n-1,2,3,0,0\n",
            "column label: the label of row 1 is -1",
        ),
        (
            "label,p0,p1,p2,p3\n1,2,3,0,0\n2,0,x,0,0\n",
            "images.csv:3: column p1: \"x\" is not a number",
        ),
        (
            "label,p0,p1,p2,p3\n1,2,3,0,0\n2,0,-1,0,0\n",
            "images.csv: pixels from -1 to 3",
        ),
        (
            "label,p0,p1,p2,p3\n1,0,0,0,0\n2,0,0,0,0\n",
            "images.csv: pixels from 0 to 0",
        ),
        ("label,p0,p1,p2,p3\n", "a header, but no rows"),
        (
            "label,p0,p1,p2,p3\n1,1,1,1,1\n2,1,1,1,1\n",
            "all images are alike",
        ),
    ];
    for (text, expected) in cases {
        let folder = Folder::new();
        let error = try_moments(folder.csv(text, json!({"halves": true}))).expect_err(expected);
        assert!(
            error.contains(expected) && error.contains("help: "),
            "{expected}: {error}"
        );
    }
    let folder = Folder::new();
    let mut wide = folder.csv("label,p0,p1\n1,2,3\n", json!({"halves": true}));
    wide["images"]["csv"]["width"] = json!(4);
    let error = try_moments(wide).expect_err("no rows of 4");
    assert!(
        error.contains("2 pixel columns do not make up rows of 4"),
        "{error}"
    );
}
