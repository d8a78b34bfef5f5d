//! Progress on standard error for work of more than a second, on a terminal only.

use crate::sweep::SweepProgress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use modalflow::experiment::run::{Progress, Stage};
use modalflow::integrate::Until;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// A bar that shows itself if the work takes long enough and somebody can see it. It is removed
/// when it is dropped.
#[derive(Debug)]
pub struct Bar {
    bar: Option<ProgressBar>,
    next: Instant,
    /// Where the bar of a run ends.
    t_end: Option<f64>,
}

impl Bar {
    /// The bar of one run; a spinner where the time of its end is not known.
    pub fn of_run(name: &str, until: &Until, quiet: bool) -> Self {
        let template = match until.time {
            Some(_) => "{prefix} [{bar:20}] {msg}, {elapsed}",
            None => "{prefix} {spinner} {msg}, {elapsed}",
        };
        let t_end = until.time;
        let bar = Self::new(name, template, 1000, quiet);
        Self { t_end, ..bar }
    }

    /// The bar of a sweep over some cells.
    pub fn of_sweep(name: &str, cells: u64, quiet: bool) -> Self {
        let template = "{prefix} [{bar:30}] {pos} of {len} cells{msg}, {elapsed}, {eta} left";
        Self::new(name, template, cells, quiet)
    }

    fn new(name: &str, template: &str, length: u64, quiet: bool) -> Self {
        let is_visible = !quiet && std::io::stderr().is_terminal();
        let bar = is_visible.then(|| {
            let hidden = ProgressBar::hidden().with_prefix(name.to_owned());
            hidden.set_length(length);
            let style = ProgressStyle::with_template(template);
            hidden.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            next: Instant::now() + PATIENCE,
            t_end: None,
        }
    }

    /// Shows how far the run is, now and then.
    pub fn show_run(&mut self, progress: &Progress) {
        let t_end = self.t_end;
        let Some(bar) = self.due() else { return };
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
        match t_end {
            Some(t_end) => bar.set_position((1000.0 * time / t_end) as u64),
            None => bar.tick(),
        }
    }

    /// Shows how far the sweep is, now and then.
    pub fn show_sweep(&mut self, progress: SweepProgress) {
        let Some(bar) = self.due() else { return };
        if progress.failed > 0 {
            bar.set_message(format!(" ({} failed)", progress.failed));
        }
        bar.set_position(progress.finished);
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
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Some(bar)
    }
}
