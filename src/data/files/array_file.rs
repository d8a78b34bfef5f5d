//! Arrays of numbers or labels in NPY, NPZ and safetensors files.

use super::elements::{Element, Kind};
use super::npy::{self, Array, Header};
use crate::data::classes::Classes;
use crate::error::{InputError, Remedy, Result, listed};
use nalgebra::DMatrix;
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use safetensors::{Dtype, SafeTensors};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// An array: a file, and after a # the name of the array where the file has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrayFile {
    /// The file.
    pub path: PathBuf,
    /// The name of the array in it.
    pub array: Option<String>,
}

/// The formats of files, by their ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    Npy,
    Npz,
    Safetensors,
}

impl FileFormat {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "npy" => Some(FileFormat::Npy),
            "npz" => Some(FileFormat::Npz),
            "safetensors" => Some(FileFormat::Safetensors),
            _ => None,
        }
    }
}

impl From<&str> for ArrayFile {
    fn from(text: &str) -> Self {
        let split = text.rsplit_once('#').filter(|(path, _)| {
            // A # elsewhere is part of the file's name.
            FileFormat::of(Path::new(path)).is_some()
        });
        match split {
            None => Self {
                path: text.into(),
                array: None,
            },
            Some((path, array)) => Self {
                path: path.into(),
                array: Some(array.to_owned()),
            },
        }
    }
}

impl fmt::Display for ArrayFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.array
            .iter()
            .try_for_each(|array| write!(f, "#{array}"))
    }
}

impl Serialize for ArrayFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.array {
            None => self.path.serialize(serializer),
            Some(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for ArrayFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| text.as_str().into())
    }
}

impl JsonSchema for ArrayFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ArrayFile".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "the path of a file" })
    }
}

impl ArrayFile {
    /// Checks what can be checked without reading the file.
    ///
    /// # Errors
    /// An input error at `key` where the file's ending is none of those that are read.
    pub(in crate::data) fn check(&self, key: &str) -> Result<()> {
        let problem = match (FileFormat::of(&self.path), self.array.as_deref()) {
            (Some(FileFormat::Npy), Some(array)) => {
                format!("an NPY file has one array, but #{array} is asked for")
            }
            (Some(_), Some("")) => "the name of the array is empty".to_owned(),
            (Some(_), _) => return Ok(()),
            (None, _) => format!("{self} is no array: its ending is not known"),
        };
        let remedy = "give file.npy, file.npz#name or file.safetensors#name";
        Err(InputError::at(key, problem, remedy))
    }

    /// The numbers, a row each a sample; a vector is one column.
    ///
    /// # Errors
    /// An input error where the array cannot be read, has no rows or more than two dimensions, and where
    /// its elements are not finite numbers.
    pub(in crate::data) fn numbers(&self, key: &str) -> Result<DMatrix<f64>> {
        let array = self.read(key)?;
        if array.element.is_text() {
            let remedy = Remedy::from("texts can be labels (")
                .key("data.arrays.label")
                .text("), inputs and targets are numbers");
            return Err(self.refuse("the array holds texts", remedy));
        }
        self.ensure_rows(&array.shape)?;
        let values = array.matrix();
        self.ensure_finite(values.iter().copied(), values.nrows())?;
        Ok(values)
    }

