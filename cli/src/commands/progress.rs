//! Progress on standard error for work of more than a second, on a terminal only.

use crate::sweep::SweepProgress;
use indicatif::{ProgressBar, ProgressStyle};
use modalflow::experiment::run::{Progress, Stage};
use modalflow::integrate::Until;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Runs shorter than this show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// A bar that shows itself if the work takes long enough and somebody can see it.
#[derive(Debug)]
struct Bar {
    bar: Option<ProgressBar>,
    next: Instant,
}

impl Bar {
    fn new(name: &str, template: &str, length: u64, quiet: bool) -> Self {
        let visible = !quiet && std::io::stderr().is_terminal();
        let bar = visible.then(|| {
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let hidden = ProgressBar::hidden().with_prefix(name.to_owned());
            hidden.set_length(length);
            hidden.set_style(style);
            hidden
        });
        let next = Instant::now() + PATIENCE;
        Self { bar, next }
    }

    /// The bar, where it is time to draw it again.
    fn due(&mut self) -> Option<&ProgressBar> {
        let bar = self.bar.as_ref()?;
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        if bar.is_hidden() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        Some(bar)
    }

    fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress line of one run.
#[derive(Debug)]
pub struct ProgressLine {
    bar: Bar,
    t_end: Option<f64>,
}

impl ProgressLine {
    /// A line that shows itself if the run takes long enough and somebody can see it.
    pub fn new(name: &str, until: &Until, quiet: bool) -> Self {
        let template = match until.time {
            Some(_) => "{prefix} [{bar:20}] {msg}, {elapsed}",
            None => "{prefix} {spinner} {msg}, {elapsed}",
        };
        Self {
            bar: Bar::new(name, template, 1000, quiet),
            t_end: until.time,
        }
    }

    /// Shows how far the run is, now and then.
    pub fn show(&mut self, progress: &Progress) {
        let Some(bar) = self.bar.due() else { return };
        let what = match progress.stage {
            Stage::Flow => "flow".to_string(),
            Stage::Descent(rate) => format!("descent at {rate}"),
            Stage::Verification => "verification".to_string(),
        };
        let (time, loss) = (progress.time, progress.loss);
        bar.set_message(format!(
            "{what}, t = {time:.4e}, step {}, loss {loss:.4e}",
            progress.steps
        ));
        match self.t_end {
            Some(t_end) => bar.set_position((1000.0 * time / t_end) as u64),
            None => bar.tick(),
        }
    }

    /// Removes the line.
    pub fn finish(self) {
        self.bar.finish();
    }
}

/// The progress bar of a sweep.
#[derive(Debug)]
pub struct SweepBar(Bar);

impl SweepBar {
    /// A bar over `cells` cells that shows itself if the sweep takes long enough and somebody can
    /// see it.
    pub fn new(name: &str, cells: u64, quiet: bool) -> Self {
        let template = "{prefix} [{bar:30}] {pos} of {len} cells{msg}, {elapsed}, {eta} left";
        Self(Bar::new(name, template, cells, quiet))
    }

    /// Shows how far the sweep is, now and then.
    pub fn show(&mut self, progress: SweepProgress) {
        let Some(bar) = self.0.due() else { return };
        if progress.failed > 0 {
            bar.set_message(format!(" ({} failed)", progress.failed));
        }
        bar.set_position(progress.finished);
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.0.finish();
    }
}
