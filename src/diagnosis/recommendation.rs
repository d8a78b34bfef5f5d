//! Which fusion layer, if the rows can tell.
//!
//! Each fusion layer is trained on the same divisions of the rows, and its error is that of the rows left out, where it is
//! least along the flow. Two layers differ where the mean of the differences is larger than its error at 95 %, which for J
//! divisions with n_1 rows to fit to and n_2 to test on is
//!
//! ```text
//! t_{J-1} sqrt((1/J + n_2/n_1) var)
//! ```
//!
//! since the divisions share rows. All layers but the best are compared with it, so that each interval is wider (Bonferroni):
//! all of them hold in 95 % of cases. Source: C. Nadeau & Y. Bengio, "Inference for the generalization error" (Machine
//! Learning 52, 2003).

use super::draws::Spread;
use serde::Serialize;

/// Two layers whose errors differ by less than this share of them are alike in practice.
const ALIKE: f64 = 0.01;

/// How often an interval of one layer alone would miss what it should have.
const MISSED: f64 = 0.05;

/// What the fusion layers' errors say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// The layer that is better than all others; null where the rows cannot tell.
    pub fusion_layer: Option<usize>,
    /// Why.
    pub reason: String,
    /// Number of divisions of the rows.
    pub divisions: usize,
    /// Each layer's error, and how it compares with the best.
    pub errors: Vec<LayerError>,
}

/// The error of one fusion layer over the divisions of the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerError {
    /// The layer.
    pub fusion_layer: usize,
    /// Mean of the least error along the flow on the rows left out.
    pub mean: f64,
    /// Mean of the error less that of the best layer.
    pub over_best: f64,
    /// The interval of that; those of all layers hold together in 95 % of cases.
    pub interval: [f64; 2],
    /// Whether it is worse than the best layer, beyond that interval and by more than 1 %.
    pub is_worse: bool,
    /// The bias where the error is least; of the divisions that have one, null where none has.
    pub bias: Option<Spread>,
}

/// What one fusion layer did on the divisions of the rows.
pub(super) struct Trained {
    pub(super) layer: usize,
    /// Its least error on the rows left out, in each division.
    pub(super) errors: Vec<f64>,
    /// The bias then, in those that have one.
    pub(super) biases: Vec<f64>,
}

impl Recommendation {
    /// None, for this reason.
    pub(super) fn none(reason: impl Into<String>) -> Self {
        Self {
            fusion_layer: None,
            reason: reason.into(),
            divisions: 0,
            errors: Vec::new(),
        }
    }

    /// From what each layer did; `quotient` is that of the rows tested on and fitted to, `rows` all there are.
    pub(super) fn of(trained: &[Trained], quotient: f64, rows: usize) -> Self {
        let divisions = trained.first().map_or(0, |layer| layer.errors.len());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let best = trained
            .iter()
            .min_by(|a, b| mean(&a.errors).total_cmp(&mean(&b.errors)));
        let comparisons = trained.len().saturating_sub(1).max(1) as f64;
        let freedom = divisions.checked_sub(1).filter(|freedom| *freedom > 0);
        let student = freedom.map(|freedom| student(freedom, 1.0 - MISSED / comparisons));
        let (Some(best), Some(student)) = (best, student) else {
            return Self::none("too few rows to divide");
        };
        let compared = |of_layer: &Trained| {
            let pairs = of_layer.errors.iter().zip(&best.errors);
            let differences: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
            let over_best = mean(&differences);
            let spread = differences
                .iter()
                .map(|x| (x - over_best).powi(2))
                .sum::<f64>();
            let variance = spread / (divisions - 1) as f64;
            let half = student * ((1.0 / divisions as f64 + quotient) * variance).sqrt();
            LayerError {
                fusion_layer: of_layer.layer,
                mean: mean(&of_layer.errors),
                over_best,
                interval: [over_best - half, over_best + half],
                is_worse: over_best > half && over_best > ALIKE * mean(&best.errors),
                bias: Spread::of(&of_layer.biases),
            }
        };
        let errors: Vec<LayerError> = trained.iter().map(compared).collect();
        let rivals: Vec<usize> = errors
            .iter()
            .filter(|error| error.fusion_layer != best.layer && !error.is_worse)
            .map(|error| error.fusion_layer)
            .collect();
        let is_clear = rivals.is_empty() && errors.len() > 1;
        Self {
            fusion_layer: is_clear.then_some(best.layer),
            reason: reason(&errors, best.layer, &rivals, rows),
            divisions,
            errors,
        }
    }
}

