//! Second moments of the data: all that a linear network's flow depends on.

use super::decay::Resting;
use super::joint_maps::JointMaps;
use super::modality::layout;
use super::{Content, Generalisation, Least, Modality, Quadratic, RankBounds, Samples, Source};
use crate::error::{InputError, Result};
use crate::linalg::{Inverse, SemiDefinite};
use nalgebra::{DMatrix, DMatrixView};
use std::sync::Arc;

/// The data of a run: training moments, and where there is a population or a hold-out, the
/// generalisation error.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// The input streams, in order; together they cover 0..d.
    pub modalities: Vec<Modality>,
    /// S_xx = E[x x^T], d x d.
    pub inputs: SemiDefinite,
    /// S_yx = E[y x^T], o x d.
    pub cross: DMatrix<f64>,
    /// 1/2 tr S_yy, the squared loss of the zero map.
    pub initial_loss: f64,
    /// The training loss.
    pub loss: Quadratic,
    /// The best map that the network can reach: that of least squares until [`Moments::bound_ranks`].
    pub least: Least,
    /// The ranks that a network allows its maps, where they are in the way.
    pub(crate) bounds: Option<RankBounds>,
    /// Where the weights rest, of a network whose weights decay, from [`Moments::penalise`] on.
    pub(super) resting: Option<Resting>,
    /// The error on a population or a hold-out; None where there is neither.
    pub generalisation: Option<Generalisation>,
    /// What is known of S_xx and its blocks.
    pub solutions: Solutions,
    /// The samples behind the training moments, where they are kept.
    pub samples: Option<Arc<Samples>>,
    /// The samples held out, where those are kept: what tells the error of networks that are not linear.
    pub held_out: Option<Arc<Samples>>,
    /// What reading them told, where they come from a file.
    pub reading: Option<super::Reading>,
    /// The views of the data that these moments are of, where they are not of the data as they are.
    pub exposed: Option<super::Exposed>,
}

/// What follows from S_xx and S_yx by eigendecompositions, which are worth doing once only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Solutions {
    /// S_xx^+, d x d, and the number of independent inputs.
    whole: Inverse,
    /// Of each modality.
    own: Vec<OwnSolution>,
    /// Maps of several modalities, as they were asked for.
    joint: JointMaps,
}

/// What follows from the second moments of one modality alone.
#[derive(Debug, Clone, PartialEq)]
struct OwnSolution {
    /// S_m^+, d_m x d_m.
    inverse: SemiDefinite,
    /// Number of independent inputs.
    rank: usize,
    /// The largest eigenvalue of S_m.
    largest_variance: f64,
    /// S_yxm S_m^+, o x d_m.
    map: DMatrix<f64>,
    /// Frobenius norm of S_xm, d x d_m.
    columns_norm: f64,
}

impl Moments {
    /// The moments of a source, with the samples behind them where `keeps_samples` asks for more
    /// than moments. Paths are opened as they stand.
    ///
    /// # Errors
    /// An input error where a file cannot be used, where the moments overflow, and where there are no
    /// samples to keep.
    pub fn of(source: &Source, seed: u64, keeps_samples: bool) -> Result<Moments> {
        let count = source.get().about().sampling.drawn();
        Self::of_content(&source.get().content(seed)?, (count, seed), keeps_samples)
    }

    /// The same of the content of a source, of which `count` samples are drawn where it is a population that is not
    /// taken as it is.
    ///
    /// # Errors
    /// As for [`Moments::of`], but for files.
    pub fn of_content(
        content: &Content,
        (count, seed): (Option<u64>, u64),
        keeps_samples: bool,
    ) -> Result<Moments> {
        let (mut moments, samples) = match content {
            Content::Population(population) => {
                let moments = population.moments(count, seed)?;
                let samples = match (keeps_samples, count) {
                    (false, _) => None,
                    (true, Some(count)) => Some(population.samples(count, seed)),
                    (true, None) => {
                        let remedy = "give the number of samples with the data";
                        return Err(InputError::at("data", "there are no samples", remedy));
                    }
                };
                (moments, samples)
            }
            Content::Rows { training, holdout } => {
                let mut moments = training.moments()?;
                if let Some(holdout) = holdout {
                    moments.generalisation = Some(Generalisation::HoldOut(holdout.loss()?));
                    moments.held_out = keeps_samples.then(|| Arc::new(holdout.samples()));
                }
                (moments, keeps_samples.then(|| training.samples()))
            }
        };
        moments.samples = samples.map(Arc::new);
        Ok(moments)
    }

