//! The table of quantities: everything that is measured in a cell and predicted of it.
//!
//! A quantity is one entry: its key, how it is measured, how theory predicts it, and what figures
//! say of it. Columns of `sweep.csv`, the words that figures take, their labels, and the table of
//! gaps follow from it; `docs/report.md` describes every key.

use super::entry::{Entry, Need};
use super::findings::Findings;
use super::row::{Value, Values, count, number, text};
use modalflow::analysis::target_components;
use modalflow::data::Modality;
use modalflow::experiment::compare;
use modalflow::experiment::problem::Problem;
use modalflow::theory::{self, Theory};

const TIME: &str = "η × descent steps";
const ERROR: &str = "units of y²";

/// The unimodal phase. Behind it stand all predictions.
pub(super) const PHASE: &[Entry] = &[
    Entry::new("first", |run| text(name(&run.phase.first)))
        .predicted(|_, theory| text(name(&theory.first))),
    Entry::new("second", |run| text(name(&run.phase.second))),
    Entry::new("t_first", |run| number(run.phase.t_first))
        .predicted(|_, theory| number(theory.t_first))
        .by_weights("weights_t_first")
        .needs(&[Need::Weights])
        .shown("time of the first modality", TIME)
        .meaning("When the first modality is learned."),
    Entry::new("t_second", |run| number(run.phase.t_second))
        .predicted(|_, theory| number(theory.t_second))
        .by_weights("weights_t_second")
        .needs(&[Need::Second, Need::Weights])
        .shown("time of the second modality", TIME)
        .meaning("When the second modality is learned."),
    Entry::new("length", |run| number(run.phase.length))
        .predicted(|_, theory| number(theory.length()))
        .needs(&[Need::Second, Need::Weights])
        .shown("unimodal phase", TIME)
        .meaning("Length of the unimodal phase."),
    Entry::new("ratio", |run| number(run.phase.ratio))
        .predicted(|_, theory| number(theory.ratio))
        .by_weights("weights_ratio")
        .needs(&[Need::Second])
        .shown("time ratio", "second / first modality")
        .meaning("The time ratio t_second/t_first."),
    Entry::new("misattribution", |run| number(run.phase.misattribution))
        .predicted(|_, theory| number(theory.misattribution))
        .shown("mis-attribution", "units of y/x")
        .meaning("Size of the mis-attribution, positive for an overshoot."),
    Entry::new("first_gain", |run| number(run.first_gain()))
        .predicted(|problem, theory| number(predicted_gain(problem, theory)))
        .shown("share of the loss removed by the first modality", "")
        .meaning("Share of the learnable loss that the first modality removes."),
];

