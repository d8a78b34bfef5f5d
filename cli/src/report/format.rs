//! Numbers and tables as text.

use modalflow::data::Modality;
use std::fmt::Write;

/// What stands for a missing value.
pub(super) const NONE: &str = "-";

/// A number to six significant digits, plain where that is short.
pub fn number(value: f64) -> String {
    number_to(6, value)
}

/// A number to some significant digits, plain where that is short.
pub fn number_to(digits: usize, value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let exponent = value.abs().log10().floor();
    let decimals = digits.saturating_sub(1);
    if !(-4.0..7.0).contains(&exponent) {
        let text = format!("{value:.decimals$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trim_zeros(mantissa));
    }
    let decimals = (decimals as f64 - exponent).max(0.0) as usize;
    trim_zeros(&format!("{value:.decimals$}")).to_string()
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or(NONE.into(), number)
}

/// A number to four significant digits, or what stands for none.
pub(super) fn short(value: impl Into<Option<f64>>) -> String {
    value
        .into()
        .map_or(NONE.into(), |value| number_to(4, value))
}

pub(super) fn name(modality: Option<&Modality>) -> String {
    modality.map_or(NONE.into(), |modality| modality.name.clone())
}

/// A relative gap in percent, with enough digits to tell it from zero.
pub(super) fn percent(gap: Option<f64>) -> String {
    match gap {
        None => NONE.into(),
        Some(0.0) => "0 %".into(),
        Some(gap) if gap.abs() < 1e-4 => format!("{:+.0e} %", 100.0 * gap),
        Some(gap) => format!("{:+.2} %", 100.0 * gap),
    }
}

/// A column of a table: its heading, and its cell in a row.
pub(super) type Column<'a, T> = (&'a str, &'a dyn Fn(&T) -> String);

/// The headings of columns, and below them their cells.
pub(super) fn rows<T>(
    items: impl IntoIterator<Item = T>,
    columns: &[Column<'_, T>],
) -> Vec<Vec<String>> {
    let heading = columns.iter().map(|(heading, _)| (*heading).to_owned());
    let row = |item: T| columns.iter().map(|(_, cell)| cell(&item)).collect();
    std::iter::once(heading.collect())
        .chain(items.into_iter().map(row))
        .collect()
}

/// A fraction in percent; what rounds to nothing is nothing.
pub(crate) fn fraction(share: Option<f64>) -> String {
    // Without the sign of a nothing below zero.
    let tenths = |share: f64| (1000.0 * share).round() / 10.0 + 0.0;
    share.map_or(NONE.into(), |share| format!("{:.1} %", tenths(share)))
}

/// Rows of cells under a header, each column as wide as its widest cell, the first column and
/// those of words to the left.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        rows.iter()
            .filter_map(|row| row.get(c))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:<width$} ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A note, broken into indented lines of at most 100 characters.
pub(super) fn push_wrapped(text: &mut String, note: &str) {
    const WIDTH: usize = 100;
    let mut line = String::from(" ");
    for word in note.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}
