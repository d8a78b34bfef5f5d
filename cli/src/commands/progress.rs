//! Progress on standard error for long work: a bar on a terminal, a line a minute elsewhere.

use crate::sweep::SweepProgress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use modalflow::diagnosis;
use modalflow::experiment::run::{Progress, Stage};
use modalflow::integrate::Until;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Work shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two updates of a bar.
const INTERVAL: Duration = Duration::from_millis(100);
/// Time between two lines, where nobody watches and a file keeps them.
const LINE_INTERVAL: Duration = Duration::from_secs(60);

/// How far some work is, shown where it takes long. A bar is removed when it is dropped.
#[derive(Debug)]
pub struct Bar {
    shown: Shown,
    start: Instant,
    next: Instant,
    /// Cells of a sweep; thousandths of a run.
    length: u64,
    /// Where the bar of a run ends.
    t_end: Option<f64>,
}

/// How progress is shown.
#[derive(Debug)]
enum Shown {
    /// Not at all.
    Hidden,
    /// As a bar.
    Bar(ProgressBar),
    /// As lines that begin with this name.
    Lines(String),
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

    /// The bar of a diagnosis, whose length is not known at first.
    pub fn of_diagnosis(name: &str, quiet: bool) -> Self {
        let template = "{prefix} [{bar:30}] {percent} %, {elapsed}, {eta} left";
        Self::new(name, template, 1, quiet)
    }

    fn new(name: &str, template: &str, length: u64, quiet: bool) -> Self {
        let (shown, wait) = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => (Shown::Hidden, PATIENCE),
            (false, false) => (Shown::Lines(name.to_owned()), LINE_INTERVAL),
            (false, true) => {
                let hidden = ProgressBar::hidden().with_prefix(name.to_owned());
                hidden.set_length(length);
                let style = ProgressStyle::with_template(template);
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                (Shown::Bar(hidden.with_style(style)), PATIENCE)
            }
        };
        let start = Instant::now();
        let (next, t_end) = (start + wait, None);
        Self {
            shown,
            start,
            next,
            length,
            t_end,
        }
    }

    /// Shows how far the run is, now and then.
    pub fn show_run(&mut self, progress: &Progress) {
        if !self.is_due() {
            return;
        }
        let (time, loss) = (progress.time, progress.loss);
        let what = match progress.stage {
            Stage::Theory => return self.show(None, "theory".to_owned()),
            Stage::Flow => "flow".to_string(),
            Stage::Descent(rate) => format!("descent at {rate}"),
            Stage::Verification => "verification".to_string(),
        };
        let message = format!(
            "{what}, t = {time:.4e}, step {}, loss {loss:.4e}",
            progress.steps
        );
        let place = self.t_end.map(|t_end| (1000.0 * time / t_end) as u64);
        self.show(place, message);
    }

    /// Shows how far the sweep is, now and then.
    pub fn show_sweep(&mut self, progress: SweepProgress) {
        if !self.is_due() {
            return;
        }
        let failed = match progress.failed {
            0 => String::new(),
            failed => format!(" ({failed} failed)"),
        };
        let message = match self.shown {
            Shown::Lines(_) => format!("{} of {} cells{failed}", progress.finished, self.length),
            Shown::Bar(_) | Shown::Hidden => failed,
        };
        self.show(Some(progress.finished), message);
    }

    /// Shows how far the diagnosis is, now and then.
    pub fn show_diagnosis(&mut self, progress: diagnosis::Progress) {
        if !self.is_due() {
            return;
        }
        if let Shown::Bar(bar) = &self.shown {
            bar.set_length(progress.of);
        }
        let (done, of) = (progress.done.max(1) as f64, progress.of as f64);
        let left = self.start.elapsed().mul_f64((of / done - 1.0).max(0.0));
        let (percent, left) = (100.0 * done / of.max(done), HumanDuration(left));
        self.show(
            Some(progress.done),
            format!("{percent:.0} %, about {left} left"),
        );
    }

    /// Takes it off the screen for good.
    pub fn remove(&mut self) {
        self.shown = Shown::Hidden;
    }

    fn show(&self, place: Option<u64>, message: String) {
        match &self.shown {
            Shown::Hidden => {}
            Shown::Bar(bar) => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_message(message);
                match place {
                    Some(place) => bar.set_position(place),
                    None => bar.tick(),
                }
            }
            Shown::Lines(name) => {
                let elapsed = HumanDuration(self.start.elapsed());
                // Nobody to read it is no reason to stop.
                let _ = writeln!(std::io::stderr(), "{name}: {message}, after {elapsed}");
            }
        }
    }

    /// Whether it is time to show something again.
    fn is_due(&mut self) -> bool {
        let interval = match self.shown {
            Shown::Hidden => return false,
            Shown::Bar(_) => INTERVAL,
            Shown::Lines(_) => LINE_INTERVAL,
        };
        let now = Instant::now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now + interval;
        }
        is_due
    }
}
