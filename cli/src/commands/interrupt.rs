//! Interrupts: SIGINT, SIGTERM and SIGHUP, each answered within a second.
//!
//! Where nothing would be lost, while scenarios are read and prepared say, the first one ends the
//! program at once. Work that keeps what it has finished is asked to end: it sees [`is_asked`]
//! and returns. Not every part of it can be asked, the decomposition of a large matrix for one; where
//! it has not returned after [`LONGEST`], the program ends without it. Only results that have to be
//! written are waited for longer, until an interrupt comes after that time. However it ends, no file is left half written; see [`output::end`].

use super::{INTERRUPTED, exit_code_of, warn};
use crate::error::Result;
use crate::output;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long work that was asked to end may take.
const LONGEST: Duration = Duration::from_millis(900);
/// How long a computation may take to end, so that there is time to write what is complete.
pub(super) const COMPUTED: Duration = Duration::from_millis(500);
/// How long pictures are waited for.
pub(super) const DRAWN: Duration = Duration::from_millis(750);
/// Between two looks.
const TICK: Duration = Duration::from_millis(20);

/// When the first interrupt came.
static ASKED: OnceLock<Instant> = OnceLock::new();
/// What is said where work that was asked to end did not; None where there is nothing to wait for.
static WORK: Mutex<Option<String>> = Mutex::new(None);
/// Whether results are being written that nothing but this process has.
static WRITING: AtomicBool = AtomicBool::new(false);

/// Answers interrupts from now on.
pub(super) fn watch() {
    // Where no handler can be set, an interrupt ends the program at once: no harm to any file.
    let _ = system::on_interrupt(|| match ASKED.set(Instant::now()) {
        Ok(()) => drop(thread::Builder::new().spawn(end_in_time)),
        // `timeout` sends its signal twice, at once.
        Err(_) if has_passed(LONGEST) => output::end(INTERRUPTED),
        Err(_) => {}
    });
}

/// From now on work is under way that keeps what it has finished, and looks at [`is_asked`];
/// `otherwise` is said where it does not end in time.
pub(super) fn ask_first(otherwise: String) {
    *WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(otherwise);
}

/// Whether the work is to end.
pub(super) fn is_asked() -> bool {
    ASKED.get().is_some()
}

/// From now on the process is not ended before it has written its results, but by another
/// interrupt after [`LONGEST`].
pub(super) fn begin_writing() {
    WRITING.store(true, Ordering::Relaxed);
}

/// The results are written.
pub(super) fn end_writing() {
    WRITING.store(false, Ordering::Relaxed);
}

fn has_passed(limit: Duration) -> bool {
    ASKED.get().is_some_and(|asked| asked.elapsed() > limit)
}

/// Ends the process, where it does not end by itself.
fn end_in_time() {
    let said = || {
        let said = WORK.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    };
    if said().is_some() {
        while !has_passed(LONGEST) || WRITING.load(Ordering::Relaxed) {
            thread::sleep(TICK);
        }
    }
    warn(&said().unwrap_or_else(|| "interrupted".to_owned()));
    output::end(INTERRUPTED)
}

/// What becomes of `work`, which is done on a thread of its own, is given to `then`. Where it is
/// not done at `limit` after an interrupt, None is, and the program ends with what `then` gives back:
/// what cannot be asked cannot be stopped otherwise.
pub(super) fn until<T: Send>(
    limit: Duration,
    work: impl FnOnce() -> T + Send,
    then: impl FnOnce(Option<T>) -> Result<u8>,
) -> Result<u8> {
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let worker = scope.spawn(move || drop(sender.send(work())));
        let done = loop {
            match receiver.recv_timeout(TICK) {
                Ok(done) => break Some(done),
                Err(RecvTimeoutError::Timeout) if has_passed(limit) => break None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => match worker.join() {
                    Err(panic) => resume_unwind(panic),
                    // What was done was sent.
                    Ok(()) => break receiver.try_recv().ok(),
                },
            }
        };
        let is_done = done.is_some();
        let result = then(done);
        match is_done {
            true => result,
            false => output::end(exit_code_of(result)),
        }
    })
}

#[cfg(unix)]
mod system {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Calls `answer` at every interrupt, but at no SIGHUP where whoever started the program wants it
    /// ignored, as nohup does.
    pub(super) fn on_interrupt(answer: impl Fn() + Send + 'static) -> std::io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        if !is_hangup_ignored() {
            signals.add_signal(SIGHUP)?;
        }
        std::thread::Builder::new().spawn(move || signals.forever().for_each(|_| answer()))?;
        Ok(())
    }

    /// False where the system has no file that tells it.
    fn is_hangup_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut lines = status.lines();
        let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
        // A bit each, from signal 1 on.
        let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        ignored.is_some_and(|set| set >> (SIGHUP - 1) & 1 == 1)
    }
}

#[cfg(not(unix))]
mod system {
    /// Calls `answer` at every interrupt.
    pub(super) fn on_interrupt(answer: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(answer)
    }
}
