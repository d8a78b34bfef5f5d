//! Anchors, aliases and merge keys of YAML: what can be merged, and what is wrong where something cannot.

use saphyr_parser::Event;

/// The key whose value is merged into the mapping that it stands in.
pub(super) const KEY: &str = "<<";

/// What helps where a merge key or an alias cannot be used.
pub(super) const REMEDY: &str = "give the mapping an anchor at a key of your own above, `x-net: &net {depth: 2}`, and \
                                 merge it with `<<: *net`";

/// The problem of an alias that stands within what it stands for.
pub(super) const INSIDE_ITSELF: &str =
    "the alias stands inside the value that it repeats, which would have no end";

/// What a value is, as far as merging is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Mapping,
    /// A list with nothing but mappings.
    Mappings,
    /// Any other list.
    List,
    Scalar,
    /// Any value with a tag.
    Tagged,
}

/// Why a value cannot be merged, where it cannot.
pub(super) fn unfit(shape: Shape) -> Option<&'static str> {
    match shape {
        Shape::Mapping | Shape::Mappings => None,
        Shape::List => Some("only mappings can be merged: the list has something else in it"),
        Shape::Scalar => Some(
            "only a mapping (key: value) can be merged, or a list of mappings: this is a single value, or none",
        ),
        Shape::Tagged => {
            Some("only a mapping (key: value) can be merged: this value has a tag (!)")
        }
    }
}

/// Problem and remedy of an alias without an anchor before it.
pub(super) fn unknown_anchor(alias: &str) -> (String, String) {
    let problem = format!("no anchor &{alias} stands above the alias *{alias}");
    let remedy = format!(
        "put &{alias} before the value that is to be repeated, above this line: `x-{alias}: &{alias} {{depth: 2}}`; \
         a text that begins with * stands in quotes"
    );
    (problem, remedy)
}

/// The name of the alias at a line, counted from 1, and a column, counted from 0.
pub(super) fn alias_at(text: &str, line: usize, column: usize) -> &str {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let start = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at);
    let alias = line[start..].trim_start_matches('*');
    let is_end = |c: char| c.is_whitespace() || ",[]{}".contains(c);
    alias.split(is_end).next().unwrap_or_default()
}

/// The number of an event's anchor, 0 where it has none, and whether it has a tag that is not YAML's own.
pub(super) fn marks(event: &Event<'_>) -> (usize, bool) {
    let (anchor, tag) = match event {
        Event::MappingStart(anchor, tag) | Event::SequenceStart(anchor, tag) => (anchor, tag),
        Event::Scalar(_, _, anchor, tag) => (anchor, tag),
        _ => return (0, false),
    };
    let is_tagged = tag.as_ref().is_some_and(|tag| !tag.is_yaml_core_schema());
    (*anchor, is_tagged)
}
