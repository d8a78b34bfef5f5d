//! Labelled images as they are in their files, IDX or CSV.

use super::csv_file::{CsvFile, Wanted};
use super::csv_format::{Format, Missing};
use super::idx;
use crate::data::images::{IdxFiles, ImagesData, PixelTable};
use crate::error::{InputError, Result};
use nalgebra::DMatrix;

/// Images and their labels.
pub(in crate::data) struct Pixels {
    /// One image a row, its own rows one after the other: P x (height width), from 0 to 1.
    pub values: DMatrix<f64>,
    /// Number of pixels in a row of the image.
    pub width: usize,
    /// The label of each image.
    pub labels: Vec<u64>,
}

/// Reads the images of a scenario.
///
/// # Errors
/// An input error where a file cannot be read or is not of its format, where numbers of labels and
/// images differ, and where the pixels do not make up rows.
pub(in crate::data) fn read(images: &ImagesData) -> Result<Pixels> {
    let limit = images.limit.unwrap_or(u64::MAX);
    match (&images.idx, &images.csv) {
        (Some(files), _) => of_idx(files, limit),
        (None, Some(table)) => of_csv(table, limit),
        (None, None) => {
            let remedy = "give idx or csv";
            Err(InputError::at("data.images", "no source of images", remedy))
        }
    }
}

fn of_idx(files: &IdxFiles, limit: u64) -> Result<Pixels> {
    let images = idx::read::<3>(&files.images, "data.images.idx.images", limit)?;
    let key = "data.images.idx.labels";
    let labels = idx::read::<1>(&files.labels, key, limit)?;
    if labels.whole != images.whole {
        let problem = format!("{} labels for {} images", labels.whole, images.whole);
        let remedy = "give the labels of these images: train with train, t10k with t10k";
        return Err(InputError::in_file(&files.labels, None, problem, remedy).with_key(key));
    }
    let [len, height, width] = images.dims;
    let largest = f64::from(u8::MAX);
    let values = images.bytes.iter().map(|&byte| f64::from(byte) / largest);
    Ok(Pixels {
        values: DMatrix::from_row_iterator(len, height * width, values),
        width,
        labels: labels.bytes.into_iter().map(u64::from).collect(),
    })
}

fn of_csv(table: &PixelTable, limit: u64) -> Result<Pixels> {
    let file = CsvFile::open(&table.path, "data.images.csv.path", Format::COMMON)?;
    let pixels = file.columns().filter(|name| *name != table.label);
    let columns: Vec<usize> = std::iter::once(table.label.as_str())
        .chain(pixels)
        .map(|name| file.place(name))
        .collect::<Result<_>>()?;
    let cells = file.read(&Wanted {
        numbers: &columns,
        label: None,
        missing: Missing::Refuse,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    })?;
    let numbers = DMatrix::from_vec(cells.rows, columns.len(), cells.numbers.concat());
    let width = width(table, columns.len() - 1)?;
    let labels = numbers
        .column(0)
        .into_iter()
        .enumerate()
        .map(|(row, &label)| {
            // Whole numbers up to here are told apart.
            let is_whole = label.fract() == 0.0 && (0.0..=1e15).contains(&label);
            is_whole.then_some(label as u64).ok_or_else(|| {
                let problem = format!("the label of row {} is {label}", row + 1);
                file.in_column(
                    &table.label,
                    None,
                    problem,
                    "number the labels 0, 1, 2, ...",
                )
            })
        });
    let labels = labels.collect::<Result<_, InputError>>()?;
    let mut values = numbers.remove_column(0);
    let largest = values.max();
    if values.min() < 0.0 || largest <= 0.0 {
        let problem = format!("pixels from {} to {largest}", values.min());
        let remedy = "give brightness from 0 up, with a pixel above 0";
        return Err(InputError::in_file(&table.path, None, problem, remedy));
    }
    values /= largest;
    Ok(Pixels {
        values,
        width,
        labels,
    })
}

/// Pixels in a row of images that have `pixels` of them.
fn width(table: &PixelTable, pixels: usize) -> Result<usize> {
    let fits = |width: usize| pixels > 0 && pixels.is_multiple_of(width);
    match table.width {
        Some(width) if fits(width) => Ok(width),
        None if pixels > 0 && pixels.isqrt().pow(2) == pixels => Ok(pixels.isqrt()),
        given => {
            let problem = match given {
                Some(width) => format!("{pixels} pixel columns do not make up rows of {width}"),
                None => format!("{pixels} pixel columns do not make up a square"),
            };
            let key = "data.images.csv.width";
            let remedy = format!("give the pixels in a row of the image in {key}");
            Err(InputError::in_file(&table.path, Some(1), problem, remedy).with_key(key))
        }
    }
}
