//! The line on which a key stands.
//!
//! `serde_yaml::Value` has no positions, but serde_yaml puts the line of the event it was
//! reading on every error. So the text is read once more, and the walk over it (`walk.rs`) is
//! stopped at the place that is looked for. What was found is kept beside the error, which lends
//! only its line.
//!
//! Paths are dotted, list indices are numbers counted from 0: `descent.learning_rate.1`, as in
//! `--set`.

use super::walk::{Answer, Sight, walk};

/// A place in the text that keeps it from being used.
pub(super) struct Flaw {
    pub line: Option<usize>,
    pub key: Option<String>,
    pub problem: String,
    pub remedy: String,
}

/// Line of the key `path`, or of its nearest ancestor that stands in the text.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    let mut target = path;
    loop {
        if let Some(line) = exact_line(text, target) {
            return Some(line);
        }
        target = target.rsplit_once('.')?.0;
    }
}

/// Whether the text can be read at all: syntax, keys that stand twice, keys that are not text,
/// numbers too large for YAML readers.
pub(super) fn survey(text: &str) -> Result<(), Flaw> {
    let mut found = None;
    let mut watch = |sight: Sight<'_>| match fault(&sight) {
        Some(fault) => {
            found = Some(fault);
            Answer::Stop
        }
        None => Answer::Enter,
    };
    match walk(text, &mut watch) {
        Ok(()) => Ok(()),
        Err(error) => Err(match found {
            Some((key, problem, remedy)) => Flaw {
                line: line(&error),
                key: Some(key),
                problem,
                remedy: remedy.to_owned(),
            },
            None => syntax(text, &error),
        }),
    }
}

/// A YAML error in words.
pub(super) fn syntax(text: &str, error: &serde_yaml::Error) -> Flaw {
    let message = error.to_string();
    let (problem, remedy) = if message.contains("more than one document") {
        (
            "the file holds more than one YAML document (a line ---)".to_owned(),
            "keep one scenario in a file",
        )
    } else if message.contains("limit exceeded") {
        (
            "the YAML is nested too deeply or repeats an alias too often".to_owned(),
            "write the scenario out plainly; no scenario needs more than a few levels",
        )
    } else {
        (
            format!("not valid YAML: {message}"),
            "mend the line above or just before it: indent with spaces (no tabs), put a space \
             after each colon, close every bracket and quote",
        )
    };
    Flaw {
        // An error at the end of the text is put on the line after the last one.
        line: line(error).map(|line| line.min(text.lines().count().max(1))),
        key: None,
        problem,
        remedy: remedy.to_owned(),
    }
}

fn line(error: &serde_yaml::Error) -> Option<usize> {
    error.location().map(|location| location.line())
}

fn exact_line(text: &str, target: &str) -> Option<usize> {
    let mut found = false;
    let mut watch = |sight: Sight<'_>| match sight {
        Sight::Key { path, .. } | Sight::Element { path } if path == target => {
            found = true;
            Answer::Stop
        }
        Sight::Key { path, .. } | Sight::Element { path } if !leads_to(path, target) => {
            Answer::Skip
        }
        _ => Answer::Enter,
    };
    let end = walk(text, &mut watch);
    end.err().filter(|_| found).as_ref().and_then(line)
}

/// Whether `target` lies below `path`.
pub(super) fn leads_to(path: &str, target: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Key, problem and remedy of what cannot be accepted anywhere in a scenario.
fn fault(sight: &Sight<'_>) -> Option<(String, String, &'static str)> {
    match sight {
        Sight::Key {
            path,
            repeated: true,
        } => Some((
            (*path).to_owned(),
            "this key stands twice in the same mapping".to_owned(),
            "keep one of the two",
        )),
        Sight::OddKey { path, shown } => Some((
            (*path).to_owned(),
            format!("the key {shown} is not a name"),
            "write a name as the key, or put it in quotes",
        )),
        Sight::Huge { path, shown } => Some((
            (*path).to_owned(),
            format!("the whole number {shown} is too large to be read"),
            "give a smaller number, or write it with an exponent: 1.0e+20",
        )),
        _ => None,
    }
}
