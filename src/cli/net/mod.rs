//! A client of any gRPC server, without code that is generated for it.
//!
//! In: a target, descriptors, encoded messages. Out: encoded messages, metadata and statuses. Never: words to people; that is
//! left to the commands.

mod connect;
mod discover;
mod lookup;
mod peer;
mod problem;
mod reflection;
mod schema;
mod source;
mod target;
mod tls;

pub(super) use connect::{Connection, duration};
pub(super) use lookup::unknown;
pub(super) use peer::{Metadata, Peer, Replies};
pub(super) use problem::{Problem, exit_code};
pub(super) use schema::{Schema, google_rpc};
pub(super) use source::{Description, Source};
pub(super) use target::Target;
