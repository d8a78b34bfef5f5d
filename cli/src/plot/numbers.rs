//! Numbers as they are written at ticks.

/// The decimals that multiples of `step` need.
pub(super) fn decimals(step: f64) -> usize {
    (0..12)
        .find(|d| {
            let scaled = step * 10_f64.powi(*d as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1e-3)
        })
        .unwrap_or(12)
}

/// A number with fixed decimals, the true minus sign, and no minus before zero.
pub(super) fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    let text = if is_zero { text.replace('-', "") } else { text };
    text.replace('-', "\u{2212}")
}

/// Labels for values that need not be equidistant: as few digits as tell them all apart, three
/// at least, without trailing zeros.
pub(super) fn labels(values: &[f64]) -> Vec<String> {
    let write =
        |digits: usize| -> Vec<String> { values.iter().map(|v| significant(*v, digits)).collect() };
    let distinct = |labels: &Vec<String>| {
        let differ = |i: usize| values[i - 1] == values[i] || labels[i - 1] != labels[i];
        (1..values.len()).all(differ)
    };
    (3..9).map(write).find(distinct).unwrap_or_else(|| write(9))
}

/// A number to some significant digits: `0.25`, `1200`, `3.2 × 10^-7`.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let (_, exponent) = mantissa_exponent(value, digits);
    if value == 0.0 || (-3..5).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        return plain_trimmed(value, decimals);
    }
    scientific(value, digits)
}

/// A number to some significant digits as a power of ten: `10^6`, `2 × 10^6`.
pub(super) fn scientific(value: f64, digits: usize) -> String {
    let (mantissa, exponent) = mantissa_exponent(value, digits);
    match plain_trimmed(mantissa, digits.saturating_sub(1)).as_str() {
        "1" => format!("10^{exponent}"),
        mantissa => format!("{mantissa} × 10^{exponent}"),
    }
}

/// Rounded first, so that 9.9996 counts as 10.
fn mantissa_exponent(value: f64, digits: usize) -> (f64, i32) {
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (
        mantissa.parse().unwrap_or(0.0),
        exponent.parse().unwrap_or(0),
    )
}

/// A number with at most this many decimals.
fn plain_trimmed(value: f64, most: usize) -> String {
    let text = plain(value, most);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(plain(-0.001, 2), "0.00");
        assert_eq!(plain(-1.5, 1), "\u{2212}1.5");
    }

    #[test]
    fn labels_take_the_digits_that_tell_them_apart() {
        assert_eq!(labels(&[0.0, 0.25, 0.5]), ["0", "0.25", "0.5"]);
        assert_eq!(labels(&[1.0001, 1.0002]), ["1.0001", "1.0002"]);
        assert_eq!(labels(&[1e-6, 3.2e-6]), ["10^-6", "3.2 × 10^-6"]);
        assert_eq!(labels(&[9.9996, 200.0, 1e5]), ["10", "200", "10^5"]);
        assert_eq!(labels(&[-0.5, f64::NAN]), ["\u{2212}0.5", "?"]);
    }
}
