//! Colour ramps for values and for ordered series, readable with any colour vision.

use super::axes::Scale;
use super::range::{range, shows};
use super::style::Colour;

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

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// From dark to light.
    Sequential,
    /// From dark to light by ratios; values not above zero have no colour.
    SequentialLog,
    /// From blue below zero to red above it.
    Diverging,
}

/// A ramp between two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    low: f64,
    high: f64,
    ramp: Ramp,
}

impl ColourScale {
    /// The colours of some values; none without values that have a colour. A diverging ramp has its middle
    /// at zero.
    pub fn of(ramp: Ramp, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = range(values, ramp == Ramp::SequentialLog, 0.0)?;
        let most = low.abs().max(high.abs());
        let (low, high) = match ramp {
            Ramp::Diverging => (-most, most),
            Ramp::Sequential | Ramp::SequentialLog => (low, high),
        };
        Some(Self { low, high, ramp })
    }

    /// The scale of the colour bar between two places.
    pub(super) fn scale(&self, places: (f64, f64)) -> Scale {
        let log = self.ramp == Ramp::SequentialLog;
        Scale::new((self.low, self.high), places, log)
    }

    /// The colour of a value, where it has one.
    pub(crate) fn colour(&self, value: f64) -> Option<Colour> {
        let scale = self.scale((0.0, 1.0));
        shows(scale.log, value).then(|| self.at(scale.place(value)))
    }

    /// The colour at a fraction of the bar.
    pub(super) fn at(&self, fraction: f64) -> Colour {
        match self.ramp {
            Ramp::Sequential | Ramp::SequentialLog => sequential(fraction),
            Ramp::Diverging => diverging(2.0 * fraction - 1.0),
        }
    }
}

/// A colour for a fraction between 0, dark, and 1, light.
fn sequential(fraction: f64) -> Colour {
    ramp(&VIRIDIS, fraction)
}

/// A colour for a fraction between -1, blue, and 1, red; 0 is near white.
fn diverging(fraction: f64) -> Colour {
    ramp(&BLUE_RED, 0.5 + 0.5 * fraction)
}

/// A grey for a fraction between 0, pale, and 1, dark.
pub(super) fn grey(fraction: f64) -> Colour {
    ramp(&[0xd4d4d4, 0x404040], fraction)
}

/// The colour of one of `count` ordered series. The palest end is too pale for a line.
pub(super) fn ordered(index: usize, count: usize) -> Colour {
    let last = count.saturating_sub(1).max(1);
    sequential(0.9 * index as f64 / last as f64)
}

/// Between equidistant colours.
fn ramp(colours: &[u32], fraction: f64) -> Colour {
    let last = colours.len().saturating_sub(1);
    let place = fraction.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - below as f64;
    let channel = |shift: u32| {
        let [from, to] = [below, above].map(|i| f64::from((colours[i] >> shift) & 0xff));
        (from + part * (to - from)).round() as u8
    };
    Colour(channel(16), channel(8), channel(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma of Rec. 601, roughly what a grey print shows.
    fn luma(colour: Colour) -> f64 {
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
        assert_eq!(diverging(0.0), Colour(0xf7, 0xf7, 0xf7));
        for fraction in [-1.0, -0.1, 0.1, 1.0] {
            assert!(luma(diverging(fraction)) < luma(diverging(0.0)));
        }
    }

    #[test]
    fn ends_and_beyond_are_the_end_colours() {
        assert_eq!(sequential(-1.0), Colour(0x44, 0x01, 0x54));
        assert_eq!(sequential(2.0), Colour(0xfd, 0xe7, 0x25));
        assert_eq!(ordered(0, 0), ordered(0, 1));
    }

    #[test]
    fn values_that_a_ramp_cannot_show_have_no_colour() {
        for (ramp, shown) in [(Ramp::Sequential, 2), (Ramp::SequentialLog, 1)] {
            let values = [1.0, 0.0, f64::NAN];
            let scale = ColourScale::of(ramp, values);
            let coloured = values.iter().filter_map(|value| scale?.colour(*value));
            assert_eq!(coloured.count(), shown, "{ramp:?}");
        }
        let gaps = ColourScale::of(Ramp::Diverging, [-3.0, 1.0]);
        assert_eq!(gaps.map(|gaps| (gaps.low, gaps.high)), Some((-3.0, 3.0)));
        let zero = gaps.and_then(|gaps| gaps.colour(0.0));
        assert_eq!(zero, Some(diverging(0.0)));
        assert_eq!(ColourScale::of(Ramp::SequentialLog, [0.0]), None);
    }
}
