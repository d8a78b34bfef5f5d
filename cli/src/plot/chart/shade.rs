//! How the values of heat maps become colours.

use plotters::style::RGBColor;

use super::super::axes::Axis;
use super::super::colour::{diverging, sequential};
use super::range::{range, shows};
use super::{HeatMaps, HeatPanel, HeatScale};

/// How the values of a panel become colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colours {
    low: f64,
    high: f64,
    scale: HeatScale,
}

impl Colours {
    /// The colours of a panel, from the values of all that share its range; none without values.
    pub(super) fn of(panel: &HeatPanel, maps: &HeatMaps) -> Option<Self> {
        let alike = |other: &&HeatPanel| {
            other.range_group == panel.range_group && other.scale == panel.scale
        };
        let values = maps.panels.iter().filter(alike);
        let values = values.flat_map(|other| other.values.iter().flatten().copied());
        let log = panel.scale == HeatScale::SequentialLog;
        let (low, high) = range(values, log, 0.0)?;
        // A panel without values of its own has no use for a bar.
        panel.values.iter().flatten().find(|v| shows(log, **v))?;
        let scale = panel.scale;
        Some(if scale == HeatScale::Diverging {
            let most = low.abs().max(high.abs());
            Self {
                low: -most,
                high: most,
                scale,
            }
        } else {
            Self { low, high, scale }
        })
    }

    /// The axis of the colour bar between two places.
    pub(super) fn axis(&self, start: f64, end: f64) -> Axis {
        Axis {
            low: self.low,
            high: self.high,
            start,
            end,
            log: self.scale == HeatScale::SequentialLog,
        }
    }

    /// The colour of a value, where it has one.
    pub(super) fn colour(&self, value: Option<f64>) -> Option<RGBColor> {
        let log = self.scale == HeatScale::SequentialLog;
        let value = value.filter(|value| shows(log, *value))?;
        Some(self.at(self.axis(0.0, 1.0).place(value)))
    }

    /// The colour at a share of the bar.
    pub(super) fn at(&self, share: f64) -> RGBColor {
        match self.scale {
            HeatScale::Sequential | HeatScale::SequentialLog => sequential(share),
            HeatScale::Diverging => diverging(2.0 * share - 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::HeatAxis;
    use super::*;

    fn maps(scale: HeatScale, values: Vec<Option<f64>>) -> HeatMaps {
        let axis = |count: u32| HeatAxis {
            label: String::new(),
            values: (0..count).map(f64::from).collect(),
        };
        HeatMaps {
            title: String::new(),
            x: axis(2),
            y: axis(2),
            panels: vec![HeatPanel {
                title: String::new(),
                values,
                scale,
                range_group: 0,
                unit: String::new(),
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn missing_cells_have_no_colour() {
        let values = vec![Some(1.0), None, Some(0.0), Some(f64::NAN)];
        for (scale, shown) in [(HeatScale::Sequential, 2), (HeatScale::SequentialLog, 1)] {
            let maps = maps(scale, values.clone());
            let colours = Colours::of(&maps.panels[0], &maps);
            let coloured = values
                .iter()
                .filter(|v| colours.and_then(|c| c.colour(**v)).is_some());
            assert_eq!(coloured.count(), shown, "{scale:?}");
        }
    }

    #[test]
    fn a_group_shares_its_range_and_gaps_are_around_zero() {
        let mut maps = maps(HeatScale::Sequential, vec![Some(1.0), Some(2.0)]);
        let mut other = maps.panels[0].clone();
        other.values = vec![Some(5.0)];
        maps.panels.push(other.clone());
        other.scale = HeatScale::Diverging;
        other.values = vec![Some(-3.0), Some(1.0)];
        maps.panels.push(other);
        let range = |i: usize| Colours::of(&maps.panels[i], &maps).map(|c| (c.low, c.high));
        assert_eq!([range(0), range(1)], [Some((1.0, 5.0)); 2]);
        assert_eq!(range(2), Some((-3.0, 3.0)));
        let zero = Colours::of(&maps.panels[2], &maps).and_then(|c| c.colour(Some(0.0)));
        assert_eq!(zero, Some(diverging(0.0)));
    }
}
