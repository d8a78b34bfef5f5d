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

/// From pale to dark.
const GREYS: [u32; 2] = [0xd4d4d4, 0x404040];

/// Steps of grey: the eye tells hardly more on small arrows, and those of one grey are one path of an SVG.
const GREY_STEPS: f64 = 16.0;

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// From dark to light.
    Sequential,
    /// From dark to light by ratios; values not above zero have no colour.
    SequentialLog,
    /// From blue below zero to red above it.
    Diverging,
    /// From pale to dark grey by ratios; values not above zero have no colour.
    GreyLog,
}

/// A ramp between two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    ramp: Ramp,
    /// The values at its ends.
    pub(crate) range: (f64, f64),
}

impl ColourScale {
    /// The colours of some values; none without values that have a colour. A diverging ramp has its middle
    /// at zero.
    pub fn of(ramp: Ramp, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = range(values, ramp.is_log(), 0.0)?;
        let most = low.abs().max(high.abs());
        let range = match ramp {
            Ramp::Diverging => (-most, most),
            _ => (low, high),
        };
        Some(Self { ramp, range })
    }

    /// The scale of the colour bar between two places.
    pub(super) fn scale(&self, places: (f64, f64)) -> Scale {
        Scale::new(self.range, places, self.ramp.is_log())
    }

    /// The colour of a value, where it has one.
    pub(crate) fn colour(&self, value: f64) -> Option<Colour> {
        let scale = self.scale((0.0, 1.0));
        shows(scale.log, value).then(|| self.ramp.at(scale.place(value)))
    }

    /// The colours of a bar in slices.
    pub(super) fn slices(&self, count: usize) -> impl Iterator<Item = Colour> {
        let middles = (0..count).map(move |i| (i as f64 + 0.5) / count as f64);
        middles.map(|fraction| self.ramp.at(fraction))
    }
}

impl Ramp {
    fn is_log(self) -> bool {
        matches!(self, Ramp::SequentialLog | Ramp::GreyLog)
    }

    /// The colour at a fraction of the way between equidistant ones.
    fn at(self, fraction: f64) -> Colour {
        let colours: &[u32] = match self {
            Ramp::Sequential | Ramp::SequentialLog => &VIRIDIS,
            Ramp::Diverging => &BLUE_RED,
            Ramp::GreyLog => &GREYS,
        };
        let fraction = match self {
            Ramp::GreyLog => (fraction * GREY_STEPS).round() / GREY_STEPS,
            _ => fraction,
        };
        let place = fraction.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
        let below = (place as usize).min(colours.len() - 2);
        let part = place - below as f64;
        let channel = |shift: u32| {
            let [from, to] = [0, 1].map(|i| f64::from((colours[below + i] >> shift) & 0xff));
            (from + part * (to - from)).round() as u8
        };
        Colour(channel(16), channel(8), channel(0))
    }
}

/// The colour of one of `count` ordered series. The palest end is too pale for a line.
pub(super) fn ordered(index: usize, count: usize) -> Colour {
    let last = count.saturating_sub(1).max(1);
    Ramp::Sequential.at(0.9 * index as f64 / last as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma of Rec. 601, roughly what a grey print shows.
    fn luma(ramp: Ramp, percent: i32) -> f64 {
        let Colour(red, green, blue) = ramp.at(f64::from(percent) / 100.0);
        0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)
    }

    #[test]
    fn ramps_are_ordered_in_grey_between_their_end_colours() {
        let sequential = |percent| luma(Ramp::Sequential, percent);
        assert!((0..100).all(|i| sequential(i) < sequential(i + 1)));
        let middle = luma(Ramp::Diverging, 50);
        let others = [0, 45, 55, 100].map(|percent| luma(Ramp::Diverging, percent));
        assert!(others.iter().all(|other| *other < middle));
        assert_eq!(Ramp::Sequential.at(-1.0), Colour(0x44, 0x01, 0x54));
        assert_eq!(Ramp::Sequential.at(2.0), Colour(0xfd, 0xe7, 0x25));
        assert_eq!(Ramp::Diverging.at(0.5), Colour(0xf7, 0xf7, 0xf7));
        assert_eq!(ordered(0, 0), ordered(0, 1));
    }

    #[test]
    fn values_that_a_ramp_cannot_show_have_no_colour() {
        let values = [1.0, 0.0, f64::NAN];
        for (ramp, shown) in [
            (Ramp::Sequential, 2),
            (Ramp::SequentialLog, 1),
            (Ramp::GreyLog, 1),
        ] {
            let scale = ColourScale::of(ramp, values);
            let coloured = values.iter().filter_map(|value| scale?.colour(*value));
            assert_eq!(coloured.count(), shown, "{ramp:?}");
        }
        assert_eq!(ColourScale::of(Ramp::SequentialLog, [0.0]), None);
        let gaps = ColourScale::of(Ramp::Diverging, [-3.0, 1.0]);
        assert_eq!(gaps.map(|gaps| gaps.range), Some((-3.0, 3.0)));
        assert_eq!(
            gaps.and_then(|gaps| gaps.colour(0.0)),
            Some(Ramp::Diverging.at(0.5))
        );
    }

    /// Of a single speed all arrows are of the middle grey.
    #[test]
    fn logarithmic_shades_are_of_ratios() {
        let grey =
            |values: &[f64], value| ColourScale::of(Ramp::GreyLog, values.to_vec())?.colour(value);
        assert_eq!(grey(&[1e-4, 1.0], 1e-2), Some(Ramp::GreyLog.at(0.5)));
        assert_eq!(grey(&[1.0], 1.0), Some(Ramp::GreyLog.at(0.5)));
        let shades = (0..1000).map(|i| Ramp::GreyLog.at(f64::from(i) / 999.0));
        let mut shades: Vec<_> = shades.collect();
        shades.dedup();
        assert_eq!(shades.len(), 17);
    }
}
