//! Work on a thread of its own, while the calling one looks at signals: Ctrl-C is answered at once, whatever is
//! computed.

use crate::errors::of_panic;
use modalflow::diagnosis;
use modalflow::experiment::run::{self, Stage};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the working thread is called, by which tests and debuggers find it.
const THREAD: &str = "modalflow";
/// Between two looks at signals.
const TICK: Duration = Duration::from_millis(50);

/// How far some work is, as a listener in Python is told.
pub(crate) trait Told: Send {
    /// Tells it.
    ///
    /// # Errors
    /// What the listener raises.
    fn tell(self, py: Python<'_>, listener: &Py<PyAny>) -> PyResult<()>;
}

impl Told for run::Progress {
    /// Stage, time, steps and loss.
    fn tell(self, py: Python<'_>, listener: &Py<PyAny>) -> PyResult<()> {
        let stage = match self.stage {
            Stage::Theory => "theory".to_owned(),
            Stage::Flow => "flow".to_owned(),
            Stage::Descent(rate) => format!("descent {rate}"),
            Stage::Verification => "verification".to_owned(),
        };
        let told = (stage, self.time, self.steps, self.loss);
        listener.call1(py, told).map(drop)
    }
}

impl Told for diagnosis::Progress {
    /// Parts done, and all that are known of.
    fn tell(self, py: Python<'_>, listener: &Py<PyAny>) -> PyResult<()> {
        listener.call1(py, (self.done, self.of)).map(drop)
    }
}

/// What the calling thread and the working one tell each other.
pub(crate) struct Control<P> {
    stop: AtomicBool,
    progress: Mutex<Option<P>>,
}

impl<P> Default for Control<P> {
    fn default() -> Self {
        Self {
            stop: AtomicBool::new(false),
            progress: Mutex::new(None),
        }
    }
}

impl<P: Told> Control<P> {
    /// Whether the work is to go on.
    pub fn go_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Asks the work to end.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Notes how far the work is; answers whether to go on.
    pub fn note(&self, progress: P) -> bool {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        self.go_on()
    }

    /// Tells `listener` how far the work is.
    fn tell(&self, py: Python<'_>, listener: Option<&Py<PyAny>>) -> PyResult<()> {
        let noted = self
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (listener, noted) {
            (Some(listener), Some(progress)) => progress.tell(py, listener),
            _ => Ok(()),
        }
    }
}

/// Does `work` on a thread of its own with the GIL released. Where a signal handler raises, the work is asked to end
/// and not waited for.
///
/// # Errors
/// What a signal handler or `listener` raises, and a RuntimeError where the work panics.
pub(crate) fn interruptible<P: Told + 'static, T: Send + 'static>(
    py: Python<'_>,
    listener: Option<&Py<PyAny>>,
    work: impl FnOnce(&Control<P>) -> T + Send + 'static,
) -> PyResult<T> {
    ensure_not_forked()?;
    let control = Arc::new(Control::default());
    let (sender, mut receiver) = channel();
    let shared = Arc::clone(&control);
    let thread = std::thread::Builder::new().name(THREAD.to_owned());
    thread.spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(|| work(&shared)));
        // Nobody waits for what was interrupted.
        let _ = sender.send(done);
    })?;
    loop {
        let done;
        (receiver, done) = py.detach(move || {
            let done = receiver.recv_timeout(TICK);
            (receiver, done)
        });
        match done {
            Ok(done) => {
                control.tell(py, listener)?;
                return done.map_err(|panic| of_panic(&*panic));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the thread of the run is gone"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let told = py.check_signals().and_then(|()| control.tell(py, listener));
        if let Err(error) = told {
            control.stop();
            return Err(error);
        }
    }
}

/// Threads do not survive a fork: a child of a process that has computed would wait for them for ever.
///
/// # Errors
/// A RuntimeError in such a child.
pub(crate) fn ensure_not_forked() -> PyResult<()> {
    static FIRST: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id();
    let first = FIRST.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
    match first {
        Err(first) if first != own => Err(PyRuntimeError::new_err(
            "this process was forked from one in which modalflow had computed, whose threads are not here: start \
             processes afresh, multiprocessing.get_context(\"spawn\") or \"forkserver\"",
        )),
        _ => Ok(()),
    }
}
