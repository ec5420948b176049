//! The servers that are measured, each a process: `serve KIND PORT`.
//!
//! A server ends with its standard input. On that it can be asked how many blocks were allocated so far, if it is the
//! program that counts them.

use std::io::BufRead as _;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::counted;

mod layers;
mod log;
mod ours;
mod tonics;

/// The first argument of a server's process.
pub(crate) const SERVE: &str = "serve";

/// The question for the number of blocks that were allocated.
pub(crate) const BLOCKS: &str = "blocks";

/// What a process serves with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The runtime as it is when nobody sets anything.
    Ours,
    /// With spans, metrics, and a line in the log for each call.
    OursLogged,
    /// With `runtime = "per-core"`.
    OursPerCore,
    Tonic,
    /// With what people add: trace, metrics, panics, timeout.
    TonicLayers,
    /// The same, and a line in the log for each call.
    TonicLogged,
}

impl Kind {
    /// Its name on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursLogged => "ours-logged",
            Self::OursPerCore => "ours-per-core",
            Self::Tonic => "tonic",
            Self::TonicLayers => "tonic-layers",
            Self::TonicLogged => "tonic-logged",
        }
    }

    /// What is on in it, of all that runs around a call.
    fn on(self) -> &'static str {
        match self {
            Self::Ours => {
                "panic recovery, deadline (60 s at most), message limits, counts and limits of calls in flight, \
                 caller identity, access rules, metrics, slow log from 500 ms, passing on of metadata and of the trace"
            }
            Self::OursLogged => {
                "the same, spans of `jovian::call`, and a line of `jovian::access` for each call"
            }
            Self::OursPerCore => "as `ours`, with `runtime = \"per-core\"`",
            Self::Tonic => "nothing: `#[tokio::main]` and `Server::builder().add_service(..)`",
            Self::TonicLayers => {
                "tonic's timeout (60 s), tower-http's `TraceLayer` with spans and `CatchPanicLayer`, a counter and a \
                 histogram of the crate prometheus"
            }
            Self::TonicLogged => "the same, and the line of `TraceLayer` for each response",
        }
    }

    fn of(word: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What is on in each kind of server, a line each.
pub(crate) fn on() -> Vec<String> {
    ALL.into_iter().map(|kind| format!("`{}`: {}.", kind.word(), kind.on())).collect()
}

const ALL: [Kind; 6] =
    [Kind::Ours, Kind::OursLogged, Kind::OursPerCore, Kind::Tonic, Kind::TonicLayers, Kind::TonicLogged];

pub(crate) fn main(arguments: &[String]) -> anyhow::Result<()> {
    let [kind, port] = arguments else {
        bail!("a server needs its kind and a port");
    };
    let kind = Kind::of(kind).with_context(|| format!("there is no server `{kind}`"))?;
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse()?));
    let profiler = counted::start();
    // What `#[tokio::main]` makes.
    let runtime = Runtime::new()?;
    runtime.spawn(async move {
        let served = match kind {
            Kind::Ours => ours::serve(address).await,
            Kind::OursLogged => ours::serve_logged(address).await,
            Kind::OursPerCore => ours::serve_per_core(address).await,
            Kind::Tonic => tonics::serve(address).await,
            Kind::TonicLayers => layers::serve(address, false).await,
            Kind::TonicLogged => layers::serve(address, true).await,
        };
        if let Err(error) = served {
            eprintln!("{}: {error:#}", kind.word());
        }
    });
    for question in std::io::stdin().lock().lines() {
        match question?.as_str() {
            BLOCKS => println!("{}", counted::blocks()),
            other => bail!("no answer to `{other}`"),
        }
    }
    // It writes its file.
    drop(profiler);
    Ok(())
}
