//! The formats of the files that sources of data read: from bytes to numbers, labels and pixels.
//!
//! Every error names the file, and in it line and column or the array. What the numbers mean, and what
//! becomes of them, is the sources' own.
//!
//! | file | what it reads |
//! |---|---|
//! | `csv_file.rs`, `csv_cell.rs`, `csv_format.rs`, `csv_quotes.rs` | tables as text |
//! | `gzip.rs` | files that may be compressed |
//! | `array_file.rs`, `npy.rs`, `elements.rs` | arrays, and what their bytes mean |
//! | `idx.rs` | images and labels as MNIST has them |
//! | `pixels.rs` | images and labels from any of these |
//! | `reading.rs` | what reading a file told |

pub(in crate::data) mod array_file;
pub(in crate::data) mod csv_cell;
pub(in crate::data) mod csv_file;
pub(in crate::data) mod csv_format;
pub(in crate::data) mod csv_quotes;
pub(in crate::data) mod elements;
pub(in crate::data) mod gzip;
pub(in crate::data) mod idx;
pub(crate) mod npy;
pub(in crate::data) mod pixels;
pub(in crate::data) mod reading;
