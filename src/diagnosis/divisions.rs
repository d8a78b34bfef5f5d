//! What the fusion layers do on divisions of the rows, each with initial weights of its own: which of them is best.

use super::by_samples::{BySamples, Divided, OverDivisions, Sampled};
use super::clock::{FLOW_PARTS, Ongoing};
use super::layers::Shared;
use super::recommendation::Trained;
use super::rows::Pool;
use super::stopping::Stopping;
use super::work::{Fused, NOISE, Work, with_fusion};
use super::{Recommendation, RemedyResult};
use crate::experiment::run::Plan;
use crate::linalg::random::{Purpose, cell_seed, stream};
use rayon::prelude::*;

/// Fraction of the rows that a division for the fusion layers leaves out.
const LEFT_OUT: f64 = 0.2;

/// Relative tolerance of long flows at least: their errors are compared at a hundredth.
const LEAST_RTOL: f64 = 1e-3;

/// Why nothing is recommended of flows that end too soon.
const UNFINISHED: &str = "flows of its divisions ended at the most steps that can be afforded, while the error on the rows left \
    out still fell";

impl Work<'_> {
    /// Which fusion layer is best, by divisions of the rows.
    pub(super) fn recommendation(
        &self,
        pool: &Pool,
        prepared: &[Fused],
    ) -> Ongoing<Recommendation> {
        let divisions = (0..self.divisions).into_par_iter().with_max_len(1);
        let stopped: Vec<Vec<Stopping>> = divisions
            .map(|division| self.stopped(pool, prepared, division as u64))
            .collect::<Ongoing<_>>()?;
        let stopped: Vec<Vec<&Stopping>> = stopped.iter().map(|s| s.iter().collect()).collect();
        Ok(self.recommended(pool, &stopped))
    }

    /// From what each division shows, by fusion layer.
    fn recommended(&self, pool: &Pool, stopped: &[Vec<&Stopping>]) -> Recommendation {
        let fusions = self.fusions().into_iter().enumerate();
        let by_layer = fusions.map(|(place, fusion)| {
            let of_layer = || stopped.iter().map(|stopped| stopped[place]);
            Some(Trained {
                layer: fusion?,
                errors: of_layer().map(|s| s.holdout_error).collect::<Option<_>>()?,
                biases: of_layer().filter_map(|s| s.bias).collect(),
            })
        });
        let Some(by_layer) = by_layer.collect::<Option<Vec<Trained>>>() else {
            return Recommendation::none("a flow has no error on the rows left out");
        };
        let quotient = LEFT_OUT / (1.0 - LEFT_OUT);
        Recommendation::of(&by_layer, quotient, pool.len())
    }

    /// The same by samples, of units that are not linear.
    pub(super) fn by_samples(
        &self,
        sampled: &Sampled,
        is_noise: bool,
        (remedies, reason): (&[RemedyResult], &Option<String>),
    ) -> Ongoing<BySamples> {
        let fusions = self.fusions();
        let mut layers = sampled.layers(&fusions, self.descending(), &self.clock)?;
        let pool = self
            .pool
            .filter(|_| !is_noise && self.sampled_divisions > 0);
        let divisions = 0..pool.map_or(0, |_| self.sampled_divisions);
        let divided: Vec<Vec<Divided>> = divisions
            .into_par_iter()
            .with_max_len(1)
            .filter_map(|division| Some((pool?, division as u64)))
            .map(|(pool, division)| {
                let division = self.division(pool, division)?;
                sampled.divided(&division, &layers, &self.clock)
            })
            .collect::<Ongoing<_>>()?;
        let modalities = self.shared.moments().modalities.iter();
        let names: Vec<&str> = modalities.map(|m| m.name.as_str()).collect();
        for (place, (layer, _)) in layers.iter_mut().enumerate() {
            let of_layer: Vec<_> = divided.iter().map(|divided| &divided[place]).collect();
            layer.divisions = (!of_layer.is_empty()).then(|| OverDivisions::of(&of_layer, &names));
        }
        let recommendation = match pool {
            None if is_noise => Recommendation::none(NOISE),
            None => Recommendation::none(self.without_rows()),
            Some(_) if divided.iter().flatten().any(Divided::is_cut_short) => {
                Recommendation::none(UNFINISHED)
            }
            Some(pool) => {
                let stopped = divided
                    .iter()
                    .map(|d| d.iter().map(Divided::stopping).collect());
                self.recommended(pool, &stopped.collect::<Vec<_>>())
            }
        };
        let tried = sampled.remedies(remedies, &layers[layers.len() - 1], &self.clock)?;
        let layers = layers.into_iter().map(|(layer, _)| layer).collect();
        Ok(sampled.join(layers, recommendation, (tried, reason.clone())))
    }

    /// A division of the rows, with a seed of its own.
    fn division(&self, pool: &Pool, division: u64) -> Ongoing<Shared> {
        let seed = cell_seed(self.scenario.seed, (1 << 40) + division);
        let split = pool.random_split(LEFT_OUT, &mut stream(seed, Purpose::Resampling));
        let mut scenario = self.scenario.clone();
        scenario.seed = seed;
        let content = pool.content(split);
        Ok(Shared::new(&scenario, content, self.options.memory)?)
    }

    /// What the flow of each layer shows on rows left out. Every division has initial weights of its own.
    fn stopped(&self, pool: &Pool, prepared: &[Fused], division: u64) -> Ongoing<Vec<Stopping>> {
        let shared = self.division(pool, division)?;
        let of_layer = |(fusion, whole): &Fused| {
            let problem = shared.problem(|scenario| {
                with_fusion(*fusion)(scenario);
                scenario.flow.until = self.until(&whole.problem.scenario);
                if self.is_long {
                    let rtol = scenario.flow.rtol.unwrap_or(0.0);
                    scenario.flow.rtol = Some(rtol.max(LEAST_RTOL));
                }
            })?;
            let flow = self.clock.flow(&problem, &Plan::measuring(&problem))?;
            self.clock.tick(FLOW_PARTS)?;
            Ok(Stopping::of((&problem, &flow), self.descending()))
        };
        prepared.iter().map(of_layer).collect()
    }
}
