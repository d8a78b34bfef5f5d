//! Tables as text: numbers and labels by column, errors by file, line and column.
//!
//! A file is read row by row, so that memory holds the cells that are used and nothing else.

use super::csv_cell::{self as cell, Flaw};
use super::csv_format::{Blanks, Format, Missing, Separator};
use super::csv_quotes as quotes;
use super::gzip;
use crate::data::classes::Classes;
use crate::error::{InputError, Remedy, Result, listed};
use csv::{ByteRecord, ErrorKind, StringRecord};
use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// Longest first line, in bytes: 100,000 columns with names of 100 characters.
const LONGEST_LINE: u64 = 10_000_000;

/// A table, and what its first line says.
pub(in crate::data) struct CsvFile<'p> {
    path: &'p Path,
    format: Format,
    header: StringRecord,
    /// Where each name stands; None for a name that stands twice.
    places: HashMap<String, Option<usize>>,
}

/// Which cells are wanted.
pub(in crate::data) struct Wanted<'w> {
    /// Places of columns of numbers.
    pub numbers: &'w [usize],
    /// Place of a column of labels.
    pub label: Option<usize>,
    /// What happens to rows with missing cells.
    pub missing: Missing,
    /// Most rows, from the first on.
    pub limit: usize,
}

/// The cells of a table that were wanted.
#[derive(Default)]
pub(in crate::data) struct Cells {
    /// The numbers, column after column in the order wanted.
    pub numbers: Vec<Vec<f64>>,
    /// The label of every row.
    pub labels: Classes,
    /// Number of rows.
    pub rows: usize,
    /// Number of rows left out.
    pub dropped: usize,
}

impl<'p> CsvFile<'p> {
    /// Reads the first lines of the file that the scenario's `key` names.
    ///
    /// # Errors
    /// An input error where the file cannot be read, is empty or is not text in UTF-8, and where the first
    /// lines do not show what separates the cells.
    pub fn open(path: &'p Path, key: &str, mut format: Format) -> Result<Self> {
        let unreadable = |error: io::Error| InputError::unreadable(path, key, &error);
        let lines = first_lines(path).map_err(unreadable)?;
        if lines[0].is_empty() {
            let remedy = "write a header with the names of the columns, then rows of numbers";
            return Err(InputError::in_file(path, None, "the file is empty", remedy));
        }
        let first = std::str::from_utf8(&lines[0]).map_err(|_| not_utf8(path, Some(1)))?;
        if format.separator == Separator::Auto {
            let second = String::from_utf8_lossy(&lines[1]);
            format.separator = Separator::detect(first, &second, format.decimal)
                .map_err(|found| ambiguous(path, &format, &found))?;
        }
        let mut file = Self {
            path,
            format,
            header: StringRecord::new(),
            places: HashMap::new(),
        };
        let mut first = StringRecord::new();
        let mut reader = file.reader(false)?;
        reader
            .read_record(&mut first)
            .map_err(|error| file.not_csv(&error))?;
        file.ensure_quotes_close(first.as_byte_record())?;
        first.trim();
        file.header = match format.header {
            true => first,
            false => (1..=first.len()).map(|k| k.to_string()).collect(),
        };
        for (place, name) in file.header.iter().enumerate() {
            let known = file.places.entry(name.to_owned());
            known
                .and_modify(|place| *place = None)
                .or_insert(Some(place));
        }
        Ok(file)
    }

    /// What separates the cells; never [`Separator::Auto`].
    pub fn separator(&self) -> Separator {
        self.format.separator
    }

