//! What can be shown of a cell of a sweep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    pub(crate) fn is_of_generalisation(self) -> bool {
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
    pub(crate) fn predicted_names() -> Vec<&'static str> {
        Self::predicted().map(Quantity::name).collect()
    }
}
