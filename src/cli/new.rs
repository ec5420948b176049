//! `jovian new`: a service that builds, serves, is tested and explains itself.

use std::io;
use std::path::{Path, PathBuf};

use super::{Outcome, say};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files::{self, Files, Owner};
use crate::scaffold::{self, Name, Project, Registry, RuntimeSource};

/// Make a new service: IDL, handlers, tests, configuration, CI.
///
/// The name says who owns the service and what it is called, the service last. It becomes the name by which clients find it;
/// the protobuf package, the crate and the domain of its errors follow from it. Nothing that exists is ever overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian new shop.order.orders                  the folder orders/: package shop.orders.v1, errors of shop.order
  jovian new shop.order.orders --path svc/o     another folder; svc/ is there already
  jovian new orders --runtime path=../runtime   the runtime from a folder instead of a copy of it in vendor/
  jovian new shop.order.orders --registry etcd --layout jupiter,dubbo
                                                found by programs of Jupiter and Dubbo 3, through an etcd")]
pub(super) struct Arguments {
    /// Lower-case words with dots between them: `shop.order.orders`
    #[arg(value_name = "NAME")]
    name: String,
    /// Make this folder [default: the last word of the name]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Where the project gets the runtime from: `vendored` (a copy in vendor/), `path=DIR`, `git=URL`, `git=URL#REV` or
    /// `registry=VERSION`
    #[arg(long, value_name = "SOURCE", default_value = "vendored")]
    runtime: RuntimeSource,
    /// Where the service is registered and finds others: `memory` (in this process), `file` (on this machine), `etcd`,
    /// `zookeeper` or `nacos`. For a store, the project gets a compose file that starts one, and a test that uses it
    #[arg(long, value_name = "KIND", default_value = Registry::DEFAULT)]
    registry: String,
    /// The forms in which it is written there: `jupiter`, `dubbo-tri`, `dubbo-grpc`, `dubbo-app`, `kratos`, `kitex`, `go-zero`;
    /// `dubbo` is `dubbo-tri` and `dubbo-app` [default: jupiter in etcd, dubbo elsewhere]
    #[arg(long = "layout", value_name = "LAYOUT", value_delimiter = ',')]
    layouts: Vec<String>,
}

pub(super) fn run(arguments: Arguments) -> Result<Outcome, Diagnostics> {
    let project = Project {
        name: Name::parse(&arguments.name)?,
        runtime: arguments.runtime,
        registry: Registry::parse(&arguments.registry, &arguments.layouts)?,
    };
    let (app, store) = (project.name.app(), project.registry.title());
    let start = store.map_or_else(String::new, |store| {
        format!("\n  docker compose up --wait     starts {store}, in which it is found")
    });
    let call = match project.registry.is_shared() {
        true => "cargo run --example call     calls it, from another terminal",
        false => "cargo test                   calls it in its own process",
    };
    let dir = arguments.path.unwrap_or_else(|| PathBuf::from(project.name.crate_name()));
    let files = create(project, &dir)?;
    let own =
        files.iter().filter(|(name, file)| file.owner == Owner::User && !name.starts_with("vendor/")).count();
    let shown = dir.display();
    say(format_args!(
        "made {shown}: the service `{app}` in {own} files of yours, and what is generated from its IDL

  cd {shown}{start}
  cargo run                    serves it
  {call}

src/service.rs is where your code goes, and README.md says where the rest is."
    ));
    Ok(Outcome::Fine)
}

/// Makes a project in `dir`, all of it or nothing.
pub(super) fn create(mut project: Project, dir: &Path) -> Result<Files, Diagnostics> {
    let refused = |error: io::Error| match error.kind() {
        // Somebody was faster.
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => exists(dir),
        _ => Diagnostic::error(Code::Io, format!("cannot make `{}`: {error}", dir.display()))
            .help("check that the folder around it exists and may be written"),
    };
    if !files::is_free(dir) {
        return Err(exists(dir).into());
    }
    if let RuntimeSource::Path(path) = &mut project.runtime {
        files::read(&path.join("Cargo.toml")).map_err(|error| no_runtime(path, &error))?;
        *path = files::absolute(path).map_err(refused)?;
    }
    let files = scaffold::scaffold(&project, &files::absolute(dir).map_err(refused)?)?;
    files.create(dir).map_err(refused)?;
    Ok(files)
}

fn exists(dir: &Path) -> Diagnostic {
    Diagnostic::error(Code::ProjectExists, format!("`{}` exists already", dir.display()))
        .help("give another folder with `--path`; nothing was touched")
}

fn no_runtime(dir: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Code::NotFound, format!("no crate in `{}`: {error}", dir.display()))
        .help("give the folder of the crate `jovian-runtime`: `--runtime path=../jovian/runtime`")
}
