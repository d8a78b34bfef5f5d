//! Scales of axes: from values to places, where the ticks stand and what they say.

use super::numbers::{decimals, plain, scientific, significant};

/// From the values of an axis to places on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The least and greatest value shown; positive on a logarithmic axis.
    pub(super) range: (f64, f64),
    /// Their page coordinates.
    pub(super) ends: (f64, f64),
    /// Whether equal lengths are equal ratios.
    pub(super) log: bool,
}

impl Scale {
    /// From a range of values to two places on the page.
    pub(super) fn new(range: (f64, f64), ends: (f64, f64), log: bool) -> Self {
        Self { range, ends, log }
    }

    /// The page coordinate of a value. Values beyond reason are drawn in to a hundred axis
    /// lengths, so that clipping never meets an infinity.
    pub(super) fn place(&self, value: f64) -> f64 {
        let ((low, high), (start, end)) = (self.range, self.ends);
        let fraction = match self.log {
            true => (value.max(f64::MIN_POSITIVE) / low).log10() / (high / low).log10(),
            false => (value - low) / (high - low),
        };
        start + fraction.clamp(-100.0, 100.0) * (end - start)
    }

    /// Ticks at round values, at most about `most` labelled.
    pub(super) fn round_ticks(&self, most: usize) -> Ticks {
        match self.log {
            true => log_ticks(self.range, most),
            false => linear_ticks(self.range, most),
        }
    }

    /// Whether it runs up the page, on which coordinates grow downwards.
    pub(super) fn is_up(&self) -> bool {
        self.ends.1 < self.ends.0
    }
}

/// The ticks of an axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ticks {
    /// Value and label.
    pub(super) major: Vec<(f64, String)>,
    /// Unlabelled ticks between them.
    pub(super) minor: Vec<f64>,
    /// What the labels are to be multiplied with, `× 10^7`.
    pub(super) factor: Option<String>,
}

/// Ticks at the multiples of 1, 2, 2.5 or 5 times a power of ten.
fn linear_ticks((low, high): (f64, f64), most: usize) -> Ticks {
    // The least step that cuts the axis into fewer than `most` parts.
    let most = most.max(2) as f64;
    let unit = 10_f64.powi(((high - low) / most).log10().floor() as i32);
    let steps = [1.0, 2.0, 2.5, 5.0].map(|m| m * unit);
    let is_enough = |step: &f64| (high - low) / step + 1e-9 < most;
    let step = steps.into_iter().find(is_enough).unwrap_or(10.0 * unit);
    let first = (low / step - 1e-9).ceil() as i64;
    // Bounded, so that not even a degenerate span runs away.
    let last = ((high / step + 1e-9).floor() as i64).min(first.saturating_add(most as i64));
    let values = (first..=last).map(|i| i as f64 * step);
    let greatest = values.clone().fold(0.0_f64, |most, v| most.max(v.abs()));
    // A power of ten is taken out of labels that do not read well as they are.
    let exponent = match greatest == 0.0 || (1e-2..1e5).contains(&greatest) {
        true => 0,
        false => (greatest.log10() + 1e-9).floor() as i32,
    };
    let unit = 10_f64.powi(exponent);
    let decimals = decimals(step / unit);
    Ticks {
        major: values.map(|v| (v, plain(v / unit, decimals))).collect(),
        minor: Vec::new(),
        factor: (exponent != 0).then(|| format!("× 10^{exponent}")),
    }
}

/// Ticks at powers of ten; at 1, 2, 5 times them where there are few; linear ones within
/// less than a decade.
fn log_ticks((low, high): (f64, f64), most: usize) -> Ticks {
    let (low, high) = (low * (1.0 - 1e-9), high * (1.0 + 1e-9));
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    let decades = (last - first + 1).max(0) as usize;
    let multiples = |factors: &[i32]| -> Vec<f64> {
        let powers = (first - 1..=last).map(|k| 10_f64.powi(k));
        let all = powers.flat_map(|power| factors.iter().map(move |m| f64::from(*m) * power));
        all.filter(|v| (low..=high).contains(v)).collect()
    };
    let dense = multiples(&[1, 2, 5]);
    let labelled = if decades <= 2 && dense.len() <= most {
        dense
    } else {
        let stride = decades.div_ceil(most.max(1)).max(1);
        multiples(&[1]).into_iter().step_by(stride).collect()
    };
    if labelled.len() < 2 {
        return linear_ticks((low, high), most);
    }
    let is_short = low >= 0.9e-3 && high < 1e5;
    let label = |value: f64| match is_short {
        true => significant(value, 1),
        false => scientific(value, 1),
    };
    let between: &[i32] = match decades {
        0..=8 => &[2, 3, 4, 5, 6, 7, 8, 9],
        _ => &[],
    };
    Ticks {
        major: labelled.into_iter().map(|v| (v, label(v))).collect(),
        minor: multiples(between),
        factor: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> String {
        let labels: Vec<&str> = ticks
            .major
            .iter()
            .map(|(_, label)| label.as_str())
            .collect();
        labels.join(" ")
    }

    #[test]
    fn linear_labels_share_their_decimals_and_long_or_short_ones_a_factor() {
        let linear = |low, high, most| {
            let ticks = linear_ticks((low, high), most);
            (labels(&ticks), ticks.factor.unwrap_or_default())
        };
        let cases = [
            (
                (0.0, 20.0, 9),
                "0.0 2.5 5.0 7.5 10.0 12.5 15.0 17.5 20.0",
                "",
            ),
            ((-0.1, 3.5, 6), "0 1 2 3", ""),
            ((0.0, 4e7, 5), "0 1 2 3 4", "× 10^7"),
            ((0.0, 1e-9, 6), "0.0 0.2 0.4 0.6 0.8 1.0", "× 10^-9"),
        ];
        for ((low, high, most), labels, factor) in cases {
            assert_eq!(linear(low, high, most), (labels.into(), factor.into()));
        }
    }

    #[test]
    fn ticks_stay_few_and_inside() {
        for exponent in -30..30 {
            for mantissa in [1.0, 1.7, 3.3, 7.9] {
                let high = mantissa * 10_f64.powi(exponent);
                let ticks = linear_ticks((-0.03 * high, high), 7);
                assert!((3..=8).contains(&ticks.major.len()), "{high}: {ticks:?}");
                assert!(ticks.major.iter().all(|(v, _)| *v <= high * (1.0 + 1e-9)));
            }
        }
    }

    #[test]
    fn log_labels_are_powers_or_plain() {
        let log = |low, high| labels(&log_ticks((low, high), 8));
        assert_eq!(log(1.0, 1e3), "1 10 100 1000");
        assert_eq!(log(0.4, 30.0), "0.5 1 2 5 10 20");
        assert_eq!(log(2e7, 7e7), "2 × 10^7 5 × 10^7");
        let wide = log_ticks((1e-6, 1e6), 5);
        assert!(labels(&wide).starts_with("10^-6 ") && wide.major.len() <= 5);
    }

    #[test]
    fn places_are_linear_or_logarithmic_and_bounded() {
        let axis = |log| Scale::new((1.0, 100.0), (0.0, 10.0), log);
        assert!((axis(true).place(10.0) - 5.0).abs() < 1e-12);
        assert!((axis(false).place(50.5) - 5.0).abs() < 1e-12);
        assert_eq!(axis(false).place(1e300), 1000.0);
        assert!(axis(true).place(0.0).is_finite());
    }
}
