//! Five states to start from, each a scenario whose description is its lesson.

use crate::scenario::Loaded;
use std::path::PathBuf;

/// A state to start from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// The name of its scenario.
    pub name: &'static str,
    /// The scenario.
    pub text: &'static str,
}

impl Lesson {
    /// What stands for the path of its file.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("{}.yaml", self.name))
    }

    /// What it teaches: the description of its scenario.
    pub fn sentence(&self) -> String {
        let loaded = Loaded::parse(&self.path(), self.text.to_owned(), &[]);
        let description = loaded
            .ok()
            .and_then(|loaded| loaded.file.scenario.description);
        description.unwrap_or_default()
    }
}

const fn lesson(name: &'static str, text: &'static str) -> Lesson {
    Lesson { name, text }
}

/// All of them, the first one where no scenario is named.
pub const LESSONS: [Lesson; 5] = [
    lesson("late_fusion", include_str!("lessons/late_fusion.yaml")),
    lesson("early_fusion", include_str!("lessons/early_fusion.yaml")),
    lesson("correlation", include_str!("lessons/correlation.yaml")),
    lesson(
        "superficial_preference",
        include_str!("lessons/superficial_preference.yaml"),
    ),
    lesson("depth", include_str!("lessons/depth.yaml")),
];
