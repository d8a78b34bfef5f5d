//! The table of quantities: everything that is measured in a cell and predicted of it.
//!
//! A quantity is one entry: its key, how it is measured, how theory predicts it, and what figures
//! say of it. Columns of `sweep.csv`, the words that figures take, their labels, and the table of
//! gaps follow from it; `docs/report.md` describes every key.

use super::findings::Findings;
use super::row::{Value, Values, count, number, text};
use modalflow::analysis::target_components;
use modalflow::data::Modality;
use modalflow::experiment::compare;
use modalflow::experiment::problem::Problem;
use modalflow::theory::{self, Theory};

/// What is known of a quantity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its column of `sweep.csv`.
    pub(super) key: &'static str,
    measured: fn(&Findings<'_>) -> Option<Value>,
    /// Theory's word on it, in the column `theory_` and its key.
    pub(super) predicted: Option<fn(&Problem, &Theory) -> Option<Value>>,
    /// None where figures cannot show it.
    pub(super) shown: Option<Shown>,
    /// Whether its prediction depends on which modality is learned second.
    pub(super) of_second: bool,
    /// Whether its prediction depends on the initial weights, which are drawn at random.
    pub(super) of_weights: bool,
    /// Whether it is of the generalisation error, which not all data have.
    pub(super) of_generalisation: bool,
}

/// How figures show a quantity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) label: &'static str,
    /// Empty where the label says it.
    pub(super) unit: &'static str,
    /// For the schema of scenarios.
    pub(super) description: &'static str,
}

const TIME: &str = "η × descent steps";
const ERROR: &str = "units of y²";

/// The unimodal phase. Behind it stand all predictions.
pub(super) const PHASE: &[Entry] = &[
    Entry::new("first", |run| text(name(&run.phase.first)))
        .predicted(|_, theory| text(name(&theory.first))),
    Entry::new("second", |run| text(name(&run.phase.second))),
    Entry::new("t_first", |run| number(run.phase.t_first))
        .predicted(|_, theory| number(theory.t_first))
        .of_weights()
        .shown(
            "time of the first modality",
            TIME,
            "When the first modality is learned.",
        ),
    Entry::new("t_second", |run| number(run.phase.t_second))
        .predicted(|_, theory| number(theory.t_second))
        .of_second()
        .of_weights()
        .shown(
            "time of the second modality",
            TIME,
            "When the second modality is learned.",
        ),
    Entry::new("length", |run| number(run.phase.length))
        .predicted(|_, theory| number(difference(theory.t_second, theory.t_first)))
        .of_second()
        .of_weights()
        .shown("unimodal phase", TIME, "Length of the unimodal phase."),
    Entry::new("ratio", |run| number(run.phase.ratio))
        .predicted(|_, theory| number(theory.ratio))
        .of_second()
        .shown(
            "time ratio",
            "second / first modality",
            "The time ratio t_second/t_first.",
        ),
    Entry::new("misattribution", |run| number(run.phase.misattribution))
        .predicted(|_, theory| number(theory.misattribution))
        .shown(
            "mis-attribution",
            "units of y/x",
            "Size of the mis-attribution, positive for an overshoot.",
        ),
    Entry::new("first_gain", |run| number(run.first_gain()))
        .predicted(|problem, theory| number(predicted_gain(problem, theory)))
        .shown(
            "share of the loss removed by the first modality",
            "",
            "Share of the learnable loss that the first modality removes.",
        ),
];

