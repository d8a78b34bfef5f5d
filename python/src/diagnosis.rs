//! A finished diagnosis: numbers, page, figure.

use crate::job::ensure_not_forked;
use crate::run::{draw, format_of};
use modalflow::diagnosis::Diagnosed;
use modalflow_cli::figures;
use modalflow_cli::report::diagnosis::Page;
use modalflow_cli::report::summary::DiagnosisSummary;
use modalflow_cli::scenario::{Loaded, ScenarioFile, to_yaml};
use pyo3::prelude::*;
use std::sync::Arc;

/// A diagnosis that has ended.
#[pyclass(frozen, module = "modalflow._core")]
pub(crate) struct Diagnosis {
    loaded: Arc<Loaded>,
    found: Diagnosed,
}

impl Diagnosis {
    pub fn new(loaded: Arc<Loaded>, found: Diagnosed) -> Self {
        Self { loaded, found }
    }

    fn name(&self) -> &str {
        let name = self.loaded.file.scenario.name.as_deref();
        name.unwrap_or_default()
    }

    /// The scenario, as its data were read.
    fn scenario(&self) -> ScenarioFile {
        ScenarioFile {
            scenario: self.found.scenario.clone(),
            ..self.loaded.file.clone()
        }
    }

    fn page(&self) -> Page {
        Page::of(self.name(), &self.found.diagnosis, &self.found.scenario)
    }
}

#[pymethods]
impl Diagnosis {
    /// What `diagnosis.json` has but for its provenance.
    fn json(&self) -> String {
        // Plain data with text keys always serialises.
        serde_json::to_string(&DiagnosisSummary {
            name: self.name(),
            scenario: &self.scenario(),
            diagnosis: &self.found.diagnosis,
            provenance: None,
        })
        .unwrap_or_default()
    }

    /// The page that the program prints.
    fn text(&self) -> String {
        self.page().text()
    }

    /// `diagnosis.md`, with this address of its figure.
    fn markdown(&self, figure: &str) -> String {
        self.page().markdown(figure, &to_yaml(&self.scenario()))
    }

    /// What to know before trusting it.
    fn warnings(&self) -> Vec<String> {
        self.found.warnings.clone()
    }

    /// The figure in the format png or svg.
    fn figure(&self, py: Python<'_>, format: &str) -> PyResult<Vec<u8>> {
        let format = format_of(format)?;
        ensure_not_forked()?;
        let page = || figures::diagnosis_page(self.name(), &self.found);
        py.detach(|| draw(&[("diagnosis".to_owned(), page())], format))
            .map(Option::unwrap_or_default)
    }
}
