//! What a run shows, in one sentence and a few numbers.

use crate::report::format::number_to;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::integrate::Outcome;
use modalflow::theory::FromWeights;

/// Who is learned when, and what theory says of it: "A is learned at 3, B is ignored until 11.9; theory 12".
pub(super) fn headline(problem: &Problem, result: &RunResult) -> String {
    let phase = &result.flow.detection.phase;
    let end = short(result.flow.trajectory.end().time);
    let Some((first, t_first)) = phase.first.as_ref().zip(phase.t_first) else {
        return format!("Nothing is learned by t = {end}");
    };
    let (name, at) = (&first.name, short(t_first));
    let others = problem.architecture.modalities.len() > 1;
    match phase.second.as_ref().zip(phase.t_second) {
        Some((second, t_second)) => {
            let waits = problem.architecture.has_saddle(&[first.index]);
            let until = if waits { "is ignored until" } else { "at" };
            let (second, t_second) = (&second.name, short(t_second));
            let theory = predicted(result, |w| w.t_second, result.theory.t_second);
            format!("{name} is learned at {at}, {second} {until} {t_second}{theory}")
        }
        None => {
            let theory = predicted(result, |w| w.t_first, result.theory.t_first);
            let rest = match others {
                true => format!(", and nothing else by {end}"),
                false => String::new(),
            };
            format!("{name} is learned at {at}{theory}{rest}")
        }
    }
}

/// From the actual weights where that is known: they know more than the published formulas.
fn predicted(
    result: &RunResult,
    by_weights: fn(&FromWeights) -> Option<f64>,
    formula: Option<f64>,
) -> String {
    let weights = result.theory.from_weights.as_ref().and_then(by_weights);
    let time = weights.or(formula);
    time.map_or(String::new(), |time| format!("; theory {}", short(time)))
}

/// Rows of what was measured, by the published formulas, and from the actual initial weights.
pub(super) fn numbers(result: &RunResult) -> Vec<[String; 4]> {
    let (phase, theory) = (&result.flow.detection.phase, &result.theory);
    let weights = theory.from_weights.as_ref();
    let of = |value: fn(&FromWeights) -> Option<f64>| weights.and_then(value);
    let rows = [
        ("first", phase.t_first, theory.t_first, of(|w| w.t_first)),
        (
            "second",
            phase.t_second,
            theory.t_second,
            of(|w| w.t_second),
        ),
        (
            "between",
            phase.length,
            theory.length(),
            of(FromWeights::length),
        ),
        ("time ratio", phase.ratio, theory.ratio, of(|w| w.ratio)),
        (
            "mis-attribution",
            phase.misattribution,
            theory.misattribution,
            None,
        ),
    ];
    let cell = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let row = |(name, measured, theory, weights): (&str, _, _, _)| {
        [name.to_owned(), cell(measured), cell(theory), cell(weights)]
    };
    rows.map(row).to_vec()
}

/// What is missing where the budget ended the run.
pub(super) fn cut_short(result: &RunResult, seconds: f64) -> Option<String> {
    let budget = short(seconds);
    let reached = short(result.flow.trajectory.end().time);
    match (result.flow.end.outcome, result.is_complete) {
        (Outcome::Interrupted, _) => Some(format!(
            "Cut short after {budget} s, at t = {reached}: what comes later is not shown"
        )),
        (_, false) => Some(format!(
            "Cut short after {budget} s: the flow is complete, a descent is not"
        )),
        _ => None,
    }
}

fn short(value: f64) -> String {
    number_to(3, value)
}
