//! The page on which a scenario is changed by hand, and a server of it for one user of this machine.
//!
//! | file | what it does |
//! |---|---|
//! | `session.rs` | from what the page sends to what it shows: checked, prepared, run within a budget, drawn |
//! | `view.rs` | the records that go between the two |
//! | `controls.rs` | the controls of a scenario: its own keys, with the ranges of the schema |
//! | `headline.rs` | what a run shows, in one sentence and a few numbers |
//! | `lessons.rs`, `lessons/` | states to start from |
//! | `worker.rs` | one worker, the latest question of each page wins |
//! | `server.rs` | who is answered, and with what |
//! | `http.rs` | a request and an answer, limited in size |
//! | `page.html`, `style.css`, `script.js`, `controls.js` | the page |

mod controls;
mod headline;
mod http;
mod lessons;
mod server;
mod session;
mod view;
mod worker;

pub use controls::{Changes, Control, Form, controls};
pub use lessons::{LESSONS, Lesson};
pub use server::Server;
pub use session::{Session, TakenOut};
pub use view::{Fault, Picture, Question, Shown, State, View};
