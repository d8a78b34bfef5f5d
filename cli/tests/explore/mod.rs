//! The page on which a scenario is changed by hand: the command (`command.rs`), who is answered
//! (`requests.rs`), with what (`states.rs`), and wherever its controls stand
//! (`anywhere.rs`, `wander.rs`).

mod anywhere;
mod command;
mod requests;
mod states;
mod wander;

use modalflow_cli::explore::{Question, Server, Session, State, View};
use serde_json::Value as Json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// A budget that no run of a test comes to.
const AMPLE: Duration = Duration::from_secs(600);

fn session(path: Option<&Path>) -> Session {
    Session::new(path, &[], AMPLE).expect("a scenario")
}

fn state(text: &str, set: &[(&str, Json)]) -> State {
    let set = set.iter();
    State {
        text: text.to_owned(),
        set: set
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    }
}

fn view(session: &Session, state: State) -> View {
    let question = question(state);
    session
        .view(question, &|| true)
        .expect("nothing overtakes it")
}

fn question(state: State) -> Question {
    Question {
        state,
        ..Question::default()
    }
}

/// A server of the first lesson: its port, and the path of its page.
fn server() -> (u16, String) {
    serve(session(None))
}

fn serve(session: Session) -> (u16, String) {
    let server = Server::bind(session, 0).expect("a free port");
    let address = server.address();
    let (port, path) = address
        .strip_prefix("http://127.0.0.1:")
        .and_then(|rest| rest.split_once('/'))
        .expect("port and path");
    let (port, path) = (port.parse().expect("a number"), format!("/{path}"));
    std::thread::spawn(move || server.serve());
    (port, path)
}

/// What the server answers to these bytes: the status and the body.
fn answer(port: u16, request: &[u8]) -> (u16, String) {
    let answer = raw_answer(port, request);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    (status.expect("a status"), body.to_owned())
}

/// The whole answer with its head.
fn raw_answer(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.write_all(request).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn request(port: u16, line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
