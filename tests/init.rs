//! Initial weights and their files.

use modalflow::data::{Modality, Moments};
use modalflow::experiment::Scenario;
use modalflow::linalg::spectral_norm;
use modalflow::network::Activation;
use modalflow::network::npz;
use modalflow::network::{Architecture, Stack};
use modalflow::network::{initial_weights, smallest_layer_rms};
use nalgebra::{DMatrix, DVector};
use npyz::WriterBuilder;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::Path;

const EPS: f64 = f64::EPSILON;

struct Setup {
    moments: Moments,
    architecture: Architecture,
    weights: DVector<f64>,
}

fn try_setup(seed: u64, data: Value, network: Value, init: Value) -> Result<Setup, String> {
    let scenario: Scenario = serde_json::from_value(json!({
        "seed": seed, "data": data, "network": network, "init": init,
        "flow": {"until": {"time": 1.0}},
    }))
    .expect("the test's scenario is well formed");
    let moments = Moments::of(&scenario.data, seed, false).expect("usable data");
    let outputs = moments.outputs_len();
    let architecture = Architecture::of(&scenario.network, &moments.modalities, outputs)
        .expect("a usable network");
    let weights = initial_weights(&scenario.init, seed, &moments, &architecture)
        .map_err(|error| error.to_string())?;
    Ok(Setup {
        moments,
        architecture,
        weights,
    })
}

fn setup(seed: u64, data: Value, network: Value, init: Value) -> Setup {
    try_setup(seed, data, network, init).expect("usable initial weights")
}

fn toy() -> Value {
    json!({"toy": {"rho": 0.5, "sigma": {"A": 2.0, "B": 1.0}, "target": {"A": 1.0, "B": -3.0}}})
}

/// Correlated inputs of dimensions 2, 3, 1 and three outputs.
fn three() -> Value {
    json!({"wishart": {
        "modalities": {"A": 2, "B": 3, "C": 1}, "scale": {"A": 2.0, "B": 1.0, "C": 0.5}, "outputs": 3,
    }})
}

impl Setup {
    fn layer(&self, index: usize) -> DMatrix<f64> {
        self.architecture.view(&self.weights, index).into_owned()
    }

    fn total(&self, modality: usize) -> DMatrix<f64> {
        let private = self.architecture.private[modality].clone();
        let layers: Vec<usize> = private.chain(self.architecture.shared.clone()).collect();
        let mut product = self.layer(layers[0]);
        for &layer in &layers[1..] {
            product = self.layer(layer) * product;
        }
        product
    }
}

#[test]
fn aligned_layers_have_rank_one_and_exact_norms() {
    let cases = [
        (toy(), json!({"depth": 4, "fusion_layer": 2, "width": 20})),
        (
            three(),
            json!({"depth": 3, "fusion_layer": 3, "widths": [5, 4]}),
        ),
        (
            three(),
            json!({"private_layers": {"A": 1, "B": 3, "C": 2}, "shared_layers": 2, "width": 6}),
        ),
        (three(), json!({"depth": 3, "fusion_layer": 1, "width": 1})),
        (three(), json!({"depth": 1, "fusion_layer": 1})),
    ];
    for (data, network) in cases {
        let s = setup(5, data, network.clone(), json!({"aligned": {"norm": 0.1}}));
        let modalities = s.architecture.modalities.len();
        for (l, layer) in s.architecture.layers.iter().enumerate() {
            let expected = match layer.stack {
                Stack::Private(_) => 0.1,
                Stack::Shared => 0.1 * (modalities as f64).sqrt(),
            };
            let matrix = s.layer(l);
            assert!(
                (matrix.norm() / expected - 1.0).abs() < 1e-14,
                "{network} {l}"
            );
            // Rank one: the largest singular value is all there is.
            assert!(
                (spectral_norm(&matrix) / expected - 1.0).abs() < 1e-14,
                "{network} {l}"
            );
        }
    }
}

