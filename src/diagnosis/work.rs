//! The parts of a diagnosis in their order.

use super::by_samples::{SAMPLED_PARTS, Sampled};
use super::clock::{Clock, FLOW_PARTS, Ongoing};
use super::draws::{self, Drawn, Draws};
use super::layers::{self, Prepared, Shared};
use super::remedies::{self, RemedyResult};
use super::rows::Pool;
use super::stopping::{Descending, generalising};
use super::told::{Told, told};
use super::{
    Diagnosed, Diagnosis, LayerResult, ModalityReading, Options, Recommendation, RowCount,
};
use super::{FEWEST_ROWS, population, reading};
use crate::data::Content;
use crate::experiment::Scenario;
use crate::experiment::cautions::dependence;
use crate::experiment::results::FlowRun;
use crate::experiment::run::{self, Plan};
use crate::integrate::Until;
use rayon::prelude::*;

/// Why nothing of a population is uncertain.
const POPULATION: &str = "a population has no rows to divide, and nothing of it is uncertain";

/// Why nothing is recommended of flows that the user's time ends.
const CUT_SHORT: &str = "a flow ended at flow.until.time before a second modality was learned";

/// The fraction of the learnable loss that long flows of divisions and remedies leave: of 2,000 rows of 456 inputs and ten classes
/// the least error was the same as with a tenth of it, in half of the time.
const LITTLE: f64 = 1e-2;

/// Why nothing is recommended of noise.
pub(super) const NOISE: &str = "the rows show nothing but noise";

/// A fusion layer, where there is one, and its network.
pub(super) type Fused = (Option<usize>, Prepared);

/// What a diagnosis works on.
pub(super) struct Work<'w> {
    /// That of a linear network.
    pub(super) scenario: &'w Scenario,
    /// The network that was asked for, where its units are not linear.
    pub(super) sampled: Option<&'w Sampled>,
    pub(super) options: &'w Options,
    /// Of the rows, on which the fusion layers are trained.
    pub(super) divisions: usize,
    /// The same for units that are not linear.
    pub(super) sampled_divisions: usize,
    /// Whether a flow is long, so that those of the divisions end sooner.
    pub(super) is_long: bool,
    pub(super) content: &'w Content,
    pub(super) shared: &'w Shared,
    pub(super) pool: Option<&'w Pool>,
    pub(super) clock: Clock<'w>,
}