    /// Names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter()
    }

    /// Name of the column at a place.
    pub fn name(&self, place: usize) -> &str {
        self.header.get(place).unwrap_or_default()
    }

    /// The cells that are wanted.
    ///
    /// # Errors
    /// An input error where a cell is not a finite number or is missing, where a row has another length
    /// than the header, and where there are no rows.
    pub fn read(&self, wanted: &Wanted<'_>) -> Result<Cells> {
        let mut cells = Cells {
            numbers: vec![Vec::new(); wanted.numbers.len()],
            ..Cells::default()
        };
        let mut reader = self.reader(self.format.header)?;
        let mut record = ByteRecord::new();
        let mut row = Vec::with_capacity(wanted.numbers.len());
        // Once: the quotes of the whole file are looked at.
        let mut is_checked = false;
        while cells.rows < wanted.limit {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.ensure_quotes_close(&record)?;
                    return Err(self.not_csv(&error));
                }
            }
            if !is_checked && quotes::spans_lines(&record) {
                self.ensure_quotes_close(&record)?;
                is_checked = true;
            }
            match self.row(wanted, &record, &mut row) {
                Ok(label) => {
                    let columns = cells.numbers.iter_mut().zip(&row);
                    columns.for_each(|(column, value)| column.push(*value));
                    label.into_iter().for_each(|label| cells.labels.push(label));
                    cells.rows += 1;
                }
                Err((_, Flaw::Missing(_))) if wanted.missing == Missing::Drop => cells.dropped += 1,
                Err((place, flaw)) => return Err(self.refuse(place, flaw, &record)),
            }
        }
        if cells.rows > 0 {
            return Ok(cells);
        }
        let (problem, remedy) = match cells.dropped {
            0 => (
                "a header, but no rows".to_owned(),
                "add rows of numbers below the header",
            ),
            dropped => (
                format!("each of the {dropped} rows has a missing cell in a column that is used"),
                "leave out the columns that have most of them",
            ),
        };
        Err(InputError::in_file(self.path, None, problem, remedy))
    }

    /// Takes the numbers of a row, and returns its label; the place and the flaw of the first cell that
    /// cannot be used. A missing cell comes before other flaws: its row may be left out.
    fn row<'r>(
        &self,
        wanted: &Wanted<'_>,
        record: &'r ByteRecord,
        row: &mut Vec<f64>,
    ) -> Result<Option<&'r str>, (usize, Flaw)> {
        row.clear();
        let mut unfit = None;
        for &place in wanted.numbers {
            let value = cell::text(record, place).and_then(|text| cell::number(text, &self.format));
            match value {
                Ok(value) => row.push(value),
                Err(flaw @ Flaw::Missing(_)) => return Err((place, flaw)),
                Err(flaw) => {
                    unfit.get_or_insert((place, flaw));
                }
            }
        }
        let label = wanted.label.map(|place| {
            let label = cell::text(record, place).map_err(|flaw| (place, flaw))?;
            let flaw = cell::missing(label).or_else(|| cell::not_a_class(label, &self.format));
            flaw.map_or(Ok(label), |flaw| Err((place, flaw)))
        });
        let label = label.transpose()?;
        unfit.map_or(Ok(label), Err)
    }

    fn refuse(&self, place: usize, flaw: Flaw, record: &ByteRecord) -> InputError {
        let (problem, remedy) = flaw.words(&self.format);
        let line = self.line_of(record.position());
        self.in_column(self.name(place), line, problem, remedy)
    }

    /// Where a column stands in the header.
    ///
    /// # Errors
    /// An input error where there is none of this name, or more than one.
    pub fn place(&self, name: &str) -> Result<usize> {
        match self.places.get(name) {
            Some(Some(place)) => Ok(*place),
            Some(None) => Err(self.in_column(
                name,
                Some(1),
                "more than one column has this name",
                "rename all but one",
            )),
            None => Err(self.missing_column(name, name, "no such column")),
        }
    }

    /// Whether a column has this name.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The error of an entry of a list for which there is no column called `name`.
    pub fn missing_column(&self, entry: &str, name: &str, problem: &str) -> InputError {
        let list = listed(&self.header);
        let is_numbers = self.header.iter().all(|cell| cell.parse::<f64>().is_ok());
        let remedy = match self.format.key {
            Some(key) if self.format.header && is_numbers => {
                Remedy::from("the first line has numbers only: ")
                    .set(format!("{key}.header"), "false")
                    .text(" if it is no header; columns are then called 1, 2, ...")
            }
            Some(key) if self.header.len() == 1 => {
                let other = match self.format.separator {
                    Separator::Semicolon => Separator::Comma.written(),
                    _ => Separator::Semicolon.written(),
                };
                Remedy::from(format!(
                    "the first line is one column where cells are separated by {}; it reads: {list}. Leave \
                     {key}.separator out, or give what stands between its cells in quotes: ",
                    self.format.separator
                ))
                .set(format!("{key}.separator"), other)
                .text(", say")
            }
            _ => format!("the file's columns are: {list}").into(),
        };
        self.in_column(entry, Some(1), problem, remedy)
            .with_unknown(name, &self.header)
    }

    /// An error in a column, at a line where it is known.
    pub fn in_column(
        &self,
        name: &str,
        line: Option<usize>,
        problem: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> InputError {
        InputError::in_file(self.path, line, problem, remedy).with_key(format!("column {name}"))
    }

    /// The text, unpacked, and with single blanks where blanks separate cells.
    fn content(&self) -> io::Result<Box<dyn Read>> {
        let content = gzip::open(self.path)?;
        Ok(match self.format.separator {
            Separator::Blank => Box::new(Blanks::new(content)),
            _ => Box::new(content),
        })
    }

    fn reader(&self, has_headers: bool) -> Result<csv::Reader<Box<dyn Read>>> {
        let content = self
            .content()
            .map_err(|error| self.not_csv(&error.into()))?;
        let mut builder = csv::ReaderBuilder::new();
        builder
            .has_headers(has_headers)
            .delimiter(self.format.separator.byte());
        Ok(builder.from_reader(content))
    }

    /// Makes sure that a record with a line end in a cell is not all that follows a quote that is never closed.
    fn ensure_quotes_close(&self, record: &ByteRecord) -> Result<()> {
        if !quotes::spans_lines(record) {
            return Ok(());
        }
        let content = self.content().ok().map(io::BufReader::new);
        let separator = self.format.separator.byte();
        match content.and_then(|content| quotes::unclosed(content, separator)) {
            None => Ok(()),
            Some(line) => {
                let problem =
                    "the quote that opens here is never closed: all lines after it are one cell";
                let remedy = "close it; a quote that is part of a text stands twice in a cell in quotes: \"5\"\" pipe\"";
                Err(InputError::in_file(self.path, Some(line), problem, remedy))
            }
        }
    }

    fn not_csv(&self, error: &csv::Error) -> InputError {
        let line = self.line_of(error.position());
        let (problem, remedy) = match error.kind() {
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => (
                format!("{len} cells where the header has {expected_len}"),
                match *len == expected_len + 1 {
                    true => {
                        "give every row as many cells as the header, which has none for the names of rows (R: \
                             row.names = FALSE)"
                    }
                    false => "give every row as many cells as the header",
                },
            ),
            ErrorKind::Utf8 { .. } => return not_utf8(self.path, line),
            ErrorKind::Io(error) => (
                format!("the file cannot be read to its end: {error}"),
                "fetch the file again: it is cut short or damaged",
            ),
            _ => (format!("not a CSV table: {error}"), "save the table as CSV"),
        };
        InputError::in_file(self.path, line, problem, remedy)
    }

    /// The line, counted from 1, of the record at a position or after line ends there. The csv crate's own
    /// count is one short after CRLF line ends and before blank lines.
    fn line_of(&self, position: Option<&csv::Position>) -> Option<usize> {
        let mut content = io::BufReader::new(self.content().ok()?);
        let is_end = |byte: &u8| *byte == b'\n';
        let (mut line, mut before) = (1, position?.byte());
        loop {
            let chunk = content.fill_buf().ok().filter(|chunk| !chunk.is_empty())?;
            let len = chunk
                .len()
                .min(usize::try_from(before).unwrap_or(usize::MAX));
            line += chunk[..len].iter().filter(|byte| is_end(byte)).count();
            content.consume(len);
            before -= len as u64;
            if before == 0 {
                break;
            }
        }
        let blank = content.bytes().map_while(io::Result::ok);
        let blank = blank.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        Some(line + blank.filter(is_end).count())
    }
}

