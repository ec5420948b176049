//! A program that answers every method of a corpus, for Jovian and for tonic: the same trivial work in both.

use std::fmt::Write as _;

use crate::corpus::{Kind, Method, Service};

/// Whose generated code the handlers are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Jovian,
    Tonic,
}

/// `main.rs` with a handler for each method, and a server that serves them all. The generated code is in `crate`.
pub(crate) fn program(side: Side, services: &[Service], generated: &str) -> String {
    let mut out = format!(
        "//! Answers everything with nothing.\n\nuse {generated}::*;\n\n#[derive(Debug, Default)]\nstruct Handlers;\n"
    );
    for service in services {
        out += &match side {
            Side::Jovian => jovian(service),
            Side::Tonic => tonic(service),
        };
    }
    let added: String = services.iter().map(|service| added(side, service)).collect();
    out + &match side {
        Side::Jovian => format!(
            "\n#[tokio::main]\nasync fn main() -> anyhow::Result<()> {{\n    \
             let listener = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await?;\n    \
             let server = jovian_runtime::Server::new(){added};\n    \
             server.serve(listener, std::future::pending(), std::time::Duration::ZERO).await?;\n    Ok(())\n}}\n"
        ),
        Side::Tonic => format!(
            "\n#[tokio::main]\nasync fn main() -> anyhow::Result<()> {{\n    \
             let server = tonic::transport::Server::builder(){added};\n    \
             server.serve(\"127.0.0.1:0\".parse()?).await?;\n    Ok(())\n}}\n"
        ),
    }
}

/// `corp::billing::v1`
fn module(service: &Service) -> String {
    service.package.replace('.', "::")
}

/// `create_invoice`
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn added(side: Side, service: &Service) -> String {
    let (module, name) = (module(service), &service.name);
    match side {
        Side::Jovian => format!("\n        .add({module}::{name}Server::new(Handlers))"),
        Side::Tonic => {
            let server = format!("{}_server::{name}Server", snake(name));
            format!("\n        .add_service({module}::{server}::new(Handlers))")
        }
    }
}

fn jovian(service: &Service) -> String {
    let module = module(service);
    let mut out = format!(
        "\nimpl {module}::{} for Handlers {{\n    type Error = jovian_runtime::Failure;\n",
        service.name
    );
    for Method { name, kind, request, reply } in &service.methods {
        let (request, reply) = (format!("{module}::{request}"), format!("{module}::{reply}"));
        let (arguments, result, body) = match kind {
            Kind::Unary => (format!("_: {request}"), reply, "Ok(Default::default())"),
            Kind::ClientStream => (
                format!("requests: &mut jovian_runtime::Incoming<{request}>"),
                reply,
                "while requests.next().await.is_some() {}\n        Ok(Default::default())",
            ),
            Kind::ServerStream => (
                format!("_: {request}, out: &mut jovian_runtime::Replies<{reply}>"),
                "()".to_owned(),
                "out.send(Default::default()).await;\n        Ok(())",
            ),
            Kind::Bidi => (
                format!(
                    "requests: &mut jovian_runtime::Incoming<{request}>, out: &mut jovian_runtime::Replies<{reply}>"
                ),
                "()".to_owned(),
                "requests.next().await;\n        out.send(Default::default()).await;\n        Ok(())",
            ),
        };
        let name = snake(name);
        write!(
            out,
            "\n    async fn {name}(&self, _: &jovian_runtime::Call, {arguments}) -> Result<{result}, jovian_runtime::Failure> {{\n        {body}\n    }}\n"
        )
        .expect("a text takes all");
    }
    out + "}\n"
}

fn tonic(service: &Service) -> String {
    let module = module(service);
    let (server, name) = (snake(&service.name), &service.name);
    let mut out =
        format!("\n#[tonic::async_trait]\nimpl {module}::{server}_server::{name} for Handlers {{\n");
    for Method { name, kind, request, reply } in &service.methods {
        let (request, reply) = (format!("{module}::{request}"), format!("{module}::{reply}"));
        let one = "Ok(tonic::Response::new(Default::default()))";
        let some = "Ok(tonic::Response::new(tokio_stream::iter([Ok(Default::default())])))";
        let many = format!("tonic::Streaming<{request}>");
        let (argument, result, body) = match kind {
            Kind::Unary => (format!("_: tonic::Request<{request}>"), reply.clone(), one.to_owned()),
            Kind::ClientStream => (
                format!("request: tonic::Request<{many}>"),
                reply.clone(),
                format!(
                    "let mut requests = request.into_inner();\n        while requests.message().await?.is_some() {{}}\n        {one}"
                ),
            ),
            Kind::ServerStream => {
                (format!("_: tonic::Request<{request}>"), format!("Self::{name}Stream"), some.to_owned())
            }
            Kind::Bidi => (
                format!("request: tonic::Request<{many}>"),
                format!("Self::{name}Stream"),
                format!("request.into_inner().message().await?;\n        {some}"),
            ),
        };
        if matches!(kind, Kind::ServerStream | Kind::Bidi) {
            // The stream that costs tonic least: nothing is boxed.
            writeln!(out, "\n    type {name}Stream = tokio_stream::Iter<std::array::IntoIter<Result<{reply}, tonic::Status>, 1>>;")
                .expect("a text takes all");
        }
        let name = snake(name);
        write!(
            out,
            "\n    async fn {name}(&self, {argument}) -> Result<tonic::Response<{result}>, tonic::Status> {{\n        {body}\n    }}\n"
        )
        .expect("a text takes all");
    }
    out + "}\n"
}
