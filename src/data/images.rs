//! Two views of labelled images.
//!
//! Both views have the same image behind them: halves of it, so that each tells a part, or the whole of
//! it where noise has not taken its place, so that they agree as often as the probabilities say.

use super::layout;
use super::pixels::{self, Pixels};
use super::rows::Rows;
use crate::error::{InputError, Result};
use crate::random::{Purpose, stream};
use crate::scenario::{ImagesData, MOST_DIMENSIONS, NoiseViews};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_distr::StandardNormal;

/// The views as rows.
///
/// # Errors
/// An input error where the files cannot be used (the folder's `pixels.rs`), the images are too large
/// or too narrow for two views, and where they have one label only.
pub(super) fn rows(images: &ImagesData, seed: u64) -> Result<Rows> {
    let Pixels {
        mut values,
        width,
        labels,
    } = pixels::read(images)?;
    let inputs = values.ncols() * if images.halves { 1 } else { 2 };
    if inputs as u64 > MOST_DIMENSIONS {
        let problem = format!("the two views have {inputs} pixels together");
        let remedy = format!("scale the images down to at most {MOST_DIMENSIONS}");
        return Err(InputError::at("data.images", problem, remedy).into());
    }
    let mut targets = one_hot(&labels)?;
    if images.centre {
        let first = values.row(0).clone_owned();
        if values.row_iter().all(|row| row == first) {
            let problem = "all images are alike: nothing is left without their mean";
            let remedy = "give images that differ";
            return Err(InputError::at("data.images", problem, remedy).into());
        }
        centre(&mut values);
        centre(&mut targets);
    }
    let [a, b] = match &images.noise {
        Some(noise) => replaced(&values, noise, seed),
        None => halves(&values, width)?,
    };
    let names = ["A".to_owned(), "B".to_owned()];
    let columns = a.column_iter().chain(b.column_iter());
    Ok(Rows {
        modalities: layout(names.iter().zip([a.ncols(), b.ncols()])),
        inputs: DMatrix::from_columns(&columns.collect::<Vec<_>>()),
        targets,
        parts: None,
    })
}

/// One column for each label there is, in ascending order: 1 for the images that have it.
fn one_hot(labels: &[u64]) -> Result<DMatrix<f64>> {
    let mut kinds = labels.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let refuse = |problem: &str, remedy: &str| {
        let problem = format!(
            "the images have {} different labels: {problem}",
            kinds.len()
        );
        Err(InputError::at("data.images", problem, remedy).into())
    };
    if kinds.len() < 2 {
        return refuse(
            "there is nothing to tell apart",
            "give images of at least two labels (data.images.limit takes the first ones)",
        );
    }
    if kinds.len() as u64 > MOST_DIMENSIONS {
        let most = format!("each is an output, of which there can be {MOST_DIMENSIONS}");
        return refuse(&most, "check that the label is not a number of the image");
    }
    Ok(DMatrix::from_fn(labels.len(), kinds.len(), |row, kind| {
        f64::from(u8::from(labels[row] == kinds[kind]))
    }))
}

/// Takes the mean from every column.
fn centre(rows: &mut DMatrix<f64>) {
    for mut column in rows.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
}

/// The left and the right half of images of a width.
fn halves(values: &DMatrix<f64>, width: usize) -> Result<[DMatrix<f64>; 2]> {
    if width < 2 {
        let problem = "the images are one pixel wide";
        let remedy = "give wider images (data.images.csv.width), or use noise";
        return Err(InputError::at("data.images.halves", problem, remedy).into());
    }
    let (left, right): (Vec<usize>, Vec<usize>) =
        (0..values.ncols()).partition(|pixel| pixel % width < width / 2);
    Ok([values.select_columns(&left), values.select_columns(&right)])
}

/// The whole image on either side, or noise in its place.
fn replaced(values: &DMatrix<f64>, noise: &NoiseViews, seed: u64) -> [DMatrix<f64>; 2] {
    let root_mean_square = values.norm() / (values.len() as f64).sqrt();
    let std = noise.std.unwrap_or(root_mean_square);
    let mut sides = [values.clone(), values.clone()];
    let mut choices = stream(seed, Purpose::Views);
    let mut normal = stream(seed, Purpose::Noise);
    for row in 0..values.nrows() {
        let choice: f64 = choices.random();
        let hidden = if choice < noise.only_a {
            1
        } else if choice < noise.only_a + noise.only_b {
            0
        } else {
            continue;
        };
        for pixel in &mut sides[hidden].row_mut(row) {
            *pixel = std * normal.sample::<f64, _>(StandardNormal);
        }
    }
    sides
}
