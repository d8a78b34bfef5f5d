//! The IDX format of MNIST: a header of big-endian numbers, then bytes, maybe compressed by gzip.
//!
//! The header is two zero bytes, the type of the entries (8: unsigned bytes, the only one here), the
//! number of dimensions, and each dimension as four bytes. Source: the description of the files on
//! the MNIST database's page (LeCun, Cortes & Burges).

use super::gzip;
use crate::error::{InputError, Result};
use std::cmp::Ordering;
use std::io::{self, Read};
use std::path::Path;

const UNSIGNED_BYTES: u8 = 8;

/// Largest number of bytes taken from a file. A run holds some 24 times as many, numbers of eight bytes
/// in three copies: 6 GiB.
const MOST_BYTES: u64 = 256 << 20;

/// Entries of an IDX file.
#[derive(Debug)]
pub(in crate::data) struct Idx<const N: usize> {
    /// Lengths of the dimensions; the first one is at most the limit.
    pub dims: [usize; N],
    /// Length of the first dimension in the file.
    pub whole: u64,
    /// The entries, the last dimension running fastest.
    pub bytes: Vec<u8>,
}

/// Reads the first `limit` entries along the first dimension of the file that the scenario's `key`
/// names.
///
/// # Errors
/// An input error where the file cannot be read, is no IDX file of unsigned bytes in N dimensions,
/// has no entries, or is shorter or longer than its header says.
pub(in crate::data) fn read<const N: usize>(path: &Path, key: &str, limit: u64) -> Result<Idx<N>> {
    let unreadable = |error: io::Error| InputError::unreadable(path, key, &error);
    let mut content = gzip::open(path).map_err(unreadable)?;
    parse(&mut content, key, limit).map_err(|error| error.with_file(path))
}

fn cut_short(key: &str, error: &io::Error) -> InputError {
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends before its contents do".to_owned(),
        _ => format!("the file cannot be unpacked: {error}"),
    };
    let remedy = "fetch the file again: it is cut short or damaged";
    InputError::at(key, problem, remedy)
}

fn parse<const N: usize>(source: &mut impl Read, key: &str, limit: u64) -> Result<Idx<N>> {
    let refuse = |problem: &str, remedy| Err(InputError::at(key, problem, remedy));
    let mut lengths = header::<N>(source, key)?;
    let whole = lengths[0];
    lengths[0] = whole.min(limit);
    let product = |size: u64, &length| size.checked_mul(length);
    let size = match lengths.iter().try_fold(1, product) {
        Some(0) => return refuse("the file holds nothing", "give a file with images"),
        Some(size) if size <= MOST_BYTES => size,
        _ => {
            let problem = format!(
                "its header speaks of {lengths:?} entries, more than the {MOST_BYTES} that can be taken"
            );
            return refuse(&problem, "set data.images.limit, or check the file");
        }
    };
    // One more than there should be shows whether the file goes on.
    let is_cut = whole > limit;
    let wanted = if is_cut { size } else { size + 1 };
    let mut bytes = Vec::new();
    source
        .take(wanted)
        .read_to_end(&mut bytes)
        .map_err(|error| cut_short(key, &error))?;
    match (bytes.len() as u64).cmp(&size) {
        Ordering::Less => Err(cut_short(key, &io::ErrorKind::UnexpectedEof.into())),
        Ordering::Greater => refuse(
            "the file goes on behind what its header says",
            "check that the file is what it was meant to be",
        ),
        // Each length fits: their product is at most MOST_BYTES.
        Ordering::Equal => Ok(Idx {
            dims: lengths.map(|length| length as usize),
            whole,
            bytes,
        }),
    }
}

/// Lengths of the dimensions of a file of unsigned bytes.
fn header<const N: usize>(source: &mut impl Read, key: &str) -> Result<[u64; N]> {
    let refuse = |problem: &str, remedy| Err(InputError::at(key, problem, remedy));
    let mut word = [0; 4];
    let mut next = || {
        let read = source.read_exact(&mut word);
        read.map_err(|error| cut_short(key, &error)).map(|()| word)
    };
    let [0, 0, kind, rank] = next()? else {
        let remedy = "give a file in the format of MNIST, or use csv";
        return refuse("not an IDX file", remedy);
    };
    if kind != UNSIGNED_BYTES {
        let problem = format!("its entries are of type {kind:#04x}, not unsigned bytes (0x08)");
        return refuse(&problem, "write the images as unsigned bytes");
    }
    if usize::from(rank) != N {
        let problem = format!("the file has {rank} dimensions where {N} are wanted");
        let remedy = "images have three dimensions, labels one: check which is which";
        return refuse(&problem, remedy);
    }
    let mut lengths = [0; N];
    for length in &mut lengths {
        *length = u32::from_be_bytes(next()?).into();
    }
    Ok(lengths)
}
