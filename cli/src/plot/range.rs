//! Ranges of axes from data: a little more than the data, and never degenerate.

/// Values are held below this, so that spans stay finite.
const LARGEST: f64 = 1e300;
/// The range of logarithmic axes ends here, so that ratios of its ends stay finite.
const LOG_LARGEST: f64 = 1e150;
/// Spans below this fraction of the values are none: labels would differ in their last digits only.
const RESOLUTION: f64 = 1e-9;

/// Whether an axis can show a value.
pub(crate) fn shows(log: bool, value: f64) -> bool {
    value.is_finite() && (!log || value > 0.0)
}

/// The range that shows all values, with a margin of `pad` times their span on both sides; none
/// where there is nothing that the axis can show. A single value gets an axis around it.
pub(crate) fn range(
    values: impl IntoIterator<Item = f64>,
    log: bool,
    pad: f64,
) -> Option<(f64, f64)> {
    range_widened(values, [], log, pad)
}

/// The range that shows the values of `main`, widened for those of `extra` by at most half of
/// its span on each side, since a curve may run to infinity.
pub(crate) fn range_widened(
    main: impl IntoIterator<Item = f64>,
    extra: impl IntoIterator<Item = f64>,
    log: bool,
    pad: f64,
) -> Option<(f64, f64)> {
    let (main, extra) = (ends(main, log), ends(extra, log));
    let (least, most) = main.or(extra)?;
    let (low, high) = padded(least, most, log, 0.5);
    let extra = extra.unwrap_or((least, most));
    let (least, most) = (least.min(extra.0.max(low)), most.max(extra.1.min(high)));
    Some(padded(least, most, log, pad))
}

/// Least and greatest of the values that the axis can show, held within reason.
fn ends(values: impl IntoIterator<Item = f64>, log: bool) -> Option<(f64, f64)> {
    let reason = |value: f64| match log {
        true => value.clamp(LOG_LARGEST.recip(), LOG_LARGEST),
        false => value.clamp(-LARGEST, LARGEST),
    };
    values
        .into_iter()
        .filter(|value| shows(log, *value))
        .map(reason)
        .map(|value| (value, value))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The range with its margins.
fn padded(least: f64, most: f64, log: bool, pad: f64) -> (f64, f64) {
    let (span, size) = (most - least, least.abs().max(most.abs()));
    if log {
        let ratio = most / least;
        let margin = if ratio > 1.0 + 1e-3 {
            ratio.powf(pad)
        } else {
            2.0
        };
        let low = (least / margin).max(LOG_LARGEST.recip());
        (low, (most * margin).min(LOG_LARGEST))
    } else if span > RESOLUTION * size && span > 1.0 / LARGEST {
        (least - pad * span, most + pad * span)
    } else if size > 1.0 / LARGEST {
        (least - 0.5 * size, most + 0.5 * size)
    } else {
        (-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_the_data_with_a_margin() {
        assert_eq!(range([1.0, f64::NAN, 3.0], false, 0.5), Some((0.0, 4.0)));
        let (low, high) = range([1.0, -2.0, 100.0], true, 0.5).unwrap_or_default();
        assert!((low - 0.1).abs() < 1e-12 && (high - 1000.0).abs() < 1e-9);
    }

    #[test]
    fn single_values_get_an_axis() {
        for log in [false, true] {
            for value in [1e-300, 1.0, 1e5, 1e300, f64::MAX, f64::MIN_POSITIVE] {
                let (low, high) = range([value, value], log, 0.1).unwrap_or_default();
                assert!(
                    low < high && (high - low).is_finite(),
                    "{value}: {low} {high}"
                );
                assert!(!log || (high / low).is_finite());
            }
        }
        assert_eq!(range([0.0], false, 0.1), Some((-1.0, 1.0)));
        assert_eq!(range([0.0, -1.0], true, 0.1), None);
        assert_eq!(range([f64::INFINITY], false, 0.1), None);
    }

    #[test]
    fn a_diverging_curve_does_not_set_the_range() {
        let widened = range_widened([0.0, 1.0], [0.5, 1e9], false, 0.0);
        assert_eq!(widened, Some((0.0, 1.5)));
        assert_eq!(range_widened([], [1.0, 2.0], false, 0.0), Some((1.0, 2.0)));
    }
}
