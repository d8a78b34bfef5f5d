//! How a table is written: what separates its cells, and what its decimals look like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{BufRead, Read, Result};

/// What stands between the cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Separator {
    /// The one that the table's first line shows: the only one of tab, `;`, `,` and `|` in it, or blanks
    /// where it has none of them. Where it has several, the one that the second line has as often. What
    /// stands between quotes does not count.
    #[default]
    Auto,
    /// Commas.
    #[serde(rename = ",")]
    Comma,
    /// Semicolons.
    #[serde(rename = ";")]
    Semicolon,
    /// Vertical bars.
    #[serde(rename = "|")]
    Bar,
    /// Tabs.
    #[serde(alias = "\t")]
    Tab,
    /// Any number of blanks or tabs.
    #[serde(alias = " ")]
    Blank,
}

impl Separator {
    /// The byte between two cells; one blank stands for many ([`Blanks`]).
    pub(in crate::data) fn byte(self) -> u8 {
        match self {
            Separator::Auto | Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Bar => b'|',
            Separator::Tab => b'\t',
            Separator::Blank => b' ',
        }
    }

    /// What the first two lines of a table show; the candidates where they show several.
    pub(in crate::data) fn detect(
        first: &str,
        second: &str,
        decimal: Decimal,
    ) -> std::result::Result<Separator, Vec<Separator>> {
        let one_byte = [
            Separator::Tab,
            Separator::Semicolon,
            Separator::Comma,
            Separator::Bar,
        ];
        let mut found: Vec<Separator> = one_byte
            .into_iter()
            .filter(|separator| count(first, separator.byte()) > 0)
            .collect();
        if found.len() > 1 && decimal == Decimal::Comma {
            found.retain(|separator| *separator != Separator::Comma);
        }
        match found.as_slice() {
            [one] => return Ok(*one),
            [] if first.trim().contains([' ', '\t']) => return Ok(Separator::Blank),
            [] => return Ok(Separator::Comma),
            _ => (),
        }
        let is_even = |separator: &&Separator| {
            count(first, separator.byte()) == count(second, separator.byte())
        };
        let mut even = found.iter().filter(is_even);
        match (even.next(), even.next()) {
            (Some(one), None) => Ok(*one),
            _ => Err(found),
        }
    }

    /// As it is written in a scenario.
    pub(in crate::data) fn written(self) -> &'static str {
        match self {
            Separator::Auto => "auto",
            Separator::Comma => "\",\"",
            Separator::Semicolon => "\";\"",
            Separator::Bar => "\"|\"",
            Separator::Tab => "tab",
            Separator::Blank => "blank",
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Separator::Auto => "auto",
            Separator::Comma => "commas",
            Separator::Semicolon => "semicolons",
            Separator::Bar => "vertical bars",
            Separator::Tab => "tabs",
            Separator::Blank => "blanks",
        })
    }
}

/// How often a byte stands outside quotes.
fn count(line: &str, byte: u8) -> usize {
    let outside = line.split('"').step_by(2);
    outside
        .map(|part| part.bytes().filter(|&b| b == byte).count())
        .sum()
}

/// The sign between the whole and the fraction of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Decimal {
    /// A point: 2.5.
    #[default]
    #[serde(rename = ".")]
    Point,
    /// A comma: 2,5.
    #[serde(rename = ",")]
    Comma,
}

/// What happens to a row with a missing cell: one that is empty, NA, NaN or null, in a column that is
/// used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is an error that names the cell.
    #[default]
    Refuse,
    /// The row is left out and counted.
    Drop,
}

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::data) struct Format {
    /// The section of the scenario that says so, for remedies; None where it cannot.
    pub key: Option<&'static str>,
    /// Between the cells.
    pub separator: Separator,
    /// In the numbers.
    pub decimal: Decimal,
    /// Whether the first line has the names of the columns; else they are 1, 2, ...
    pub header: bool,
}

impl Format {
    /// Cells as in most tables, which the scenario cannot change.
    pub const COMMON: Format = Format {
        key: None,
        separator: Separator::Auto,
        decimal: Decimal::Point,
        header: true,
    };
}

/// The same text with one blank for every run of blanks and tabs within a line, and none at its ends;
/// what stands between quotes stays.
pub(in crate::data) struct Blanks<R> {
    inner: R,
    is_quoted: bool,
    is_line_start: bool,
    is_pending: bool,
    ready: Vec<u8>,
    taken: usize,
}

impl<R> Blanks<R> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            is_quoted: false,
            is_line_start: true,
            is_pending: false,
            ready: Vec::new(),
            taken: 0,
        }
    }

    fn take_in(&mut self, byte: u8) {
        if matches!(byte, b' ' | b'\t') && !self.is_quoted {
            self.is_pending = true;
            return;
        }
        let is_line_end = matches!(byte, b'\r' | b'\n') && !self.is_quoted;
        if self.is_pending && !self.is_line_start && !is_line_end {
            self.ready.push(b' ');
        }
        self.is_pending = false;
        self.is_line_start = is_line_end;
        self.is_quoted ^= byte == b'"';
        self.ready.push(byte);
    }
}

impl<R: BufRead> Read for Blanks<R> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        while self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            let chunk = self.inner.fill_buf()?.to_vec();
            if chunk.is_empty() {
                return Ok(0);
            }
            self.inner.consume(chunk.len());
            chunk.into_iter().for_each(|byte| self.take_in(byte));
        }
        let rest = &self.ready[self.taken..];
        let len = rest.len().min(to.len());
        to[..len].copy_from_slice(&rest[..len]);
        self.taken += len;
        Ok(len)
    }
}
