//! YAML text as a value, and the lines on which its keys and list elements stand.
//!
//! serde_yaml reads the values, which have no positions. A parser of events has them: it finds the
//! line of a key, and what no scenario can have anywhere, such as a key that stands twice.
//!
//! Paths are dotted, list indices are numbers counted from 0: `descent.learning_rate.1`, as in
//! `--set`.

use super::merge::{self, Shape};
use super::messages;
use crate::error::InputError;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_yaml::Value;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;

/// Levels of nesting that serde_yaml reads.
pub(super) const DEEPEST: usize = 128;

/// Below this key a mapping has numbers of layers for keys.
const NUMBERED: &str = "init.scale";

/// The text's value; the error has its line, but no file.
pub(super) fn parse(text: &str) -> Result<Value, InputError> {
    parse_at(text, "")
}

/// The same of a text that is the value of the key `path`.
pub(super) fn parse_at(text: &str, path: &str) -> Result<Value, InputError> {
    match Walk::over(text, path, "").fault {
        Some(fault) => Err(fault),
        None => value_of(text).map_err(|error| syntax_error(text, &error)),
    }
}

/// The text's value, with merge keys (`<<: *anchor`) replaced by what they merge.
fn value_of(text: &str) -> serde_yaml::Result<Value> {
    let mut value: Value = serde_yaml::from_str(text)?;
    // What is merged may have a merge key of its own, which each pass brings up by one level.
    while has_merge(&value) {
        value.apply_merge()?;
    }
    Ok(with_names(value))
}

/// The same with the numbers of layers that stand as keys as text.
fn with_names(value: Value) -> Value {
    match value {
        Value::Mapping(map) => Value::Mapping(
            map.into_iter()
                .map(|(key, value)| match key {
                    Value::Number(number) => (number.to_string().into(), with_names(value)),
                    name => (name, with_names(value)),
                })
                .collect(),
        ),
        Value::Sequence(list) => Value::Sequence(list.into_iter().map(with_names).collect()),
        other => other,
    }
}

fn has_merge(value: &Value) -> bool {
    match value {
        Value::Mapping(map) => map.contains_key(merge::KEY) || map.values().any(has_merge),
        Value::Sequence(list) => list.iter().any(has_merge),
        Value::Tagged(tagged) => has_merge(&tagged.value),
        _ => false,
    }
}

/// Line of the key `path`, or of its nearest ancestor that stands in the text.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    Walk::over(text, "", path).nearest
}

/// Whether `target` lies below `path`.
pub(super) fn leads_to(path: &str, target: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn syntax_error(text: &str, error: &serde_yaml::Error) -> InputError {
    let message = error.to_string();
    // An error at the end of the text is put on the line after the last one.
    let last = text.lines().count().max(1);
    let line = error.location().map(|location| location.line().min(last));
    if message.contains("limit exceeded") {
        return too_deep(line);
    }
    if message.contains("more than one document") {
        let problem = "the file holds more than one YAML document (a line ---)";
        return without_key(line, problem, "keep one scenario in a file");
    }
    let problem = format!("not valid YAML: {message}");
    // What is wrong with a line often shows in the next one only.
    let mut lines = line
        .into_iter()
        .flat_map(|line| [line, line.saturating_sub(1)]);
    if let Some((key, value)) = lines.find_map(|line| assignment(text, line)) {
        return without_key(line, &problem, &messages::colon_remedy(key, value));
    }
    without_key(
        line,
        &problem,
        "mend the line above or just before it: indent with spaces (no tabs), put a space after \
         each colon, close every bracket and quote, and put a value that is a sign in quotes: \",\" or \"|\"",
    )
}

/// Key and value of a line, counted from 1, with an equals sign in place of the colon.
fn assignment(text: &str, line: usize) -> Option<(&str, &str)> {
    let (key, value) = text.lines().nth(line.checked_sub(1)?)?.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_key && !key.is_empty()).then_some((key, value))
}

fn too_deep(line: Option<usize>) -> InputError {
    let problem = "the YAML is nested too deeply or repeats an alias too often";
    let remedy = "write the scenario out plainly; no scenario needs more than a few levels";
    without_key(line, problem, remedy)
}

fn without_key(line: Option<usize>, problem: &str, remedy: &str) -> InputError {
    InputError {
        line,
        key: None,
        ..InputError::at("", problem, remedy)
    }
}

/// A walk over the events of a text. Its steps return None where it ends early: at a fault, at
/// the key that is looked for, where the text is no YAML or nested too deeply.
struct Walk<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Path of the place where the walk is.
    path: String,
    /// The key that is looked for.
    target: &'t str,
    /// Line of the nearest ancestor of the target so far.
    nearest: Option<usize>,
    /// What stands at the anchors so far, by their number; None where the walk is inside of it.
    anchors: HashMap<usize, Option<Shape>>,
    text: &'t str,
    fault: Option<InputError>,
}

impl<'t> Walk<'t> {
    fn over(text: &'t str, place: &str, target: &'t str) -> Self {
        let mut walk = Walk {
            parser: Parser::new_from_str(text),
            path: place.to_owned(),
            target,
            nearest: None,
            anchors: HashMap::new(),
            text,
            fault: None,
        };
        while let Some((event, line)) = walk.next() {
            if !matches!(event, Event::StreamStart | Event::DocumentStart(_)) {
                let _end = walk.node(event, line, 0);
                break;
            }
        }
        walk
    }