impl Work<'_> {
    /// Everything, in its order.
    pub(super) fn diagnose(&self) -> Ongoing<Diagnosed> {
        let fusions = self.fusions();
        self.clock.expect(self.parts(fusions.len()));
        let mut told = self.told()?;
        let prepared: Vec<Fused> = fusions
            .into_par_iter()
            .map(|fusion| {
                let problem = self.shared.problem(with_fusion(fusion))?;
                Ok((fusion, Prepared::new(problem)))
            })
            .collect::<Ongoing<_>>()?;
        let drawn = self.drawn(&prepared)?;
        let (layers, flow) = self.layers(&prepared, &drawn)?;
        told.take_draws(layers.last().and_then(|late| late.draws.as_ref()));
        let recommendation = match self.pool {
            _ if told.is_noise() => Recommendation::none(NOISE),
            _ if layers.iter().any(|layer| layer.is_cut_short) => Recommendation::none(CUT_SHORT),
            None => Recommendation::none(self.without_rows()),
            Some(pool) => self.recommendation(pool, &prepared)?,
        };
        let last = &prepared[prepared.len() - 1];
        let (remedies, remedies_reason) = match told.is_noise() {
            true => (Vec::new(), Some(NOISE.to_owned())),
            false => {
                let late = &layers[layers.len() - 1];
                self.remedies(last, (late, &drawn[drawn.len() - 1]), &told.modalities)?
            }
        };
        let by_samples = self.sampled.map(|sampled| {
            self.by_samples(sampled, told.is_noise(), (&remedies, &remedies_reason))
        });
        let diagnosis = Diagnosis {
            by_samples: by_samples.transpose()?,
            rows: self.rows(),
            outputs: self.shared.moments().outputs_len(),
            resamples: self.pool.map_or(0, |_| self.options.resamples),
            modalities: told.modalities,
            explained_reason: match told.explained_joint {
                Some(_) => None,
                None => Some(self.without_rows().to_owned()),
            },
            explained_joint: told.explained_joint,
            first: told.first,
            superficial: told.superficial,
            late_ratio: told.late_ratio,
            scalings: told.scalings,
            seen: self.shared.seen(),
            layers,
            recommendation,
            remedies,
            remedies_reason,
            noise_floor: told.noise_floor,
        };
        Ok(self.diagnosed(diagnosis, &last.1, flow))
    }

    /// With what a figure needs.
    fn diagnosed(&self, diagnosis: Diagnosis, last: &Prepared, flow: FlowRun) -> Diagnosed {
        let mut result = run::first(&last.problem, last.theory.clone(), flow);
        result.generalisation = generalising(&last.problem, &result.flow);
        result.is_complete = true;
        let mut warnings = last.problem.warnings.clone();
        if !diagnosis.seen.is_empty() {
            // The problem's inputs are directions of those of the user.
            let of = |what| dependence(&last.problem.moments, what);
            warnings.retain(|warning| Some(warning) != of("inputs").as_ref());
            warnings.extend(of("directions in which the flows see the inputs"));
        }
        warnings.extend(self.unstable(&diagnosis.layers));
        Diagnosed {
            scenario: self.scenario.clone(),
            warnings,
            diagnosis,
            problem: last.problem.clone(),
            result,
        }
    }

    /// What the rows, or the population, tell before anything is trained.
    fn told(&self) -> Ongoing<Told> {
        let counts = (self.options.resamples, self.options.permutations);
        let tick = || self.clock.tick(1);
        let mut told = match self.pool {
            Some(pool) => told(pool, counts, self.scenario.seed, &tick)?,
            None => {
                let trained = super::trained(self.scenario, self.content);
                let few = trained.filter(|rows| *rows < FEWEST_ROWS);
                population::told(self.shared.moments(), self.without_rows(), few)
            }
        };
        if let Content::Rows { training, .. } = self.content
            && let Some(reading) = &training.reading
        {
            for modality in &mut told.modalities {
                let left_out = reading.constant.get(&modality.name);
                modality.left_out = left_out.cloned().unwrap_or_default();
            }
        }
        Ok(told)
    }

    /// What every fusion layer does, and the flow of the last one.
    fn layers(
        &self,
        prepared: &[Fused],
        drawn: &[Vec<Drawn>],
    ) -> Ongoing<(Vec<LayerResult>, FlowRun)> {
        let descending = self.descending();
        let last = prepared.len() - 1;
        let flow = |prepared: &Prepared| {
            let plan = Plan::with_sharpness(&prepared.problem);
            self.clock.flow(&prepared.problem, &plan)
        };
        let places = (0..prepared.len()).into_par_iter().with_max_len(1);
        let mut flows: Vec<(LayerResult, Option<FlowRun>)> = places
            .map(|place| {
                let (fusion, prepared) = &prepared[place];
                let flow = flow(prepared)?;
                let draws = Draws::of(&drawn[place], self.shared.moments());
                let found = layers::layer(*fusion, (prepared, &flow), draws, descending);
                self.clock.tick(FLOW_PARTS)?;
                Ok((found, (place == last).then_some(flow)))
            })
            .collect::<Ongoing<_>>()?;
        let kept = flows.last_mut().and_then(|(_, flow)| flow.take());
        let kept = kept.map_or_else(|| flow(&prepared[last].1), Ok)?;
        Ok((flows.into_iter().map(|(found, _)| found).collect(), kept))
    }

    /// What other draws of the initial weights do at every fusion layer.
    fn drawn(&self, prepared: &[Fused]) -> Ongoing<Vec<Vec<Drawn>>> {
        let tick = || self.clock.tick(1);
        let of_layer =
            |(fusion, _): &Fused| draws::drawn(self.shared, &with_fusion(*fusion), &tick);
        prepared.iter().map(of_layer).collect()
    }

    /// The fusion layers that are tried; that of unequal stacks is the only one of its kind.
    pub(super) fn fusions(&self) -> Vec<Option<usize>> {
        match self.scenario.network.depth {
            None => vec![None],
            Some(depth) => (1..=depth).map(Some).collect(),
        }
    }

    fn parts(&self, fusions: usize) -> usize {
        let flows = fusions * (1 + self.pool.map_or(0, |_| self.divisions));
        let divided = self.pool.map_or(0, |_| self.sampled_divisions);
        let sampled = self
            .sampled
            .map_or(0, |_| fusions * (1 + divided) * SAMPLED_PARTS as usize);
        let resampled = self.options.resamples + self.options.permutations;
        let draws = fusions * self.shared.draws() as usize;
        draws + sampled + flows * FLOW_PARTS as usize + self.pool.map_or(0, |_| resampled)
    }

    /// Why there are no rows to resample.
    pub(super) fn without_rows(&self) -> &'static str {
        match self.content {
            Content::Population(_)
                if self.scenario.data.get().about().sampling.drawn().is_none() =>
            {
                POPULATION
            }
            Content::Population(_) => "there are more draws than can be kept, or too few to divide",
            Content::Rows { .. } => "there are too few rows to divide",
        }
    }

    fn rows(&self) -> Option<RowCount> {
        let moments = self.shared.moments();
        let (rank, inputs) = match self.pool {
            Some(pool) => (reading::rank(pool), pool.inputs.ncols()),
            None => (moments.rank(), moments.inputs_len()),
        };
        let trained = super::trained(self.scenario, self.content)?;
        let (used, dropped) = match self.content {
            Content::Population(_) => (trained, 0),
            Content::Rows { training, holdout } => {
                let held = holdout.as_ref().map_or(0, |rows| rows.inputs.nrows());
                let reading = training.reading.as_ref();
                let told = reading.map(|reading| (reading.used, reading.dropped));
                told.unwrap_or((trained + held, 0))
            }
        };
        Some(RowCount {
            used,
            dropped,
            trained,
            rank,
            inputs,
        })
    }

    pub(super) fn descending(&self) -> Descending {
        let section = self.scenario.descent.as_ref();
        let batch = section.and_then(|section| section.batch);
        let rates = section.map_or(&[][..], |section| section.learning_rate.as_slice());
        // Momentum makes a step stand for more time; a step of Adam stands for none.
        let rule = section.map(|section| section.rule());
        let rule = rule.filter(|rule| rule.tends_to_flow());
        let trained = super::trained(self.scenario, self.content).map(|rows| rows as f64);
        Descending {
            learning_rate: rates
                .first()
                .zip(rule)
                .map(|(rate, rule)| rule.time_step(*rate)),
            steps_an_epoch: trained.map(|rows| batch.map_or(1.0, |batch| rows / batch as f64)),
        }
    }

    /// A warning where plain descent at the learning rate of the scenario is not stable.
    fn unstable(&self, layers: &[LayerResult]) -> Option<String> {
        let section = self.scenario.descent.as_ref()?;
        let rate = *section.learning_rate.as_slice().first()?;
        let stable = layers.iter().filter_map(|layer| layer.stable_learning_rate);
        let stable = stable.reduce(f64::min)?;
        let is_plain = section.rule().tends_to_flow() && section.rule().time_step(rate) == rate;
        (is_plain && rate > stable).then(|| {
            format!(
                "descent.learning_rate {rate} is larger than the largest stable one, {stable:.3}: steps and epochs told are \
                 not those of a descent, which leaves the flow or diverges"
            )
        })
    }

    /// When a flow of a division or with a remedy ends: where the whole one does, and if flows are long, as soon as little is left to learn.
    pub(super) fn until(&self, whole: &Scenario) -> Until {
        let until = whole.flow.until;
        let gap = until.loss_gap.unwrap_or(0.0);
        match self.is_long {
            true => Until {
                loss_gap: Some(gap.max(LITTLE)),
                ..until
            },
            false => until,
        }
    }

    /// The remedies of the last fusion layer, beside what it does without them; or why there are none.
    fn remedies(
        &self,
        (fusion, late): &Fused,
        (plain, drawn): (&LayerResult, &[Drawn]),
        modalities: &[ModalityReading],
    ) -> Ongoing<(Vec<RemedyResult>, Option<String>)> {
        let first = plain.learned.first.as_deref();
        let others = modalities.iter().filter(|m| Some(m.name.as_str()) != first);
        let (useful, idle): (Vec<_>, Vec<_>) = others.partition(|m| m.adds());
        if let (Some(first), []) = (first, &useful[..]) {
            let reason =
                format!("nothing adds to what {first} explains: there is nothing to balance");
            return Ok((Vec::new(), Some(reason)));
        }
        let idle: Vec<&str> = idle.iter().map(|m| m.name.as_str()).collect();
        // Without times of most draws their values mean nothing either.
        let drawn = plain.draws.as_ref().map_or(&[][..], |_| drawn);
        let candidates = remedies::candidates(late, drawn, &idle);
        self.clock.expect(candidates.len() * FLOW_PARTS as usize);
        let subject = remedies::Subject {
            clock: &self.clock,
            shared: self.shared,
            change: &with_fusion(*fusion),
            plain,
            until: self.until(&late.problem.scenario),
            idle: &idle,
        };
        let found = subject.run(candidates)?;
        let reason = found.is_empty();
        let reason =
            reason.then(|| "theory knows no value that balances these modalities".to_owned());
        Ok((found, reason))
    }
}

/// Changes the fusion layer of a scenario, where it has one.
pub(super) fn with_fusion(fusion: Option<usize>) -> impl Fn(&mut Scenario) + Sync {
    move |scenario| {
        if fusion.is_some() {
            scenario.network.fusion_layer = fusion;
        }
    }
}
