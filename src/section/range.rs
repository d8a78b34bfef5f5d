//! The range of a number in the JSON Schema, from the range that its check uses.

use schemars::{Schema, json_schema};
use serde::Serialize;
use std::ops::{Bound, RangeBounds};

/// Writes a range into the schema of a key: a number, or each number of a list, of a matrix or of
/// a mapping. For `#[schemars(transform = within(check::closed(1, 9)))]` beside the field.
pub fn within<T: Serialize>(range: impl RangeBounds<T>) -> impl FnMut(&mut Schema) {
    move |schema| {
        let mut places = ["/additionalProperties", "/items/items", "/items", ""].into_iter();
        let is_schema = |place: &&str| schema.pointer(place).is_some_and(|s| s.is_object());
        let place = places.find(is_schema).unwrap_or_default();
        let number = schema.pointer_mut(place).and_then(|s| s.as_object_mut());
        let Some(number) = number else {
            return;
        };
        let bounds = [
            (range.start_bound(), "minimum", "exclusiveMinimum"),
            (range.end_bound(), "maximum", "exclusiveMaximum"),
        ];
        for (bound, inclusive, exclusive) in bounds {
            let (key, end) = match bound {
                Bound::Included(end) => (inclusive, end),
                Bound::Excluded(end) => (exclusive, end),
                Bound::Unbounded => continue,
            };
            number.append(json_schema!({ (key): end }).ensure_object());
        }
    }
}
