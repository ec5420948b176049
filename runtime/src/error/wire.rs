//! Domain errors on the wire: `google.rpc.ErrorInfo` in the details of a status.
//!
//! In: an error, or a status that came. Out: the other one. The maps are sorted, so that the same error is the same bytes.
//! What other frameworks do differently stands here, too: Kratos (no domain), Kitex (headers), Dubbo for Java (texts that it
//! decodes twice).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use prost::Message as _;
use tonic::{Code, Status};

use super::{DomainError, ErrorFields, UnknownError, known};
use crate::call::percent_encoded;

/// The number of a business error of Kitex.
const BIZ_STATUS: HeaderName = HeaderName::from_static("biz-status");
/// Its fields: an object of strings in JSON.
const BIZ_EXTRA: HeaderName = HeaderName::from_static("biz-extra");

#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(string, tag = "2")]
    pub(crate) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What a server sends for a domain error.
pub(crate) fn status<E: DomainError>(error: &E) -> Status {
    let parts = error.parts();
    let message = match parts.message() {
        none if none.is_empty() => parts.reason.to_owned(),
        message => message,
    };
    let info = ErrorInfo {
        reason: parts.reason.to_owned(),
        domain: E::DOMAIN.to_owned(),
        metadata: parts.fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    with_info(parts.code, message, &info)
}

/// A status that carries `info` and no other detail.
pub(crate) fn with_info(code: Code, message: String, info: &ErrorInfo) -> Status {
    with_detail(code, message, "google.rpc.ErrorInfo", info.encode_to_vec())
}

/// A status with one detail: the full name of its type, and its bytes.
pub(crate) fn with_detail(code: Code, message: String, name: &str, value: Vec<u8>) -> Status {
    let type_url = format!("type.googleapis.com/{name}");
    let details = RpcStatus {
        code: code as i32,
        message: message.clone(),
        details: vec![prost_types::Any { type_url, value }],
    };
    Status::with_details(code, message, Bytes::from(details.encode_to_vec()))
}

/// The first `ErrorInfo` of a status, if there is one with a reason.
pub(crate) fn info(status: &Status) -> Option<ErrorInfo> {
    let value = detail(status, "google.rpc.ErrorInfo")?;
    ErrorInfo::decode(value.as_slice()).ok().filter(|info| !info.reason.is_empty())
}

/// The bytes of the first detail of a type, by its full name.
pub(crate) fn detail(status: &Status, name: &str) -> Option<Vec<u8>> {
    if status.details().is_empty() {
        return None;
    }
    // Details of any shape may come from anywhere; what cannot be read is no detail.
    let details = RpcStatus::decode(status.details()).ok()?.details;
    let is_named = |any: &prost_types::Any| any.type_url.rsplit('/').next() == Some(name);
    details.into_iter().find(is_named).map(|any| any.value)
}

/// The typed error of a status that came, if it belongs to the domain of `E`.
pub(crate) fn domain_error<E: DomainError>(status: &Status) -> Option<E> {
    if E::CODES.is_empty() && E::DOMAIN.is_empty() {
        return None;
    }
    let Some(ErrorInfo { reason, domain, metadata }) = info(status) else {
        return kitex_error(status);
    };
    // Kratos sends no domain; there only a reason that is known tells whose error it is.
    if domain != E::DOMAIN && !domain.is_empty() {
        return None;
    }
    let mut fields = ErrorFields::new(metadata.clone());
    E::from_parts(&reason, &mut fields).or_else(|| {
        let message = status.message().to_owned();
        let code = status.code();
        (domain == E::DOMAIN).then(|| E::from_unknown(UnknownError { reason, message, metadata, code }))
    })
}

/// A business error of Kitex: its number and its fields beside INTERNAL.
fn kitex_error<E: DomainError>(status: &Status) -> Option<E> {
    let said = status.metadata().as_ref();
    let number: i32 = said.get(BIZ_STATUS)?.to_str().ok()?.parse().ok()?;
    let known = E::CODES.iter().find(|known| known.number == number)?;
    let fields = said.get(BIZ_EXTRA).and_then(|extra| serde_json::from_slice(extra.as_bytes()).ok());
    E::from_parts(known.reason, &mut ErrorFields::new(fields.unwrap_or_default()))
}

/// What makes a status a business error for Kitex, beside what everybody reads: `biz-status` and `biz-extra`. Nothing if it
/// is no domain error with a number.
pub(crate) fn for_kitex(status: &Status) -> Option<[(HeaderName, HeaderValue); 2]> {
    let ErrorInfo { reason, domain, metadata } = info(status)?;
    let number = known::number(&domain, &reason)?;
    let extra = HeaderValue::try_from(serde_json::to_string(&metadata).ok()?).ok()?;
    Some([(BIZ_STATUS, number.into()), (BIZ_EXTRA, extra)])
}

/// The same status with details that Dubbo for Java can read: it percent-decodes the text inside of them, `+` included, and
/// where that fails it tells its caller CANCELLED.
pub(crate) fn for_java(mut status: Status) -> Status {
    let Ok(mut details) = RpcStatus::decode(status.details()) else {
        return status;
    };
    if details.message.is_empty() {
        return status;
    }
    details.message = percent_encoded(&details.message);
    let (code, message) = (status.code(), status.message().to_owned());
    let metadata = std::mem::take(status.metadata_mut());
    Status::with_details_and_metadata(code, message, Bytes::from(details.encode_to_vec()), metadata)
}
