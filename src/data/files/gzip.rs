//! Files as they are or compressed by gzip, told apart by their first bytes.

use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Result};
use std::path::Path;

const MAGIC: &[u8] = &[0x1f, 0x8b];

/// The content of a file, unpacked where it is compressed.
///
/// # Errors
/// Where the file cannot be opened or read.
pub(in crate::data) fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    Ok(if file.fill_buf()?.starts_with(MAGIC) {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}
