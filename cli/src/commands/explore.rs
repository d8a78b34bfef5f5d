//! `modalflow explore`.

use super::args::{ExploreArgs, Options};
use super::{print, warn};
use crate::error::{Error, Result};
use crate::explore::{Server, Session};
use crate::scenario::expand_home;
use std::time::Duration;

/// Serves the page until an interrupt ends the program.
pub(super) fn explore(call: &ExploreArgs, options: &Options) -> Result<u8> {
    let scenario = call.scenario.as_deref().map(expand_home);
    let set = [&options.set[..], &call.set].concat();
    let budget = Duration::from_secs_f64(call.budget);
    let session = Session::new(scenario.as_deref(), &set, budget)?;
    let server = Server::bind(session, call.port).map_err(|error| {
        Error::usage(
            format!(
                "cannot listen at port {} of this machine: {error}",
                call.port
            ),
            "choose another port, or leave --port out for any free one",
        )
    })?;
    let address = server.address();
    print(&format!("{address}\n"))?;
    if !options.quiet {
        warn("open this address in a browser; Ctrl-C ends it");
    }
    if call.open
        && let Err(error) = open::that_detached(&address)
    {
        warn(&format!("warning: no browser could be opened: {error}"));
    }
    server.serve();
    Ok(0)
}
