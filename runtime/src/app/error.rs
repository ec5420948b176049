//! Why an app did not run.

use std::io;

use super::ConfigError;
use crate::policy::UnknownTarget;
use crate::registry::RegistryError;
use crate::server::ServeError;

/// An app did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// Its configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing to serve.
    #[error("the app serves nothing: add a service with `App::serve`")]
    NoServices,
    /// One service twice.
    #[error("the service `{service}` is served twice{}", built_in(.service))]
    DuplicateService {
        /// Its full name.
        service: &'static str,
    },
    /// Two methods of one path.
    #[error("the path `{path}` belongs to two methods")]
    DuplicatePath {
        /// The path.
        path: &'static str,
    },
    /// A policy of what is not served.
    #[error("{}{unknown}", if unknown.by_configuration { "`methods` of the configuration: " } else { "" })]
    Policy {
        /// What it is for.
        unknown: UnknownTarget,
    },
    /// It cannot listen.
    #[error("cannot listen at `{address}`, the `address` of [server]")]
    Listen {
        /// Where it was to listen.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The server cannot be as the configuration wants it.
    #[error(transparent)]
    Serve(ServeError),
    /// The governor cannot listen.
    #[error("cannot listen at `{address}`, the `address` of [governor]")]
    Governor {
        /// Where it was to listen.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The address that it was to be found at is none.
    #[error("`{advertise}`, {origin}, {why}")]
    Advertise {
        /// Who says so, in words: `the `advertise` of [registry]`.
        origin: String,
        /// What is wrong with it.
        why: String,
        /// What the configuration says.
        advertise: String,
    },
    /// The registry refused it.
    #[error("cannot register the app `{app}`")]
    Register {
        /// The app id.
        app: String,
        /// What the registry says.
        source: RegistryError,
    },
    /// The level of the log is none.
    #[error("`{level}`, the `level` of [log], is no log level")]
    LogLevel {
        /// What the configuration says.
        level: String,
        /// What the log says.
        source: tracing_subscriber::filter::ParseError,
    },
    /// One of its tasks failed.
    #[error("the task `{task}` failed")]
    Task {
        /// Its name.
        task: String,
        /// Why; that it panicked, if it did.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be told to end.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// It was told a second time to end and did not wait for the calls that ran.
    #[error("interrupted while it was stopping")]
    Interrupted,
    /// The server broke.
    #[error("the server broke")]
    Server(#[source] tokio::task::JoinError),
}

impl From<ServeError> for AppError {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Duplicate(service) => Self::DuplicateService { service: service.name },
            ServeError::Policy(unknown) => Self::Policy { unknown },
            other => Self::Serve(other),
        }
    }
}

/// A hint for those who serve what every app serves.
fn built_in(service: &str) -> &'static str {
    match service {
        "grpc.health.v1.Health" => ": every app serves it by itself",
        "grpc.reflection.v1.ServerReflection" | "grpc.reflection.v1alpha.ServerReflection" => {
            ": every app serves it by itself unless `reflection` of [server] is false"
        }
        _ => "",
    }
}