    /// Makes sure that numbers, given by columns of so many rows, are finite.
    ///
    /// # Errors
    /// An input error at the first that is not.
    pub(in crate::data) fn ensure_finite(
        &self,
        values: impl Iterator<Item = f64>,
        rows: usize,
    ) -> Result<()> {
        let mut values = values.enumerate();
        match values.find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((place, value)) => {
                let (row, column) = (place % rows, place / rows);
                let problem = format!("the number at [{row}, {column}] is {value}");
                let remedy = "leave such rows out in every array: x[np.isfinite(x).all(axis=1)]";
                Err(self.refuse(problem, remedy))
            }
        }
    }

    /// The class of each row.
    ///
    /// # Errors
    /// An input error where the array cannot be read, is no vector, and where an element is neither a
    /// whole number nor a text.
    pub(in crate::data) fn labels(&self, key: &str) -> Result<Classes> {
        let array = self.read(key)?;
        self.ensure_rows(&array.shape)?;
        if array.shape.get(1).is_some_and(|&columns| columns != 1) {
            let problem = format!(
                "shape {} where one label a row is wanted",
                npy::tuple(&array.shape)
            );
            let remedy = "give one number or text for each row: labels.argmax(axis=1) where they are one-hot";
            return Err(self.refuse(problem, remedy));
        }
        let mut classes = Classes::default();
        for bytes in array.bytes.chunks_exact(array.element.size) {
            let Some(label) = array.element.label(bytes) else {
                let problem = format!(
                    "the label of row {} is {}",
                    classes.len(),
                    array.element.number(bytes)
                );
                return Err(self.refuse(problem, "give whole numbers or texts"));
            };
            classes.push(&label);
        }
        Ok(classes)
    }

    /// An error in this array.
    pub(in crate::data) fn refuse(
        &self,
        problem: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> InputError {
        let error = InputError::in_file(&self.path, None, problem, remedy);
        match &self.array {
            None => error,
            Some(array) => error.with_key(format!("array {array}")),
        }
    }

    /// Makes sure that an array of this shape has samples as rows.
    ///
    /// # Errors
    /// An input error where it has no rows, no columns, or more than two dimensions.
    pub(in crate::data) fn ensure_rows(&self, shape: &[u64]) -> Result<()> {
        let problem = match shape {
            [rows] | [rows, _] if *rows == 0 => "there are no rows".to_owned(),
            [_, 0] => "there are no columns".to_owned(),
            [_] | [_, _] => return Ok(()),
            _ => format!(
                "shape {} where one or two dimensions are wanted",
                npy::tuple(shape)
            ),
        };
        let remedy = "give samples as rows: x.reshape(len(x), -1)";
        Err(self.refuse(problem, remedy))
    }

    fn read(&self, key: &str) -> Result<Array> {
        match FileFormat::of(&self.path) {
            Some(FileFormat::Npy) => {
                let unreadable = |error| InputError::unreadable(&self.path, key, &error);
                self.npy(BufReader::new(File::open(&self.path).map_err(unreadable)?))
            }
            Some(FileFormat::Npz) => self.npz(key),
            Some(FileFormat::Safetensors) => self.safetensors(key),
            None => self
                .check(key)
                .and_then(|()| Err(self.broken("not an array"))),
        }
    }

    fn npy(&self, mut source: impl std::io::Read) -> Result<Array> {
        let header = Header::read(&mut source).map_err(|error| self.broken(&error))?;
        let Some(element) = header.element else {
            return Err(self.wrong_type(&header.type_name));
        };
        header
            .elements(element, source)
            .map_err(|error| self.broken(&error))
    }

    fn npz(&self, key: &str) -> Result<Array> {
        let mut archive = npy::archive(&self.path, key)?;
        let names = archive.file_names();
        let names: Vec<&str> = names
            .map(|name| array_name_from_file_name(name).unwrap_or(name))
            .collect();
        let name = file_name_from_array_name(self.choose(&names, key)?);
        let entry = archive
            .by_name(&name)
            .map_err(|error| self.broken(&error.to_string()))?;
        self.npy(entry)
    }

    fn safetensors(&self, key: &str) -> Result<Array> {
        let bytes = std::fs::read(&self.path);
        let bytes = bytes.map_err(|error| InputError::unreadable(&self.path, key, &error))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
            let problem = format!("not a safetensors file: {error}");
            InputError::in_file(
                &self.path,
                None,
                problem,
                "write it with safetensors.save_file",
            )
        })?;
        let mut names: Vec<&str> = tensors.names();
        names.sort_unstable();
        let tensor = tensors.tensor(self.choose(&names, key)?);
        let tensor = tensor.map_err(|error| self.broken(&error.to_string()))?;
        let Some(element) = element(tensor.dtype()) else {
            return Err(self.wrong_type(&tensor.dtype().to_string()));
        };
        Ok(Array {
            shape: tensor.shape().iter().map(|&side| side as u64).collect(),
            is_by_columns: false,
            element,
            bytes: tensor.data().to_vec(),
        })
    }

    /// The array asked for, or the only one.
    fn choose<'n>(&self, names: &[&'n str], key: &str) -> Result<&'n str> {
        let found = match (&self.array, names) {
            (Some(array), _) => names.iter().find(|name| *name == array),
            (None, [only]) => Some(only),
            (None, _) => {
                let problem = format!(
                    "the file has {} arrays: {}",
                    names.len(),
                    listed(names.iter().copied())
                );
                let example = names.first().unwrap_or(&"name");
                let remedy = format!("name one in {key}: {}#{example}", self.path.display());
                return Err(InputError::in_file(&self.path, None, problem, remedy));
            }
        };
        found.copied().ok_or_else(|| {
            let remedy = format!("the file's arrays are: {}", listed(names.iter().copied()));
            let error = self.refuse("no such array in the file", remedy);
            error.with_unknown(
                self.array.as_deref().unwrap_or_default(),
                names.iter().copied(),
            )
        })
    }

    fn broken(&self, error: &str) -> InputError {
        let problem = format!("the array cannot be read: {error}");
        self.refuse(problem, "write the file again")
    }

    fn wrong_type(&self, name: &str) -> InputError {
        let problem = format!("elements of type {name}");
        let remedy =
            "store numbers, such as array.astype(\"float64\"), or labels as array.astype(str)";
        self.refuse(problem, remedy)
    }
}

/// How a tensor's elements are stored; None for types of less than a byte, complex ones and the like.
fn element(dtype: Dtype) -> Option<Element> {
    let kind = match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Kind::Uint,
        Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => Kind::Int,
        Dtype::F16 | Dtype::F32 | Dtype::F64 => Kind::Float,
        Dtype::BF16 => Kind::Brain,
        _ => return None,
    };
    Some(Element {
        kind,
        size: dtype.bitsize() / 8,
        is_big_endian: false,
    })
}
