//! When a modality is learned along its way.

/// How much of what a modality comes to is in the outputs, up to where that is half; or its size, where what it comes to is known
/// once it rests only.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    /// The last time and its share.
    last: Option<(f64, f64)>,
    half: Option<f64>,
    /// All times and sizes, where shares are sizes.
    sizes: Option<Vec<(f64, f64)>>,
}

impl Track {
    /// One of sizes.
    pub(super) fn of_sizes() -> Self {
        Self {
            sizes: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// In how many parts to take a step that ends with some share.
    pub(super) fn parts(&self, share: f64) -> usize {
        /// Change of a part: a straight line then misses less than a thousandth.
        const CHANGE: f64 = 0.02;
        const MOST: f64 = 50.0;
        let whole = if self.sizes.is_some() { share } else { 1.0 };
        let change = self.last.map_or(0.0, |(_, last)| (share - last).abs());
        match self.half {
            None => (change / (CHANGE * whole).max(f64::MIN_POSITIVE))
                .ceil()
                .clamp(1.0, MOST) as usize,
            Some(_) => 1,
        }
    }

    /// Goes on to a later time. The share may be more than half from the first on.
    pub(super) fn push(&mut self, time: f64, share: f64) {
        match &mut self.sizes {
            Some(_) if self.half.is_some() => {}
            Some(sizes) => sizes.push((time, share)),
            None => self.reach(0.5, (time, share)),
        }
        self.last = Some((time, share));
    }

    /// Takes the half for reached where the share is, from `last` on.
    fn reach(&mut self, half: f64, (time, share): (f64, f64)) {
        if self.half.is_none() && share >= half {
            let (before, low) = self.last.unwrap_or((time, share));
            let part = (half - low).max(0.0) / (share - low).abs().max(f64::MIN_POSITIVE);
            self.half = Some(before + part * (time - before));
        }
    }

    /// The last share, or size.
    pub(super) fn size(&self) -> f64 {
        self.last.map_or(0.0, |(_, size)| size)
    }

    /// Takes the last size for what the modality comes to.
    pub(super) fn settle(&mut self) {
        let sizes = self.sizes.as_mut().map(std::mem::take).unwrap_or_default();
        let half = 0.5 * self.size();
        let end = self.last.take();
        for point in sizes {
            self.reach(half, point);
            self.last = Some(point);
        }
        self.last = end;
    }

    /// When the share first is a half.
    pub(super) fn half(&self) -> Option<f64> {
        self.half
    }
}
