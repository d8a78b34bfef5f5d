//! Which columns of a table are used: names, patterns, ranges, and the rest.

use super::files::csv_file::CsvFile;
use crate::error::{InputError, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// The word for every column that is not used elsewhere.
const REST: &str = "rest";

const COLUMNS: &str = "a list of columns, or rest";

/// Columns of one modality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// Every column with a name that is not used elsewhere.
    Rest,
    /// Names, patterns such as gene_*, and ranges such as s1..s6.
    Listed(Vec<ColumnName>),
}

/// The name of a column, also where it is a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ColumnName(pub String);

impl JsonSchema for ColumnName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ColumnName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "title": "a column" })
    }
}

impl JsonSchema for Columns {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Columns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<ColumnName>>();
        json_schema!({ "title": COLUMNS, "anyOf": [list, { "const": REST }] })
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Columns::Rest => serializer.serialize_str(REST),
            Columns::Listed(names) => names.serialize(serializer),
        }
    }
}

/// By hand: the derived one for untagged enums loses what was wrong and where.
impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(COLUMNS)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Columns, E> {
        match word {
            REST => Ok(Columns::Rest),
            _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Columns, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        Ok(Columns::Listed(names))
    }
}

impl<'de> Deserialize<'de> for ColumnName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = ColumnName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column")
    }

    fn visit_str<E>(self, name: &str) -> Result<ColumnName, E> {
        Ok(ColumnName(name.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<ColumnName, E> {
        Ok(ColumnName(number.to_string()))
    }
}

/// Columns that have been taken from a table, each once.
pub(super) struct Selection<'f, 'p> {
    file: &'f CsvFile<'p>,
    /// The key that took the column at each place.
    takers: Vec<Option<String>>,
    /// Whether patterns, ranges and the rest leave out the column at each place.
    ignored: Vec<bool>,
}

impl<'f, 'p> Selection<'f, 'p> {
    /// Of a table, where patterns, ranges and the rest leave out the columns of `ignore`.
    ///
    /// # Errors
    /// An input error where no column fits an entry of `ignore`.
    pub fn new(file: &'f CsvFile<'p>, ignore: &[ColumnName]) -> Result<Self> {
        let columns = file.columns().count();
        let mut selection = Self {
            file,
            takers: vec![None; columns],
            // Without a name there is only the number of the row that many programs write.
            ignored: file.columns().map(str::is_empty).collect(),
        };
        for entry in ignore {
            for place in selection.places(&entry.0)? {
                selection.ignored[place] = true;
            }
        }
        Ok(selection)
    }

    /// Takes the columns of a list at `key`; their places.
    ///
    /// # Errors
    /// An input error where no column fits an entry, and where one was taken before.
    pub fn take(&mut self, key: &str, entries: &[ColumnName]) -> Result<Vec<usize>> {
        let mut places = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let own = self.places(&entry.0)?;
            for &place in &own {
                self.take_one(place, format!("{key}.{i}"), &entry.0)?;
            }
            places.extend(own);
        }
        Ok(places)
    }

    fn take_one(&mut self, place: usize, key: String, entry: &str) -> Result<()> {
        let name = self.file.name(place);
        let taker = &mut self.takers[place];
        let Some(first) = taker else {
            *taker = Some(key);
            return Ok(());
        };
        let through = match entry == name {
            true => String::new(),
            false => format!(" of {entry:?}"),
        };
        Err(InputError::at(
            key,
            format!("the column {name:?}{through} already stands at {first}"),
            "use each column once, either as an input of one modality or as a target; data.table.ignore \
             takes columns out of patterns, ranges and the rest",
        ))
    }

    /// Takes every column with a name that is not ignored and was not taken before.
    ///
    /// # Errors
    /// An input error where there is none, and where two have the same name.
    pub fn take_rest(&mut self, key: &str) -> Result<Vec<usize>> {
        let is_free = |place: &usize| self.takers[*place].is_none() && !self.ignored[*place];
        let places: Vec<usize> = (0..self.takers.len()).filter(is_free).collect();
        if places.is_empty() {
            let problem = "no column is left for it";
            let remedy = "take this modality out, or leave columns to it";
            return Err(InputError::at(key, problem, remedy));
        }
        for &place in &places {
            self.file.place(self.file.name(place))?;
            self.takers[place] = Some(key.to_owned());
        }
        Ok(places)
    }

    /// Places of the columns of an entry: those of this name, or else of this pattern or range.
    fn places(&self, entry: &str) -> Result<Vec<usize>> {
        let file = self.file;
        if file.has(entry) {
            return Ok(vec![file.place(entry)?]);
        }
        let range = entry.split_once("..");
        let places: Vec<usize> = if entry.contains('*') {
            let fits = |(place, name): (usize, &str)| matches(entry, name).then_some(place);
            file.columns().enumerate().filter_map(fits).collect()
        } else if let Some((first, last)) = range {
            let end = |name: &str| match file.has(name) {
                true => file.place(name),
                false => Err(file.missing_column(entry, name, &format!("no column {name:?}"))),
            };
            (end(first)?..=end(last)?).collect()
        } else {
            return Err(file.missing_column(entry, entry, "no such column"));
        };
        let is_kept = |place: &usize| !self.ignored[*place];
        let places: Vec<usize> = places.into_iter().filter(is_kept).collect();
        match (places.is_empty(), range) {
            (false, _) => places
                .iter()
                .map(|&place| file.place(file.name(place)))
                .collect(),
            (true, Some((first, last))) if !entry.contains('*') => {
                let problem = format!("no column stands from {first} to {last}");
                let remedy = format!("give the first column first: {last}..{first}");
                Err(file.in_column(entry, Some(1), problem, remedy))
            }
            _ => {
                let name = entry.replace('*', "");
                Err(file.missing_column(entry, &name, "no column fits this pattern"))
            }
        }
    }
}

/// Whether a name fits a pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = name.split_once(part) else {
            return false;
        };
        name = after;
    }
    name.ends_with(end)
}
