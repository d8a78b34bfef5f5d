//! The server of the page: who is answered, and with what.
//!
//! Every site that the user visits can send requests to this machine. So a request is answered only where its host is
//! the address that was printed (another name that leads here is a rebound one), its origin is none or the page itself,
//! and its path starts with a token that nobody can guess. What can be asked for is the list in [`Server::routed`].

use super::http::{self, Answer, Request, Until};
use super::lessons::LESSONS;
use super::session::{Session, TakenOut};
use super::view::{Fault, Question, State, View};
use super::worker::{Reply, Worker};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");
const CONTROLS: &str = include_str!("controls.js");
const STYLE: &str = include_str!("style.css");

/// Connections at a time.
const CONNECTIONS: usize = 32;
/// How much longer than its budget and that of one in another window a run is waited for: it is prepared and drawn too.
const BESIDES: Duration = Duration::from_secs(5);

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
}

struct Shared {
    session: Arc<Session>,
    worker: Worker<Question, View>,
    /// Downloads come one at a time, beside what is shown.
    download: Mutex<()>,
    /// `127.0.0.1:PORT`.
    authority: String,
    token: String,
    connections: AtomicUsize,
}

/// A state, and which of its pictures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    state: State,
    stem: String,
}

impl Server {
    /// Listens at a port of this machine, any free one for 0.
    ///
    /// # Errors
    /// What the operating system says where the port, a thread or random bytes cannot be had.
    pub fn bind(session: Session, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let session = Arc::new(session);
        let own = Arc::clone(&session);
        let worker = Worker::start(Box::new(move |question, go_on| own.view(question, go_on)))?;
        let shared = Shared {
            session,
            worker,
            download: Mutex::new(()),
            authority: listener.local_addr()?.to_string(),
            token: token()?,
            connections: AtomicUsize::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
            listener,
        })
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        let Shared {
            authority, token, ..
        } = &*self.shared;
        format!("http://{authority}/{token}/")
    }

    /// Answers until the program ends.
    pub fn serve(&self) {
        for stream in self.listener.incoming().flatten() {
            let shared = Arc::clone(&self.shared);
            if shared.connections.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
                shared.connections.fetch_sub(1, Ordering::SeqCst);
                let _ = Answer::refusal(http::BUSY, "too many connections").write(&mut &stream);
                continue;
            }
            // Without a thread the connection is closed, and counted no more.
            let own = Arc::clone(&shared);
            let answer = move || {
                own.answer(&stream);
                own.connections.fetch_sub(1, Ordering::SeqCst);
            };
            if thread::Builder::new().spawn(answer).is_err() {
                shared.connections.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

impl Shared {
    fn answer(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let answer = match http::read(&mut Until::within(stream, http::ARRIVAL)) {
            Ok(request) => self.checked(&request),
            Err(status) => Answer::refusal(status, status.1),
        };
        let sent = answer.write(&mut Until::within(stream, http::DEPARTURE));
        if sent.is_ok() {
            // A body that nobody read would take the answer away from who still sends it.
            let _ = stream.shutdown(Shutdown::Write);
            let rest = Until::within(stream, http::ARRIVAL);
            let _ = std::io::copy(&mut rest.take(4 * http::BODY as u64), &mut std::io::sink());
        }
    }

    /// Answers requests of the page alone.
    fn checked(&self, request: &Request) -> Answer {
        if request.host.as_ref() != Some(&self.authority) {
            return Answer::refusal(
                http::FORBIDDEN,
                "another host than the address that was printed",
            );
        }
        let own = format!("http://{}", self.authority);
        if request.origin.as_ref().is_some_and(|origin| *origin != own) {
            return Answer::refusal(http::FORBIDDEN, "the request comes from another page");
        }
        let path = request.path.strip_prefix('/').unwrap_or_default();
        match path.split_once('/') {
            Some((token, path)) if is_equal(token, &self.token) => self.routed(request, path),
            _ => Answer::refusal(
                http::FORBIDDEN,
                "open the whole address that modalflow explore printed",
            ),
        }
    }

    /// All that can be asked for.
    fn routed(&self, request: &Request, path: &str) -> Answer {
        let is_read = match path {
            "" | "script.js" | "controls.js" | "style.css" | "start" => true,
            "run" | "png" | "csv" | "save" => false,
            _ => return Answer::refusal(http::NOT_FOUND, "there is nothing at this path"),
        };
        if request.method != if is_read { "GET" } else { "POST" } {
            return Answer::refusal(http::WRONG_METHOD, "another method than the page uses");
        }
        let whole = |kind: &'static str, text: &str| answer(kind, text.as_bytes().to_vec());
        match path {
            "" => whole("text/html; charset=utf-8", PAGE),
            "script.js" => whole("text/javascript; charset=utf-8", SCRIPT),
            "controls.js" => whole("text/javascript; charset=utf-8", CONTROLS),
            "style.css" => whole("text/css; charset=utf-8", STYLE),
            "start" => json(&self.start()),
            "run" => self.run(&request.body),
            _ => self.taken_out(path, &request.body),
        }
    }

    fn start(&self) -> impl Serialize {
        let lessons = LESSONS.iter().map(|lesson| {
            json!({"name": lesson.name, "text": lesson.text, "sentence": lesson.sentence()})
        });
        let file = self.session.writes().and_then(|path| path.file_name());
        json!({
            "text": self.session.start(),
            "file": file.map(|name| name.to_string_lossy()),
            "lessons": lessons.collect::<Vec<_>>(),
        })
    }

    fn run(&self, body: &[u8]) -> Answer {
        let question: Question = match serde_json::from_slice(body) {
            Ok(question) => question,
            Err(error) => return Answer::refusal(http::BAD, &error.to_string()),
        };
        let fault = |problem: &str, remedy: &str| Fault {
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
            ..Fault::default()
        };
        let longest = 2 * self.session.budget() + BESIDES;
        let fault = match self.worker.ask(question.page, question, longest) {
            Reply::Answer(view) => return json(&view),
            Reply::Overtaken => return json(&json!({"overtaken": true})),
            Reply::Panicked => fault(
                "the program failed at this state",
                "change it; please report the state with what stands in the terminal",
            ),
            Reply::Late => fault(
                "an answer takes too long: what comes before the run cannot be cut short",
                "choose a smaller network or fewer inputs, and wait a little",
            ),
        };
        let view = View {
            fault: Some(fault),
            ..View::default()
        };
        json(&view)
    }

    /// What leaves the page: pictures, tables, the scenario file.
    fn taken_out(&self, path: &str, body: &[u8]) -> Answer {
        let _alone = self.download.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |error: serde_json::Error| Answer::refusal(http::BAD, &error.to_string());
        let state = || serde_json::from_slice::<State>(body).map_err(wanted);
        let fault = |error: Error| json(&json!({"fault": Fault::from(error)}));
        let work = || match path {
            "png" => {
                let Wanted { state, stem } = serde_json::from_slice(body).map_err(wanted)?;
                let png = self.session.png(state, &stem).map_err(fault)?;
                let png = png.ok_or_else(|| Answer::refusal(http::NOT_FOUND, "no such picture"))?;
                Ok(file("image/png", png))
            }
            "csv" => {
                let csv = self.session.csv(state()?).map_err(fault)?;
                Ok(file("text/csv; charset=utf-8", csv))
            }
            _ => {
                self.session.save(state()?).map_err(fault)?;
                Ok(json(&json!({"saved": true})))
            }
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let failed = |_| {
            Ok(Answer::refusal(
                http::FAILED,
                "the program failed at this state",
            ))
        };
        done.unwrap_or_else(failed)
            .unwrap_or_else(|refusal: Answer| refusal)
    }
}

fn answer(kind: &'static str, body: Vec<u8>) -> Answer {
    Answer {
        status: http::OK,
        kind,
        note: None,
        body,
    }
}

fn file(kind: &'static str, TakenOut { bytes, cut }: TakenOut) -> Answer {
    Answer {
        note: cut,
        ..answer(kind, bytes)
    }
}

fn json(value: &impl Serialize) -> Answer {
    // Plain data with text keys always serialises.
    answer(
        "application/json",
        serde_json::to_vec(value).unwrap_or_default(),
    )
}

/// Random bytes of the operating system, in hexadecimal.
fn token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let mut token = String::new();
    for byte in bytes {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// Whether two texts are equal, in a time that does not tell where they differ.
fn is_equal(a: &str, b: &str) -> bool {
    let pairs = a.bytes().zip(b.bytes());
    a.len() == b.len() && pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
