//! A diagnosis as one page: the verdict, then tables; on the terminal or in Markdown.
//!
//! | file | what it has |
//! |---|---|
//! | `mod.rs` | the page and its two forms |
//! | `verdict.rs` | the verdict in three points |
//! | `advice.rs` | the last of them: what to do |
//! | `tables.rs` | the tables |
//! | `by_samples.rs` | what is said of units that are not linear |
//! | `words.rs` | what is said between them |

mod advice;
mod by_samples;
mod tables;
mod verdict;
mod words;

use super::format::{push_wrapped, table};
use modalflow::diagnosis::Diagnosis;
use modalflow::experiment::Scenario;
use std::fmt::Write;

/// What is said of the user's own network.
fn limits(diagnosis: &Diagnosis) -> String {
    let of_units = diagnosis
        .by_samples
        .as_ref()
        .map_or(String::new(), |found| {
            format!(", but for the section on {}", by_samples::units(found))
        });
    format!(
        "All this is of deep linear networks that learn these inputs from small weights by gradient flow, which descent on all \
         rows follows at a small learning rate{of_units}. A run is that of one draw of the initial weights; what stands for \
         several draws is by theory, without a run of each. Nothing is said of a deep nonlinear network of your own."
    )
}

/// A part of the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A heading.
    Heading(String),
    /// A sentence or two.
    Text(String),
    /// A table, with its headings in the first row.
    Table(Vec<Vec<String>>),
}

/// A diagnosis to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    name: String,
    verdict: Vec<String>,
    parts: Vec<Part>,
}

impl Page {
    /// Of a diagnosis of this name and scenario.
    pub fn of(name: &str, diagnosis: &Diagnosis, scenario: &Scenario) -> Self {
        let mut parts = tables::parts(diagnosis, scenario);
        parts.push(Part::Text(limits(diagnosis)));
        Self {
            name: name.to_owned(),
            verdict: verdict::sentences(diagnosis, scenario.seed),
            parts,
        }
    }

    /// For the terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.name);
        for sentence in &self.verdict {
            push_wrapped(&mut text, sentence);
        }
        for part in &self.parts {
            match part {
                Part::Heading(heading) => {
                    let _ = write!(text, "\n{heading}\n");
                }
                Part::Text(words) => push_wrapped(&mut text, words),
                Part::Table(rows) => text += &table(rows),
            }
        }
        text
    }

    /// In Markdown, with a figure and the scenario.
    pub fn markdown(&self, figure: &str, scenario: &str) -> String {
        let mut text = format!("# Diagnosis of {}\n\n", self.name);
        for sentence in &self.verdict {
            let _ = writeln!(text, "- {sentence}");
        }
        text.push('\n');
        let _ = write!(
            text,
            "![What is learned when, and what it explains]({figure})\n\n"
        );
        for part in &self.parts {
            match part {
                Part::Heading(heading) => {
                    let _ = write!(text, "## {heading}\n\n");
                }
                Part::Text(words) => {
                    let _ = write!(text, "{words}\n\n");
                }
                Part::Table(rows) => text += &markdown_table(rows),
            }
        }
        let _ = write!(text, "## The scenario\n\n```yaml\n{scenario}```\n");
        text
    }
}

fn markdown_table(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ").replace('\n', " "));
    let mut text = String::new();
    for (k, row) in rows.iter().enumerate() {
        let escaped: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text += &line(&escaped);
        if k == 0 {
            text += &line(&vec!["---".to_owned(); row.len()]);
        }
    }
    text + "\n"
}
