//! One cell of a table.

use super::csv_format::{Decimal, Format};
use crate::error::Remedy;
use csv::ByteRecord;

const FILL_IN: &str = "fill in a finite number, or remove the row";

/// What is wrong with a cell.
pub(in crate::data) enum Flaw {
    /// It has no value.
    Missing(String),
    /// It has one that cannot be used; problem and remedy.
    Unfit(String, Remedy),
}

impl Flaw {
    /// Problem and remedy.
    pub fn words(self, format: &Format) -> (String, Remedy) {
        match (self, format.key) {
            (Flaw::Unfit(problem, remedy), _) => (problem, remedy),
            (Flaw::Missing(problem), None) => (problem, FILL_IN.into()),
            (Flaw::Missing(problem), Some(key)) => {
                let remedy = Remedy::from("fill in a finite number, or ")
                    .set(format!("{key}.missing"), "drop")
                    .text(" to leave out rows with missing cells");
                (problem, remedy)
            }
        }
    }
}

/// The number in a cell; true and false count as 1 and 0.
pub(in crate::data) fn number(text: &str, format: &Format) -> Result<f64, Flaw> {
    let value = match format.decimal {
        Decimal::Point => text.parse::<f64>().ok(),
        Decimal::Comma if text.contains('.') => None,
        Decimal::Comma => text.replacen(',', ".", 1).parse::<f64>().ok(),
    };
    match value {
        Some(value) if value.is_finite() => Ok(value),
        Some(value) if !value.is_nan() => Err(Flaw::Unfit(
            format!("{text:?} is not a finite number"),
            FILL_IN.into(),
        )),
        _ if text.eq_ignore_ascii_case("true") => Ok(1.0),
        _ if text.eq_ignore_ascii_case("false") => Ok(0.0),
        _ => Err(missing(text).unwrap_or_else(|| not_a_number(text, format))),
    }
}

fn not_a_number(text: &str, format: &Format) -> Flaw {
    let with = |sign: &str| text.replacen(sign, ".", 1).parse::<f64>().is_ok();
    let has_letters = text.contains(char::is_alphabetic);
    let remedy = match (format.key, format.decimal) {
        (Some(key), Decimal::Point) if with(",") => Remedy::default()
            .set(format!("{key}.decimal"), "\",\"")
            .text(" if the comma is the decimal sign"),
        (Some(key), Decimal::Comma) if text.parse::<f64>().is_ok() => Remedy::default()
            .set(format!("{key}.decimal"), "\".\"")
            .text(" if the point is the decimal sign"),
        (Some(key), _) if has_letters => Remedy::from(
            "words are no numbers: leave the column out, give it as ",
        )
        .key(format!("{key}.label"))
        .text(" if it is what is to be told, or write one column of 0 and 1 for each category"),
        _ => FILL_IN.into(),
    };
    Flaw::Unfit(format!("{text:?} is not a number"), remedy)
}

/// The flaw of a label that is a number with a fraction.
pub(in crate::data) fn not_a_class(text: &str, format: &Format) -> Option<Flaw> {
    let is_digit = text.starts_with(|c: char| c.is_ascii_digit() || "+-.,".contains(c));
    let value = is_digit.then(|| number(text, format).ok())??;
    let remedy = "give the column as targets; if its numbers stand for categories, write them as whole numbers or words";
    (value.fract() != 0.0).then(|| {
        let problem = format!("{text:?} is a measurement, not a category");
        Flaw::Unfit(problem, remedy.into())
    })
}

/// A cell without the blanks around it.
pub(in crate::data) fn text(record: &ByteRecord, place: usize) -> Result<&str, Flaw> {
    let cell = record.get(place).unwrap_or_default();
    std::str::from_utf8(cell).map(str::trim).map_err(|_| {
        Flaw::Unfit(
            "not text in UTF-8".to_owned(),
            "save the table as CSV in UTF-8".into(),
        )
    })
}

/// The flaw of a cell that has no value.
pub(in crate::data) fn missing(text: &str) -> Option<Flaw> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text {
        "" => Some(Flaw::Missing("the cell is empty".to_owned())),
        _ if is("nan") => Some(Flaw::Missing(format!("{text:?} is not a finite number"))),
        _ if is("na") || is("null") => Some(Flaw::Missing(format!("{text:?} is not a number"))),
        _ => None,
    }
}
