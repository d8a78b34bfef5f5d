//! One worker, and the latest question wins: what is overtaken by another question is not waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply<A> {
    /// It is answered.
    Answer(A),
    /// A later question came before its answer.
    Overtaken,
    /// The program failed at it.
    Panicked,
    /// There was no answer in time; the worker is still at it, or at the one before.
    Late,
}

/// Answers a question, unless the function that it is given says that it need not go on; None then.
type Work<Q, A> = dyn Fn(Q, &dyn Fn() -> bool) -> Option<A> + Send + Sync;

/// A thread that answers questions.
pub(super) struct Worker<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

struct Shared<Q, A> {
    waiting: Mutex<Option<Question<Q, A>>>,
    comes: Condvar,
    latest: AtomicU64,
}

struct Question<Q, A> {
    number: u64,
    content: Q,
    asker: Sender<Reply<A>>,
}

impl<Q: Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// Starts the thread; it ends with the program.
    ///
    /// # Errors
    /// What the operating system says where it gives no thread.
    pub(super) fn start(work: Box<Work<Q, A>>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(None),
            comes: Condvar::new(),
            latest: AtomicU64::new(0),
        });
        let own = Arc::clone(&shared);
        let answer_all = move || {
            loop {
                own.answer_next(&*work);
            }
        };
        thread::Builder::new().spawn(answer_all)?;
        Ok(Self { shared })
    }

    /// Asks, overtaking every earlier question, and waits for the answer so long.
    pub(super) fn ask(&self, content: Q, longest: Duration) -> Reply<A> {
        let (asker, answer) = channel();
        {
            let mut waiting = lock(&self.shared.waiting);
            let number = self.shared.latest.fetch_add(1, Ordering::SeqCst) + 1;
            // The one that waited loses its sender, which is its reply.
            *waiting = Some(Question {
                number,
                content,
                asker,
            });
        }
        self.shared.comes.notify_one();
        match answer.recv_timeout(longest) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Disconnected) => Reply::Overtaken,
            Err(RecvTimeoutError::Timeout) => Reply::Late,
        }
    }
}

impl<Q, A> Shared<Q, A> {
    fn answer_next(&self, work: &Work<Q, A>) {
        let question = {
            let waiting = lock(&self.waiting);
            let waits = |waiting: &mut Option<_>| waiting.is_none();
            let waiting = self.comes.wait_while(waiting, waits);
            waiting.unwrap_or_else(PoisonError::into_inner).take()
        };
        let Some(Question {
            number,
            content,
            asker,
        }) = question
        else {
            return;
        };
        let go_on = || self.latest.load(Ordering::SeqCst) == number;
        let reply = match catch_unwind(AssertUnwindSafe(|| work(content, &go_on))) {
            Ok(Some(answer)) => Reply::Answer(answer),
            Ok(None) => Reply::Overtaken,
            Err(_) => Reply::Panicked,
        };
        // Who asked may have gone.
        let _ = asker.send(reply);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Far more than any test waits.
    const LONG: Duration = Duration::from_secs(60);

    /// Asks from a thread of its own.
    fn asked(worker: &Arc<Worker<u32, u32>>, question: u32) -> thread::JoinHandle<Reply<u32>> {
        let worker = Arc::clone(worker);
        thread::spawn(move || worker.ask(question, LONG))
    }

    #[test]
    fn the_latest_question_ends_the_one_at_work_and_replaces_the_one_that_waits() {
        let (begun, begins) = channel();
        let begun = Mutex::new(begun);
        let work = move |question: u32, go_on: &dyn Fn() -> bool| {
            let _ = lock(&begun).send(question);
            // The first one goes on until it is overtaken.
            while question == 1 && go_on() {
                thread::yield_now();
            }
            go_on().then_some(10 * question)
        };
        let worker = Arc::new(Worker::start(Box::new(work)).expect("a thread"));
        let first = asked(&worker, 1);
        assert_eq!(begins.recv(), Ok(1));
        assert_eq!(worker.ask(2, LONG), Reply::Answer(20));
        assert_eq!(first.join().expect("no panic"), Reply::Overtaken);
        assert_eq!(begins.recv(), Ok(2));
        assert_eq!(worker.ask(3, LONG), Reply::Answer(30));
    }

    #[test]
    fn a_question_that_waits_is_replaced() {
        let (gate, opened) = channel::<()>();
        let opened = Mutex::new(opened);
        let (begun, begins) = channel();
        let begun = Mutex::new(begun);
        let work = move |question: u32, _: &dyn Fn() -> bool| {
            let _ = lock(&begun).send(question);
            let _ = lock(&opened).recv();
            Some(question)
        };
        let worker = Arc::new(Worker::start(Box::new(work)).expect("a thread"));
        let first = asked(&worker, 1);
        assert_eq!(begins.recv(), Ok(1));
        let second = asked(&worker, 2);
        while worker.shared.latest.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        let third = asked(&worker, 3);
        // The worker is at the first one still, and cannot have begun the second.
        assert_eq!(second.join().expect("no panic"), Reply::Overtaken);
        drop(gate);
        assert_eq!(first.join().expect("no panic"), Reply::Answer(1));
        assert_eq!(third.join().expect("no panic"), Reply::Answer(3));
        assert_eq!(begins.iter().next(), Some(3));
    }

    #[test]
    fn a_panic_and_a_late_answer_are_replies_and_the_next_question_is_answered() {
        let work = |question: u32, go_on: &dyn Fn() -> bool| {
            assert!(question != 1, "on purpose");
            while question == 2 && go_on() {
                thread::yield_now();
            }
            Some(question)
        };
        let worker = Worker::start(Box::new(work)).expect("a thread");
        assert_eq!(worker.ask(1, LONG), Reply::Panicked);
        assert_eq!(worker.ask(2, Duration::ZERO), Reply::Late);
        assert_eq!(worker.ask(3, LONG), Reply::Answer(3));
    }
}