/// W_m^tot = norm^L sqrt(M)^shared u v_m^T. Each product of two aligned layers costs a few
/// roundings, five layers at most here.
#[test]
fn aligned_total_maps_are_those_of_a_network_of_width_one() {
    const CLOSE: f64 = 64.0 * EPS;
    let norm = 0.1f64;
    for (data, modalities) in [(toy(), 2), (three(), 3)] {
        for (depth, fusion) in [(1, 1), (2, 1), (3, 2), (5, 2), (2, 2), (3, 3)] {
            let network = json!({"depth": depth, "fusion_layer": fusion, "width": 7});
            let s = setup(2, data.clone(), network, json!({"aligned": {"norm": norm}}));
            let shared = depth - fusion;
            let size = norm.powi(depth) * (modalities as f64).sqrt().powi(shared);
            let joint = s.moments.cross.clone().svd(true, false);
            let joint = joint.u.expect("asked for").column(0).into_owned();
            for m in 0..modalities {
                let total = s.total(m) / size;
                let cross = s.moments.block(&s.moments.cross, m);
                // <u v^T, S_m> = |S_m^T u| where v lies along S_m^T u: the most for this u, and
                // positive. Late fusion chooses u too, and reaches the singular value.
                let most = if shared > 0 {
                    (cross.transpose() * &joint).norm()
                } else {
                    spectral_norm(&cross)
                };
                let reached = total.dot(&cross);
                assert!((total.norm() - 1.0).abs() < CLOSE, "{depth} {fusion} {m}");
                assert!(
                    (reached / most - 1.0).abs() < CLOSE,
                    "{depth} {fusion} {m}: {reached} {most}"
                );
                if shared > 0 {
                    let share = (joint.transpose() * &total).norm();
                    assert!((share - 1.0).abs() < CLOSE, "{depth} {fusion} {m}: {share}");
                }
            }
        }
    }
}

/// Private layers of norm^2 each along one direction add up to the first shared layer's M norm^2.
#[test]
fn aligned_weights_are_balanced_at_the_fusion_and_between_layers() {
    let network =
        json!({"private_layers": {"A": 1, "B": 3, "C": 2}, "shared_layers": 2, "width": 6});
    let s = setup(9, three(), network, json!({"aligned": {"norm": 0.1}}));
    let first = s.layer(s.architecture.shared.start);
    let mut balance = first.transpose() * first;
    for private in &s.architecture.private {
        let last = s.layer(private.end - 1);
        balance -= &last * last.transpose();
        for l in private.start + 1..private.end {
            let (low, high) = (s.layer(l - 1), s.layer(l));
            let gap = high.transpose() * high - &low * low.transpose();
            assert!(gap.amax() < 0.01 * 16.0 * EPS);
        }
    }
    assert!(balance.amax() < 0.03 * 16.0 * EPS, "{balance}");
}

#[test]
fn a_modality_without_correlation_gets_any_direction() {
    let data = json!({"moments": {
        "modalities": {"A": 1, "B": 2}, "inputs": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "target_map": [[1, 0, 0]],
    }});
    for fusion in [1, 2] {
        let network = json!({"depth": 2, "fusion_layer": fusion, "width": 3});
        let s = setup(0, data.clone(), network, json!({"aligned": {"norm": 0.5}}));
        let b = s.architecture.private[1].start;
        assert!((s.layer(b).norm() - 0.5).abs() < 4.0 * EPS);
    }
}

#[test]
fn seeds_draw_different_weights_and_repeat_them() {
    let network = json!({"depth": 3, "fusion_layer": 2, "width": 5});
    for init in [
        json!({"gaussian": {"std": 1e-3}}),
        json!({"gaussian_norm": {"norm": 0.1}}),
        json!({"aligned": {"norm": 0.1}}),
    ] {
        let draw = |seed| setup(seed, toy(), network.clone(), init.clone()).weights;
        assert_eq!(draw(1), draw(1), "{init}");
        assert_ne!(draw(1), draw(2), "{init}");
    }
}

#[test]
fn gaussian_weights_have_their_standard_deviation() {
    let network = json!({"depth": 3, "fusion_layer": 2, "width": 100});
    let s = setup(4, toy(), network, json!({"gaussian": {"std": 1e-9}}));
    let z = &s.weights / 1e-9;
    let count = z.len() as f64;
    assert!(count > 20_000.0);
    // Standard errors 1/sqrt(n) of the mean, sqrt(2/n) of the mean square; five of them.
    assert!((z.sum() / count).abs() < 5.0 / count.sqrt());
    assert!((z.norm_squared() / count - 1.0).abs() < 5.0 * (2.0 / count).sqrt());
    // Fourth moment 3 with variance 96: Gaussian, not merely of unit variance.
    let fourth = z.iter().map(|z| z.powi(4)).sum::<f64>() / count;
    assert!((fourth - 3.0).abs() < 5.0 * (96.0 / count).sqrt());
}

