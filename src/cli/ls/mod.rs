//! `jovian ls`: what a server serves, and whether it is well.
//!
//! In: a target, or IDL. Out: services with their methods and health; the IDL of one thing.

use prost::Message as _;
use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use serde::Serialize;
use tonic::Code;

use super::net::{Connection, Description, Peer, Problem, Source, Target, unknown};
use super::{Outcome, Report, remote, say};
use crate::diag::{self, Diagnostic, Diagnostics};

mod text;

/// Show what a server serves: services, methods, health; or one of them as IDL.
///
/// The server says itself what it serves, by reflection; or IDL does: `--proto`, or `--idl` for what `jovian.toml` names. Health is
/// what `grpc.health.v1.Health` of the server says. Exit codes are those of `jovian call`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  jovian ls 127.0.0.1:9000                     services, their methods and their health
  jovian ls :9000 Orders                       a service, as IDL
  jovian ls :9000 Orders/GetOrder              a method, with its messages
  jovian ls :9000 shop.orders.v1.Order         a message or an enum
  jovian ls :9000 --as json | jq -r '.services[].methods[]?.path'")]
pub(super) struct Arguments {
    /// `host:port`, `http://host:port`, `https://host`, `dns:///host:port`, `unix:/path`, or an app in a registry, `etcd://host:port/app` [default: `address` of `[server]` in config/app.toml]
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// Show the IDL of this service, method, message or enum
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// How services are written to standard output
    #[arg(long = "as", value_enum, default_value_t, value_name = "FORM", conflicts_with = "name")]
    form: Form,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For a terminal
    #[default]
    Table,
    /// One object, for programs
    Json,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    remote::block_on(arguments.show(), report)
}

impl Arguments {
    async fn show(&self) -> Result<Outcome, Problem> {
        // One argument alone may be either: names have no colon.
        let (target, name) = match (&self.target, &self.name) {
            (Some(name), None) if !Target::is_one(name) => (None, Some(name)),
            (target, name) => (target.as_ref(), name.as_ref()),
        };
        let mut known = self.source.idl()?;
        if let (Some(description), Some(name)) = (&mut known, name) {
            return detail(description, name).await;
        }
        let target = match target {
            Some(target) => Target::find(target).await?,
            None => Target::of_project()?,
        };
        let peer = self.connection.open(&target).await?;
        let mut description = match known {
            Some(description) => description,
            None => self.source.ask(&peer).await?,
        };
        match name {
            Some(name) => detail(&mut description, name).await,
            None => self.list(&target, &peer, &mut description).await,
        }
    }

    async fn list(
        &self,
        target: &Target,
        peer: &Peer,
        description: &mut Description,
    ) -> Result<Outcome, Problem> {
        let names = description.services.clone();
        description.learn(&names).await?;
        let mut health = Health { peer, is_served: true };
        let whole = health.of("").await?;
        let mut services = Vec::new();
        for name in names {
            let status = health.of(&name).await?;
            let methods = description.schema.pool.get_service_by_name(&name).map(methods);
            services.push(Service { name, health: status, methods });
        }
        let listing = Listing { schema: SCHEMA, target: target.to_string(), health: whole, services };
        match self.form {
            Form::Table => say(text::table(&listing)),
            Form::Json => say(serde_json::to_string_pretty(&listing).map_err(|error| {
                Diagnostic::error(diag::Code::Io, format!("cannot be written as JSON: {error}"))
                    .help("tell us which server it was")
            })?),
        }
        Ok(Outcome::Fine)
    }
}

/// Raised when a key changes its meaning or goes.
const SCHEMA: u32 = 1;

/// What a server serves; `docs/guide/tools.md` describes it as JSON.
#[derive(Debug, Serialize)]
struct Listing {
    schema: u32,
    target: String,
    /// `SERVING`, of all of the server; nothing if it does not say.
    health: Option<String>,
    services: Vec<Service>,
}

#[derive(Debug, Serialize)]
struct Service {
    /// `shop.orders.v1.Orders`
    name: String,
    health: Option<String>,
    /// Nothing if the server serves it, but does not say what it is.
    methods: Option<Vec<Method>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    name: String,
    /// `/shop.orders.v1.Orders/GetOrder`
    path: String,
    client_streaming: bool,
    server_streaming: bool,
    /// `shop.orders.v1.GetOrderRequest`
    input: String,
    output: String,
}

fn methods(service: ServiceDescriptor) -> Vec<Method> {
    let method = |method: MethodDescriptor| Method {
        name: method.name().to_owned(),
        path: format!("/{}/{}", service.full_name(), method.name()),
        client_streaming: method.is_client_streaming(),
        server_streaming: method.is_server_streaming(),
        input: method.input().full_name().to_owned(),
        output: method.output().full_name().to_owned(),
    };
    service.methods().map(method).collect()
}

/// Shows the IDL of one thing.
async fn detail(description: &mut Description, name: &str) -> Result<Outcome, Problem> {
    if name.contains('/') {
        let method = description.method(name).await?;
        say(text::method(&method));
        return Ok(Outcome::Fine);
    }
    let found = match description.service_name(name) {
        Ok(service) => description.service(&service).await?.map(|service| text::service(&service)),
        Err(no_service) => {
            description.learn(&[name.to_owned()]).await?;
            let pool = &description.schema.pool;
            let message = pool.get_message_by_name(name).map(|message| text::message(&message));
            let found = message.or_else(|| pool.get_enum_by_name(name).map(|it| text::enumeration(&it)));
            match found {
                Some(found) => Some(found),
                None if description.services.is_empty() => return Err(no_service.into()),
                None => {
                    let problem = format!("there is no service, message or enum `{name}`");
                    return Err(unknown(problem, "services: ", name, &description.services).into());
                }
            }
        }
    };
    match found {
        Some(found) => say(found),
        None => {
            let problem = format!("the server serves `{name}`, but does not say what it is");
            return Err(Diagnostic::error(diag::Code::NoReflection, problem)
                .help("give its IDL: `--proto proto`")
                .into());
        }
    }
    Ok(Outcome::Fine)
}

/// `grpc.health.v1.HealthCheckRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The health service of a server.
struct Health<'a> {
    peer: &'a Peer,
    is_served: bool,
}

impl Health<'_> {
    /// How a service is; nothing where nobody says.
    async fn of(&mut self, service: &str) -> Result<Option<String>, Problem> {
        if !self.is_served {
            return Ok(None);
        }
        let request = HealthCheckRequest { service: service.to_owned() };
        match self.peer.ask("/grpc.health.v1.Health/Check", request.encode_to_vec().into()).await {
            Ok(reply) => {
                let reply = HealthCheckResponse::decode(reply).unwrap_or_default();
                let names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
                let name = usize::try_from(reply.status).ok().and_then(|status| names.get(status));
                Ok(Some((*name.unwrap_or(&names[0])).to_owned()))
            }
            Err(Problem::Status(status)) => {
                self.is_served = status.code() != Code::Unimplemented;
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }
}