/// Everything else.
pub(super) const OTHERS: &[Entry] = &[
    Entry::new("modes", |run| {
        let modes = run.flow.detection.modes.iter();
        listed(modes.map(|mode| (mode.name(), mode.t_learned)))
    })
    .predicted(|_, theory| {
        let modalities = theory.modes.iter().flatten();
        listed(modalities.flat_map(|of| {
            let modes = of.modes.iter();
            modes.map(|mode| (format!("{}{}", of.modality.name, mode.rank), mode.t))
        }))
    })
    .needs(&[Need::Weights]),
    Entry::new("ratio_gap", |run| {
        let observables = run.problem.observables();
        number(compare::with_theory(&observables, run.phase, run.theory).ratio)
    })
    .gap()
    .shown("gap of the time ratio, (measured − theory)/theory", "")
    .meaning("(measured - theory)/|theory| of the time ratio."),
    Entry::new("weights_first", |run| {
        text(name(&run.theory.from_weights.as_ref()?.first))
    }),
    Entry::new("weights_t_first", |run| {
        number(run.theory.from_weights.as_ref()?.t_first)
    })
    .theory()
.shown("time of the first modality, from the weights", TIME)
    .meaning("When the first modality is learned by the actual initial weights."),
    Entry::new("weights_t_second", |run| {
        number(run.theory.from_weights.as_ref()?.t_second)
    })
    .theory()
.shown("time of the second modality, from the weights", TIME)
    .meaning("When the second modality is learned by the actual initial weights."),
    Entry::new("weights_ratio", |run| {
        number(run.theory.from_weights.as_ref()?.ratio)
    })
    .theory()
.shown("time ratio, from the weights", "second / first modality")
    .meaning("The time ratio by the actual initial weights."),
    Entry::new("weights_ratio_gap", |run| {
        let observables = run.problem.observables();
        let gap = compare::with_theory(&observables, run.phase, run.theory);
        number(gap.weights.ratio)
    })
    .gap()
    .shown("gap of the time ratio from the weights", "")
    .meaning("(measured - predicted)/|predicted| of the time ratio by the actual initial weights."),
    Entry::new("weights_neglected", |run| {
        number(run.theory.from_weights.as_ref()?.neglected)
    })
        .theory()
.shown("what leading order neglects: 1 / (L × drive × time)", "")
        .meaning(
            "How long a drop takes over the time at which it comes, by the actual initial weights: the size of what \
             leading order neglects, known before a run.",
        ),
    Entry::new("t_end", |run| number(run.flow.end.time)),
    Entry::new("initial_loss", |run| {
        number(run.problem.moments.zero_loss())
    }),
    Entry::new("final_loss", |run| {
        let end = run.flow.trajectory.end();
        number(run.problem.observables().loss(end))
    })
    .shown("final loss", ERROR)
    .meaning("The loss at the end."),
    Entry::new("final_accuracy", |run| {
        let end = run.flow.trajectory.end();
        number(run.problem.observables().accuracy(end))
    })
    .shown("final accuracy", "")
    .meaning("The fraction of the samples whose class has the largest output at the end, under cross-entropy."),
    Entry::new("least_share", |run| number(run.least_share()))
        .shown("final share of the modality learned least", "")
        .meaning(
            "The least share that a modality has at the end of what it has at the minimum: of the root of the power of its outputs.",
        ),
    Entry::new("t_first_minimum", |run| {
        number(run.generalised()?.minima.first()?.at.time)
    })
    .needs(&[Need::Generalisation])
    .shown("time of the first minimum", TIME)
    .meaning("When the generalisation error has its first minimum."),
    Entry::new("first_minimum", |run| {
        number(run.generalised()?.minima.first()?.at.error)
    })
    .needs(&[Need::Generalisation])
    .shown("generalisation error at its first minimum", ERROR)
    .meaning("The generalisation error there."),
    Entry::new("least_generalisation", |run| {
        number(run.generalised()?.least.error)
    }),
    Entry::new("final_generalisation", |run| {
        number(run.generalised()?.last.error)
    })
    .needs(&[Need::Generalisation])
    .shown("final generalisation error", ERROR)
    .meaning("The generalisation error at the end."),
    Entry::new("least_norm_generalisation", |run| {
        number(run.generalised()?.least_norm)
    }),
    Entry::new("weak", |run| text(name(&run.generalised()?.bias.weak))),
    Entry::new("bias_ratio", |run| number(run.generalised()?.bias.ratio))
        .needs(&[Need::Generalisation])
        .shown("weak modality's share of the map, final / true", "")
        .meaning("The weak modality's share of the final map over its share of the true one."),
    Entry::new("permanent_bias", |run| {
        text(Some(run.generalised()?.bias.verdict.name()))
    }),
    Entry::new("learned", |run| {
        let parts = Some(&run.parts).filter(|parts| !parts.is_empty())?;
        text(Some(&target_components::verdict(parts)))
    }),
    Entry::new("linear_part", |run| number(run.part("linear")?.last))
        .shown("share of the linear part in the outputs", "")
        .meaning("How much of a target's linear part is in the outputs at the end."),
    Entry::new("t_linear_part", |run| number(run.part("linear")?.t_half))
        .by_weights("weights_t_linear_part")
        .shown("time of half of the linear part", TIME)
        .meaning("When half of the linear part is."),
    Entry::new("weights_t_linear_part", |run| number(run.part_by_weights("linear")?))
        .theory()
        .shown("time of half of the linear part, from the weights", TIME)
        .meaning("When half of the linear part is by the actual initial weights."),
    Entry::new("xor_part", |run| number(run.part("xor")?.last))
        .shown("share of XOR in the outputs", "")
        .meaning("How much of its exclusive or is."),
    Entry::new("t_xor_part", |run| number(run.part("xor")?.t_half))
        .by_weights("weights_t_xor_part")
        .shown("time of half of XOR", TIME)
        .meaning("When half of the exclusive or is."),
    Entry::new("weights_t_xor_part", |run| number(run.part_by_weights("xor")?))
        .theory()
        .shown("time of half of XOR, from the weights", TIME)
        .meaning("When half of the exclusive or is by the actual initial weights."),
    Entry::new("drive_first", |run| {
        let moments = &run.problem.moments;
        let modalities = moments.modalities.iter();
        let drives = modalities.map(|m| (m.name.as_str(), theory::growth_rate(moments, m.index)));
        text(largest(drives))
    }),
    Entry::new("utility_first", |run| {
        let utilities = run.theory.utilities.as_deref()?.iter();
        text(largest(utilities.map(|u| (u.modality.as_str(), u.utility))))
    }),
    Entry::new("utility_hidden", |run| {
        let utilities = run.theory.utilities.as_deref()?;
        number(theory::hidden_utility(&run.problem.moments, &run.problem.architecture, utilities))
    })
    .theory()
    .shown("share of the utility that no linear map explains", "")
    .meaning(
        "How much of a modality's utility no linear map explains, 1 - (1 + a) |S_yxm| / (2 U_m), of the modality that has \
         most; a is the slope of the unit below 0. Two layers, known before a run.",
    ),
    Entry::new("descent_t_first", |run| number(run.descent?.phase.t_first)),
    Entry::new("descent_t_second", |run| {
        number(run.descent?.phase.t_second)
    }),
    Entry::new("descent_ratio", |run| number(run.descent?.phase.ratio))
        .shown("time ratio of descent", "second / first modality")
        .meaning("The time ratio of the descent at the first learning rate."),
    Entry::new("visits", |run| count(run.visits()?.count)),
    Entry::new("visit_time", |run| number(run.visits()?.duration))
        .shown("time near the unimodal saddle", TIME)
        .meaning(
            "How long that descent stays near the saddle where its first modality alone is \
             learned.",
        ),
    Entry::new("visit_distance", |run| number(run.visits()?.least_distance))
        .shown(
            "least distance from the unimodal saddle / learnable loss",
            "",
        )
        .meaning("The least distance of that descent from that saddle."),
    Entry::new("descent_steps", |run| count(run.descent?.descent.steps)),
    Entry::new("steps", |run| count(run.work.steps))
        .shown("steps", "")
        .meaning("Accepted steps."),
    Entry::new("rhs_evaluations", |run| count(run.work.rhs_evaluations))
        .shown("evaluations of the right-hand side", "")
        .meaning("Evaluations of the right-hand side."),
    Entry::new("hessian_products", |run| count(run.work.hessian_products))
        .shown("Hessian products", "")
        .meaning("Products of the Hessian with a vector."),
];

