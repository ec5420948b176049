//! How a call failed, on standard error.

use std::collections::BTreeMap;
use std::io::Write as _;

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::Serialize;
use serde_json::Value;
use tonic::Code;

use super::net::{self, Schema};
use crate::model::ErrorValue;
use crate::{names, plan};

/// `google.rpc.Status`, as `grpc-status-details-bin` has it.
#[derive(Clone, PartialEq, prost::Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
    #[prost(string, tag = "2")]
    pub(super) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) metadata: BTreeMap<String, String>,
}

/// A status, and what it carries.
pub(super) struct Failure<'a> {
    status: &'a tonic::Status,
    /// What a Jovian, a Kratos or another Google-like server says of its errors.
    pub(super) info: Option<ErrorInfo>,
    others: Vec<prost_types::Any>,
}

impl<'a> Failure<'a> {
    pub(super) fn new(status: &'a tonic::Status) -> Self {
        let mut others = Details::decode(status.details()).unwrap_or_default().details;
        let at = others.iter().position(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"));
        let info = at.and_then(|at| ErrorInfo::decode(others.remove(at).value.as_slice()).ok());
        Self { status, info, others }
    }

    /// As `error[ORDER_NOT_FOUND] 404 no order 42   (domain shop.order, not retryable)`, and a line for each detail.
    pub(super) fn show(&self, schema: &Schema) {
        let (known, code) = (self.known(schema), code_name(self.status.code()));
        let reason = self.info.as_ref().map_or(&code, |info| &info.reason);
        let mut about: Vec<String> = Vec::new();
        if let Some(info) = &self.info {
            about.push(format!("domain {}", info.domain));
        }
        about.extend(
            known.map(|known| if known.retryable { "retryable" } else { "not retryable" }.to_owned()),
        );
        let about = if about.is_empty() { String::new() } else { format!("   ({})", about.join(", ")) };
        let head = format!("\x1b[1m\x1b[91merror[{reason}]\x1b[0m");
        let mut text = format!("{head} {} {}{about}\n", self.http(known), self.status.message());
        for (key, value) in self.info.iter().flat_map(|info| &info.metadata) {
            text += &format!("  {key} = {value}\n");
        }
        let pool = pool(schema);
        for any in &self.others {
            let name = any.type_url.rsplit('/').next().unwrap_or_default();
            text += &match decoded(any, &pool) {
                Some(value) => format!("  {name} {value}\n"),
                None => format!("  {name}, {} bytes that nobody here can read\n", any.value.len()),
            };
        }
        let _nobody_listens = anstream::stderr().write_all(text.as_bytes());
    }

    /// As one object on a line; `docs/guide/tools.md` describes it.
    pub(super) fn show_as_json(&self, schema: &Schema) {
        let (known, pool) = (self.known(schema), pool(schema));
        let detail =
            |any: &prost_types::Any| Detail { url: any.type_url.clone(), value: decoded(any, &pool) };
        let line = Line {
            code: code_name(self.status.code()),
            http_status: self.http(known),
            message: self.status.message(),
            reason: self.info.as_ref().map(|info| info.reason.as_str()),
            domain: self.info.as_ref().map(|info| info.domain.as_str()),
            metadata: self.info.as_ref().map(|info| &info.metadata),
            number: known.map(|known| known.number),
            retryable: known.map(|known| known.retryable),
            details: self.others.iter().map(detail).collect(),
        };
        // Text, numbers and JSON are always JSON.
        let text = serde_json::to_string(&Status { status: line }).unwrap_or_default();
        let _nobody_listens = writeln!(anstream::stderr(), "{text}");
    }

    fn known<'s>(&self, schema: &'s Schema) -> Option<&'s ErrorValue> {
        let info = self.info.as_ref()?;
        schema.error(&info.domain, &info.reason)
    }

    /// The HTTP status that the IDL gives the error, or that belongs to the code.
    fn http(&self, known: Option<&ErrorValue>) -> i32 {
        let standard = plan::standard(self.status.code() as i32).1;
        known.and_then(|known| known.http).unwrap_or_else(|| i32::from(standard))
    }
}

#[derive(Serialize)]
struct Status<'a> {
    status: Line<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    code: String,
    http_status: i32,
    message: &'a str,
    reason: Option<&'a str>,
    domain: Option<&'a str>,
    metadata: Option<&'a BTreeMap<String, String>>,
    number: Option<i32>,
    retryable: Option<bool>,
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct Detail {
    #[serde(rename = "type")]
    url: String,
    /// Nothing if nobody here can read it.
    value: Option<Value>,
}

/// `NOT_FOUND`
fn code_name(code: Code) -> String {
    names::constant(plan::standard(code as i32).0)
}

/// The messages of the server, and those that details are usually made of.
fn pool(schema: &Schema) -> DescriptorPool {
    let mut pool = schema.pool.clone();
    for file in net::google_rpc().file_descriptor_protos() {
        // Where a server has its own copy, that is the one to read with.
        let _has_its_own = pool.add_file_descriptor_proto(file.clone());
    }
    pool
}

fn decoded(any: &prost_types::Any, pool: &DescriptorPool) -> Option<Value> {
    let name = any.type_url.rsplit('/').next()?;
    let message = DynamicMessage::decode(pool.get_message_by_name(name)?, any.value.as_slice()).ok()?;
    serde_json::to_value(&message).ok()
}
