//! A scenario whose data are there, before anything is decomposed: what its run will cost is known by then.

use super::cost::Forecast;
use super::problem::Problem;
use super::{Scenario, memory};
use crate::data::{Content, GivenArrays, Moments, Source};
use crate::error::Result;
use crate::network::Architecture;
use nalgebra::DVector;
use std::sync::Arc;

/// A scenario whose data are read, with the network for them.
pub struct Outline {
    pub(super) scenario: Scenario,
    pub(super) content: Arc<Content>,
    pub(super) forecast: Forecast,
    pub(super) architecture: Architecture,
}

impl Outline {
    /// Reads the data of a scenario, where `memory` bytes are there. Of what takes the cube of a number of inputs only
    /// what the source itself asks for is done: components, whitening, and covariances that are drawn or checked.
    ///
    /// # Errors
    /// An input error where the data cannot be used, the network contradicts the data, or the run needs more
    /// memory.
    pub fn of(scenario: &Scenario, memory: u64) -> Result<Self> {
        Self::with(scenario, memory, |source, seed| source.get().content(seed))
    }

    /// The same with arrays in memory in place of the files that the scenario names.
    ///
    /// # Errors
    /// As for [`Outline::of`], and where the scenario's data are no arrays or one of them is not given.
    pub fn of_arrays(scenario: &Scenario, arrays: &GivenArrays<'_>, memory: u64) -> Result<Self> {
        Self::with(scenario, memory, |source, seed| {
            source.content_of(arrays, seed)
        })
    }

    fn with(
        scenario: &Scenario,
        memory: u64,
        content: impl FnOnce(&Source, u64) -> Result<Content>,
    ) -> Result<Self> {
        memory::ensure_samples_fit(scenario, memory)?;
        let mut scenario = scenario.clone();
        scenario.data.get_mut().resolve()?;
        scenario.remedy = scenario.remedy.without_single_stage();
        let content = content(&scenario.data, scenario.seed)?.compared_by(scenario.loss)?;
        Self::with_content(scenario, Arc::new(content), memory)
    }

    /// The same of data that are there already, in place of those that the scenario names: a part of their rows, say.
    ///
    /// # Errors
    /// An input error where the network contradicts the data, and where the run needs more memory.
    pub fn with_content(scenario: Scenario, content: Arc<Content>, memory: u64) -> Result<Self> {
        let source = scenario.data.get();
        let extent = content.extent(source.about().sampling.drawn());
        let mut architecture =
            Architecture::of(&scenario.network, content.modalities(), extent.outputs)?
                .with_rate_factors(&scenario.remedy.rate_factors(&source.about().modalities));
        architecture.weight_decay = scenario.flow.weight_decay;
        let forecast = Forecast::of(&scenario, &extent, &architecture);
        memory::ensure_fits(&forecast, memory)?;
        Ok(Self {
            scenario,
            content,
            forecast,
            architecture,
        })
    }

    /// What the run will cost.
    pub fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// Makes it ready to run: second moments, initial weights, tolerances.
    ///
    /// # Errors
    /// An input error where there is nothing to learn, and where the initial weights cannot be read or do not
    /// move.
    pub fn prepare(self) -> Result<Problem> {
        let moments = self.moments()?;
        self.prepare_with(moments)
    }

    /// The second moments of its data, decomposed.
    ///
    /// # Errors
    /// An input error where they overflow.
    pub fn moments(&self) -> Result<Moments> {
        let Self {
            scenario, content, ..
        } = self;
        let drawn = (scenario.data.get().about().sampling.drawn(), scenario.seed);
        Moments::of_content(content, drawn, scenario.keeps_samples())
    }

    /// [`Outline::prepare`] with the moments of its data, which several networks share.
    ///
    /// # Errors
    /// As for [`Outline::prepare`].
    pub fn prepare_with(self, moments: Moments) -> Result<Problem> {
        Problem::of(self, moments, None)
    }

    /// The same from these weights, in place of those that the scenario asks for.
    ///
    /// # Errors
    /// As for [`Outline::prepare`].
    pub(crate) fn prepare_from(self, moments: Moments, weights: DVector<f64>) -> Result<Problem> {
        Problem::of(self, moments, Some(weights))
    }

    /// The network for the data.
    pub(crate) fn architecture(&self) -> &Architecture {
        &self.architecture
    }
}
