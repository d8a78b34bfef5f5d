//! Weights in NumPy's NPZ format: a ZIP archive with one NPY array a layer, named as the layer.
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays", and
//! `numpy.lib.format`.

use crate::error::{InputError, Result};
use crate::names::{did_you_mean, listed};
use crate::network::{Architecture, Layer};
use nalgebra::{DMatrix, DVector};
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use npyz::{NpyFile, Order, WriterBuilder};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Bytes before the header's text: magic number, version, length.
const PREAMBLE: usize = 12;

/// Longest header of an array that is read, in bytes. NumPy writes 128 for a matrix of numbers;
/// a longer one is no matrix, and parsing one of megabytes would be an attack's work.
const LONGEST_HEADER: usize = 1024;

/// Reads a flat state (layout: [`Architecture::layers`]) from an NPZ file with exactly the
/// layers' arrays: shape (rows, cols), 64-bit or 32-bit floats of either byte order, by rows or by
/// columns, compressed or not, as numpy.savez and numpy.savez_compressed write them.
///
/// # Errors
/// An input error that names file and array where the file is missing or no NPZ file, where
/// an array is missing, unexpected, of another shape or type, or cut short, and where a weight
/// is not finite.
pub fn read(path: &Path, architecture: &Architecture) -> Result<DVector<f64>> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
        let problem = format!("not an NPZ file: {error}");
        InputError::in_file(path, None, problem, "write it with numpy.savez")
    })?;
    check_names(path, &archive, architecture)?;
    let mut state = DVector::zeros(architecture.len());
    for layer in &architecture.layers {
        let weights = array(&mut archive, layer)
            .map_err(|problem| in_array(path, &layer.name, problem.0, problem.1))?;
        state.as_mut_slice()[layer.range.clone()].copy_from_slice(&weights);
    }
    Ok(state)
}

/// The NPZ file of a flat state. The bytes depend on the weights alone: the archive's time
/// stamps are fixed.
///
/// # Errors
/// What the archive's writer reports; none is expected in memory.
pub fn to_npz_bytes(architecture: &Architecture, state: &DVector<f64>) -> Result<Vec<u8>> {
    write_archive(architecture, state).map_err(|error| {
        let problem = format!("the weights cannot be stored as NPZ: {error}");
        InputError::at("output.weights", problem, "set output.weights: false").into()
    })
}

fn write_archive(architecture: &Architecture, state: &DVector<f64>) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for layer in &architecture.layers {
        archive.start_file(file_name_from_array_name(&layer.name), options)?;
        let mut array = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[layer.rows as u64, layer.cols as u64])
            .order(Order::Fortran)
            .writer(&mut array)
            .begin_nd()?;
        writer.extend(state.as_slice()[layer.range.clone()].iter().copied())?;
        writer.finish()?;
        archive.write_all(&array)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Problem and remedy, where file and array are known further up.
type Complaint = (String, String);

fn check_names<R: Read + Seek>(
    path: &Path,
    archive: &ZipArchive<R>,
    architecture: &Architecture,
) -> Result<()> {
    let layers = || architecture.layers.iter().map(|layer| layer.name.as_str());
    let arrays = || {
        archive
            .file_names()
            .map(|name| array_name_from_file_name(name).unwrap_or(name))
    };
    if let Some(missing) = layers().find(|layer| arrays().all(|array| array != *layer)) {
        let unused = arrays().filter(|array| layers().all(|layer| layer != *array));
        let problem = format!("no such array in the file{}", did_you_mean(missing, unused));
        let remedy = format!("the file's arrays are: {}", listed(arrays()));
        return Err(in_array(path, missing, problem, remedy).into());
    }
    if let Some(unexpected) = arrays().find(|array| layers().all(|layer| layer != *array)) {
        let nearest = did_you_mean(unexpected, layers());
        let problem = format!("the network has no layer of this name{nearest}");
        let remedy = format!("the network's layers are: {}", listed(layers()));
        return Err(in_array(path, unexpected, problem, remedy).into());
    }
    Ok(())
}

