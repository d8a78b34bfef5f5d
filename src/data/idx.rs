//! The IDX format of MNIST: a header of big-endian numbers, then bytes, maybe compressed by gzip.
//!
//! The header is two zero bytes, the type of the entries (8: unsigned bytes, the only one here), the
//! number of dimensions, and each dimension as four bytes. Source: the description of the files on
//! the MNIST database's page (LeCun, Cortes & Burges).

use crate::error::{InputError, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const UNSIGNED_BYTES: u8 = 8;

/// Largest number of bytes taken from a file: more than any image set that the moments of can be
/// computed, and a bound on what a broken header can ask for.
const MOST_BYTES: u64 = 4 << 30;

/// Entries of an IDX file.
#[derive(Debug)]
pub(super) struct Idx<const N: usize> {
    /// Lengths of the dimensions; the first one is at most the limit.
    pub dims: [usize; N],
    /// The entries, the last dimension running fastest.
    pub bytes: Vec<u8>,
}

/// Reads the first `limit` entries along the first dimension of the file that the scenario's `key`
/// names.
///
/// # Errors
/// An input error where the file cannot be read, is no IDX file of unsigned bytes in N dimensions,
/// has no entries, or is shorter or longer than its header says.
pub(super) fn read<const N: usize>(path: &Path, key: &str, limit: u64) -> Result<Idx<N>> {
    let unreadable = |error: io::Error| InputError::unreadable(path, key, &error);
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let is_gzip = file
        .fill_buf()
        .map_err(unreadable)?
        .starts_with(&[0x1f, 0x8b]);
    let idx = if is_gzip {
        parse(&mut MultiGzDecoder::new(file), limit)
    } else {
        parse(&mut file, limit)
    };
    idx.map_err(|flaw| {
        InputError::in_file(path, None, flaw.problem, flaw.remedy)
            .with_key(key)
            .into()
    })
}

/// What is wrong with the contents of a file, and what to do about it.
#[derive(Debug)]
struct Flaw {
    problem: String,
    remedy: &'static str,
}

impl Flaw {
    fn new(problem: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            problem: problem.into(),
            remedy,
        }
    }
}

fn cut_short(error: &io::Error) -> Flaw {
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends before its contents do".to_owned(),
        _ => format!("the file cannot be unpacked: {error}"),
    };
    Flaw::new(problem, "fetch the file again: it is cut short or damaged")
}

fn parse<const N: usize>(source: &mut impl Read, limit: u64) -> Result<Idx<N>, Flaw> {
    let mut word = [0; 4];
    source
        .read_exact(&mut word)
        .map_err(|error| cut_short(&error))?;
    let [0, 0, kind, rank] = word else {
        return Err(Flaw::new(
            "not an IDX file",
            "give a file in the format of MNIST, or use csv",
        ));
    };
    if kind != UNSIGNED_BYTES {
        let problem = format!("its entries are of type {kind:#04x}, not unsigned bytes (0x08)");
        return Err(Flaw::new(problem, "write the images as unsigned bytes"));
    }
    if usize::from(rank) != N {
        let problem = format!("the file has {rank} dimensions where {N} are wanted");
        return Err(Flaw::new(
            problem,
            "images have three dimensions, labels one: check which is which",
        ));
    }
    let mut lengths = [0u64; N];
    for length in &mut lengths {
        source
            .read_exact(&mut word)
            .map_err(|error| cut_short(&error))?;
        *length = u32::from_be_bytes(word).into();
    }
    let whole = lengths[0] <= limit;
    lengths[0] = lengths[0].min(limit);
    let size = lengths
        .iter()
        .try_fold(1u64, |size, &length| size.checked_mul(length));
    let size = match size {
        Some(0) => {
            return Err(Flaw::new(
                "the file holds nothing",
                "give a file with images",
            ));
        }
        Some(size) if size <= MOST_BYTES => size,
        _ => {
            let problem =
                format!("its header speaks of {lengths:?} entries, more than can be taken");
            return Err(Flaw::new(
                problem,
                "set data.images.limit, or check the file",
            ));
        }
    };
    let mut bytes = Vec::new();
    let wanted = size + u64::from(whole);
    source
        .take(wanted)
        .read_to_end(&mut bytes)
        .map_err(|error| cut_short(&error))?;
    match (bytes.len() as u64).cmp(&size) {
        std::cmp::Ordering::Less => Err(cut_short(&io::ErrorKind::UnexpectedEof.into())),
        std::cmp::Ordering::Greater => Err(Flaw::new(
            "the file goes on behind what its header says",
            "check that the file is what it was meant to be",
        )),
        // Both fit: they are below MOST_BYTES.
        std::cmp::Ordering::Equal => Ok(Idx {
            dims: lengths.map(|length| length as usize),
            bytes,
        }),
    }
}
