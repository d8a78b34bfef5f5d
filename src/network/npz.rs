//! Weights in NumPy's NPZ format: a ZIP archive with one NPY array a layer, named as the layer, and
//! where there are biases one for each of their vectors (`A.1.bias`).
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays", and
//! `numpy.lib.format`.

use super::Architecture;
use crate::data::files::npy::{self, Header, Kind};
use crate::error::{InputError, Remedy, Result, listed};
use nalgebra::DVector;
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use npyz::{Order, WriterBuilder};
use std::io::{self, Cursor, Read, Seek, Write};
use std::ops::Range;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// An array of the file, and its place in the state.
struct Array<'a> {
    name: &'a str,
    /// (rows, cols) of a layer, (units,) of biases.
    sides: Vec<u64>,
    range: Range<usize>,
}

/// The arrays of a network's file, in the order of the state.
fn arrays(architecture: &Architecture) -> Vec<Array<'_>> {
    let layers = architecture.layers.iter().map(|layer| Array {
        name: &layer.name,
        sides: vec![layer.rows as u64, layer.cols as u64],
        range: layer.range.clone(),
    });
    let biases = architecture.biases.iter().map(|bias| Array {
        name: &bias.name,
        sides: vec![bias.range.len() as u64],
        range: bias.range.clone(),
    });
    layers.chain(biases).collect()
}

/// Reads a flat state (layout: [`Architecture::layers`], [`Architecture::biases`]) from an NPZ
/// file with exactly the network's arrays: shape (rows, cols) of layers, (units,) of biases, 64-bit
/// or 32-bit floats of either byte order, by rows or by columns, compressed or not, as numpy.savez
/// and numpy.savez_compressed write them.
///
/// # Errors
/// An input error that names file and array where the file is missing or no NPZ file, where
/// an array is missing, unexpected, of another shape or type, or cut short, and where a weight
/// is not finite.
pub fn read(path: &Path, architecture: &Architecture) -> Result<DVector<f64>> {
    let mut archive = npy::archive(path, "init.file.path")?;
    check_names(&archive, architecture).map_err(|error| error.with_file(path))?;
    let mut state = DVector::zeros(architecture.len());
    for array in arrays(architecture) {
        let weights = read_array(&mut archive, &array).map_err(|error| error.with_file(path))?;
        state.as_mut_slice()[array.range].copy_from_slice(&weights);
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
        InputError::at("output.weights", problem, "set output.weights: false")
    })
}

fn write_archive(architecture: &Architecture, state: &DVector<f64>) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for Array { name, sides, range } in arrays(architecture) {
        archive.start_file(file_name_from_array_name(name), options)?;
        let mut array = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&sides)
            .order(Order::Fortran)
            .writer(&mut array)
            .begin_nd()?;
        writer.extend(state.as_slice()[range].iter().copied())?;
        writer.finish()?;
        archive.write_all(&array)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The file has the network's arrays, and no others.
fn check_names<R>(archive: &ZipArchive<R>, architecture: &Architecture) -> Result<()>
where
    R: Read + Seek,
{
    let expected = arrays(architecture);
    let expected = || expected.iter().map(|array| array.name);
    let found = || {
        archive
            .file_names()
            .map(|name| array_name_from_file_name(name).unwrap_or(name))
    };
    if let Some(missing) = expected().find(|name| found().all(|array| array != *name)) {
        let unused = found().filter(|array| expected().all(|name| name != *array));
        let remedy = format!("the file's arrays are: {}", listed(found()));
        let error = in_array(missing, "no such array in the file", remedy);
        return Err(error.with_unknown(missing, unused));
    }
    if let Some(unexpected) = found().find(|array| expected().all(|name| name != *array)) {
        let remedy = format!("the network's layers are: {}", listed(expected()));
        let error = in_array(unexpected, "the network has no layer of this name", remedy);
        return Err(error.with_unknown(unexpected, expected()));
    }
    Ok(())
}

/// The numbers of one array, by columns.
fn read_array<R: Read + Seek>(archive: &mut ZipArchive<R>, array: &Array<'_>) -> Result<Vec<f64>> {
    let refused = |problem: String, remedy| in_array(array.name, problem, remedy);
    let broken = |error: &dyn std::fmt::Display| {
        let problem = format!("the array cannot be read: {error}");
        refused(problem, "write the file again with numpy.savez")
    };
    let name = file_name_from_array_name(array.name);
    let mut entry = archive.by_name(&name).map_err(|error| broken(&error))?;
    let header = Header::read(&mut entry).map_err(|error| broken(&error))?;
    // No more is unpacked than the layer needs, whatever sizes the archive claims.
    check_shape(&header.shape, array)?;
    let element = header.element.filter(|element| element.kind == Kind::Float);
    let element = element.ok_or_else(|| {
        let problem = format!("numbers of type {}", header.type_name);
        refused(problem, "store 64-bit floats: array.astype('float64')")
    })?;
    let array = header
        .elements(element, entry)
        .map_err(|error| broken(&error))?;
    let weights = array.matrix();
    if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
        let remedy = "initial weights must be finite numbers";
        return Err(refused(format!("a weight is {weight}"), remedy));
    }
    Ok(weights.as_slice().to_vec())
}

/// Refuses another shape than the network's.
fn check_shape(claimed: &[u64], array: &Array<'_>) -> Result<()> {
    let expected = &array.sides[..];
    if claimed == expected {
        return Ok(());
    }
    let (owner, meaning) = match expected {
        [_] => ("the biases have", ""),
        _ => ("the layer has", " (outputs, inputs)"),
    };
    let (claimed, expected) = (npy::tuple(claimed), npy::tuple(expected));
    let problem = format!("shape {claimed} where {owner} {expected}{meaning}");
    let remedy = "store the weights of the same network, or change the network section";
    Err(in_array(array.name, problem, remedy))
}

fn in_array(array: &str, problem: impl Into<String>, remedy: impl Into<Remedy>) -> InputError {
    InputError::at(format!("array {array}"), problem, remedy)
}
