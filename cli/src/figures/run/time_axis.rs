//! The time axis of a run's figures: it fits what happens, and says so where that is not the whole run evenly.

use super::Run;
use crate::plot::{Axis, range};
use crate::report::format::number;
use modalflow::trajectory::Spacing;

/// What happens later than this many times the first event is seen together with it on a logarithmic axis only.
const LOG_FROM: f64 = 50.0;

/// A run of more than this many times its last event has its axis cut.
const CUT_FROM: f64 = 4.0;

/// Where a cut axis ends, in times of the last event.
const CUT_AT: f64 = 2.0;

/// The part of the time that is shown, and how.
#[derive(Debug, PartialEq)]
enum View {
    /// All of it.
    Whole,
    /// Up to a time after which nothing happens.
    Cut(f64),
    /// All of it, by ratios.
    Log,
}

/// The view of a run to `end` with events at these times; `moves` where something still happens at the end.
fn view(events: &[f64], end: f64, moves: bool) -> View {
    let first = events.iter().copied().fold(f64::INFINITY, f64::min);
    let last = events.iter().copied().fold(0.0, f64::max);
    let last = if moves { end } else { last };
    match last {
        0.0 => View::Whole,
        last if last > LOG_FROM * first => View::Log,
        last if end > CUT_FROM * last => View::Cut(CUT_AT * last),
        _ => View::Whole,
    }
}

impl Run<'_> {
    /// The axis that all panels share.
    pub(super) fn time_axis(&self) -> Axis {
        let asked = self.scenario.output.spacing == Spacing::Log;
        let view = match asked {
            true => View::Log,
            false => view(&self.events(), self.t_end, self.moves_at_the_end()),
        };
        let (start, end, remark) = match view {
            View::Whole => (0.0, self.t_end, String::new()),
            View::Cut(end) => {
                let remark = format!(", cut: the run rests until t = {}", number(self.t_end));
                (0.0, end, remark)
            }
            View::Log => (self.log_start(), self.t_end, ", logarithmic".to_owned()),
        };
        let log = view == View::Log;
        let range = range([start, end], log, 0.0);
        Axis::new(
            self.time_name().to_owned() + &remark,
            range.unwrap_or((0.0, 1.0)),
            log,
        )
    }

    /// What a step of the descents beside the flow stands for.
    fn time_name(&self) -> &'static str {
        match &self.scenario.descent {
            None => "time t (in units of η × descent steps)",
            Some(section) if section.momentum.is_some() => "time t (= η × descent steps/(1 − μ))",
            Some(_) => "time t (= η × descent steps)",
        }
    }

    /// Whether the run ends on no plateau, or errs on new data, which goes on to change where the loss rests.
    fn moves_at_the_end(&self) -> bool {
        let last = self.result.flow.detection.plateaus.last();
        let rests = last.is_some_and(|plateau| plateau.exit.is_none());
        !rests || self.result.generalisation.is_some()
    }

    /// Times above zero at which a plateau is entered or left or a modality is learned: of the flow, of the
    /// descents, and by theory where its curve is drawn.
    fn events(&self) -> Vec<f64> {
        let (result, detection) = (self.result, &self.result.flow.detection);
        let learned = detection.crossings.iter().flat_map(|crossing| {
            let later = crossing.t_relearned.iter().copied();
            crossing.t_learned.into_iter().chain(later)
        });
        let descents = result.descents.iter();
        let plateaus = descents.clone().filter_map(|run| run.plateaus.as_ref());
        let plateaus = plateaus.flatten().chain(&detection.plateaus);
        let edges = plateaus.flat_map(|plateau| [Some(plateau.entry), plateau.exit]);
        let theory = result.theory_curve.iter();
        let theory = theory.flat_map(|_| [result.theory.t_first, result.theory.t_second]);
        let phases = descents.flat_map(|run| [run.phase.t_first, run.phase.t_second]);
        let others = edges.chain(theory).chain(phases).flatten();
        let times = learned.chain(others);
        times
            .filter(|time| 0.0 < *time && *time <= self.t_end)
            .collect()
    }

    fn log_start(&self) -> f64 {
        let samples = self.result.flow.trajectory.knots().iter();
        let samples = samples.map(|knot| knot.time);
        log_start(self.events().into_iter(), samples, self.t_end)
    }
}

/// Where a logarithmic time axis starts: a decade before the first event, a plateau left or a modality
/// learned, or else before the first sample.
fn log_start(
    events: impl Iterator<Item = f64>,
    samples: impl Iterator<Item = f64>,
    end: f64,
) -> f64 {
    let first = |a: f64, b: f64| if b > 0.0 { a.min(b) } else { a };
    let event = events.fold(f64::INFINITY, first) / 10.0;
    let start = if event.is_finite() {
        event
    } else {
        samples.fold(event, first)
    };
    start.max(end * 1e-12).min(end / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_fits_what_happens() {
        assert_eq!(view(&[2.0, 9.0], 20.0, false), View::Whole);
        assert_eq!(view(&[2.0, 9.0], 40.0, false), View::Cut(18.0));
        // Something still happens at the end.
        assert_eq!(view(&[2.0, 9.0], 40.0, true), View::Whole);
        assert_eq!(view(&[2.0, 900.0], 1000.0, false), View::Log);
        assert_eq!(view(&[2.0], 1000.0, true), View::Log);
        assert_eq!(view(&[], 1000.0, false), View::Whole);
    }

    #[test]
    fn the_log_axis_starts_before_the_first_event() {
        let start = |events: &[f64], samples: &[f64], end| {
            log_start(events.iter().copied(), samples.iter().copied(), end)
        };
        assert!((start(&[0.0, 2.0], &[], 1e3) - 0.2).abs() < 1e-12);
        assert!((start(&[0.0, 2.0], &[], 1.0) - 0.1).abs() < 1e-12);
        assert_eq!(start(&[], &[0.0, 0.5], 10.0), 0.5);
        assert_eq!(start(&[], &[], 1.0), 0.1);
    }
}
