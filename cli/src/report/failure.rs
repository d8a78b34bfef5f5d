//! Whether a run failed, and in what.

use super::format;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::integrate::Outcome;

/// What failed of a run that was not interrupted, in one line; None where nothing did. A run that rests has failed only if it
/// was asked for nothing but a loss gap, which it never meets.
pub fn failure(problem: &Problem, result: &RunResult) -> Option<String> {
    let rests_are_failures = problem.scenario.flow.until.time.is_none();
    let has_failed = |outcome: Outcome| {
        !outcome.is_success() || outcome == Outcome::Stalled && rests_are_failures
    };
    let end = &result.flow.end;
    if has_failed(end.outcome) {
        let time = format::number(end.time);
        return Some(format!(
            "the flow {}, at t = {time}",
            end.outcome.sentence()
        ));
    }
    let mut descents = result.descents.iter().map(|run| &run.descent);
    let failed = descents.find(|descent| has_failed(descent.outcome))?;
    Some(format!(
        "descent at learning rate {}: {} at step {}",
        format::number(failed.learning_rate),
        failed.outcome.sentence(),
        failed.steps
    ))
}
