//! Arrays in NumPy's NPY format, and NPZ files, ZIP archives of them.
//!
//! Source: NumPy enhancement proposal 1, "A Simple File Format for NumPy Arrays", and
//! `numpy.lib.format`.

use super::elements::Element;
pub(crate) use super::elements::Kind;
use crate::error::{InputError, Result};
use nalgebra::DMatrix;
use npyz::{DType, Endianness, NpyFile, Order, TypeChar};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// Longest header of an array that is read, in bytes. NumPy writes 128 for an array of numbers;
/// parsing one of megabytes would be an attack's work.
const LONGEST_HEADER: u32 = 1024;

/// Most lists and dictionaries in a header: itself, and records two deep. The time of parsing doubles with
/// each one that stands in another.
const MOST_LISTS: usize = 4;

/// What an array's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Lengths of its dimensions.
    pub shape: Vec<u64>,
    /// Whether the first index runs fastest.
    pub is_by_columns: bool,
    /// How its elements are stored; None for types that are neither numbers nor texts.
    pub element: Option<Element>,
    /// NumPy's name of their type.
    pub type_name: String,
}

/// An array in memory, as it was in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Array {
    /// Lengths of its dimensions.
    pub shape: Vec<u64>,
    /// Whether the first index runs fastest.
    pub is_by_columns: bool,
    /// How its elements are stored.
    pub element: Element,
    /// The elements, as many as the shape says.
    pub bytes: Vec<u8>,
}

/// Opens the NPZ file that the scenario's `key` names.
///
/// # Errors
/// An input error where the file cannot be read or is no ZIP archive.
pub(crate) fn archive(path: &Path, key: &str) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(|error| InputError::unreadable(path, key, &error))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| {
        let problem = format!("not an NPZ file: {error}");
        InputError::in_file(path, None, problem, "write it with numpy.savez")
    })
}

impl Header {
    /// Reads the header of an NPY file from its beginning.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(source: &mut impl Read) -> Result<Header, String> {
        let mut start = vec![0; 8];
        let broken = |_| "not in NPY format".to_owned();
        source.read_exact(&mut start).map_err(broken)?;
        let width = match start[..] {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => 2,
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => 4,
            _ => return Err("not in NPY format".to_owned()),
        };
        let mut length = [0; 4];
        source.read_exact(&mut length[..width]).map_err(broken)?;
        start.extend_from_slice(&length[..width]);
        let length = u32::from_le_bytes(length);
        let no_numbers = || Err("not in NPY format, or an array of records".to_owned());
        if length > LONGEST_HEADER {
            return no_numbers();
        }
        let mut text = vec![0; length as usize];
        source.read_exact(&mut text).map_err(broken)?;
        if text.iter().filter(|byte| b"[{".contains(byte)).count() > MOST_LISTS {
            return no_numbers();
        }
        let shape = shape(&String::from_utf8_lossy(&text)).ok_or("its shape cannot be read")?;
        if !is_countable(&shape) {
            let shape = tuple(&shape);
            return Err(format!("shape {shape} is larger than any memory"));
        }
        start.extend_from_slice(&text);
        let npy = NpyFile::new(start.as_slice()).map_err(|error| error.to_string())?;
        let dtype = npy.dtype();
        Ok(Header {
            shape,
            is_by_columns: npy.order() == Order::Fortran,
            element: element(&dtype),
            type_name: dtype.descr(),
        })
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Reads the elements, which are all that remains.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn elements(self, element: Element, source: impl Read) -> Result<Array, String> {
        let size = self.len().checked_mul(element.size as u64);
        let size = size.ok_or("its shape is larger than any memory")?;
        let mut bytes = Vec::new();
        // No more is unpacked than the shape asks for, whatever the archive claims.
        let read = source.take(size.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 != size {
            return Err("it holds more or fewer numbers than its shape says".to_owned());
        }
        Ok(Array {
            shape: self.shape,
            is_by_columns: self.is_by_columns,
            element,
            bytes,
        })
    }
}

impl Array {
    /// The numbers of a matrix, or of a vector as one column.
    pub fn matrix(&self) -> DMatrix<f64> {
        let rows = self.shape.first().map_or(1, |&rows| rows as usize);
        let columns = self.shape.get(1).map_or(1, |&columns| columns as usize);
        let elements = self.bytes.chunks_exact(self.element.size);
        let numbers = elements.map(|bytes| self.element.number(bytes));
        match self.is_by_columns {
            true => DMatrix::from_iterator(rows, columns, numbers),
            false => DMatrix::from_row_iterator(rows, columns, numbers),
        }
    }
}

/// The shape, from the text of a header: a Python dictionary. None too where the header has numbers in other
/// brackets, which the npyz crate might take for the shape.
fn shape(header: &str) -> Option<Vec<u64>> {
    let (_, after) = header.rsplit_once("'shape':")?;
    let (sides, _) = after.trim_start().strip_prefix('(')?.split_once(')')?;
    let is_number = |text: &&str| {
        let text = text.trim_start();
        text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
    };
    let with_numbers = header.split(['(', '[']).skip(1).filter(is_number).count();
    if with_numbers > usize::from(is_number(&sides)) {
        return None;
    }
    sides
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .map(|side| side.parse().ok())
        .collect()
}

/// Whether the product of all sides, zeros left out, is a number; the npyz crate multiplies them.
fn is_countable(shape: &[u64]) -> bool {
    let mut sides = shape.iter();
    let product = sides.try_fold(1u64, |product, &side| product.checked_mul(side.max(1)));
    product.is_some()
}

/// A shape as Python writes it.
pub(crate) fn tuple(sides: &[u64]) -> String {
    match sides {
        [one] => format!("({one},)"),
        _ => {
            let sides: Vec<String> = sides.iter().map(u64::to_string).collect();
            format!("({})", sides.join(", "))
        }
    }
}

fn element(dtype: &DType) -> Option<Element> {
    let DType::Plain(plain) = dtype else {
        return None;
    };
    let (size, is_word) = (plain.num_bytes()?, |size| matches!(size, 1 | 2 | 4 | 8));
    let kind = match plain.type_char() {
        TypeChar::Bool if size == 1 => Kind::Bool,
        TypeChar::Int if is_word(size) => Kind::Int,
        TypeChar::Uint if is_word(size) => Kind::Uint,
        TypeChar::Float if size > 1 && is_word(size) => Kind::Float,
        TypeChar::ByteStr if size > 0 => Kind::Bytes,
        TypeChar::UnicodeStr if size > 0 => Kind::Unicode,
        _ => return None,
    };
    Some(Element {
        kind,
        size,
        is_big_endian: plain.endianness() == Endianness::Big,
    })
}