/// The whole table.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    PHASE.iter().chain(OTHERS)
}

/// What is measured in a cell.
pub(super) fn measured(run: &Findings<'_>) -> Values {
    values(|entry| (entry.measured)(run))
}

/// What theory predicts of a cell.
pub(super) fn predicted(problem: &Problem, theory: &Theory) -> Values {
    values(|entry| (entry.predicted?)(problem, theory))
}

fn values(of: impl Fn(&Entry) -> Option<Value>) -> Values {
    let known = all().filter_map(|entry| Some((entry.key.to_owned(), of(entry)?)));
    known.collect()
}

/// Times by name, as `A1 6.275; B1 8.364`; empty where there are none.
fn listed(times: impl Iterator<Item = (String, Option<f64>)>) -> Option<Value> {
    let times = times.filter_map(|(name, time)| Some(format!("{name} {:?}", time?)));
    let times: Vec<String> = times.collect();
    (!times.is_empty()).then(|| Value::Text(times.join("; ")))
}

fn name(modality: &Option<Modality>) -> Option<&str> {
    Some(modality.as_ref()?.name.as_str())
}

/// The name of the largest of some sizes.
fn largest<'n>(sizes: impl Iterator<Item = (&'n str, f64)>) -> Option<&'n str> {
    let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1));
    largest.map(|(name, _)| name)
}

/// The loss falls by half of what a modality alone explains.
fn predicted_gain(problem: &Problem, theory: &Theory) -> Option<f64> {
    let first = theory.first.as_ref()?.index;
    let (moments, architecture) = (&problem.moments, &problem.architecture);
    let gain = 0.5 * theory::contribution(moments, first) / moments.learnable_loss();
    let is_squared = problem.scenario.loss.is_squared();
    (is_squared && architecture.has_saddle(&[first])).then_some(gain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Quantity;

    fn assert_lists(page: &str, keys: impl Iterator<Item = String>) {
        let text = std::fs::read_to_string(page).expect("a page of docs/");
        for key in keys {
            assert!(
                text.contains(&format!("`{key}`")),
                "{page} does not list {key}"
            );
        }
    }

    #[test]
    fn documents_list_every_quantity() {
        let predicted = all().filter(|entry| entry.predicted.is_some());
        let predicted = predicted.map(|entry| format!("theory_{}", entry.key));
        let columns = all().map(|entry| entry.key.to_owned()).chain(predicted);
        assert_lists("../docs/report.md", columns);
        assert_lists(
            "../docs/sweeps.md",
            Quantity::all().map(|shown| shown.key().to_owned()),
        );
    }

    #[test]
    fn what_figures_show_has_a_key_of_its_own_and_a_meaning() {
        for entry in all() {
            assert_eq!(
                all().filter(|other| other.key == entry.key).count(),
                1,
                "{}",
                entry.key
            );
            assert_eq!(
                entry.shown.is_some(),
                !entry.meaning.is_empty(),
                "{}",
                entry.key
            );
        }
    }
}
