//! Quotes of a table that are never closed: everything after one would be a single cell.

use csv::ByteRecord;
use std::io::BufRead;

/// Whether a cell has a line end in it, as everything has that follows an open quote.
pub(in crate::data) fn spans_lines(record: &ByteRecord) -> bool {
    record.as_slice().contains(&b'\n') || record.as_slice().contains(&b'\r')
}

/// Where a reader of a table stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote in a cell in quotes: the last one, or the first of two that stand for one.
    QuoteInQuoted,
}

/// The line, counted from 1, of the quote that is open at the end, where one is. A quote opens at the start of a
/// cell only.
pub(in crate::data) fn unclosed(content: impl BufRead, separator: u8) -> Option<usize> {
    const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
    let (mut line, mut opened, mut state) = (1, 1, State::CellStart);
    for (place, byte) in content.bytes().map_while(Result::ok).enumerate() {
        if MARK.get(place) == Some(&byte) {
            continue;
        }
        let is_end = byte == separator || byte == b'\n' || byte == b'\r';
        state = match (state, byte) {
            (State::CellStart, b'"') => {
                opened = line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => State::Quoted,
            _ if is_end => State::CellStart,
            _ => State::Plain,
        };
        line += usize::from(byte == b'\n');
    }
    (state == State::Quoted).then_some(opened)
}
