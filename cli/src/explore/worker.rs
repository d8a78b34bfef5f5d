//! One worker, and the latest question of a page wins: what the same page has overtaken is not waited for. Pages take
//! turns, so that two windows do not keep each other from an answer.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Pages that are told apart; of more, the one that has not asked for the longest time is overtaken.
const PAGES: usize = 16;

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply<A> {
    /// It is answered.
    Answer(A),
    /// A later question of the same page came before its answer.
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
    queue: Mutex<Queue<Q, A>>,
    comes: Condvar,
}

struct Queue<Q, A> {
    /// The pages, and whether the latest question of each is overtaken; who asked last stands last.
    pages: VecDeque<(u32, Arc<AtomicBool>)>,
    /// One question of a page at most, in the order in which they are answered.
    waiting: VecDeque<Question<Q, A>>,
}

struct Question<Q, A> {
    page: u32,
    is_overtaken: Arc<AtomicBool>,
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
            queue: Mutex::new(Queue {
                pages: VecDeque::new(),
                waiting: VecDeque::new(),
            }),
            comes: Condvar::new(),
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

    /// Asks for a page, overtaking its earlier questions, and waits for the answer so long.
    pub(super) fn ask(&self, page: u32, content: Q, longest: Duration) -> Reply<A> {
        let (asker, answer) = channel();
        lock(&self.shared.queue).push(page, content, asker);
        self.shared.comes.notify_one();
        match answer.recv_timeout(longest) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Disconnected) => Reply::Overtaken,
            Err(RecvTimeoutError::Timeout) => Reply::Late,
        }
    }
}

impl<Q, A> Queue<Q, A> {
    fn push(&mut self, page: u32, content: Q, asker: Sender<Reply<A>>) {
        let known = self.pages.iter().position(|(known, _)| *known == page);
        let oldest = (self.pages.len() >= PAGES).then_some(0);
        if let Some((page, is_overtaken)) = known.or(oldest).and_then(|at| self.pages.remove(at)) {
            is_overtaken.store(true, Ordering::SeqCst);
            // The one that waited loses its sender, which is its reply.
            self.waiting.retain(|question| question.page != page);
        }
        let is_overtaken = Arc::new(AtomicBool::new(false));
        self.pages.push_back((page, Arc::clone(&is_overtaken)));
        self.waiting.push_back(Question {
            page,
            is_overtaken,
            content,
            asker,
        });
    }
}

impl<Q, A> Shared<Q, A> {
    fn answer_next(&self, work: &Work<Q, A>) {
        let question = {
            let is_empty = |queue: &mut Queue<Q, A>| queue.waiting.is_empty();
            let queue = self.comes.wait_while(lock(&self.queue), is_empty);
            let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
            queue.waiting.pop_front()
        };
        let Some(Question {
            is_overtaken,
            content,
            asker,
            ..
        }) = question
        else {
            return;
        };
        let go_on = || !is_overtaken.load(Ordering::SeqCst);
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

    /// Asks for a page from a thread of its own.
    fn asked(
        worker: &Arc<Worker<u32, u32>>,
        page: u32,
        question: u32,
    ) -> thread::JoinHandle<Reply<u32>> {
        let worker = Arc::clone(worker);
        thread::spawn(move || worker.ask(page, question, LONG))
    }

    /// Waits until so many questions wait.
    fn until_waiting(worker: &Worker<u32, u32>, count: usize) {
        while lock(&worker.shared.queue).waiting.len() != count {
            thread::yield_now();
        }
    }

    #[test]
    fn the_latest_question_of_a_page_ends_the_one_at_work() {
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
        let first = asked(&worker, 7, 1);
        assert_eq!(begins.recv(), Ok(1));
        assert_eq!(worker.ask(7, 2, LONG), Reply::Answer(20));
        assert_eq!(first.join().expect("no panic"), Reply::Overtaken);
        assert_eq!(begins.recv(), Ok(2));
        assert_eq!(worker.ask(7, 3, LONG), Reply::Answer(30));
    }

    /// A worker that begins a question when it is told to, and says which.
    fn gated() -> (
        Arc<Worker<u32, u32>>,
        Sender<()>,
        std::sync::mpsc::Receiver<u32>,
    ) {
        let (gate, opened) = channel::<()>();
        let opened = Mutex::new(opened);
        let (begun, begins) = channel();
        let begun = Mutex::new(begun);
        let work = move |question: u32, go_on: &dyn Fn() -> bool| {
            let _ = lock(&begun).send(question);
            let _ = lock(&opened).recv();
            go_on().then_some(question)
        };
        let worker = Arc::new(Worker::start(Box::new(work)).expect("a thread"));
        (worker, gate, begins)
    }

    #[test]
    fn a_question_that_waits_is_replaced_by_its_own_page_and_by_no_other() {
        let (worker, gate, begins) = gated();
        let first = asked(&worker, 1, 10);
        assert_eq!(begins.recv(), Ok(10));
        let waits = asked(&worker, 2, 20);
        until_waiting(&worker, 1);
        let replaced = asked(&worker, 3, 30);
        until_waiting(&worker, 2);
        let last = asked(&worker, 3, 31);
        // The worker is at the first one still, and cannot have begun another.
        assert_eq!(replaced.join().expect("no panic"), Reply::Overtaken);
        drop(gate);
        for (asked, answer) in [(first, 10), (waits, 20), (last, 31)] {
            assert_eq!(asked.join().expect("no panic"), Reply::Answer(answer));
        }
        assert_eq!(begins.iter().take(2).collect::<Vec<_>>(), [20, 31]);
    }

    #[test]
    fn of_too_many_pages_the_oldest_is_forgotten() {
        let (worker, gate, begins) = gated();
        let first = asked(&worker, 0, 0);
        assert_eq!(begins.recv(), Ok(0));
        let others: Vec<_> = (1..=PAGES as u32)
            .map(|page| {
                let asked = asked(&worker, page, page);
                until_waiting(&worker, page as usize);
                asked
            })
            .collect();
        drop(gate);
        assert_eq!(first.join().expect("no panic"), Reply::Overtaken);
        for (asked, page) in others.into_iter().zip(1..) {
            assert_eq!(asked.join().expect("no panic"), Reply::Answer(page));
        }
        assert_eq!(lock(&worker.shared.queue).pages.len(), PAGES);
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
        assert_eq!(worker.ask(5, 1, LONG), Reply::Panicked);
        assert_eq!(worker.ask(5, 2, Duration::ZERO), Reply::Late);
        assert_eq!(worker.ask(5, 3, LONG), Reply::Answer(3));
    }
}