/// Everything else.
pub(super) const OTHERS: &[Entry] = &[
    Entry::new("ratio_gap", |run| {
        let observables = run.problem.observables();
        number(compare::with_theory(&observables, run.phase, run.theory).ratio)
    })
    .shown(
        "gap of the time ratio, (measured − theory)/theory",
        "",
        "(measured - theory)/|theory| of the time ratio.",
    ),
    Entry::new("t_end", |run| number(Some(run.flow.end.time))),
    Entry::new("initial_loss", |run| {
        number(Some(run.problem.moments.initial_loss))
    }),
    Entry::new("final_loss", |run| {
        let end = run.flow.trajectory.end();
        number(Some(run.problem.observables().loss(end)))
    })
    .shown("final loss", ERROR, "The loss at the end."),
    Entry::new("t_first_minimum", |run| {
        let minimum = run.generalisation.as_ref()?.minima.first()?;
        number(Some(minimum.at.time))
    })
    .of_generalisation()
    .shown(
        "time of the first minimum",
        TIME,
        "When the generalisation error has its first minimum.",
    ),
    Entry::new("first_minimum", |run| {
        let minimum = run.generalisation.as_ref()?.minima.first()?;
        number(Some(minimum.at.error))
    })
    .of_generalisation()
    .shown(
        "generalisation error at its first minimum",
        ERROR,
        "The generalisation error there.",
    ),
    Entry::new("least_generalisation", |run| {
        number(Some(run.generalisation.as_ref()?.least.error))
    }),
    Entry::new("final_generalisation", |run| {
        number(Some(run.generalisation.as_ref()?.last.error))
    })
    .of_generalisation()
    .shown(
        "final generalisation error",
        ERROR,
        "The generalisation error at the end.",
    ),
    Entry::new("least_norm_generalisation", |run| {
        number(Some(run.generalisation.as_ref()?.least_norm))
    }),
    Entry::new("weak", |run| {
        text(name(&run.generalisation.as_ref()?.bias.weak))
    }),
    Entry::new("bias_ratio", |run| {
        number(run.generalisation.as_ref()?.bias.ratio)
    })
    .of_generalisation()
    .shown(
        "weak modality's share of the map, final / true",
        "",
        "The weak modality's share of the final map over its share of the true one.",
    ),
    Entry::new("permanent_bias", |run| {
        text(Some(run.generalisation.as_ref()?.bias.verdict.name()))
    }),
    Entry::new("learned", |run| {
        let parts = Some(&run.parts).filter(|parts| !parts.is_empty())?;
        text(Some(&target_components::verdict(parts)))
    }),
    Entry::new("linear_part", |run| number(Some(run.part("linear")?.last))).shown(
        "share of the linear part in the outputs",
        "",
        "How much of a target's linear part is in the outputs at the end.",
    ),
    Entry::new("t_linear_part", |run| number(run.part("linear")?.t_half)),
    Entry::new("xor_part", |run| number(Some(run.part("xor")?.last))).shown(
        "share of XOR in the outputs",
        "",
        "How much of its exclusive or is.",
    ),
    Entry::new("t_xor_part", |run| number(run.part("xor")?.t_half)).shown(
        "time of half of XOR",
        TIME,
        "When half of the exclusive or is.",
    ),
    Entry::new("descent_t_first", |run| number(run.descent?.phase.t_first)),
    Entry::new("descent_t_second", |run| {
        number(run.descent?.phase.t_second)
    }),
    Entry::new("descent_ratio", |run| number(run.descent?.phase.ratio)).shown(
        "time ratio of descent",
        "second / first modality",
        "The time ratio of the descent at the first learning rate.",
    ),
    Entry::new("visits", |run| count(run.visits()?.count)),
    Entry::new("visit_time", |run| number(Some(run.visits()?.duration))).shown(
        "time near the unimodal saddle",
        TIME,
        "How long that descent stays near the saddle where its first modality alone is learned.",
    ),
    Entry::new("visit_distance", |run| {
        number(Some(run.visits()?.least_distance))
    })
    .shown(
        "least distance from the unimodal saddle / learnable loss",
        "",
        "The least distance of that descent from that saddle.",
    ),
    Entry::new("descent_steps", |run| count(run.descent?.descent.steps)),
    Entry::new("steps", |run| count(run.flow.end.work.steps)).shown("steps", "", "Accepted steps."),
    Entry::new("rhs_evaluations", |run| {
        count(run.flow.end.work.rhs_evaluations)
    })
    .shown(
        "evaluations of the right-hand side",
        "",
        "Evaluations of the right-hand side.",
    ),
    Entry::new("hessian_products", |run| {
        count(run.flow.end.work.hessian_products)
    })
    .shown(
        "Hessian products",
        "",
        "Products of the Hessian with a vector.",
    ),
];

/// The whole table.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    PHASE.iter().chain(OTHERS)
}

/// What is measured in a cell, by key.
pub(super) fn measured(run: &Findings<'_>) -> Values {
    let measured = all().map(|entry| (entry.key, (entry.measured)(run)));
    known(measured)
}

/// What theory predicts of a cell, by key.
pub(super) fn predicted(problem: &Problem, theory: &Theory) -> Values {
    let predicted = all().map(|entry| {
        (
            entry.key,
            entry.predicted.and_then(|of| of(problem, theory)),
        )
    });
    known(predicted)
}

fn known(values: impl Iterator<Item = (&'static str, Option<Value>)>) -> Values {
    values
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn name(modality: &Option<Modality>) -> Option<&str> {
    Some(modality.as_ref()?.name.as_str())
}

fn difference(later: Option<f64>, earlier: Option<f64>) -> Option<f64> {
    Some(later? - earlier?)
}

/// The loss falls by half of what a modality alone explains.
fn predicted_gain(problem: &Problem, theory: &Theory) -> Option<f64> {
    let first = theory.first.as_ref()?.index;
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let gain = 0.5 * theory::contribution(moments, first) / moments.learnable_loss();
    architecture.has_saddle(&[first]).then_some(gain)
}

impl Entry {
    const fn new(key: &'static str, measured: fn(&Findings<'_>) -> Option<Value>) -> Self {
        Self {
            key,
            measured,
            predicted: None,
            shown: None,
            of_second: false,
            of_weights: false,
            of_generalisation: false,
        }
    }

    const fn predicted(mut self, by: fn(&Problem, &Theory) -> Option<Value>) -> Self {
        self.predicted = Some(by);
        self
    }

    const fn shown(
        mut self,
        label: &'static str,
        unit: &'static str,
        description: &'static str,
    ) -> Self {
        self.shown = Some(Shown {
            label,
            unit,
            description,
        });
        self
    }

    const fn of_second(mut self) -> Self {
        self.of_second = true;
        self
    }

    const fn of_weights(mut self) -> Self {
        self.of_weights = true;
        self
    }

    const fn of_generalisation(mut self) -> Self {
        self.of_generalisation = true;
        self
    }
}