fn reason(errors: &[LayerError], best: usize, rivals: &[usize], rows: usize) -> String {
    let listed = |layers: &[usize]| {
        let names: Vec<String> = layers.iter().map(usize::to_string).collect();
        names.join(", ")
    };
    let worse = errors.iter().filter(|error| error.is_worse);
    let worse: Vec<usize> = worse.map(|error| error.fusion_layer).collect();
    match (errors.len(), rivals, &worse[..]) {
        (1, ..) => "there is one network only".to_owned(),
        (_, [], _) => format!(
            "on rows left out its least error along the flow is below that of every other layer, by more than chance at \
             {rows} rows"
        ),
        (_, _, []) => format!("no difference at n = {rows}: the intervals of all layers overlap"),
        (_, rivals, worse) => format!(
            "no difference at n = {rows} between the layers {best}, {}; worse: {}",
            listed(rivals),
            listed(worse)
        ),
    }
}

/// What |t| of Student's distribution with so many degrees of freedom, 1 or more, stays below in a share of cases. By
/// bisection.
fn student(freedom: usize, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match share_within(middle, freedom) < share {
            true => low = middle,
            false => high = middle,
        }
    }
    low.tan() * (freedom as f64).sqrt()
}

/// In which share of cases |t| is below sqrt(freedom) tan(angle). Source: Abramowitz & Stegun, *Handbook of Mathematical
/// Functions*, 26.7.3 and 26.7.4.
fn share_within(angle: f64, freedom: usize) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    let (mut term, mut place) = if is_odd { (cosine, 2) } else { (1.0, 1) };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    while place + 3 <= freedom {
        term *= cosine * cosine * place as f64 / (place + 1) as f64;
        sum += term;
        place += 2;
    }
    match is_odd {
        true => (angle + sine * sum) * std::f64::consts::FRAC_2_PI,
        false => sine * sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errors: [[f64; 4]; 3]) -> Recommendation {
        let layer = |(layer, errors): (usize, [f64; 4])| Trained {
            layer,
            errors: errors.to_vec(),
            biases: Vec::new(),
        };
        let trained: Vec<Trained> = (1..).zip(errors).map(layer).collect();
        Recommendation::of(&trained, 0.25, 100)
    }

    /// Differences 1, 1, 1, 1.4 have the mean 1.1 and the variance 0.04. At 97.5 %, for two comparisons, t_3 is 4.177:
    /// 4.177 sqrt((1/4 + 1/4) 0.04) = 0.591.
    #[test]
    fn intervals_are_those_of_nadeau_and_bengio() {
        let found = of([[1.0; 4], [2.0, 2.0, 2.0, 2.4], [9.0; 4]]);
        let second = &found.errors[1];
        assert!((second.over_best - 1.1).abs() < 1e-12);
        assert!(
            (second.interval[0] - (1.1 - 0.591)).abs() < 1e-3,
            "{second:?}"
        );
        assert!(second.is_worse);
        assert_eq!(found.fusion_layer, Some(1));
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        let known = [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (9, 2.262),
            (19, 2.093),
        ];
        for (freedom, expected) in known {
            assert!(
                (student(freedom, 0.95) - expected).abs() < 1e-3,
                "{freedom}"
            );
        }
        assert!((student(3, 0.99) - 5.841).abs() < 1e-3);
    }

    #[test]
    fn layers_that_do_not_differ_are_not_told_apart() {
        let found = of([[1.0, 2.0, 1.0, 2.0], [2.0, 1.0, 2.1, 1.0], [9.0; 4]]);
        assert_eq!(found.fusion_layer, None);
        assert!(
            found.reason.contains("between the layers 1, 2; worse: 3"),
            "{}",
            found.reason
        );
        // A difference of half a percent is none in practice, however sure.
        let found = of([[1.0; 4], [1.005; 4], [1.004; 4]]);
        assert_eq!(found.fusion_layer, None);
        assert!(found.reason.contains("no difference at n = 100"));
    }
}
