//! The figure section: what is drawn of a sweep.

use super::sweep::{AxisValue, Column};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One figure of a sweep: exactly one of lines, heat, scatter, curves, portrait.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FigureSection {
    /// Name of its file, [A-Za-z0-9_-]+. Default: the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What stands above it. Default: the scenario's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Only the cells where these axes have these values.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub select: IndexMap<String, AxisValue>,
    /// Measured points with their spread, against theory lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LinesFigure>,
    /// Heat maps over two axes: measured, theory, gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<HeatFigure>,
    /// Measured against theory, a point a run, with the identity line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scatter: Option<ScatterFigure>,
    /// A family of curves against time, the first repeat of every cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<CurvesFigure>,
    /// Phase portraits of the two total maps of scalar inputs, one a cell, the first repeat's
    /// trajectory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portrait: Option<PortraitFigure>,
}

impl FigureSection {
    /// The name of its file without the ending.
    pub fn file_stem(&self) -> &str {
        let kind = if self.lines.is_some() {
            "lines"
        } else if self.heat.is_some() {
            "heat"
        } else if self.scatter.is_some() {
            "scatter"
        } else if self.curves.is_some() {
            "curves"
        } else {
            "portrait"
        };
        self.name.as_deref().unwrap_or(kind)
    }

    /// Whether a cell with these values of the columns is drawn.
    pub fn selects(&self, columns: &[&Column], values: &[AxisValue]) -> bool {
        let matches = |(path, wanted): (&String, &AxisValue)| {
            let mut pairs = columns.iter().zip(values);
            pairs.any(|(column, value)| column.path == *path && value.is(wanted))
        };
        self.select.iter().all(matches)
    }
}

/// Points with their spread over everything but x and series, and theory's lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesFigure {
    /// Path of the axis along the page; its values are numbers.
    pub x: String,
    /// What is shown.
    pub y: Quantity,
    /// Path of the axis whose values are series of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Whether x is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether y is logarithmic.
    #[serde(default)]
    pub log_y: bool,
}

/// Heat maps over two axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeatFigure {
    /// Path of the axis along the page; its values are numbers.
    pub x: String,
    /// Path of the axis up the page; its values are numbers.
    pub y: String,
    /// What is shown.
    pub value: Quantity,
    /// Whether colours follow the logarithm.
    #[serde(default)]
    pub log: bool,
}

/// Measured against theory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScatterFigure {
    /// What is shown; theory must have a word on it.
    pub value: Quantity,
    /// Path of the axis whose values are series of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Whether both axes are logarithmic.
    #[serde(default)]
    pub log: bool,
}

/// Curves against time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurvesFigure {
    /// What is drawn.
    #[serde(default)]
    pub value: Trajectory,
    /// Whether time is logarithmic.
    #[serde(default)]
    pub log_x: bool,
    /// Whether the value is logarithmic.
    #[serde(default)]
    pub log_y: bool,
}

/// Phase portraits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortraitFigure {
    /// Arrows of the vector field along each side.
    #[serde(default = "default_arrows")]
    pub arrows: u64,
}

fn default_arrows() -> u64 {
    17
}

/// What a curve shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trajectory {
    /// The training loss.
    #[default]
    Loss,
    /// The generalisation error.
    Generalisation,
}

