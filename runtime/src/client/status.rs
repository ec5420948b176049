//! The status of a response, as whoever sent it meant it.
//!
//! In: the headers in which a status stands, and what the head of the response told of its sender. Out: the status that
//! the caller gets. What other implementations do against the specification is undone here and nowhere else. Never: a
//! panic, whatever came.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{HeaderName, TE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::call::{percent_decoded, text_of, values_bin};
use crate::codes;

const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// What Kitex puts behind the text of every error that is not one of its business errors.
const KITEX_ERROR: &str = " [biz error]";
/// What Dubbo for Java says when a service has no descriptor, because it is made from an interface of Java: it looks for the
/// name of a serialization in the message, and finds none.
const NO_DESCRIPTOR: &str = "Unexpected serialization type:";
/// What Dubbo 3.3.6 says of a message that it cannot read, as it cannot then.
const NOT_READ: &str = "Internal Server Error";

/// Who sent a response, as far as its head tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    http: StatusCode,
    /// It is Dubbo's Triple for Java.
    is_triple: bool,
}

impl Sender {
    /// Triple for Java does two things that the specification forbids: it has a gRPC status beside an HTTP status that
    /// is not 200, and `te` among the headers of a response. Nobody else was seen to.
    pub(super) fn of(http: StatusCode, head: &HeaderMap) -> Self {
        let fails_twice = http != StatusCode::OK && head.contains_key(Status::GRPC_STATUS);
        Self { http, is_triple: fails_twice || head.contains_key(TE) }
    }

    /// How the call ended, by headers or trailers; `None` if they do not say. Most say that all is well, and that needs no
    /// [`Status`], which is a copy of them.
    pub(super) fn outcome(self, headers: &HeaderMap) -> Option<Result<(), Status>> {
        let number = headers.get(Status::GRPC_STATUS)?.as_bytes();
        if number == b"0" {
            return Some(Ok(()));
        }
        let said = Code::from_bytes(number);
        let (code, text) = self.meant(said, self.text(headers));
        let mut metadata = headers.clone();
        metadata.remove(&MESSAGE);
        metadata.remove(&DETAILS);
        // A number that is none of gRPC's stays where the caller can see it.
        if said != Code::Unknown || number == b"2" {
            metadata.remove(Status::GRPC_STATUS);
        }
        let metadata = MetadataMap::from_headers(metadata);
        Some(Err(Status::with_details_and_metadata(code, text, details(headers), metadata)))
    }

    /// What a response means that says nothing in the way of gRPC, by the specification's table.
    pub(super) fn no_status(self) -> Status {
        let code = match self.http {
            StatusCode::BAD_REQUEST => Code::Internal,
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::PermissionDenied,
            StatusCode::NOT_FOUND => Code::Unimplemented,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
            _ => Code::Unknown,
        };
        match self.http {
            StatusCode::OK => Status::unknown("the reply ended without a status"),
            http => Status::new(code, format!("HTTP status {} and no gRPC status", http.as_u16())),
        }
    }

    /// The text of a status. Triple does not encode it, so that its `%` are its own.
    fn text(self, headers: &HeaderMap) -> String {
        let sent = headers.get(&MESSAGE).map_or(b"".as_slice(), HeaderValue::as_bytes);
        let decoded = if self.is_triple { Cow::Borrowed(sent) } else { percent_decoded(sent) };
        text_of(&decoded).into_owned()
    }

    /// The code and the text as they are meant.
    fn meant(self, code: Code, mut text: String) -> (Code, String) {
        if let Some(own) = text.strip_suffix(KITEX_ERROR) {
            text.truncate(own.len());
        }
        if self.is_triple {
            // `FAILED_PRECONDITION : out of stock`
            let own = text.strip_prefix(codes::name(code)).and_then(|rest| rest.strip_prefix(" : "));
            if let Some(own) = own.map(str::to_owned) {
                text = own;
            }
        }
        let is_not_read = self.is_triple && code == Code::Unknown && text == NOT_READ;
        if is_not_read || text.contains(NO_DESCRIPTOR) {
            let likely = if is_not_read { "Dubbo could not read the message; as a rule, " } else { "" };
            text += &format!(
                " ({likely}the Java service is not made from protobuf: it takes objects of Java in Dubbo's own wrapper, which \
                 only Dubbo can call)"
            );
        }
        let code = match code {
            Code::Unknown if self.is_triple && text.contains("\"methodDescriptors\" is null") => {
                Code::Unimplemented
            }
            Code::Unknown if self.http == StatusCode::REQUEST_TIMEOUT && text == "Request Timeout" => {
                Code::DeadlineExceeded
            }
            // Kitex.
            Code::Cancelled if text.starts_with("unknown method ") => Code::Unimplemented,
            Code::Unknown if text.starts_with("unknown service ") => Code::Unimplemented,
            code => code,
        };
        (code, text)
    }
}

/// The details of a status; what is no base64 is left out.
fn details(headers: &HeaderMap) -> Bytes {
    // Not through a status of tonic, which panics over what is no base64.
    values_bin(headers, DETAILS.as_str()).into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_is_a_status(http in 100_u16..1000, number: Vec<u8>, text: Vec<u8>, details: Vec<u8>, te: bool) {
            let mut headers = HeaderMap::new();
            let said = [(Status::GRPC_STATUS, number), (MESSAGE, text), (DETAILS, details)];
            for (name, value) in said {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(name, value);
                }
            }
            if te {
                headers.insert(TE, HeaderValue::from_static("trailers"));
            }
            let sender = Sender::of(StatusCode::from_u16(http).unwrap(), &headers);
            let outcome = sender.outcome(&headers);
            prop_assert_eq!(outcome.is_some(), headers.contains_key(Status::GRPC_STATUS));
            if let Some(Err(status)) = outcome {
                prop_assert!(status.code() != Code::Ok);
            }
            prop_assert!(sender.no_status().code() != Code::Ok);
        }

        #[test]
        fn what_a_server_of_grpc_says_comes_back(code in 1..=16, text: String, details: Vec<u8>) {
            let mut headers = HeaderMap::new();
            let code = Code::from_i32(code);
            let sent = Status::with_details(code, text.clone(), details.clone().into());
            sent.add_header(&mut headers).unwrap();
            let status = Sender::of(StatusCode::OK, &HeaderMap::new()).outcome(&headers).unwrap().unwrap_err();
            prop_assert_eq!((status.code(), status.message()), (code, text.as_str()));
            prop_assert_eq!(status.details(), details.as_slice());
            prop_assert!(status.metadata().is_empty());
        }
    }
}
