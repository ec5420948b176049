//! `jovian call`: a call to any gRPC server, with JSON in and out.
//!
//! In: a target, a method, JSON. Out: replies on standard output as they come; how it failed, on standard error.

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use super::net::{Connection, Metadata, Peer, Problem, Replies, Source, Target};
use super::{Outcome, Report, remote, say};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::{files, names};

mod requests;
mod template;

use requests::Reader;

/// Call a method of any gRPC server, with JSON in and out.
///
/// The server says itself what it serves, by reflection; or IDL does: `--proto`, or `--idl` for what `jovian.toml` names. JSON is
/// protobuf's mapping. Replies go to standard output as they come, one object behind the other.
///
/// Exits 0 if the call ended with OK, with 64 and the number of the gRPC code if it failed (NOT_FOUND is 69, UNAVAILABLE 78), and
/// with 2 for a mistake in the arguments, the IDL or the JSON.
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "Examples:
  jovian call 127.0.0.1:9000 Orders/GetOrder -d '{\"id\": \"42\"}'
  jovian call shop.orders.v1.Orders/GetOrder -d '{\"id\": \"42\"}'    what config/app.toml listens on
  jovian call :9000 Orders/GetOrder --template                      what to send
  jovian call :9000 Orders/Import -d @orders.ndjson                 several requests, from a file
  jovian call :9000 Orders/Track -d -                               requests as they are typed, replies as they come
  jovian call https://shop.example Orders/Watch -H 'x-tenant: 7' --timeout 5s
  jovian call unix:/run/shop.sock Orders/GetOrder --proto proto     from IDL, without reflection")]
pub(super) struct Arguments {
    /// `host:port`, `http://host:port`, `https://host`, `dns:///host:port`, `unix:/path`, or an app in a registry, `etcd://host:port/app` [default: `address` of `[server]` in config/app.toml]
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// What to call; the service may be short where there is but one of that name
    #[arg(value_name = "SERVICE/METHOD")]
    method: String,
    /// The request as JSON, `@FILE`, or `-` for standard input; several for a stream of requests [default: `{}`]
    #[arg(short, long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    data: Option<String>,
    /// Print a request to fill in, and call nothing
    #[arg(long)]
    template: bool,
    /// Print each reply on a line of its own
    #[arg(long)]
    compact: bool,
    /// Print fields that have their default value, too
    #[arg(long)]
    defaults: bool,
    /// Say on standard error what is called, with headers and trailers
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(arguments: &Arguments, report: &Report) -> Result<Outcome, Diagnostics> {
    remote::block_on(arguments.call(report), report)
}

impl Arguments {
    async fn call(&self, report: &Report) -> Result<Outcome, Problem> {
        self.connection.metadata()?;
        let known = self.source.idl()?;
        let (peer, mut description) = match known {
            Some(description) if self.template => (None, description),
            Some(description) => (Some(self.connect().await?), description),
            None => {
                let peer = self.connect().await?;
                let description = self.source.ask(&peer).await?;
                (Some(peer), description)
            }
        };
        let method = description.method(&self.method).await?;
        let Some(peer) = peer.filter(|_| !self.template) else {
            return template(&method.input());
        };
        match self.exchange(&peer, &method).await {
            Err(Problem::Status(status)) => {
                if self.verbose {
                    note('<', &Metadata::of(&status));
                }
                let failure = Failure::new(&status);
                if let Some(info) = &failure.info
                    && description.schema.error(&info.domain, &info.reason).is_none()
                {
                    // Its list may stand in a file of the package that the service does not import, or be that of another service.
                    let mut names = description.services.clone();
                    names.push(names::full(method.parent_service().package_name(), &info.reason));
                    let _known_or_not = description.learn(&names).await;
                }
                Ok(report.failure(&failure, &description.schema, status.code()))
            }
            other => other,
        }
    }

    async fn connect(&self) -> Result<Peer, Problem> {
        let target = match &self.target {
            Some(target) => Target::find(target).await?,
            None => Target::of_project()?,
        };
        self.connection.open(&target).await
    }

    async fn exchange(&self, peer: &Peer, method: &MethodDescriptor) -> Result<Outcome, Problem> {
        let (requests, mistake) = self.requests(method)?;
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        if self.verbose {
            say_aside(format_args!("* {path}"));
            note('>', &self.connection.metadata()?);
        }
        let called = async {
            let mut replies = peer.call(&path, requests, self.connection.timeout()).await?;
            if self.verbose {
                note('<', &replies.headers);
            }
            self.print_all(&mut replies, &method.output()).await
        };
        tokio::select! {
            biased;
            mistake = mistake => Err(mistake.into()),
            ended = within(self.connection.timeout(), called) => ended,
        }
    }