/// A column of sweep.csv that a figure can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The time ratio t_second/t_first.
    Ratio,
    /// When the first modality is learned.
    TFirst,
    /// When the second modality is learned.
    TSecond,
    /// Length of the unimodal phase.
    Length,
    /// Size of the mis-attribution, positive for an overshoot.
    Misattribution,
    /// Share of the learnable loss that the first modality removes.
    FirstGain,
    /// (measured - theory)/|theory| of the time ratio.
    RatioGap,
    /// The loss at the end.
    FinalLoss,
    /// When the generalisation error has its first minimum.
    TFirstMinimum,
    /// The generalisation error there.
    FirstMinimum,
    /// The generalisation error at the end.
    FinalGeneralisation,
    /// The weak modality's share of the final map over its share of the true one.
    BiasRatio,
    /// How much of a target's linear part is in the outputs at the end.
    LinearPart,
    /// How much of its exclusive or is.
    XorPart,
    /// When half of the exclusive or is.
    TXorPart,
    /// The time ratio of the descent at the first learning rate.
    DescentRatio,
    /// How long that descent stays near the saddle where its first modality alone is learned.
    VisitTime,
    /// The least distance of that descent from that saddle.
    VisitDistance,
    /// Accepted steps.
    Steps,
    /// Evaluations of the right-hand side.
    RhsEvaluations,
    /// Products of the Hessian with a vector.
    HessianProducts,
}

impl Quantity {
    const ALL: [Quantity; 21] = [
        Quantity::Ratio,
        Quantity::TFirst,
        Quantity::TSecond,
        Quantity::Length,
        Quantity::Misattribution,
        Quantity::FirstGain,
        Quantity::RatioGap,
        Quantity::FinalLoss,
        Quantity::TFirstMinimum,
        Quantity::FirstMinimum,
        Quantity::FinalGeneralisation,
        Quantity::BiasRatio,
        Quantity::LinearPart,
        Quantity::XorPart,
        Quantity::TXorPart,
        Quantity::DescentRatio,
        Quantity::VisitTime,
        Quantity::VisitDistance,
        Quantity::Steps,
        Quantity::RhsEvaluations,
        Quantity::HessianProducts,
    ];

    /// Its name, as in the scenario and in the header of sweep.csv.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Ratio => "ratio",
            Quantity::TFirst => "t_first",
            Quantity::TSecond => "t_second",
            Quantity::Length => "length",
            Quantity::Misattribution => "misattribution",
            Quantity::FirstGain => "first_gain",
            Quantity::RatioGap => "ratio_gap",
            Quantity::FinalLoss => "final_loss",
            Quantity::TFirstMinimum => "t_first_minimum",
            Quantity::FirstMinimum => "first_minimum",
            Quantity::FinalGeneralisation => "final_generalisation",
            Quantity::BiasRatio => "bias_ratio",
            Quantity::LinearPart => "linear_part",
            Quantity::XorPart => "xor_part",
            Quantity::TXorPart => "t_xor_part",
            Quantity::DescentRatio => "descent_ratio",
            Quantity::VisitTime => "visit_time",
            Quantity::VisitDistance => "visit_distance",
            Quantity::Steps => "steps",
            Quantity::RhsEvaluations => "rhs_evaluations",
            Quantity::HessianProducts => "hessian_products",
        }
    }

    /// Whether theory predicts it.
    pub fn is_predicted(self) -> bool {
        matches!(
            self,
            Quantity::Ratio
                | Quantity::TFirst
                | Quantity::TSecond
                | Quantity::Length
                | Quantity::Misattribution
                | Quantity::FirstGain
        )
    }

    /// Whether it depends on which modality is learned second.
    pub fn is_of_second(self) -> bool {
        matches!(self, Quantity::Ratio | Quantity::TSecond | Quantity::Length)
    }

    /// Whether it is of the generalisation error, which not all data have.
    pub(super) fn is_of_generalisation(self) -> bool {
        matches!(
            self,
            Quantity::TFirstMinimum
                | Quantity::FirstMinimum
                | Quantity::FinalGeneralisation
                | Quantity::BiasRatio
        )
    }

    /// All that theory predicts.
    pub fn predicted() -> impl Iterator<Item = Quantity> {
        Self::ALL
            .into_iter()
            .filter(|quantity| quantity.is_predicted())
    }

    /// Names of all that theory predicts.
    pub(super) fn predicted_names() -> Vec<&'static str> {
        Self::predicted().map(Quantity::name).collect()
    }
}
