//! The name that was meant.

/// The name among `known` that `name` was meant for, if any is close.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Half of the letters right: enough for typing errors, too much for unrelated words.
    const LEAST_SIMILARITY: f64 = 0.5;
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let similarity = strsim::normalized_damerau_levenshtein(&lower, &known.to_lowercase());
            (similarity, known)
        })
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// `, did you mean NAME?` to be put behind a problem; empty where no name is close.
pub fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or(String::new(), |near| format!(", did you mean {near}?"))
}