#[test]
fn gaussian_norm_gives_layers_their_expected_squared_norm() {
    const SEEDS: u64 = 400;
    let network = json!({"depth": 3, "fusion_layer": 2, "widths": [9, 4]});
    let draw = |seed| {
        setup(
            seed,
            three(),
            network.clone(),
            json!({"gaussian_norm": {"norm": 0.1}}),
        )
    };
    let layers = draw(0).architecture.layers;
    let mut means = vec![0.0; layers.len()];
    for seed in 0..SEEDS {
        let s = draw(seed);
        for (l, mean) in means.iter_mut().enumerate() {
            *mean += s.layer(l).norm_squared() / SEEDS as f64;
        }
    }
    for (layer, mean) in layers.iter().zip(means) {
        let expected = if layer.stack == Stack::Shared {
            0.03
        } else {
            0.01
        };
        // |W|^2 is the expected one times chi squared of n degrees over n: variance 2/n a seed.
        let error = (2.0 / (layer.range.len() as f64 * SEEDS as f64)).sqrt();
        assert!(
            (mean / expected - 1.0).abs() < 5.0 * error,
            "{}: {mean}",
            layer.name
        );
    }
}

/// Two modalities of one input, two private layers each, one shared: the fixture's network.
fn small() -> Architecture {
    let modality = |name: &str, start| Modality {
        index: start,
        name: name.to_owned(),
        range: start..start + 1,
    };
    Architecture::build(
        &[modality("A", 0), modality("B", 1)],
        1,
        &[2, 2],
        1,
        &[2, 2],
    )
    .expect("a small network")
}

#[test]
fn smallest_layer_rms_skips_zero_layers_and_survives_underflow() {
    let a = small();
    let mut state = DVector::zeros(a.len());
    assert_eq!(smallest_layer_rms(&a, &state), 0.0);
    state
        .rows_range_mut(a.layers[1].range.clone())
        .copy_from_slice(&[2.0, 0.0, 0.0, 0.0]);
    assert_eq!(smallest_layer_rms(&a, &state), 1.0);
    state
        .rows_range_mut(a.layers[4].range.clone())
        .copy_from_slice(&[3e-200, 3e-200]);
    let rms = smallest_layer_rms(&a, &state);
    assert!((rms / 3e-200 - 1.0).abs() < 4.0 * EPS, "{rms}");
}

#[test]
fn weights_survive_a_file_bit_for_bit() {
    let a = small();
    let state = DVector::from_fn(a.len(), |i, _| (i as f64 + 0.1).sin() * 1e-9);
    let bytes = npz::to_npz_bytes(&a, &state).expect("stored");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.npz");
    std::fs::write(&path, &bytes).expect("written");
    assert_eq!(npz::read(&path, &a).expect("read"), state);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    assert_eq!(archive.len(), a.layers.len());
    for i in 0..archive.len() {
        let entry = archive.by_index(i).expect("an entry");
        assert_eq!(entry.name(), format!("{}.npy", a.layers[i].name));
        // The earliest time a ZIP archive can hold, not today's.
        assert_eq!(entry.last_modified(), Some(zip::DateTime::default()));
    }
}

#[test]
fn biases_start_at_zero_and_survive_a_file() {
    let a = small()
        .with_units(Activation::Tanh, true)
        .expect("the same layers");
    let names: Vec<&str> = a.biases.iter().map(|bias| bias.name.as_str()).collect();
    assert_eq!(
        names,
        ["fusion.bias", "A.1.bias", "B.1.bias", "shared.3.bias"]
    );
    assert_eq!(a.len(), small().len() + 2 + 2 + 2 + 1);
    let state = DVector::from_fn(a.len(), |i, _| (i as f64 + 0.1).sin());
    let bytes = npz::to_npz_bytes(&a, &state).expect("stored");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.npz");
    std::fs::write(&path, &bytes).expect("written");
    assert_eq!(npz::read(&path, &a).expect("read"), state);
    // The file of a network without biases is none of one with them.
    std::fs::write(&path, npz(&[])).expect("written");
    let error = npz::read(&path, &a).expect_err("no biases").to_string();
    assert!(
        error.contains("array fusion.bias: no such array"),
        "{error}"
    );
    std::fs::write(&path, &bytes).expect("written");
    let error = npz::read(&path, &small()).expect_err("biases");
    assert!(
        error.to_string().contains("no layer of this name"),
        "{error}"
    );

    let data =
        json!({"toy": {"sigma": {"A": 2, "B": 1}, "target": {"A": 1, "B": 1}, "samples": 9}});
    let network = json!({"depth": 2, "fusion_layer": 2, "width": 3, "biases": true});
    let s = setup(1, data, network, json!({"gaussian": {"std": 0.1}}));
    let biases = &s.weights.as_slice()[s.architecture.biases[0].range.start..];
    assert_eq!(biases, [0.0; 7]);
    assert!(s.weights.iter().take(12).all(|w| *w != 0.0));
}