    async fn print_all(
        &self,
        replies: &mut Replies,
        descriptor: &MessageDescriptor,
    ) -> Result<Outcome, Problem> {
        while let Some(reply) = replies.next().await? {
            let reply = DynamicMessage::decode(descriptor.clone(), reply).map_err(|error| {
                Diagnostic::error(
                    Code::Descriptor,
                    format!("a reply is no `{}`: {error}", descriptor.full_name()),
                )
                .help("the server has another version of the IDL: leave out `--idl` and `--proto` to ask it")
            })?;
            if print(&self.json(&reply)?).is_err() {
                // Whoever read it has seen enough.
                return Ok(Outcome::Fine);
            }
        }
        let trailers = replies.trailers().await?;
        if self.verbose {
            note('<', &trailers);
        }
        Ok(Outcome::Fine)
    }

    fn json(&self, message: &DynamicMessage) -> Result<String, Diagnostics> {
        let options = SerializeOptions::new().skip_default_fields(!self.defaults);
        let mut text = Vec::new();
        let written = match self.compact {
            true => message.serialize_with_options(&mut serde_json::Serializer::new(&mut text), &options),
            false => message.serialize_with_options(&mut serde_json::Serializer::pretty(&mut text), &options),
        };
        written.map_err(|error| {
            Diagnostic::error(Code::Descriptor, format!("a reply cannot be written as JSON: {error}"))
                .help("give the IDL of all that it carries with `--proto`")
        })?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The requests, and what is wrong with those that are still to come.
    fn requests(
        &self,
        method: &MethodDescriptor,
    ) -> Result<(BoxStream<'static, Bytes>, impl Future<Output = Diagnostics> + use<>), Diagnostics> {
        let is_stream = method.is_client_streaming();
        let (name, text) = match self.data.as_deref() {
            Some("-") if is_stream => {
                let (requests, mistake) = typed(Reader::new(method.input(), "stdin"));
                return Ok((requests, or_never(Some(mistake))));
            }
            Some("-") => ("stdin".to_owned(), stdin()?),
            Some(data) => match data.strip_prefix('@') {
                Some(file) => {
                    (file.to_owned(), files::read(Path::new(file)).map_err(|error| unread(file, &error))?)
                }
                None => ("-d".to_owned(), data.to_owned()),
            },
            None => ("-d".to_owned(), "{}".to_owned()),
        };
        let mut messages = Reader::new(method.input(), &name).all(&text)?;
        if messages.is_empty() && !is_stream {
            messages.push(DynamicMessage::new(method.input()));
        }
        if messages.len() > 1 && !is_stream {
            let problem = format!("`{}` takes one request, and {name} has {}", method.name(), messages.len());
            return Err(Diagnostic::error(Code::Request, problem).help("give one JSON object").into());
        }
        let encoded: Vec<Bytes> = messages.iter().map(|message| message.encode_to_vec().into()).collect();
        Ok((stream::iter(encoded).boxed(), or_never(None)))
    }
}

/// A mistake that is made while requests are typed; the sender stays, because requests that ended would be a call that is whole.
type Mistake = oneshot::Receiver<(Diagnostics, mpsc::Sender<Bytes>)>;

async fn or_never(mistake: Option<Mistake>) -> Diagnostics {
    match mistake {
        Some(mistake) => match mistake.await {
            Ok((diags, _sender)) => diags,
            Err(_no_mistake) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Requests from standard input, each as soon as it is there.
fn typed(mut reader: Reader) -> (BoxStream<'static, Bytes>, Mistake) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let (complain, mistake) = oneshot::channel();
    let work = move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match reader.next() {
                Ok(Some(message)) => {
                    if sender.blocking_send(message.encode_to_vec().into()).is_err() {
                        return;
                    }
                }
                Ok(None) => match io::stdin().read(&mut buffer) {
                    Ok(0) | Err(_) if reader.is_ended() => return,
                    Ok(0) | Err(_) => reader.end(),
                    Ok(count) => reader.push(&buffer[..count]),
                },
                Err(diagnostic) => {
                    let _call_is_over = complain.send((Diagnostics::from(*diagnostic), sender));
                    return;
                }
            }
        }
    };
    // It may wait for somebody to type for ever; the process ends without it.
    std::thread::spawn(work);
    (stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed(), mistake)
}

fn stdin() -> Result<String, Diagnostics> {
    let mut text = String::new();
    match io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(unread("standard input", &error).into()),
    }
}

fn unread(what: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Code::NotFound, format!("cannot read `{what}`: {error}"))
        .help("give JSON, `@FILE`, or `-` for standard input")
}

fn template(descriptor: &MessageDescriptor) -> Result<Outcome, Problem> {
    let text = serde_json::to_string_pretty(&template::message(descriptor)).map_err(|error| {
        Diagnostic::error(Code::Io, format!("cannot be written as JSON: {error}"))
            .help("tell us which message it was")
    })?;
    say(text);
    Ok(Outcome::Fine)
}

async fn within<T>(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    match timeout {
        None => work.await,
        Some(timeout) => {
            tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(Problem::no_answer()))
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// What goes on beside the replies.
fn say_aside(line: impl std::fmt::Display) {
    let _nobody_listens = writeln!(io::stderr(), "{line}");
}

fn note(sign: char, metadata: &Metadata) {
    metadata.to_string().lines().for_each(|line| say_aside(format_args!("{sign} {line}")));
}