    /// Makes sure that there is something to learn; for networks that are not linear that may be what
    /// no linear map can.
    ///
    /// # Errors
    /// An input error where no input tells anything about the targets.
    pub fn ensure_learnable(&self, is_linear: bool) -> Result<()> {
        let (problem, remedy) = if is_linear && !self.is_linearly_learnable() {
            (
                "there is nothing to learn: no input is correlated with any target",
                "give a target that depends on the inputs, or a network.activation that can learn what \
                 no linear map can",
            )
        } else if self.initial_loss == 0.0 {
            (
                "there is nothing to learn: every target is 0",
                "give a target that depends on the inputs",
            )
        } else {
            return Ok(());
        };
        Err(InputError::at("data", problem, remedy))
    }

    /// [`Moments::new`] for moments that may have overflowed.
    pub(super) fn checked(
        modalities: Vec<Modality>,
        inputs: SemiDefinite,
        cross: DMatrix<f64>,
        target_power: f64,
    ) -> Result<Moments> {
        ensure_finite(&inputs, cross.iter().chain([&target_power]))?;
        let moments = Moments::new(modalities, inputs, cross, target_power);
        ensure_numbers(&moments.loss.optimum)?;
        Ok(moments)
    }

    /// Joins training moments: S_xx (d x d), S_yx (o x d) and tr S_yy.
    pub fn new(
        modalities: Vec<Modality>,
        inputs: impl Into<SemiDefinite>,
        cross: DMatrix<f64>,
        target_power: f64,
    ) -> Moments {
        let inputs = inputs.into();
        let whole = inputs.pseudo_inverse();
        let loss = Quadratic::of_moments(&inputs, &whole.matrix, &cross, target_power);
        let own = modalities.iter().map(|modality| {
            let range = modality.range.clone();
            let Inverse {
                matrix: inverse,
                largest,
                rank,
            } = inputs.block(range.clone()).pseudo_inverse();
            OwnSolution {
                map: inverse.after(&cross.columns_range(range.clone()).into_owned()),
                largest_variance: largest,
                columns_norm: inputs.columns_norm(range),
                rank,
                inverse,
            }
        });
        let solutions = Solutions {
            own: own.collect(),
            whole,
            joint: JointMaps::default(),
        };
        Moments {
            modalities,
            least: Least::unbounded(&loss),
            bounds: None,
            resting: None,
            loss,
            inputs,
            cross,
            initial_loss: 0.5 * target_power,
            generalisation: None,
            solutions,
            samples: None,
            held_out: None,
            reading: None,
            exposed: None,
        }
    }

    /// Number of inputs d of all modalities together.
    pub fn inputs_len(&self) -> usize {
        self.inputs.dim()
    }

    /// Number of outputs o.
    pub fn outputs_len(&self) -> usize {
        self.cross.nrows()
    }

    /// Takes into account that a network allows its maps no more than these ranks: from then on the least
    /// loss is what it can reach.
    pub fn bound_ranks(&mut self, bounds: &RankBounds) {
        self.least = Least::within(self, bounds);
        self.bounds = self.least.is_bound().then(|| bounds.clone());
        self.solutions.joint = JointMaps::default();
    }

    /// The moments of some modalities alone, by place.
    pub fn of_modalities(&self, places: &[usize]) -> Moments {
        let columns: Vec<usize> = places
            .iter()
            .flat_map(|&m| self.modalities[m].range.clone())
            .collect();
        let dims = places.iter().map(|&m| {
            let modality = &self.modalities[m];
            (&modality.name, modality.dim())
        });
        let inputs = self.inputs.select(&columns);
        let cross = self.cross.select_columns(&columns);
        Moments::new(layout(dims), inputs, cross, 2.0 * self.initial_loss)
    }

    /// What there is to learn: Loss_0 less the least loss that the network can reach, Loss_min where no
    /// width is in the way.
    pub fn learnable_loss(&self) -> f64 {
        self.initial_loss - self.least.loss
    }

    /// The loss of a joined map (o x d, by columns) above the least one that the network can reach.
    pub fn excess(&self, map: &[f64]) -> f64 {
        self.least.excess(&self.loss, map)
    }

    /// The same of a map whose G = (W* - W) S_xx is known, d x o by columns.
    pub fn excess_by(&self, map: &[f64], residual: &[f64]) -> f64 {
        self.least.excess_by(&self.loss, map, residual)
    }

    /// Whether any linear map explains more of the targets than round-off.
    pub fn is_linearly_learnable(&self) -> bool {
        const ROUND_OFF: f64 = 1e-12;
        self.learnable_loss() > ROUND_OFF * self.initial_loss
    }

    /// Number of independent inputs; fewer than d leave the final map undetermined.
    pub fn rank(&self) -> usize {
        self.solutions.whole.rank
    }