/// The weights of one layer, by columns.
fn array<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    layer: &Layer,
) -> std::result::Result<Vec<f64>, Complaint> {
    let broken = |error: &dyn std::fmt::Display| {
        let problem = format!("the array cannot be read: {error}");
        (problem, "write the file again with numpy.savez".to_owned())
    };
    let name = file_name_from_array_name(&layer.name);
    let entry = archive.by_name(&name).map_err(|error| broken(&error))?;
    // No more is unpacked than the layer can need, whatever sizes the archive claims.
    let most = PREAMBLE + LONGEST_HEADER + layer.range.len() * size_of::<f64>() + 1;
    let mut bytes = Vec::new();
    entry
        .take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| broken(&error))?;
    let (header, data) = split(&bytes).ok_or_else(|| broken(&"not in NPY format"))?;
    check_shape(header, layer)?;
    let npy = NpyFile::new(bytes.as_slice()).map_err(|error| broken(&error))?;
    let (order, dtype) = (npy.order(), npy.dtype());
    let weights = numbers(npy).ok_or_else(|| {
        let remedy = "store 64-bit floats: array.astype('float64')";
        (
            format!("numbers of type {}", dtype.descr()),
            remedy.to_owned(),
        )
    })?;
    if dtype.num_bytes().map(|size| size * layer.range.len()) != Some(data.len()) {
        return Err(broken(
            &"it holds more or fewer numbers than its shape says",
        ));
    }
    let weights = weights.map_err(|error| broken(&error))?;
    if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
        let remedy = "initial weights must be finite numbers";
        return Err((format!("a weight is {weight}"), remedy.to_owned()));
    }
    Ok(match order {
        Order::Fortran => weights,
        Order::C => DMatrix::from_row_slice(layer.rows, layer.cols, &weights)
            .as_slice()
            .to_vec(),
    })
}

/// The header's text, a Python dictionary, and the data after it; None where the bytes are no
/// NPY array or the header is longer than that of a matrix of numbers.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let start = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match start {
        [1, _, low, high, rest @ ..] => (u32::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
        _ => return None,
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|&n| n <= LONGEST_HEADER)?;
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// Refuses another shape than the layer's, before the npyz crate multiplies its sides.
fn check_shape(header: &str, layer: &Layer) -> std::result::Result<(), Complaint> {
    let expected = [layer.rows as u64, layer.cols as u64];
    let claimed = shape(header);
    if claimed.as_deref() == Some(&expected) {
        return Ok(());
    }
    let claimed = claimed.map_or_else(|| "unknown".to_owned(), |sides| tuple(&sides));
    let problem = format!(
        "shape {claimed} where the layer has {} (outputs, inputs)",
        tuple(&expected)
    );
    let remedy = "store the weights of the same network, or change the network section";
    Err((problem, remedy.to_owned()))
}

fn shape(header: &str) -> Option<Vec<u64>> {
    let (_, after) = header.rsplit_once("'shape':")?;
    let (sides, _) = after.trim_start().strip_prefix('(')?.split_once(')')?;
    sides
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(|side| side.parse().ok())
        .collect()
}

/// A shape as Python writes it.
fn tuple(sides: &[u64]) -> String {
    match sides {
        [one] => format!("({one},)"),
        _ => {
            let sides: Vec<String> = sides.iter().map(u64::to_string).collect();
            format!("({})", sides.join(", "))
        }
    }
}

/// The numbers in the order of the file; None where they are no floats of 64 or 32 bits.
fn numbers(npy: NpyFile<&[u8]>) -> Option<io::Result<Vec<f64>>> {
    match npy.try_data::<f64>() {
        Ok(doubles) => Some(doubles.collect()),
        Err(npy) => {
            let singles = npy.data::<f32>().ok()?;
            Some(singles.map(|x| x.map(f64::from)).collect())
        }
    }
}

fn in_array(path: &Path, array: &str, problem: String, remedy: String) -> InputError {
    InputError {
        key: Some(format!("array {array}")),
        ..InputError::in_file(path, None, problem, remedy)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> InputError {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => {
            "check init.file.path: it is relative to the scenario file's folder"
        }
        _ => "check the file's permissions",
    };
    let problem = format!("cannot read the weights: {error}");
    InputError::in_file(path, None, problem, remedy)
}