/// tests/fixtures/numpy.npz: numpy.savez_compressed of NumPy 2.4.6 with entries
/// 100 k + 10 row + column (counted from 1) of layer k; A.1 and shared.3 '<f8' by rows, A.2
/// '>f8' by columns, B.1 '<f4', B.2 '>f4'.
#[test]
fn arrays_by_numpy_are_read_in_every_order_and_precision() {
    let a = small();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/numpy.npz");
    let state = npz::read(&path, &a).expect("NumPy's file");
    for (k, layer) in a.layers.iter().enumerate() {
        let expected = DMatrix::from_fn(layer.rows, layer.cols, |i, j| {
            (100 * k + 10 * (i + 1) + j + 1) as f64
        });
        assert_eq!(a.view(&state, k), expected, "{}", layer.name);
    }
    let network = json!({"depth": 3, "fusion_layer": 2, "width": 2});
    let init = json!({"file": {"path": path}});
    assert_eq!(setup(0, toy(), network, init).weights, state);
}

/// An NPY array of 64-bit floats with the shape its header claims and the data given.
fn npy(shape: &[u64], data: &[f64]) -> Vec<u8> {
    let mut bytes = npyz::WriteOptions::<f64>::new()
        .default_dtype()
        .shape(shape)
        .writer(Vec::new())
        .write_header_only()
        .expect("a header");
    bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

fn raw_npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The small network's file with some arrays replaced, added, or (where empty) left out.
fn npz(changes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut arrays: Vec<(String, Vec<u8>)> = small()
        .layers
        .iter()
        .map(|layer| {
            let shape = [layer.rows as u64, layer.cols as u64];
            (
                layer.name.clone(),
                npy(&shape, &vec![1.0; layer.range.len()]),
            )
        })
        .collect();
    for (name, bytes) in changes {
        arrays.retain(|(other, _)| other != name);
        if !bytes.is_empty() {
            arrays.push(((*name).to_owned(), bytes.clone()));
        }
    }
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive
            .start_file(format!("{name}.npy"), options)
            .expect("a new entry");
        archive.write_all(&bytes).expect("in memory");
    }
    archive.finish().expect("in memory").into_inner()
}