/// The first two lines that are not empty.
fn first_lines(path: &Path) -> io::Result<[Vec<u8>; 2]> {
    let content = gzip::open(path)?;
    let mut lines = [Vec::new(), Vec::new()];
    let mut at = 0;
    for byte in content.take(2 * LONGEST_LINE).bytes() {
        match byte? {
            b'\r' | b'\n' if lines[at].is_empty() => (),
            b'\r' | b'\n' if at == 1 => break,
            b'\r' | b'\n' => at = 1,
            byte => lines[at].push(byte),
        }
    }
    Ok(lines)
}

fn not_utf8(path: &Path, line: Option<usize>) -> InputError {
    InputError::in_file(
        path,
        line,
        "not a text file in UTF-8",
        "save the table as CSV in UTF-8",
    )
}

fn ambiguous(path: &Path, format: &Format, found: &[Separator]) -> InputError {
    let names: Vec<String> = found.iter().map(Separator::to_string).collect();
    let problem = format!(
        "the cells may be separated by {}: the first lines show all of them",
        names.join(" or by ")
    );
    let remedy = match format.key {
        Some(key) => {
            let mut remedy = Remedy::default();
            for (place, found) in found.iter().enumerate() {
                let or = if place == 0 { "" } else { " or " };
                let key = format!("{key}.separator");
                remedy = remedy.text(or).set(key, found.written());
            }
            remedy.text(", whichever it is")
        }
        None => "separate the columns by commas, and put texts in quotes".into(),
    };
    InputError::in_file(path, Some(1), problem, remedy)
}
