//! When a modality is learned along its way.

/// How much of what a modality comes to is in the outputs, up to where that is half.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    /// The last time and its share.
    last: Option<(f64, f64)>,
    half: Option<f64>,
}

impl Track {
    /// In how many parts to take a step that ends with some share.
    pub(super) fn parts(&self, share: f64) -> usize {
        /// Change of a part: a straight line then misses less than a thousandth.
        const CHANGE: f64 = 0.02;
        const MOST: f64 = 50.0;
        let change = self.last.map_or(0.0, |(_, last)| (share - last).abs());
        match self.half {
            None => (change / CHANGE).ceil().clamp(1.0, MOST) as usize,
            Some(_) => 1,
        }
    }

    /// Goes on to a later time. The share may be more than half from the first on.
    pub(super) fn push(&mut self, time: f64, share: f64) {
        if self.half.is_none() && share >= 0.5 {
            let (before, low) = self.last.unwrap_or((time, share));
            let part = (0.5 - low).max(0.0) / (share - low).abs().max(f64::MIN_POSITIVE);
            self.half = Some(before + part * (time - before));
        }
        self.last = Some((time, share));
    }

    /// When the share first is a half.
    pub(super) fn half(&self) -> Option<f64> {
        self.half
    }
}
