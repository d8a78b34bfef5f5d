//! The polynomials through values and rates of knots, and how accurate they are.

use super::Knot;
use std::ops::Range;

/// Factor on the estimate: it is made for a single mode, relative to its largest value on the
/// piece; where modes mix or grow, the error at the piece's small end is some times larger.
const SAFETY: f64 = 4.0;

/// Estimated relative error of the quintic Hermite polynomial through three knots, the largest
/// over the groups.
///
/// Measured are the errors of the *cubic* through the outer knots at the middle one: e3 of the
/// value, and d3 of the rate times the piece's length. For a mode e^{lambda t} on a piece of length
/// z / lambda the Hermite remainders (f^(k)/k! times the product over the nodes) are
/// e3 = z^4/384, d3 = z^5/1920, and for the quintic at most z^6/311040, that is 0.0242 e3^{3/2}
/// or 0.028 d3^{6/5}. Either measure can vanish by accident, where a derivative changes its
/// sign; the larger of the two is taken.
pub fn interpolation_error([start, middle, end]: [&Knot; 3], groups: &[Range<usize>]) -> f64 {
    let length = end.time - start.time;
    let share = (middle.time - start.time) / length;
    let estimates = groups.iter().map(|group| {
        let (mut value_error, mut rate_error, mut scale) = (0.0, 0.0, 0.0);
        for i in group.clone() {
            let (value, slope) = cubic_hermite(start, end, i, share);
            value_error += (value - middle.values[i]).powi(2);
            rate_error += (slope - length * middle.rates[i]).powi(2);
            let size = [start, middle, end].map(|k| k.values[i].abs());
            scale += size.into_iter().fold(0.0, f64::max).powi(2);
        }
        if scale == 0.0 {
            return 0.0;
        }
        let (e3, d3) = ((value_error / scale).sqrt(), (rate_error / scale).sqrt());
        (0.0242 * e3.powf(1.5)).max(0.028 * d3.powf(1.2))
    });
    SAFETY * estimates.fold(0.0, f64::max)
}

/// Cubic Hermite polynomial of observable `i` through two knots, at a share s of their distance:
/// its value, and its derivative in s.
fn cubic_hermite(start: &Knot, end: &Knot, i: usize, share: f64) -> (f64, f64) {
    let length = end.time - start.time;
    let (s, r) = (share, 1.0 - share);
    let (v0, v1) = (start.values[i], end.values[i]);
    let (d0, d1) = (length * start.rates[i], length * end.rates[i]);
    let value = r * r * ((1.0 + 2.0 * s) * v0 + s * d0) + s * s * ((1.0 + 2.0 * r) * v1 - r * d1);
    let slope = 6.0 * s * r * (v1 - v0) + r * (r - 2.0 * s) * d0 + s * (s - 2.0 * r) * d1;
    (value, slope)
}

/// Entries that are interpolated together: their tables still fit into vector registers.
pub(super) const LANES: usize = 4;

/// Values and rates at `time` of the quintics through values and rates of three knots, by Newton's divided
/// differences over doubled nodes; of N entries from the `first` on.
pub(super) fn hermite<const N: usize>(
    nodes: [&Knot; 3],
    first: usize,
    time: f64,
) -> ([f64; N], [f64; N]) {
    let [a, b, c] = nodes;
    let entries = |of: &[f64]| -> [f64; N] { std::array::from_fn(|k| of[first + k]) };
    let length = c.time - a.time;
    if length <= 0.0 {
        return (entries(&a.values), entries(&a.rates));
    }
    // Scaled time: the differences neither overflow nor lose digits on very long or short pieces.
    let x = [
        0.0,
        0.0,
        (b.time - a.time) / length,
        (b.time - a.time) / length,
        1.0,
        1.0,
    ];
    let mut table = [a, a, b, b, c, c].map(|knot| entries(&knot.values));
    let slopes = [a, b, c].map(|knot| entries(&knot.rates).map(|rate| length * rate));
    for order in 1..6 {
        for k in (order..6).rev() {
            if x[k] == x[k - order] {
                table[k] = slopes[k / 2];
                continue;
            }
            let (before, distance) = (table[k - 1], x[k] - x[k - order]);
            for (entry, before) in table[k].iter_mut().zip(before) {
                *entry = (*entry - before) / distance;
            }
        }
    }
    let s = (time - a.time) / length;
    let (mut value, mut slope) = (table[5], [0.0; N]);
    for k in (0..5).rev() {
        let step = s - x[k];
        for n in 0..N {
            slope[n] = slope[n] * step + value[n];
            value[n] = value[n] * step + table[k][n];
        }
    }
    (value, slope.map(|slope| slope / length))
}
