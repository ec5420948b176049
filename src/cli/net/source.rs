//! Where it is known from what a server serves: from itself, or from IDL.

use std::path::{Path, PathBuf};

use prost_reflect::ServiceDescriptor;

use super::reflection::Reflection;
use super::{Peer, Problem, Schema};
use crate::cli::r#gen;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files;
use crate::settings::PROJECT_FILE;

/// Where services and messages are known from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "IDL")]
pub(in crate::cli) struct Source {
    /// Read the IDL that `jovian.toml` names, instead of asking the server; done for servers without reflection in any case
    #[arg(long)]
    idl: bool,
    /// Read this IDL instead of asking the server: a file, a folder, a glob or a descriptor set; may be given several times
    #[arg(long = "proto", value_name = "FILE|DIR|GLOB")]
    inputs: Vec<String>,
    /// Look imports up in this folder; may be given several times [default: the folders of `--proto`]
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    includes: Vec<PathBuf>,
}

impl Source {
    /// What the IDL says, if IDL is asked for.
    pub(in crate::cli) fn idl(&self) -> Result<Option<Description>, Diagnostics> {
        let asked = self.idl || !self.inputs.is_empty();
        if asked { self.read().map(Some) } else { Ok(None) }
    }

    fn read(&self) -> Result<Description, Diagnostics> {
        let source = r#gen::Source { inputs: self.inputs.clone(), includes: self.includes.clone() };
        let schema = Schema::read(&source.input(Path::new(""))?)?;
        let services = schema.pool.services().map(|service| service.full_name().to_owned()).collect();
        Ok(Description { schema, services, reflection: None })
    }

    /// What a server says of itself; where it says nothing, what the IDL of this folder says.
    pub(in crate::cli) async fn ask(&self, peer: &Peer) -> Result<Description, Problem> {
        let reflection = Reflection::new(peer);
        match reflection.services().await? {
            Some(mut services) => {
                // What every server has comes last.
                services.sort_by_key(|name| name.starts_with("grpc."));
                Ok(Description { schema: Schema::default(), services, reflection: Some(reflection) })
            }
            None if files::exists(Path::new(PROJECT_FILE)) => Ok(self.read()?),
            None => Err(Diagnostic::error(
                Code::NoReflection,
                "the server does not say what it serves: it has no reflection",
            )
            .help("give its IDL: `--proto proto`, with `-I` if imports start elsewhere")
            .into()),
        }
    }
}

/// What is known of a server, and may still be learned.
#[derive(Debug)]
pub(in crate::cli) struct Description {
    pub(in crate::cli) schema: Schema,
    /// The full names of the services.
    pub(in crate::cli) services: Vec<String>,
    /// The server, if it is the one to ask.
    reflection: Option<Reflection>,
}

impl Description {
    /// A service or what else has this full name, learned from the server if need be. Whether there is such a thing.
    pub(in crate::cli) async fn learn(&mut self, symbols: &[String]) -> Result<bool, Problem> {
        let Some(reflection) = &mut self.reflection else { return Ok(false) };
        let mut found = false;
        for symbol in symbols {
            found |= reflection.learn(symbol).await?;
        }
        if found {
            let input = crate::idl::Input::DescriptorSet { bytes: reflection.set(), files: Vec::new() };
            self.schema = Schema::read(&input)?;
        }
        Ok(found)
    }

    /// The service with this full name.
    pub(in crate::cli) async fn service(&mut self, name: &str) -> Result<Option<ServiceDescriptor>, Problem> {
        if self.schema.pool.get_service_by_name(name).is_none() {
            self.learn(&[name.to_owned()]).await?;
        }
        Ok(self.schema.pool.get_service_by_name(name))
    }
}