    fn next(&mut self) -> Option<(Event<'t>, usize)> {
        match self.parser.next_event()? {
            Ok((event, span)) => Some((event, span.start.line())),
            Err(error) if error.info().contains("limit exceeded") => {
                self.stop(too_deep(Some(error.marker().line())))
            }
            Err(error) if error.info().contains("unknown anchor") => {
                let (line, column) = (error.marker().line(), error.marker().col());
                let alias = merge::alias_at(self.text, line, column);
                let (problem, remedy) = merge::unknown_anchor(alias);
                self.stop(self.fault(line, &problem, &remedy))
            }
            // serde_yaml says what is wrong.
            Err(_) => None,
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Option<Shape> {
        let (anchor, is_tagged) = merge::marks(&event);
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        let shape = match event {
            // serde_yaml would take a time that grows with the square of the depth.
            _ if depth > DEEPEST => self.stop(too_deep(Some(line))),
            Event::MappingStart(..) => self.mapping(depth),
            Event::SequenceStart(..) => self.sequence(depth),
            Event::Scalar(text, ScalarStyle::Plain, _, None) if is_too_large(&text) => {
                let problem = format!("the whole number {text} is too large to be read");
                let remedy = "give a smaller number, or write it with an exponent: 1.0e+20";
                self.stop(self.fault(line, &problem, remedy))
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(Some(shape)) => Some(*shape),
                _ => self.stop(self.fault(line, merge::INSIDE_ITSELF, merge::REMEDY)),
            },
            _ => Some(Shape::Scalar),
        };
        let shape = shape.map(|shape| if is_tagged { Shape::Tagged } else { shape })?;
        if anchor > 0 {
            self.anchors.insert(anchor, Some(shape));
        }
        Some(shape)
    }

    fn mapping(&mut self, depth: usize) -> Option<Shape> {
        let mut seen = HashSet::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Some(Shape::Mapping);
            }
            let name = self.name(event, line)?;
            let parent = self.enter(&name, line)?;
            let is_merge = name == merge::KEY;
            if !seen.insert(name) {
                let problem = "this key stands twice in the same mapping";
                let remedy = match is_merge {
                    true => "merge both with one key: `<<: [*one, *other]`",
                    false => "keep one of the two",
                };
                return self.stop(self.fault(line, problem, remedy));
            }
            let (event, line) = self.next()?;
            let shape = self.node(event, line, depth + 1)?;
            if let Some(problem) = merge::unfit(shape).filter(|_| is_merge) {
                return self.stop(self.fault(line, problem, merge::REMEDY));
            }
            self.path.truncate(parent);
        }
    }

    fn sequence(&mut self, depth: usize) -> Option<Shape> {
        let mut all = Shape::Mappings;
        for index in 0.. {
            let (event, line) = self.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            let parent = self.enter(index, line)?;
            if self.node(event, line, depth + 1)? != Shape::Mapping {
                all = Shape::List;
            }
            self.path.truncate(parent);
        }
        Some(all)
    }

    /// Steps into a key or an element, and returns the length of the path without it.
    fn enter(&mut self, step: impl Display, line: usize) -> Option<usize> {
        let parent = self.path.len();
        self.path = below(&self.path, step);
        let is_target = self.path == self.target;
        if is_target || leads_to(&self.path, self.target) {
            self.nearest = Some(line);
        }
        (!is_target).then_some(parent)
    }

    /// The name that stands as a key.
    fn name(&mut self, event: Event<'t>, line: usize) -> Option<String> {
        let shown = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, None) => match serde_yaml::from_str(&text) {
                Ok(Value::Null) => "null".to_owned(),
                Ok(Value::Number(number))
                    if leads_to(NUMBERED, &self.path) && number.to_string() == *text =>
                {
                    return Some(text.into_owned());
                }
                Ok(Value::Bool(_) | Value::Number(_)) => text.into_owned(),
                _ => return Some(text.into_owned()),
            },
            Event::Scalar(text, _, _, Some(tag)) if !tag.is_yaml_core_schema() => {
                format!("{tag} {text}")
            }
            Event::Scalar(text, ..) => return Some(text.into_owned()),
            Event::Alias(anchor) => return Some(format!("*{anchor}")),
            Event::SequenceStart(..) => "[...]".to_owned(),
            _ => "{...}".to_owned(),
        };
        let problem = format!("the key {shown} is not a name");
        let remedy = "write a name as the key, or put it in quotes";
        self.stop(self.fault(line, &problem, remedy))
    }

    /// What is wrong where the walk is.
    fn fault(&self, line: usize, problem: &str, remedy: &str) -> InputError {
        InputError {
            line: Some(line),
            ..InputError::at(self.path.as_str(), problem, remedy)
        }
    }

    /// Ends the walk at a fault.
    fn stop<T>(&mut self, fault: InputError) -> Option<T> {
        self.fault = Some(fault);
        None
    }
}

/// The path of a key or an element of `path`.
pub(super) fn below(path: &str, step: impl Display) -> String {
    if path.is_empty() {
        step.to_string()
    } else {
        format!("{path}.{step}")
    }
}

/// Whether a plain scalar is a whole number that no value can hold.
fn is_too_large(text: &str) -> bool {
    let begins_as_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
    text.len() > 18 && begins_as_number && serde_yaml::from_str::<Value>(text).is_err()
}