    /// Number of independent inputs of modality m.
    pub fn own_rank(&self, modality: usize) -> usize {
        self.solutions.own[modality].rank
    }

    /// S_xx^+, d x d.
    pub fn inverse(&self) -> &SemiDefinite {
        &self.solutions.whole.matrix
    }

    /// S_m^+ of modality m alone, d_m x d_m.
    pub fn own_inverse(&self, modality: usize) -> &SemiDefinite {
        &self.solutions.own[modality].inverse
    }

    /// The largest eigenvalue of S_m, the variance of modality m along its strongest direction.
    pub fn largest_variance(&self, modality: usize) -> f64 {
        self.solutions.own[modality].largest_variance
    }

    /// Frobenius norm of S_xm, the columns of modality m of S_xx.
    pub fn columns_norm(&self, modality: usize) -> f64 {
        self.solutions.own[modality].columns_norm
    }

    /// What is left of S_yx where the modalities `learned` are at their joint least-squares solution,
    /// S_yx - W S_xx with the map W of M_S; o x d.
    pub fn residual(&self, learned: &[usize]) -> DMatrix<f64> {
        &self.cross - self.inputs.after(&self.critical_map(learned))
    }

    /// Power tr[W_m S_m W_m^T] of one modality's outputs, in units of y^2, of a joined map (o x d, by columns).
    pub fn map_power(&self, map: &[f64], modality: usize) -> f64 {
        let inputs = self.modalities[modality].range.clone();
        let outputs = self.outputs_len();
        let block = &map[inputs.start * outputs..inputs.end * outputs];
        let block = DMatrixView::from_slice(block, outputs, inputs.len());
        self.inputs.power(block, inputs).max(0.0)
    }

    /// Columns of one modality of a joined map, o x d_m.
    pub fn block(&self, joined: &DMatrix<f64>, modality: usize) -> DMatrix<f64> {
        let range = &self.modalities[modality].range;
        joined.columns(range.start, range.len()).into_owned()
    }

    /// The best map (o x the inputs of these modalities) of the modalities `learned` alone that the network
    /// can reach.
    fn bounded_solution(&self, learned: &[usize]) -> DMatrix<f64> {
        let mut alone = self.of_modalities(learned);
        if let Some(bounds) = &self.bounds {
            alone.bound_ranks(&RankBounds {
                own: learned.iter().map(|&m| bounds.own[m]).collect(),
                joint: bounds.joint,
            });
        }
        alone.least.map
    }

    /// The joined map (o x d) of the critical point M_S: the modalities in `learned` at their
    /// joint least-squares solution S_yxS S_S^+, the others at zero. With all modalities it is the best
    /// map that the network can reach. Each set of modalities is solved for once.
    ///
    /// Source: ICML 2024 paper, the sections on the loss landscape of late and intermediate
    /// fusion.
    pub fn critical_map(&self, learned: &[usize]) -> DMatrix<f64> {
        if learned.len() == self.modalities.len() {
            return self.least.map.clone();
        }
        let columns: Vec<usize> = learned
            .iter()
            .flat_map(|&m| self.modalities[m].range.clone())
            .collect();
        let solution = match learned {
            [] => DMatrix::zeros(self.outputs_len(), 0),
            [alone] if self.bounds.is_none() => self.solutions.own[*alone].map.clone(),
            _ => self.solutions.joint.get(learned, || match self.bounds {
                Some(_) => self.bounded_solution(learned),
                None => {
                    let inverse = self.inputs.select(&columns).pseudo_inverse().matrix;
                    inverse.after(&self.cross.select_columns(&columns))
                }
            }),
        };
        let mut map = DMatrix::zeros(self.outputs_len(), self.inputs_len());
        for (k, &column) in columns.iter().enumerate() {
            map.set_column(column, &solution.column(k));
        }
        map
    }
}

/// Refuses infinities and the differences of infinities before a decomposition meets them: its
/// iteration would not end.
pub(super) fn ensure_finite<'a>(
    inputs: &SemiDefinite,
    others: impl IntoIterator<Item = &'a f64>,
) -> Result<()> {
    ensure(inputs.is_finite())?;
    ensure_numbers(others)
}

fn ensure_numbers<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Result<()> {
    ensure(numbers.into_iter().all(|x| x.is_finite()))
}

fn ensure(is_finite: bool) -> Result<()> {
    if is_finite {
        return Ok(());
    }
    let problem = "the second moments are larger than floating-point numbers can be";
    let remedy = "rescale the inputs and targets (a table: standardise: true)";
    Err(InputError::at("data", problem, remedy))
}
