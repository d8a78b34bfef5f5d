//! Colour ramps for values and for ordered series, readable with any colour vision.

use plotters::style::RGBColor;

/// Ten equidistant colours of *viridis* by S. van der Walt and N. Smith (matplotlib 2.0, 2015),
/// perceptually uniform, from dark to light.
const VIRIDIS: [u32; 10] = [
    0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b,
    0xfde725,
];

/// The eleven classes of *RdBu* by C. Brewer (colorbrewer2.org), from blue for what is too small
/// over near white to red for what is too large.
const BLUE_RED: [u32; 11] = [
    0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d,
    0xb2182b, 0x67001f,
];

/// A colour for a share between 0, dark, and 1, light.
pub(super) fn sequential(share: f64) -> RGBColor {
    ramp(&VIRIDIS, share)
}

/// A colour for a share between -1, blue, and 1, red; 0 is near white.
pub(super) fn diverging(share: f64) -> RGBColor {
    ramp(&BLUE_RED, 0.5 + 0.5 * share)
}

/// A grey for a share between 0, pale, and 1, dark.
pub(super) fn grey(share: f64) -> RGBColor {
    ramp(&[0xd4d4d4, 0x404040], share)
}

/// The colour of one of `count` ordered series. The palest end is too pale for a line.
pub(super) fn ordered(index: usize, count: usize) -> RGBColor {
    let last = count.saturating_sub(1).max(1);
    sequential(0.9 * index as f64 / last as f64)
}

/// Between equidistant colours.
fn ramp(colours: &[u32], share: f64) -> RGBColor {
    let last = colours.len().saturating_sub(1);
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - below as f64;
    let channel = |shift: u32| {
        let [from, to] = [below, above].map(|i| f64::from((colours[i] >> shift) & 0xff));
        (from + part * (to - from)).round() as u8
    };
    RGBColor(channel(16), channel(8), channel(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma of Rec. 601, roughly what a grey print shows.
    fn luma(colour: RGBColor) -> f64 {
        0.299 * f64::from(colour.0) + 0.587 * f64::from(colour.1) + 0.114 * f64::from(colour.2)
    }

    #[test]
    fn larger_values_are_lighter_in_grey() {
        let lumas: Vec<f64> = (0..=50)
            .map(|i| luma(sequential(f64::from(i) / 50.0)))
            .collect();
        assert!(lumas.windows(2).all(|pair| pair[0] < pair[1]), "{lumas:?}");
    }

    #[test]
    fn zero_is_the_lightest_of_the_diverging() {
        assert_eq!(diverging(0.0), RGBColor(0xf7, 0xf7, 0xf7));
        for share in [-1.0, -0.1, 0.1, 1.0] {
            assert!(luma(diverging(share)) < luma(diverging(0.0)));
        }
    }

    #[test]
    fn ends_and_beyond_are_the_end_colours() {
        assert_eq!(sequential(-1.0), RGBColor(0x44, 0x01, 0x54));
        assert_eq!(sequential(2.0), RGBColor(0xfd, 0xe7, 0x25));
        assert_eq!(ordered(0, 0), ordered(0, 1));
    }
}