#[test]
fn unusable_weights_files_say_where_and_why() {
    let cut = |mut bytes: Vec<u8>, length: usize| {
        bytes.truncate(length);
        bytes
    };
    let integers = raw_npy(
        "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1), }\n",
        &[0; 16],
    );
    let pickle = raw_npy(
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }\n",
        &[0; 16],
    );
    let record = "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (2, 1), }\n";
    let nested = format!("{{'descr': {}, 'shape': (2, 1), }}", "(".repeat(900));
    let long = format!("{{'shape': (2, 1), {}}}", " ".repeat(5000));
    let twice = "{'shape': (9223372036854775807, 9223372036854775807), 'descr': '<f8', 'fortran_order': False, 'shape': (2, 1)}";
    let huge =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }\n";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "w.npz: not an NPZ file: "),
        (b"A.1,1.0\n".to_vec(), "w.npz: not an NPZ file: "),
        (cut(npz(&[]), 300), "w.npz: not an NPZ file: "),
        (
            npz(&[("A.2", Vec::new())]),
            "w.npz: array A.2: no such array in the file\n  help: the file's arrays are: A.1, B.1, B.2, shared.3",
        ),
        (
            npz(&[("A.2", Vec::new()), ("A2", npy(&[2, 2], &[1.0; 4]))]),
            "w.npz: array A.2: no such array in the file",
        ),
        (
            npz(&[("shared.4", npy(&[1, 2], &[1.0; 2]))]),
            "w.npz: array shared.4: the network has no layer of this name\n  help: the network's layers are: A.1, A.2, B.1, B.2, shared.3",
        ),
        (
            npz(&[("A.1", npy(&[1, 2], &[1.0; 2]))]),
            "w.npz: array A.1: shape (1, 2) where the layer has (2, 1) (outputs, inputs)",
        ),
        (
            npz(&[("A.1", npy(&[2], &[1.0; 2]))]),
            "w.npz: array A.1: shape (2,) where",
        ),
        (
            npz(&[("A.1", raw_npy(huge, &[]))]),
            "w.npz: array A.1: the array cannot be read: shape (1099511627776, 1",
        ),
        (
            npz(&[("A.1", integers)]),
            "w.npz: array A.1: numbers of type '<i8'",
        ),
        (
            npz(&[("A.1", pickle)]),
            "w.npz: array A.1: numbers of type '|O'",
        ),
        (
            npz(&[("A.1", raw_npy(record, &[0; 16]))]),
            "w.npz: array A.1: numbers of type [('x', '<f8'",
        ),
        (
            npz(&[("A.1", npy(&[2, 1], &[1.0]))]),
            "w.npz: array A.1: the array cannot be read: it holds",
        ),
        (
            npz(&[("A.1", npy(&[2, 1], &vec![0.0; 1 << 20]))]),
            "w.npz: array A.1: the array cannot be read: it holds more",
        ),
        (
            npz(&[("A.1", b"nonsense".to_vec())]),
            "w.npz: array A.1: the array cannot be read: not in NPY",
        ),
        (
            npz(&[("A.1", raw_npy(&nested, &[]))]),
            "w.npz: array A.1: the array cannot be read: ",
        ),
        (
            npz(&[("A.1", raw_npy(twice, &[0; 16]))]),
            "w.npz: array A.1: the array cannot be read: its shape cannot be read",
        ),
        (
            npz(&[("A.1", raw_npy(&long, &[]))]),
            "w.npz: array A.1: the array cannot be read: not in NPY",
        ),
        (
            npz(&[("B.2", npy(&[2, 2], &[1.0, f64::NAN, 1.0, 1.0]))]),
            "w.npz: array B.2: a weight is NaN",
        ),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.npz");
    for (bytes, expected) in cases {
        std::fs::write(&path, bytes).expect("written");
        let error = npz::read(&path, &small()).expect_err(expected).to_string();
        let error = error.replace(&format!("{}/", folder.path().display()), "");
        assert!(error.starts_with(expected), "{error}\nfor\n{expected}");
        assert!(error.contains("\n  help: "), "{error}");
    }
    let error = npz::read(&folder.path().join("none.npz"), &small()).expect_err("missing");
    assert!(
        error
            .to_string()
            .contains("none.npz: cannot read the file: No such file")
    );
}

#[test]
fn damage_to_the_numbers_shows_in_the_checksum() {
    let mut bytes = npz(&[]);
    let one = 1.0f64.to_le_bytes();
    // Stored or compressed, flip a bit in the middle of the first entry's data.
    let place = bytes.windows(8).position(|w| w == one).unwrap_or(60);
    bytes[place] ^= 1;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.npz");
    std::fs::write(&path, bytes).expect("written");
    assert!(npz::read(&path, &small()).is_err());
}

#[test]
fn weights_that_never_leave_the_origin_are_refused() {
    let a = small();
    let bytes = npz::to_npz_bytes(&a, &DVector::zeros(a.len())).expect("stored");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.npz");
    std::fs::write(&path, bytes).expect("written");
    let network = json!({"depth": 3, "fusion_layer": 2, "width": 2});
    let init = |init| match try_setup(0, toy(), network.clone(), init) {
        Ok(_) => panic!("unusable weights were taken"),
        Err(error) => error,
    };
    let error = init(json!({"file": {"path": path}}));
    assert!(
        error.starts_with("init.file: all initial weights are zero"),
        "{error}"
    );
    // sqrt(M) norm is above the largest number.
    let error = init(json!({"aligned": {"norm": 1.5e308}}));
    assert!(
        error.starts_with("init.aligned: some initial weights are not finite"),
        "{error}"
    );
}
